//! The baseline of [`size_tracked`](size_tracked.rs).

mod size_work;

fn main() {
    size_work::run();
    println!("resident {}", size_work::resident());
}
