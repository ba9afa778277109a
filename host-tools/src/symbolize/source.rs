//! The file that has the names of a module.

use std::path::PathBuf;

use super::find::Missing;
use super::same::Doubt;

/// The result of the search for a module's names.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The file that has its names.
    pub path: Option<PathBuf>,
    /// Whether that file has debug information, or only a symbol table.
    pub debug_info: bool,
    /// Whether it is not the file that ran, and the user forces its use.
    pub forced: bool,
    /// The reason for doubt that it is the file that ran.
    pub doubt: Option<Doubt>,
    /// The reason why there are no names.
    pub missing: Option<Missing>,
    /// The reason why a server of debug files could not help.
    pub server: Option<String>,
    /// The number of its addresses in the dump.
    pub addresses: usize,
    /// The number of those without a name.
    pub unnamed: usize,
}
