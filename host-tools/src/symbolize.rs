//! Finds the names of addresses.
//!
//! A dump has only addresses and the paths of its binaries. Names are in symbol tables and debug information,
//! in several formats and in many possible places. These files are large, and may be damaged or hostile. So
//! each address is looked up once, in rising order, on all cores, and the readers of the files run within
//! limits.
//!
//! - `find`, `paths`, `same`: the file of a module, which must be the one that ran.
//! - `separate`, `bundle`, `split`, `server`, `transfer`: debug information outside of the binary.
//! - `binary`, `image`, `section`, `raw_frame`, `pdb`, `table`, `starts`: the content of these files.
//! - `contained`, `depth`: limits for the readers.
//! - `parallel`, `progress`: threads, and how far they are.
//! - `name`, `internal`: readable names, and the frames to hide.
//! - `options`, `symbols`, `location`, `source`: the question, and the answer: addresses with frames, and the
//!   file of each module.

mod binary;
mod bundle;
mod contained;
mod depth;
mod find;
mod image;
mod internal;
mod location;
mod name;
mod options;
mod parallel;
mod paths;
mod pdb;
mod progress;
mod raw_frame;
mod same;
mod section;
mod separate;
mod server;
mod source;
mod split;
mod starts;
mod symbols;
mod table;
#[cfg(feature = "debuginfod")]
mod transfer;

pub use find::{Missing, Search};
pub use internal::{Origin, hidden, origin};
pub use location::{Frame, Location, Text};
pub use name::readable;
pub use options::Options;
pub use progress::Progress;
pub use same::Doubt;
pub use server::Servers;
pub use source::Source;
pub use symbols::{Symbols, names_in};
