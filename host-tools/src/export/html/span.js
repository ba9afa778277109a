// A span of time: what the dump knows of it. A dump has stacks of a few moments only – ends of stages, snapshots that were
// asked for, the end of the program – each with all that was counted until then, what was alive then, and what was alive at
// the highest peak until then. So a span shows what lies between two of them, and says which.

function span() {
  return choice.span === null ? null : choice.span.split("-").map(Number);
}

const spanWords = ([from, to]) => `${duration(from)} – ${duration(to)}`;

const overlaps = stage => {
  const chosen = span();
  return chosen === null || (stage.begin_ns <= chosen[1] && stage.end_ns >= chosen[0]);
};

// Where a moment comes from.
const momentWords = moment => (moment.last ? "the end" : moment.stage === null ? "a snapshot" : `stage ${moment.stage}`);

// What a run has of the span under the chosen metric: cells that count, cells that are taken off, and what that is in words.
function inSpan(run) {
  const [from, to] = span();
  const inside = time => from <= time && time <= to;
  const what = choice.metric;
  if (what.startsWith("peak")) {
    const known = run.moments.filter(moment => inside(moment.peak_time_ns));
    if (known.length === 0) return { words: "The dump has no stacks of a peak in this span: choose a wider one, or a stage." };
    const highest = known.reduce((top, moment) => (moment.peak > top.peak ? moment : top));
    const whose = highest.stage === null ? "the program's peak" : `the peak of stage ${highest.stage}`;
    return { add: highest.cells, words: `What was alive after ${duration(highest.peak_time_ns)}, at ${whose}: the highest moment in the span of which the dump has stacks.` };
  }
  if (what.startsWith("live")) {
    const known = run.moments.filter(moment => inside(moment.time_ns));
    if (known.length === 0) return { words: "The dump has no stacks of a moment in this span: choose a wider one." };
    const latest = known.at(-1);
    return { add: latest.cells, words: `What was alive after ${duration(latest.time_ns)} (${momentWords(latest)}): the latest moment in the span of which the dump has stacks.` };
  }
  // Counts of two moments, those nearest to the ends of the span; when that is one and the same, those around it.
  const start = { time_ns: 0, cells: [] };
  // Of moments at one time, as a merged dump has them, the last has most.
  const all = [start, ...run.moments].filter((moment, index, list) => list[index + 1]?.time_ns !== moment.time_ns);
  const nearest = time => all.reduce((best, moment) => (Math.abs(moment.time_ns - time) < Math.abs(best.time_ns - time) ? moment : best));
  let [first, last] = [nearest(from), nearest(to)];
  if (first === last) {
    first = all.findLast(moment => moment.time_ns <= from) ?? start;
    last = all.find(moment => moment.time_ns >= to && moment !== first) ?? all.at(-1);
  }
  const begin = first === start ? "the program's start" : `${duration(first.time_ns)} (${momentWords(first)})`;
  return {
    add: last.cells,
    less: first.cells,
    words: `What was counted between ${begin} and ${duration(last.time_ns)} (${momentWords(last)}): the moments nearest to the span of which the dump has counts.`,
  };
}

// Live bytes of a run at the ends of the span, and the most in between, as its timeline has them.
function liveInSpan(run) {
  const [from, to] = span();
  const { points } = curve(run);
  const at = time => points.findLast(point => point[0] <= time)?.[2] ?? 0;
  const high = points.filter(point => from < point[0] && point[0] <= to).reduce((top, point) => Math.max(top, point[1], point[2]), at(from));
  return { from: at(from), to: at(to), high };
}

// The time between two neighbouring moments that the dump knows.
function periodAt(time) {
  const times = [0, ...now.moments.map(moment => moment.time_ns)];
  const from = times.findLast(moment => moment <= time) ?? 0;
  const to = times.find(moment => moment > time) ?? times.at(-1);
  return from < to ? `${from}-${to}` : null;
}
