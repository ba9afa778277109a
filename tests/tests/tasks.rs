//! Tags of futures: the allocations of a task are under the task's own tag, whichever worker polls it.
//!
//! Planted bug: a tag that is pushed when the future is made, and not at every poll, leaves all allocations to the
//! worker.

use memtrack_tests::folded::fold;
use memtrack_tests::program::{folder, run};
use memtrack_tests::snapshot;

const TASKS: u64 = 5;
const ROUNDS: u64 = 60;

#[test]
fn bytes_are_under_the_task_on_every_worker() {
    let dump = folder("tasks").join("dump");
    let facts = run(env!("CARGO_BIN_EXE_tasks"), &[dump.to_str().unwrap()], &[]);
    assert!(facts.get("moved") > 0, "no task moved between workers: the test proves nothing");
    let bytes = snapshot::file(&dump);
    snapshot::last(&bytes).assert_adds_up();
    for task in 0..TASKS {
        let name = format!("task {task}");
        let graph = fold(&dump, &["--metric", "live", "--tag", &name]);
        assert_eq!(graph.under("tasks::outer"), ROUNDS * (1000 + task), "{name}");
        assert_eq!(graph.under("tasks::inner"), ROUNDS * (2000 + task), "{name}");
        let nested = graph.stacks().filter(|(frames, _)| frames.contains(&"tasks::inner"));
        // The outer tag, the inner tag, then the worker's frames.
        nested.for_each(|(frames, _)| {
            assert_eq!(frames[..2], [format!("tag task_{task}"), "tag inner".into()]);
        });
    }
    let all = fold(&dump, &["--metric", "live"]);
    let sum = |base: u64| (0..TASKS).map(|task| ROUNDS * (base + task)).sum::<u64>();
    assert_eq!((all.under("tasks::outer"), all.under("tasks::inner")), (sum(1000), sum(2000)));
}
