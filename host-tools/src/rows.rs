//! Enums whose facts are a table: one row for each variant.
//!
//! Everything that is known of a format, a metric or a palette is in its row, so a new one is one row. A row
//! that lacks a fact does not compile.

/// Makes an enum of the rows of a table, with `ALL` of its variants and the `row` of each.
macro_rules! rows {
    (
        $(#[$about:meta])*
        $name:ident: $row:ident {
            $($(#[$doc:meta])* $variant:ident { $($fact:tt)* })*
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// All of them, in the order of the table.
            pub const ALL: [$name; [$(stringify!($variant)),*].len()] = [$($name::$variant),*];

            /// The facts about it.
            #[must_use]
            pub fn row(self) -> &'static $row {
                match self {
                    $($name::$variant => {
                        const ROW: $row = $row { $($fact)* };
                        &ROW
                    })*
                }
            }
        }
    };
}

pub(crate) use rows;
