//! The exit codes of the program, which scripts rely on.

use crate::rows::rows;

/// The facts about an exit code.
pub struct Facts {
    /// The number.
    pub code: u8,
    /// Its meaning in one line.
    pub meaning: &'static str,
}

rows! {
    /// How the program ends.
    Exit: Facts {
        /// Everything was read and written.
        Done { code: 0, meaning: "done" }
        /// The program is beyond a limit.
        Exceeded { code: 1, meaning: "a check failed" }
        /// The user gave something wrong.
        Usage {
            code: 2,
            meaning: "wrong usage: a wrong option; a thread, stage or tag that does not exist; a binary of another build",
        }
        /// The input is not a dump, or not a whole one.
        Damaged {
            code: 3,
            meaning: "the input is not a dump, or it is damaged; the readable part has been written",
        }
        /// The system refused to read or write.
        Io { code: 4, meaning: "input or output failed" }
    }
}

impl Exit {
    /// The table of all exit codes in Markdown.
    #[must_use]
    pub fn markdown() -> String {
        let mut table = String::from("| exit code | meaning |\n|---|---|\n");
        for row in Exit::ALL.map(Exit::row) {
            table.push_str(&format!("| {} | {} |\n", row.code, row.meaning));
        }
        table
    }
}
