//! The records: one struct a noun, its fields in the order in which they are written.
//!
//! A record is encoded as a varint with its length, then its fields. Later versions may append fields. A reader skips fields
//! that it does not know, and takes zero, false or empty for missing ones. [`Node`]s have no length: the section delta-codes
//! them (see `docs/wire-format.md`).

mod code;
mod figures;
mod process;
mod program;
mod stage;
mod target;

pub use code::{Arch, Cause, Kind, LossCause, Os, ThreadState};
pub use figures::{Cell, Figures, Node, SizeClass, Thread};
pub use process::{Fork, Lost, Process};
pub use program::{Config, Done, Heap, Loss, Marks, Snapshot, TagName, TimePoint};
pub use stage::{Stage, ThreadPeak};
pub use target::{Module, Segment, Target};

use crate::field::{Get, Malformed, Put};
use crate::tag::Tag;

/// The fields of a record.
pub trait Fields<'a>: Sized {
    /// Appends all fields.
    fn put(&self, out: &mut Put<'_>);
    /// Reads all fields. Missing ones at the end are zero, false or empty.
    ///
    /// # Errors
    /// [`Malformed`] when a field is cut off or out of range.
    fn get(from: &mut Get<'a>) -> Result<Self, Malformed>;
}

/// A record with a row in the table of records (`table.rs`): it has sections of its own tag.
pub trait Record<'a>: Fields<'a> {
    /// The tag of its sections.
    const TAG: Tag;
}

/// Defines a struct whose fields are encoded in their order. With `record` it has the fields of a record; without, it is a
/// [`Field`](crate::Field) of other records.
macro_rules! fields {
    ($(#[$meta:meta])* record $name:ident $(<$life:lifetime>)?; { $($(#[$doc:meta])* $field:ident: $type:ty,)* }) => {
        fields!(@struct $(#[$meta])* $name $(<$life>)?; { $($(#[$doc])* $field: $type,)* });
        impl<'a> $crate::record::Fields<'a> for $name $(<$life>)? {
            fn put(&self, out: &mut $crate::Put<'_>) {
                $($crate::Field::put(&self.$field, out);)*
            }
            fn get(from: &mut $crate::Get<'a>) -> Result<Self, $crate::Malformed> {
                Ok($name { $($field: if from.is_empty() { Default::default() } else { $crate::Field::get(from)? },)* })
            }
        }
    };
    ($(#[$meta:meta])* $name:ident; { $($(#[$doc:meta])* $field:ident: $type:ty,)* }) => {
        fields!(@struct $(#[$meta])* $name; { $($(#[$doc])* $field: $type,)* });
        impl<'a> $crate::Field<'a> for $name {
            fn put(&self, out: &mut $crate::Put<'_>) {
                $($crate::Field::put(&self.$field, out);)*
            }
            fn get(from: &mut $crate::Get<'a>) -> Result<Self, $crate::Malformed> {
                Ok($name { $($field: $crate::Field::get(from)?,)* })
            }
        }
    };
    (@struct $(#[$meta:meta])* $name:ident $(<$life:lifetime>)?; { $($(#[$doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        pub struct $name $(<$life>)? { $($(#[$doc])* pub $field: $type,)* }
    };
}
pub(crate) use fields;
