//! A bar on the terminal that shows how many addresses have names, if naming takes longer than a second.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use memtrack_host_tools::symbolize::Progress;

/// The time before the bar appears.
const MOMENT: Duration = Duration::from_secs(1);
/// The time between two updates.
const PAUSE: Duration = Duration::from_millis(100);

/// Shows a bar until it is dropped.
pub struct Watch {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Starts to show `progress`; `None` if stderr is not a terminal.
pub fn watch(progress: &Arc<Progress>) -> Option<Watch> {
    if !std::io::stderr().is_terminal() {
        return None;
    }
    let (stop, stopped) = mpsc::channel();
    let progress = Arc::clone(progress);
    let thread = std::thread::spawn(move || show(&progress, &stopped));
    Some(Watch { stop: Some(stop), thread: Some(thread) })
}

fn show(progress: &Progress, stopped: &mpsc::Receiver<()>) {
    let waiting = |time| matches!(stopped.recv_timeout(time), Err(RecvTimeoutError::Timeout));
    if !waiting(MOMENT) {
        return;
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("naming addresses {bar:40} {pos}/{len}") {
        bar.set_style(style);
    }
    loop {
        let (done, total) = progress.done_of_total();
        bar.set_length(total);
        bar.set_position(done);
        if !waiting(PAUSE) {
            bar.finish_and_clear();
            return;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
