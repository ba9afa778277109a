//! The live view of a recording: reads it again and again while its program runs, without the program's help.
//!
//! - `source`: finds the recording and reads it; `process`: asks the system about the process that records.
//! - `shot`: its content at one time.
//! - `names`: names of stacks, which are looked up only once.
//! - `view`: metric, order and last shot.
//! - `screen`: draws a view on a terminal, or as text.

mod names;
mod process;
mod screen;
mod shot;
mod source;
mod view;

pub use screen::{draw, text};
pub use shot::{Shot, Stack};
pub use source::Source;
pub use view::{Order, Top};
