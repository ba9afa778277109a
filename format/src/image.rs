//! The memory image: how a tracker's tables lie in memory, and how a copy of them is read.
//!
//! **The problem.** The program writes its tables as they lie in its memory; another program, of other widths perhaps and
//! without the tracker's code, reads a copy of that. Two descriptions of one layout drift apart.
//!
//! **The idea.** The layout is defined here, once. The tracker writes by it: a structure of its own that lies otherwise is
//! an error of the compiler ([`layout::check`]). The reader reads by it: [`records`] makes both from the same rows. The byte
//! tables are in `docs/wire-format.md`.
//!
//! - *Region*: the memory of one tracker, a head and eight tables. It has no pointers.
//! - *[Header](header::Header)*: the first words of a region. They say where the tables lie.
//! - *[Record](records)*: an entry of a table, or a part of the head.
//! - *[Key](key)*: the words whose bits have a meaning of their own.
//! - *[Mark](rules::Mark)*: a peak, of the program or of a stage. The [rules] say what an account held at it.
//! - *[Annex](annex)*: what a recording has behind its region.

pub mod annex;
pub mod header;
pub mod key;
pub mod layout;
mod read;
pub mod records;
pub mod rules;

pub use layout::{Counts, Machine};
pub use read::{Fields, Memory, Run, Value};
