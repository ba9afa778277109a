//! A suppression, and its comparison with a stack.

use regex::Regex;

/// A suppression.
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) shape: Shape,
}

/// The condition of a suppression, with patterns by number.
pub(super) enum Shape {
    /// Of LeakSanitizer: any frame matches.
    Anywhere(usize),
    /// Of valgrind: the innermost frames match in this order.
    Innermost(Vec<Step>),
}

/// A line of a valgrind suppression.
#[derive(Clone, Copy)]
pub(super) enum Step {
    Frame(usize),
    /// `...`: any number of frames.
    Any,
}

/// The part of a frame that a pattern is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// The function: its readable name or its symbol.
    Function,
    /// The path of the module.
    Object,
    /// The source file, with or without the line.
    Source,
    /// Any of these.
    Either,
}

/// A pattern for a frame.
pub(super) struct Pattern {
    subject: Subject,
    regex: Regex,
    /// Whether it names a function that allocates. Stacks begin with the caller of that function.
    allocates: bool,
}

/// The parts of a frame that patterns match.
pub(super) struct Shown<'p> {
    pub(super) function: &'p str,
    pub(super) symbol: &'p str,
    pub(super) file: Option<&'p str>,
    pub(super) line: u32,
    pub(super) module: Option<&'p str>,
}

/// The names of the innermost frame in suppressions: the functions that valgrind replaces, and those of Rust.
const ALLOCATORS: [&str; 16] = [
    "malloc",
    "calloc",
    "realloc",
    "reallocarray",
    "memalign",
    "aligned_alloc",
    "posix_memalign",
    "valloc",
    "pvalloc",
    "_Znwm",
    "_Znam",
    "operator new(unsigned long)",
    "operator new[](unsigned long)",
    "__rust_alloc",
    "__rust_alloc_zeroed",
    "__rust_realloc",
];

impl Pattern {
    /// A pattern of valgrind, which matches the whole text. `*` is any text, `?` any character.
    pub(super) fn whole(subject: Subject, pattern: &str) -> Result<Self, String> {
        let part = |character: char| match character {
            '*' => ".*".to_string(),
            '?' => ".".to_string(),
            other => regex::escape(other.encode_utf8(&mut [0; 4])),
        };
        Self::new(subject, &format!("^{}$", pattern.chars().map(part).collect::<String>()))
    }

    /// A pattern of LeakSanitizer, which matches a part of the text. `*` is any text, `^` and `$` are the ends.
    pub(super) fn part(pattern: &str) -> Result<Self, String> {
        let (begin, pattern) = pattern.strip_prefix('^').map_or(("", pattern), |rest| ("^", rest));
        let (end, pattern) = pattern.strip_suffix('$').map_or(("", pattern), |rest| ("$", rest));
        let pieces: Vec<String> = pattern.split('*').map(regex::escape).collect();
        Self::new(Subject::Either, &format!("{begin}{}{end}", pieces.join(".*")))
    }

    fn new(subject: Subject, regex: &str) -> Result<Self, String> {
        let regex = Regex::new(&format!("(?s){regex}")).map_err(|_| "the pattern is too long".to_string())?;
        let allocates = subject == Subject::Function && ALLOCATORS.iter().any(|name| regex.is_match(name));
        Ok(Pattern { subject, regex, allocates })
    }

    pub(super) fn matches(&self, frame: &Shown<'_>) -> bool {
        let is = |text: &str| self.regex.is_match(text);
        let function = || is(frame.function) || is(frame.symbol);
        let object = || frame.module.is_some_and(is);
        let source = || {
            frame.file.is_some_and(|file| {
                let name = file.rsplit('/').next().unwrap_or(file);
                let line = frame.line;
                is(file) || is(name) || is(&format!("{file}:{line}")) || is(&format!("{name}:{line}"))
            })
        };
        match self.subject {
            Subject::Function => function(),
            Subject::Object => object(),
            Subject::Source => source(),
            Subject::Either => function() || object() || source(),
        }
    }
}

impl Rule {
    /// Whether it matches a stack. `frames` has, innermost first, for each frame whether each pattern matches it. The first
    /// `hidden` frames are the allocator's own.
    pub(super) fn matches(&self, patterns: &[Pattern], frames: &[&[bool]], hidden: usize) -> bool {
        let steps = match &self.shape {
            Shape::Anywhere(pattern) => return frames[hidden..].iter().any(|frame| frame[*pattern]),
            Shape::Innermost(steps) => steps,
        };
        // The frames at which the next step may be, and one more for the end. A suppression may begin with any of the
        // allocator's frames.
        let mut at = vec![false; frames.len() + 1];
        at[..=hidden].fill(true);
        for (index, &step) in steps.iter().enumerate() {
            match step {
                Step::Any => {
                    if let Some(first) = at.iter().position(|&here| here) {
                        at[first..].fill(true);
                    }
                }
                Step::Frame(pattern) => {
                    let mut next = vec![false; at.len()];
                    for (place, frame) in frames.iter().enumerate() {
                        next[place + 1] = at[place] && frame[pattern];
                    }
                    if index == 0 && patterns[pattern].allocates {
                        // That frame was not captured: the next step is at the first visible frame.
                        next[hidden] = true;
                    }
                    at = next;
                }
            }
        }
        at.contains(&true)
    }
}
