//! A page that indexes words, tracked with the stacks of the JavaScript engine. `README.md` says how to build it and how to
//! draw its flame graph.

use memtrack::{JavaScript, JsStack, Region, Tracker};
use std::alloc::System;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Mutex;

/// Frames, combinations of stack and tag, threads, names of stages, tags, and frames of one stack.
type Tables = Region<16384, 4096, 3, 8, 8, 128>;

static REGION: Tables = Region::new();

#[global_allocator]
static HEAP: Tracker<System, JsStack, JavaScript, Tables> =
    Tracker::with(System, JsStack, JavaScript, &REGION);

/// The places of each word. It stays, as the data of a page does.
static INDEX: Mutex<Option<HashMap<String, Vec<usize>>>> = Mutex::new(None);

#[link(wasm_import_module = "memtrack")]
unsafe extern "C" {
    /// Takes the next bytes of a dump.
    fn write(bytes: *const u8, length: usize);
}

/// Gives the bytes of a dump to JavaScript, piece by piece: a dump needs no memory of the program's.
struct Page;

impl embedded_io::ErrorType for Page {
    type Error = Infallible;
}

impl embedded_io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        // SAFETY: the bytes are valid for their length, and JavaScript copies them.
        unsafe { write(bytes.as_ptr(), bytes.len()) };
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Writes a dump. Returns false when the tracker cannot.
#[unsafe(no_mangle)]
extern "C" fn dump() -> bool {
    HEAP.dump(&mut Page).is_ok()
}

#[unsafe(no_mangle)]
extern "C" fn live_bytes() -> usize {
    HEAP.stats().live_bytes as usize
}

#[unsafe(no_mangle)]
extern "C" fn peak_bytes() -> usize {
    HEAP.stats().peak_bytes as usize
}

/// Writes a text of so many words and indexes it. Returns the number of distinct words.
#[unsafe(no_mangle)]
extern "C" fn index(words: usize) -> usize {
    let _stage = HEAP.stage("index");
    let text = text_of(words);
    let mut index = INDEX.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let index = index.get_or_insert_default();
    add_words(index, &text);
    index.len()
}

#[inline(never)]
fn text_of(words: usize) -> String {
    let mut text = String::new();
    for number in 0..words {
        text.push_str(&word(number));
        text.push(' ');
    }
    text
}

#[inline(never)]
fn word(number: usize) -> String {
    format!("word{}", number * number % 97)
}

#[inline(never)]
fn add_words(index: &mut HashMap<String, Vec<usize>>, text: &str) {
    for (place, word) in text.split_whitespace().enumerate() {
        index.entry(word.to_owned()).or_default().push(place);
    }
}
