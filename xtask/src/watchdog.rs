//! Ends suites that hang. After a limit, their processes are listed and killed, so that the test command ends and names the
//! program that hung. The output above names the test that waits for it: a test that runs for more than a minute prints its
//! name.

use std::fs;
use std::io::{Read, Seek};
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// No command of a suite takes this long. A complete build on one slow processor takes half of it.
pub(crate) const LIMIT: Duration = Duration::from_secs(30 * 60);
/// No suite's tests take this long once they are built.
pub(crate) const TESTS_LIMIT: Duration = Duration::from_secs(10 * 60);
/// The pause between two looks at a running program.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits for a program. Kills it and all its descendants when it exceeds the limit.
pub(crate) fn wait(child: &mut Child, limit: Duration) -> Result<ExitStatus> {
    let end = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() >= end {
            let hung = end_descendants(child)?;
            bail!("it hung for {} s; ended: {}", limit.as_secs_f32(), hung.join(", "));
        }
        thread::sleep(PAUSE);
    }
}

/// Runs a program to its end. Returns how it ended, and the text that it wrote.
pub(crate) fn listen(command: &mut Command, limit: Duration) -> Result<(Result<ExitStatus>, String)> {
    let mut file = tempfile::tempfile()?;
    let child = command.stdout(file.try_clone()?).stderr(file.try_clone()?).spawn();
    let ended = wait(&mut child.with_context(|| format!("cannot start {:?}", command.get_program()))?, limit);
    let mut said = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut said)?;
    Ok((ended, String::from_utf8_lossy(&said).into_owned()))
}

/// Kills a child and all its descendants. Returns their command lines, outermost first.
fn end_descendants(child: &mut Child) -> Result<Vec<String>> {
    let mut family = vec![child.id()];
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        next += 1;
        family.extend(children(parent));
    }
    let commands = family.iter().map(|&id| command(id)).collect();
    // The outermost first: a program whose child ends would start another one.
    child.kill()?;
    for id in &family[1..] {
        // The process may have ended meanwhile.
        let _ = Command::new("kill").args(["-KILL", &id.to_string()]).status();
    }
    child.wait()?;
    Ok(commands)
}

/// The children of a process, where `/proc` lists them: each of its threads has some.
fn children(id: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split(' ').filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect()
}

fn command(id: u32) -> String {
    let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    if line.is_empty() { format!("process {id}") } else { line.trim_end().to_owned() }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::{PAUSE, children, command, wait};

    #[test]
    fn a_program_that_ends_in_time_keeps_its_status() {
        let mut child = Command::new("sh").args(["-c", "exit 3"]).spawn().unwrap();
        assert_eq!(wait(&mut child, Duration::from_secs(60)).unwrap().code(), Some(3));
    }

    #[test]
    fn a_program_that_hangs_is_named_and_ended_with_its_children() {
        let mut child = Command::new("sh").args(["-c", "sleep 4711 & wait"]).spawn().unwrap();
        while children(child.id()).is_empty() {
            std::thread::sleep(PAUSE);
        }
        let grandchild = children(child.id())[0];
        let error = wait(&mut child, Duration::from_millis(500)).unwrap_err().to_string();
        assert!(
            error.starts_with("it hung for 0.5 s; ended: sh -c") && error.ends_with(", sleep 4711"),
            "{error}"
        );
        assert!(child.try_wait().unwrap().is_some());
        // A dead process has no command line.
        while command(grandchild) != format!("process {grandchild}") {
            std::thread::sleep(PAUSE);
        }
    }
}
