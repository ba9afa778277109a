//! What [`size_tracked`](size_tracked.rs) is compared with.

mod size_work;

fn main() {
    size_work::run();
    println!("resident {}", size_work::resident());
}
