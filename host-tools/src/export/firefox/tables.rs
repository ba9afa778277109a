//! The tables of a thread: stacks, frames, functions and strings, which refer to each other by index.

use indexmap::{IndexMap, IndexSet};
use serde_json::{Value, json};

use crate::profile::Stacks;
use crate::profile::stacks::Row;

/// The category of all frames: an index in `categories`.
const CATEGORY: u32 = 0;

/// The tables of one thread.
#[derive(Default)]
pub(super) struct Tables {
    strings: IndexSet<String>,
    /// The name and the file of each function.
    functions: IndexSet<(usize, Option<usize>)>,
    /// The function and the line of each frame.
    frames: IndexSet<(usize, Option<u32>)>,
    /// The caller's stack and the frame of each stack.
    stacks: IndexMap<(Option<usize>, usize), ()>,
}

impl Tables {
    /// Adds the stack of a row, and returns its index.
    pub(super) fn stack(&mut self, stacks: &Stacks<'_>, row: &Row) -> Option<usize> {
        stacks.steps(row).into_iter().fold(None, |caller, step| {
            let shown = stacks.show(step);
            let name = self.string(shown.name);
            let file = shown.file.map(|file| self.string(file));
            let function = self.functions.insert_full((name, file)).0;
            let frame = self.frames.insert_full((function, (shown.line > 0).then_some(shown.line))).0;
            Some(self.stacks.insert_full((caller, frame), ()).0)
        })
    }

    fn string(&mut self, text: &str) -> usize {
        self.strings.get_index_of(text).unwrap_or_else(|| self.strings.insert_full(text.into()).0)
    }

    /// The tables as fields of a thread.
    pub(super) fn value(&self) -> Value {
        let none = |length: usize| vec![Value::Null; length];
        let (callers, frames): (Vec<_>, Vec<_>) = self.stacks.keys().copied().unzip();
        let (functions, lines): (Vec<_>, Vec<_>) = self.frames.iter().copied().unzip();
        let (names, files): (Vec<_>, Vec<_>) = self.functions.iter().copied().unzip();
        let (of_stacks, of_frames, of_functions) = (frames.len(), functions.len(), names.len());
        json!({
            "stackTable": {
                "length": of_stacks,
                "prefix": callers,
                "frame": frames,
                "category": vec![CATEGORY; of_stacks],
                "subcategory": vec![0; of_stacks],
            },
            "frameTable": {
                "length": of_frames,
                "address": vec![-1; of_frames],
                "inlineDepth": vec![0; of_frames],
                "category": vec![CATEGORY; of_frames],
                "subcategory": vec![0; of_frames],
                "func": functions,
                "nativeSymbol": none(of_frames),
                "innerWindowID": vec![0; of_frames],
                "implementation": none(of_frames),
                "line": lines,
                "column": none(of_frames),
                "optimizations": none(of_frames),
            },
            "funcTable": {
                "length": of_functions,
                "name": names,
                "isJS": vec![false; of_functions],
                "relevantForJS": vec![false; of_functions],
                "resource": vec![-1; of_functions],
                "fileName": files,
                "lineNumber": none(of_functions),
                "columnNumber": none(of_functions),
            },
            "resourceTable": { "length": 0, "lib": [], "name": [], "host": [], "type": [] },
            "nativeSymbols": { "length": 0, "libIndex": [], "address": [], "name": [], "functionSize": [] },
            "stringArray": self.strings.iter().collect::<Vec<_>>(),
        })
    }
}
