//! `memtrack-fold top` in a real terminal: the tests read the screen of tmux and press its keys.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use memtrack_tests::program::{Running, folder, of_workspace, output};

/// Longer than any machine takes to draw a screen.
const PATIENCE: Duration = Duration::from_secs(120);
const SIZE: [&str; 4] = ["-x", "120", "-y", "40"];

/// A terminal that runs the view.
struct Terminal {
    server: String,
}

impl Terminal {
    fn start(name: &str, arguments: &str) -> Self {
        let terminal = Terminal { server: format!("memtrack-{}-{name}", std::process::id()) };
        let command = format!("{} top {arguments}; echo left with $?; cat", of_workspace("memtrack-fold"));
        // An environment of its own, independent of the colours and the language of the user who runs the test.
        let environment = [("LC_ALL", "C.UTF-8"), ("TERM", "screen-256color")];
        let mut tmux = terminal.tmux(&["-u", "-f", "/dev/null", "new-session", "-d"]);
        tmux.args(SIZE).arg(command).envs(environment);
        assert!(tmux.status().expect("tmux").success());
        terminal
    }

    fn tmux(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command.args(["-L", &self.server]).args(arguments).env_remove("TMUX");
        command
    }

    fn screen(&self) -> String {
        let output = self.tmux(&["capture-pane", "-p"]).output().expect("tmux");
        String::from_utf8(output.stdout).expect("a screen is text")
    }

    fn press(&self, key: &str) {
        assert!(self.tmux(&["send-keys", key]).status().expect("tmux").success());
    }

    /// Waits for the first screen that satisfies `shows`.
    fn wait_for(&self, what: &str, shows: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let screen = self.screen();
            if shows(&screen) {
                return screen;
            }
            assert!(begun.elapsed() < PATIENCE, "{what} does not appear:\n{screen}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The server has ended by itself if its last window was closed.
        let _ = self.tmux(&["kill-server"]).stderr(Stdio::null()).status();
    }
}

/// A program that is recorded until it is killed. It has done its known work.
fn recorded(arguments: &[&str], file: &Path) -> Running {
    let mut command = Command::new(env!("CARGO_BIN_EXE_recorded"));
    command.args(arguments).env_remove("MEMTRACK_DUMP").env("MEMTRACK_RECORD", file);
    Running::start(command)
}

/// The number before `unit` in the line that begins with `begin`.
fn number(screen: &str, begin: &str, unit: &str) -> u64 {
    let line = screen.lines().find(|line| line.starts_with(begin));
    let before = line.and_then(|line| line.split_once(unit)).map(|(before, _)| before.trim_end());
    let digits: Vec<char> = before
        .map(|text| text.chars().rev().take_while(|c| c.is_ascii_digit() || *c == ' ').collect())
        .unwrap_or_default();
    let digits: String = digits.into_iter().rev().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("no number of {unit} in\n{screen}"))
}

#[test]
fn a_running_program_is_shown_to_its_end() {
    let file = folder("top").join("busy.image");
    let mut program = recorded(&["busy"], &file);
    // By its process id, as ps shows it.
    let terminal = Terminal::start("busy", &format!("{} --interval 0.1", program.id()));
    let pid = format!("pid {}  running", program.id());
    let first = terminal.wait_for("the stack", |screen| screen.contains("recorded::rest_less"));
    assert!(first.contains(&pid) && first.contains("live over time"), "{first}");
    assert!(first.contains("┌ 5 threads") && first.contains("│known "), "{first}");
    assert!(first.contains("live by value"), "{first}");

    let allocations = number(&first, "allocated", " allocations");
    let later = terminal.wait_for("more allocations", |screen| {
        screen.starts_with("recorded") && number(screen, "allocated", " allocations") > allocations
    });
    assert!(later.contains("allocations/s"), "{later}");

    terminal.press("m");
    let peak = terminal.wait_for("the next metric", |screen| screen.contains("peak by value"));
    assert!(peak.contains("stacks by live bytes at the peak"), "{peak}");
    terminal.press("s");
    terminal.wait_for("the other order", |screen| screen.contains("peak by name"));

    program.kill();
    let ended = terminal.wait_for("the end", |screen| screen.contains("ended"));
    assert!(ended.contains("recorded::known"), "{ended}");
    terminal.press("q");
    let left = terminal.wait_for("the shell", |screen| screen.contains("left with"));
    assert!(left.contains("left with 0") && !left.contains("live over time"), "{left}");
}

#[test]
fn the_screen_equals_the_output_of_once() {
    let folder = folder("top_once");
    let (file, dump) = (folder.join("quiet.image"), folder.join("quiet.memtrack"));
    let mut program = recorded(&["quiet", dump.to_str().unwrap()], &file);
    program.kill();
    let terminal = Terminal::start("quiet", &format!("{} -m peak", file.display()));
    let screen = terminal.wait_for("the view", |screen| screen.contains("recorded::blocks"));
    let fold = of_workspace("memtrack-fold");
    let once = output(&fold, &["top", "--once", "-m", "peak", file.to_str().unwrap()], &[]);
    assert!(once.status.success() && once.stderr.is_empty());
    assert_eq!(screen, String::from_utf8(once.stdout).unwrap());
    assert!(screen.contains("▶ running") && screen.contains("worker-3"), "{screen}");
}

#[test]
fn programs_without_a_recording_are_refused() {
    let folder = folder("top_refused");
    let dump = folder.join("run.memtrack");
    let known = env!("CARGO_BIN_EXE_known");
    assert!(output(known, &["stages", dump.to_str().unwrap()], &[]).status.success());
    let fold = of_workspace("memtrack-fold");
    let refused = |target: &str, code: i32, reason: &str| {
        let output = output(&fold, &["top", target], &[]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.stdout.is_empty() && said.contains(reason), "{said}");
        assert_eq!(output.status.code(), Some(code), "{said}");
    };
    refused(dump.to_str().unwrap(), 3, "is no recording: give a file that MEMTRACK_RECORD");
    refused(&std::process::id().to_string(), 2, "does not record, or is not yours");
    refused(folder.join("nothing").to_str().unwrap(), 4, "cannot read");
}
