//! The colours of a flame graph.

use inferno::flamegraph::Palette as Colors;
use inferno::flamegraph::color::{BasicPalette, MultiPalette};

use crate::rows::rows;

/// The facts about a palette.
pub struct Facts {
    /// Its name on the command line.
    pub name: &'static str,
    /// The colours, in one line.
    pub summary: &'static str,
    /// The palette that draws them.
    pub(super) colors: Colors,
}

rows! {
    /// The colours of a graph: inferno's palettes for programs in one language.
    #[derive(Default)]
    Palette: Facts {
        /// The usual colours of memory flame graphs.
        #[default]
        Mem { name: "mem", summary: "greens, the usual colours of memory flame graphs", colors: Colors::Basic(BasicPalette::Mem) }
        /// Reds to yellows.
        Hot { name: "hot", summary: "reds to yellows", colors: Colors::Basic(BasicPalette::Hot) }
        /// Crates, the standard library and system code have different colours.
        Rust { name: "rust", summary: "crates, the standard library and system code differ", colors: Colors::Multi(MultiPalette::Rust) }
        /// Reds.
        Red { name: "red", summary: "reds", colors: Colors::Basic(BasicPalette::Red) }
        /// Pure greens.
        Green { name: "green", summary: "pure greens", colors: Colors::Basic(BasicPalette::Green) }
        /// Blues.
        Blue { name: "blue", summary: "blues", colors: Colors::Basic(BasicPalette::Blue) }
        /// Blue-greens.
        Aqua { name: "aqua", summary: "blue-greens", colors: Colors::Basic(BasicPalette::Aqua) }
        /// Yellows.
        Yellow { name: "yellow", summary: "yellows", colors: Colors::Basic(BasicPalette::Yellow) }
        /// Purples.
        Purple { name: "purple", summary: "purples", colors: Colors::Basic(BasicPalette::Purple) }
        /// Oranges.
        Orange { name: "orange", summary: "oranges", colors: Colors::Basic(BasicPalette::Orange) }
    }
}
