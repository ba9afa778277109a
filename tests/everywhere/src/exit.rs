//! The ends of a program, at each of which a dump is written because the environment asks for it. A block of 12345
//! bytes is live.

use std::thread;

use crate::{Done, HEAP, block};

pub(crate) fn run(kind: &str) -> Done {
    {
        let _tag = HEAP.tag("work");
        Vec::leak(block(12345));
    }
    match kind {
        "process" => std::process::exit(3),
        "thread" => {
            let thread = thread::spawn(|| std::process::exit(4));
            thread.join().expect("the thread does not panic");
        }
        "panic" => panic!("the end that was asked for"),
        _ => {}
    }
    Ok(())
}
