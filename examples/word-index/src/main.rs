//! The index, on the plain allocator until the tracker stands in front of it.

fn main() -> anyhow::Result<()> {
    word_index::run(&word_index::Options::from_args()?, |_stage| ())
}
