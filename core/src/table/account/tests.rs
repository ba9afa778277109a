use super::*;

/// What an account tells: its totals, and live bytes and blocks.
fn told(account: &Account) -> ([u64; 4], usize, u32) {
    let totals = [&account.allocs, &account.bytes, &account.temporary, &account.reallocs].map(Counter::get);
    (totals, account.live().bytes, account.live().blocks)
}

/// Two allocations, a reallocation, a free and a temporary block.
fn used(by: Booker, epochs: &Epochs) -> Account {
    let account = Account::default();
    account.alloc(100, epochs.epoch(), by);
    account.alloc(30, epochs.epoch(), by);
    account.free(30, epochs.epoch(), by);
    account.count_temporary(by);
    account.count_realloc(by);
    account.count_realloc(by);
    account
}

#[test]
fn owner_and_others_count_the_same() {
    let epochs = Epochs::default();
    let [owner, anyone] = [Booker::Owner, Booker::Anyone].map(|by| used(by, &epochs));
    assert_eq!((told(&owner), told(&anyone)), (([2, 130, 1, 2], 100, 1), ([2, 130, 1, 2], 100, 1)));
    assert_eq!((owner.own_bytes(), owner.remote()), (100, Held::default()));
    assert_eq!((anyone.own_bytes(), anyone.remote()), (130, Held { bytes: 30, blocks: 1 }));
    assert_eq!((owner.allocated(), owner.allocs()), ((2, 130), 2));
}

#[test]
fn an_account_whose_own_thread_freed_all_has_all_back() {
    let epochs = Epochs::default();
    let [owner, anyone] = [Booker::Owner, Booker::Anyone].map(|by| used(by, &epochs));
    assert!(!owner.has_all_back());
    owner.free(100, epochs.epoch(), Booker::Owner);
    anyone.free(100, epochs.epoch(), Booker::Anyone);
    assert!(owner.has_all_back() && !anyone.has_all_back(), "frees by others are no proof");
    let unused = Account::default();
    assert!(unused.is_unused() && !owner.is_unused());
    unused.free(1, epochs.epoch(), Booker::Anyone);
    assert!(!unused.is_unused(), "a free by another thread is an event");
}

#[test]
fn an_account_is_cleared_and_takes_over_others() {
    let epochs = Epochs::default();
    let [owner, anyone] = [Booker::Owner, Booker::Anyone].map(|by| used(by, &epochs));
    let sum = Account::default();
    [&owner, &anyone].into_iter().for_each(|account| sum.take_over(account));
    assert_eq!(told(&sum), ([4, 260, 2, 4], 200, 2));
    assert_eq!((sum.own_bytes(), sum.remote()), (230, Held { bytes: 30, blocks: 1 }));
    sum.count_without_size(3);
    assert_eq!(told(&sum), ([7, 260, 2, 4], 200, 2));
    sum.clear();
    assert_eq!((told(&sum), sum.remote()), (([0; 4], 0, 0), Held::default()));
}

#[test]
fn a_threads_own_part_is_repaired_from_its_cells() {
    let epochs = Epochs::default();
    let cells = [Booker::Owner, Booker::Owner].map(|by| used(by, &epochs));
    let thread = used(Booker::Owner, &epochs);
    thread.free(10, epochs.epoch(), Booker::Anyone);
    thread.repair(cells.iter());
    assert_eq!((told(&thread).0, thread.own()), ([4, 260, 2, 4], Held { bytes: 200, blocks: 2 }));
    assert_eq!(thread.remote(), Held { bytes: 10, blocks: 1 }, "others write that part");
}

#[test]
fn labels_and_the_time_to_look_at_the_clock() {
    let account = Account::default();
    account.set_label(7, 9);
    assert_eq!((account.label(), account.sublabel()), (7, 9));
    let looks = (0..2 * CLOCK_LOOK).filter(|_| {
        let expected = account.is_next_time_to_look();
        account.add(1);
        assert_eq!(account.is_time_to_look(), expected);
        expected
    });
    assert_eq!(looks.collect::<std::vec::Vec<_>>(), [CLOCK_LOOK - 1, 2 * CLOCK_LOOK - 1]);
}
