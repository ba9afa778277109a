//! The contents of a dump as text: one line for each snapshot and record, with its fields by name. Two modules write
//! these listings independently: this one from the records that `memtrack_format` decoded, [`crate::dump_builder`]
//! from the records that it wrote.

use std::fmt::{self, Display, Formatter};

use memtrack_format::{
    Arch, Cause, Cell, Config, Done, Figures, Fork, Heap, Item, Kind, List, Loss, LossCause, Lost, Malformed,
    Marks, Module, NodeWithId, Os, Process, Reader, Record, Section, Segment, SizeClass, Snapshot, Stage,
    TagName, Take, Target, Thread, ThreadPeak, ThreadState, TimePoint,
};

/// A record or group that names its fields.
pub trait Listed {
    /// The names of the fields, in order. A group without a name of its own is listed by its fields.
    const FIELDS: &'static [&'static str];
    /// Writes ` name=value` for each field.
    ///
    /// # Errors
    /// When the formatter fails.
    fn list(&self, to: &mut Formatter<'_>) -> fmt::Result;
}

/// A field's value.
trait Value {
    fn show(&self, name: &str, to: &mut Formatter<'_>) -> fmt::Result;
}

macro_rules! plain {
    ($($type:ty),*) => {$(
        impl Value for $type {
            fn show(&self, name: &str, to: &mut Formatter<'_>) -> fmt::Result {
                write!(to, " {name}={self}")
            }
        }
    )*};
}
plain!(u8, u32, u64, bool);

macro_rules! codes {
    ($($type:ty),*) => {$(
        impl Value for $type {
            fn show(&self, name: &str, to: &mut Formatter<'_>) -> fmt::Result {
                self.code().show(name, to)
            }
        }
    )*};
}
codes!(Kind, Cause, Arch, Os, ThreadState, LossCause);

impl Value for &[u8] {
    fn show(&self, name: &str, to: &mut Formatter<'_>) -> fmt::Result {
        write!(to, " {name}=\"{}\"", self.escape_ascii())
    }
}

impl Value for Figures {
    fn show(&self, _: &str, to: &mut Formatter<'_>) -> fmt::Result {
        self.list(to)
    }
}

impl<'a, T: Listed + memtrack_format::Field<'a> + Copy> Value for List<'a, T> {
    fn show(&self, name: &str, to: &mut Formatter<'_>) -> fmt::Result {
        let items: Vec<_> = self.iter().map(|item| Line(item).to_string()).collect();
        write!(to, " {name}=[{}]", items.iter().map(|item| item.trim_start()).collect::<Vec<_>>().join("; "))
    }
}

/// The fields of a record, for `to_string`.
struct Line<T>(T);

impl<T: Listed> Display for Line<T> {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        self.0.list(to)
    }
}

/// Destructures each struct without `..`: a field that is added to a struct must be added here.
macro_rules! listed {
    ($($name:ident $(<$life:lifetime>)? { $($field:ident),* $(,)? })*) => {$(
        impl Listed for $name $(<$life>)? {
            const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];
            fn list(&self, to: &mut Formatter<'_>) -> fmt::Result {
                let $name { $($field),* } = self;
                $($field.show(stringify!($field), to)?;)*
                Ok(())
            }
        }
    )*};
}
listed! {
    Snapshot { kind, cause, sequence, time_ns }
    Target<'_> { arch, pointer_width, big_endian, os, pid, parent_pid, start_unix_ns, unwinder, command }
    Process { started, image, tracker }
    Fork<'_> { parent, time_ns, failed_allocs, unattributed, overflow, losses }
    Lost { cause, events }
    Config {
        nodes, nodes_capacity, cells, cells_capacity, threads, threads_capacity, max_depth, stages, stages_capacity,
        tags, tags_capacity,
    }
    Module<'_> { path, build_id, bias, unloaded, segments, file_size, file_modified_unix_ns }
    Segment { start, length, file_offset, executable }
    Figures { allocs, bytes, live, live_blocks, peak, peak_blocks, temporary, reallocs }
    Thread<'_> { id, os_id, state, count, name, figures, own_peak, own_peak_blocks }
    TagName<'_> { id, parent, name }
    Heap<'_> { id, name }
    Stage<'_> {
        name, depth, scope, running, runs, duration_ns, begin_ns, end_ns, allocs, bytes, live_before, live_after, peak,
        peak_blocks, peak_time_ns, lost, threads,
    }
    ThreadPeak { thread, peak }
    Cell { id, thread, tag, heap, stack, cut, figures }
    Marks { figures, frees, failed_allocs, peak_time_ns, peak_error, mark_error }
    TimePoint { time_ns, high, live }
    SizeClass { thread, class, allocs, bytes }
    Loss { cause, events }
    Done { sections }
}

/// The listing of a dump. Damage and malformed records get lines of their own; sections with unknown tags get none.
#[must_use]
pub fn listing(bytes: &[u8]) -> String {
    let lines = Reader::damaged(bytes).flat_map(|item| match item {
        Item::Snapshot { version, .. } => vec![format!("snapshot version={version}")],
        Item::Section(section) => lines(&section),
        Item::Damage(damage) => vec![format!("{damage:?}")],
    });
    lines.map(|line| line + "\n").collect()
}

/// The lines of a section.
struct Lines(Vec<String>);

fn lines(section: &Section<'_>) -> Vec<String> {
    let mut lines = Lines(Vec::new());
    section.give(&mut lines);
    if let Err(Malformed) = section.check() {
        lines.0.push(format!("{:?} malformed", section.tag));
    }
    lines.0
}

impl<'a, R: Record<'a> + Listed> Take<R> for Lines {
    fn take(&mut self, record: R) {
        self.0.push(format!("{:?}{}", R::TAG, Line(record)));
    }
}

impl Take<NodeWithId> for Lines {
    fn take(&mut self, (id, node): NodeWithId) {
        self.0.push(format!("NODE id={id} parent={} address={}", node.parent, node.address));
    }
}
