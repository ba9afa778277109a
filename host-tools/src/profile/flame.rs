//! A tree of frames with sums. Every graph and table of stacks is made from it.

mod around;
mod build;
mod tree;

use super::model::Profile;
use super::paths::Paths;
use super::view::View;
use crate::Error;
pub use around::Around;
use build::Builder;
pub use tree::{Flame, FlameNode};

impl View {
    /// The tree of frames with their sums.
    ///
    /// # Errors
    /// Returns an error if the sum is beyond 64 bits, or if the tree is too large.
    pub fn flame(&self, profile: &Profile) -> Result<Flame, Error> {
        let mut paths = Paths::new(profile, self, Builder::new(profile.nodes.len()));
        let mut total = 0u128;
        for sample in paths.samples() {
            let value = self.metric.of(&sample.figures);
            if value > 0
                && let Some(path) = paths.of(sample)?
            {
                total += u128::from(value);
                paths.tree.add(path, value);
            }
        }
        if u64::try_from(total).is_err() {
            return Err(Error::Figures { metric: self.metric.title() });
        }
        Ok(paths.tree.finish(paths.labels))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::labels::Labels;
    use crate::profile::paths::{Step, Tree};

    fn flame(stacks: &[(&str, u64)]) -> Flame {
        let mut labels = Labels::default();
        let mut builder = Builder::new(0);
        for (stack, value) in stacks {
            let steps = stack.split(';').map(|label| Step { label: labels.label(label), at: None });
            let path = steps.fold(0, |at, step| builder.grow(at, step));
            builder.add(path, *value);
        }
        builder.finish(labels)
    }

    fn lines(flame: &Flame) -> Vec<String> {
        let mut lines = Vec::new();
        let visited: Result<(), ()> = flame.visit(|path, node| {
            lines.push(format!("{} {} {}", path.join(";"), node.own, node.total));
            Ok(())
        });
        visited.expect("nothing fails");
        lines
    }

    #[test]
    fn siblings_are_sorted_and_sums_go_up() {
        let flame = flame(&[("b", 1), ("a;z", 2), ("a;c", 3), ("a", 4), ("a;z", 5)]);
        assert_eq!(lines(&flame), ["a 4 14", "a;c 3 3", "a;z 7 7", "b 1 1"]);
        assert_eq!(flame.root().total, 15);
    }

    #[test]
    fn pruning_keeps_the_sum() {
        let mut flame = flame(&[("a;b;c", 5), ("a;b", 5), ("a;x", 80), ("d", 4), ("e;f", 6)]);
        flame.prune(9.0);
        assert_eq!(lines(&flame), ["a 0 90", "a;b 10 10", "a;x 80 80", "[other] 10 10"]);
        assert_eq!(flame.root().total, 100);
    }

    #[test]
    fn the_largest_can_come_first() {
        let mut flame = flame(&[("b;y", 1), ("b;x", 1), ("b;z", 5), ("a", 4)]);
        flame.sort_by_size();
        assert_eq!(lines(&flame), ["b 0 7", "b;z 5 5", "b;x 1 1", "b;y 1 1", "a 4 4"]);
    }

    #[test]
    fn a_function_that_calls_itself_counts_once() {
        let flame = flame(&[("f;g;f;g", 1), ("f;f", 2), ("g", 4), ("f;h", 8), ("h;f", 16)]);
        let functions = flame.functions();
        assert_eq!(functions, [("f", 18, 27), ("h", 8, 24), ("g", 5, 5)]);
    }

    #[test]
    fn callers_and_callees_add_up_to_the_function() {
        let flame = flame(&[("f;g;f;g", 1), ("f;f", 2), ("g", 4), ("f;h", 8), ("h;f", 16)]);
        let around = flame.around(|name| name == "f");
        let f = Around {
            name: "f",
            total: 27,
            own: 16,
            callers: vec![(Some("h"), 16), (None, 11)],
            callees: vec![("h", 8), ("f", 2), ("g", 1)],
        };
        assert_eq!(around, [f]);
        let names: Vec<_> = flame.around(|_| true).iter().map(|one| (one.name, one.total)).collect();
        assert_eq!(names, [("f", 27), ("h", 24), ("g", 5)]);
        assert!(flame.around(|_| false).is_empty());
    }

    #[test]
    fn an_empty_tree_has_a_root() {
        let mut flame = flame(&[]);
        flame.prune(50.0);
        assert_eq!((flame.root().total, lines(&flame).len(), flame.functions().len()), (0, 0, 0));
    }
}
