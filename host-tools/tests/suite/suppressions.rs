//! Suppression files of LeakSanitizer and valgrind remove known leaks from `live`.

use crate::dumps;
use crate::program::{Place, total};

/// 8100 bytes are live. The stacks that end in `server+0x300` hold 1000 of them, those that end in
/// `server+0x400` 2000.
fn place() -> Place {
    let place = Place::with(&dumps::full());
    place.file("lsan.supp", b"# the cache is never freed\nleak:^server+0x300$\nleak:nothing_like_it\n");
    let valgrind = "{\n   the pool\n   Memcheck:Leak\n   match-leak-kinds: reachable\n   fun:malloc\n   fun:server+0x4*\n   obj:/opt/*/server\n}\n";
    place.file("valgrind.supp", valgrind.as_bytes());
    place
}

#[test]
fn check_ignores_suppressed_leaks() {
    let place = place();
    let limit = "check dump.bin --max-live-at-exit";
    assert_eq!(place.run(&format!("{limit} 7100")).code, 1);
    let table = place.run(&format!("{limit} 7100 --suppressions lsan.supp")).ok();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[1], ["live", "at", "exit", "6.93", "KiB", "6.93", "KiB", "100.0%", "kept"], "{table}");
    assert_eq!(rows[3], ["suppressed", "blocks", "by"]);
    assert_eq!(rows[4], ["1000", "B", "10", "leak:^server+0x300$"]);
    assert_eq!(rows.len(), 5, "suppressions without a match are not listed: {table}");
    assert_eq!(place.run(&format!("{limit} 7099 --suppressions lsan.supp")).code, 1);
    let both = place.run(&format!("{limit} 5100 --suppressions lsan.supp --suppressions valgrind.supp")).ok();
    assert!(both.contains("20  the pool"), "{both}");
    // A suppression does not change a peak.
    assert_eq!(place.run("check dump.bin --max-peak 8999 --suppressions lsan.supp").code, 1);
}

#[test]
fn views_of_live_leave_out_suppressed_leaks() {
    let place = place();
    let whole = total(&place.run("dump.bin -m live").ok());
    let live = place.run("dump.bin -m live --suppressions lsan.supp").ok();
    assert_eq!(total(&live), whole - 1000);
    assert!(!live.contains("0x300"), "{live}");
    assert_eq!(total(&place.run("dump.bin -m live-blocks --suppressions valgrind.supp").ok()), 81 - 20);
    assert_eq!(
        place.run("dump.bin -m peak --suppressions lsan.supp").ok(),
        place.run("dump.bin -m peak").ok(),
        "other figures stay"
    );
    let text = place.run("dump.bin -m live -f text --suppressions lsan.supp").ok();
    assert!(text.contains("left out of live: 1000 B in 10 blocks by 1 suppression"), "{text}");
    let diff = place.run("diff dump.bin dump.bin -m live -f text --suppressions lsan.supp").ok();
    assert!(diff.contains("total: 7100 → 7100 bytes"), "{diff}");
    let json: serde_json::Value =
        serde_json::from_str(&place.run("dump.bin -f json --suppressions lsan.supp").ok()).unwrap();
    let suppressed = serde_json::json!([{ "name": "leak:^server+0x300$", "bytes": 1000, "blocks": 10 }]);
    assert_eq!(json["suppressed"], suppressed);
}

#[test]
fn invalid_suppression_files_are_refused() {
    let place = place();
    place.file("wrong.supp", b"leak:x\nrace:y\n");
    let line = place.run("dump.bin -m live --suppressions wrong.supp").refused(2);
    assert!(line.starts_with("wrong.supp is no file of suppressions: line 2: \"race:y\""), "{line}");
    assert!(
        place
            .run("check dump.bin --max-live-at-exit 0 --suppressions none")
            .refused(4)
            .contains("cannot read none")
    );
}
