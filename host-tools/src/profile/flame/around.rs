//! The callers and callees of a function.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::tree::Flame;

/// A function with its neighbours. The values of its callers add up to `total`, and so do `own` and the
/// values of its callees. If the function calls itself, its outermost call counts, and the inner one is a
/// callee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Around<'f> {
    /// The function.
    pub name: &'f str,
    /// The value of the function and its callees.
    pub total: u64,
    /// The value of the function itself.
    pub own: u64,
    /// Its callers, the largest first; `None` where it is the outermost frame.
    pub callers: Vec<(Option<&'f str>, u64)>,
    /// Its callees, the largest first.
    pub callees: Vec<(&'f str, u64)>,
}

/// Sums of one function.
#[derive(Default)]
struct Sums {
    total: u64,
    own: u64,
    callers: HashMap<u32, u64>,
    callees: HashMap<u32, u64>,
}

impl Flame {
    /// The functions whose names `wanted` accepts, the largest first.
    #[must_use]
    pub fn around(&self, wanted: impl Fn(&str) -> bool) -> Vec<Around<'_>> {
        let wanted: Vec<bool> = self.labels.all().map(wanted).collect();
        let mut sums: HashMap<u32, Sums> = HashMap::new();
        let mut path: Vec<u32> = Vec::new();
        let mut ahead: Vec<(u32, usize)> =
            self.children(self.root()).iter().map(|&child| (child, 0)).collect();
        while let Some((index, depth)) = ahead.pop() {
            let node = self.node(index);
            path.truncate(depth);
            if wanted[node.label as usize] && !path.contains(&node.label) {
                let sum = sums.entry(node.label).or_default();
                sum.total += node.total;
                sum.own += node.own;
                *sum.callers.entry(path.last().copied().unwrap_or(0)).or_default() += node.total;
                for &child in self.children(node) {
                    let callee = self.node(child);
                    *sum.callees.entry(callee.label).or_default() += callee.total;
                }
            }
            path.push(node.label);
            ahead.extend(self.children(node).iter().map(|&child| (child, depth + 1)));
        }
        let mut found: Vec<Around<'_>> =
            sums.into_iter().map(|(label, sum)| self.named(label, sum)).collect();
        found.sort_by_key(|one| (Reverse(one.total), one.name));
        found
    }

    fn named(&self, label: u32, sum: Sums) -> Around<'_> {
        // Label 0 belongs to the root.
        let caller = |label: u32| (label != 0).then(|| self.labels.text(label));
        let mut callers: Vec<_> =
            sum.callers.into_iter().map(|(label, value)| (caller(label), value)).collect();
        let mut callees: Vec<_> =
            sum.callees.into_iter().map(|(label, value)| (self.labels.text(label), value)).collect();
        callers.sort_by_key(|&(name, value)| (Reverse(value), name));
        callees.sort_by_key(|&(name, value)| (Reverse(value), name));
        Around { name: self.labels.text(label), total: sum.total, own: sum.own, callers, callees }
    }
}
