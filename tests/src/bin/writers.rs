//! A program that writes a stage to its dump. Then another program begins the same file: this process after `exec`,
//! or a child with the same environment.

use std::alloc::System;
use std::ffi::CString;
use std::hint::black_box;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use memtrack::Tracker;
use memtrack_tests::say;

#[global_allocator]
static HEAP: Tracker<System> = Tracker::new(System);

fn main() {
    let mut ways = std::env::args().skip(1);
    let way = ways.next().expect("a way");
    let program = std::env::current_exe().expect("the path of this program");
    match way.as_str() {
        "exec" => {
            std::mem::forget(HEAP.in_stage("before", first_keeps));
            panic!("{}", Command::new(program).args([ways.next().unwrap_or_default()]).exec());
        }
        "spawn" => {
            std::mem::forget(HEAP.in_stage("before", first_keeps));
            let mut child = Command::new(program).arg("last").spawn().expect("the child starts");
            say!("child {}", child.id());
            assert!(child.wait().expect("the child ends").success());
            std::mem::forget(HEAP.in_stage("after", first_keeps));
        }
        // As a shell starts a command: the child only replaces itself.
        "start" => {
            let (path, last) = (c_string(program), c"last".as_ptr());
            std::mem::forget(HEAP.in_stage("before", first_keeps));
            // SAFETY: the child replaces itself or ends; the strings and the list outlive the calls.
            unsafe {
                let child = libc::fork();
                if child == 0 {
                    libc::execv(path.as_ptr(), [path.as_ptr(), last, std::ptr::null()].as_ptr());
                    libc::_exit(1);
                }
                let mut status = 0;
                assert_eq!((libc::waitpid(child, &raw mut status, 0), status), (child, 0));
            }
        }
        _ => {
            say!("pid {}", std::process::id());
            std::mem::forget(HEAP.in_stage("of the last", last_keeps));
        }
    }
}

fn c_string(path: PathBuf) -> CString {
    CString::new(path.into_os_string().into_vec()).expect("a path")
}

#[inline(never)]
fn first_keeps() -> Vec<u8> {
    black_box(vec![1; 10_000])
}

#[inline(never)]
fn last_keeps() -> Vec<u8> {
    black_box(vec![1; 70_000])
}
