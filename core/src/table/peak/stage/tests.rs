//! Peaks of nested stages, and names whose runs are summed.

use super::*;

type Table = StageTable<2, 4>;

fn at(time_ns: u64, live: usize) -> Moment {
    Moment { time_ns, live, ..Moment::default() }
}

fn peak(bytes: usize) -> Peak {
    Peak { bytes, blocks: 1, time_ns: 0 }
}

#[test]
fn an_outer_stage_has_the_larger_of_its_own_peak_and_the_inner_ones() {
    let mut table = Table::new();
    let outer = table.begin("outer", at(0, 10)).unwrap();
    table.fold(peak(50), |_| 5);
    let inner = table.begin("inner", at(1, 20)).unwrap();
    table.fold(peak(30), |_| 7);
    let inner = table.end(inner, at(2, 20)).unwrap().run;
    table.fold(peak(40), |_| 6);
    let outer = table.end(outer, at(4, 0)).unwrap().run;
    assert_eq!((inner.peak.bytes, outer.peak.bytes), (30, 50));
    assert_eq!((inner.depth, outer.depth), (1, 0));
    assert_eq!((inner.duration_ns, outer.duration_ns), (1, 4));
    assert_eq!(outer.threads[0].bytes, 7);
}

#[test]
fn runs_of_one_name_are_summed_and_the_highest_kept() {
    let mut table = Table::new();
    for (run, high) in [5, 9, 7].into_iter().enumerate() {
        let serial = table.begin("s", at(run as u64 * 10, run)).unwrap();
        table.fold(peak(high), |_| 0);
        let ended = table.end(serial, at(run as u64 * 10 + 3, 0)).unwrap();
        assert_eq!(ended.is_highest, run < 2);
    }
    let stage = table.get(0, at(99, 0)).unwrap();
    assert_eq!((stage.runs, stage.duration_ns, stage.peak.bytes, stage.live_before), (3, 9, 9, 1));
    assert!(table.get(1, at(99, 0)).is_none());
}

#[test]
fn runs_that_go_on_are_told_with_their_name() {
    let mut table = Table::new();
    let first = table.begin("s", at(0, 1)).unwrap();
    table.fold(peak(5), |_| 0);
    table.end(first, at(10, 2)).unwrap();
    for name in ["s", "other", "s"] {
        table.begin(name, at(20, 3)).unwrap();
    }
    table.fold(peak(9), |_| 0);
    let names: std::vec::Vec<_> = (0..)
        .map_while(|place| table.by_name(place, at(30, 4)))
        .map(|stage| {
            stage.map(|stage| (stage.name.as_str().len(), stage.runs, stage.duration_ns, stage.peak.bytes))
        })
        .collect();
    assert_eq!(names, [Some((1, 3, 30, 9)), None, Some((5, 1, 10, 9)), None]);
}

#[test]
fn the_lowest_peak_makes_room() {
    let mut table = Table::new();
    let dropped: std::vec::Vec<bool> = [("a", 5), ("b", 9), ("c", 7), ("d", 1)]
        .map(|(name, high)| {
            let serial = table.begin(name, at(0, 0)).unwrap();
            table.fold(peak(high), |_| 0);
            table.end(serial, at(1, 0)).unwrap().dropped
        })
        .into();
    assert_eq!(dropped, [false, false, true, true]);
    let kept: std::vec::Vec<_> = (0..2).map(|i| table.get(i, at(1, 0)).unwrap().peak.bytes).collect();
    assert_eq!(kept, [7, 9]);
}

#[test]
fn a_number_is_used_once() {
    let mut table = Table::new();
    assert_eq!(["a", "b"].map(|name| table.begin(name, at(0, 0))), [Some(1), Some(2)]);
    assert_eq!(table.innermost(), Some(2));
    assert!(table.end(2, at(1, 0)).is_some() && table.end(2, at(1, 0)).is_none());
    assert_eq!((table.innermost(), table.begin("c", at(2, 0))), (Some(1), Some(3)));
}

#[test]
fn the_threads_with_the_highest_peaks_are_listed() {
    const THREADS: usize = TOP_THREADS + 3;
    let listed = |peak_of: fn(usize) -> usize| {
        let mut table = StageTable::<2, THREADS>::new();
        let serial = table.begin("s", at(0, 0)).unwrap();
        table.fold(peak(1), peak_of);
        let run = table.end(serial, at(1, 0)).unwrap().run;
        run.threads
            .iter()
            .map(|thread| (usize::from(thread.thread), thread.bytes))
            .collect::<std::vec::Vec<_>>()
    };
    let rising: std::vec::Vec<_> = (0..TOP_THREADS).map(|n| (THREADS - 1 - n, THREADS - n)).collect();
    let falling: std::vec::Vec<_> = (0..TOP_THREADS).map(|n| (n, THREADS - n)).collect();
    let equal: std::vec::Vec<_> = (0..TOP_THREADS).map(|n| (n, 5)).collect();
    assert_eq!((listed(|n| n + 1), listed(|n| THREADS - n), listed(|_| 5)), (rising, falling, equal));
    assert_eq!(listed(|n| usize::from(n == 2) * 7), [(2, 7)], "the others had nothing");
}
