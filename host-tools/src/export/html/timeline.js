// Live bytes over time, with the peak and the stages on the same axis.

const PLOT = { left: 64, right: 16, top: 22, height: 120, axis: 20 };

// Points of the curve: [time, highest since the point before, live]. Where a dump has no timeline, what the figures
// tell: live bytes at the ends of stages and their peaks.
function curve(run) {
  if (run.timeline.length > 0) return { points: run.timeline, known: true };
  const points = [[0, 0, 0]];
  for (const stage of run.stages) {
    if (stage.thread !== null || stage.runs !== 1) continue;
    points.push([stage.begin_ns, stage.live_before, stage.live_before]);
    points.push([stage.peak_time_ns, stage.peak, stage.peak]);
    if (!stage.running) points.push([stage.end_ns, stage.live_after, stage.live_after]);
  }
  if (run.totals) {
    points.push([run.totals.peak_time_ns, run.totals.peak, run.totals.peak]);
    points.push([run.time_ns, run.totals.live, run.totals.live]);
  }
  return { points: points.sort((a, b) => a[0] - b[0]), known: false };
}

function showTimeline() {
  const box = byId("timeline");
  const width = Math.max(300, box.clientWidth);
  const curves = runs.map(curve);
  const ends = runs.flatMap((run, index) => [run.time_ns, curves[index].points.at(-1)?.[0] ?? 0, ...run.stages.map(stage => stage.end_ns)]);
  const last = Math.max(1, ...ends);
  const most = curves.reduce((top, { points }) => points.reduce((high, point) => Math.max(high, point[1], point[2]), top), Math.max(1, now.totals?.peak ?? 0));
  const top = niceTop(most);
  const x = time => PLOT.left + (time / last) * (width - PLOT.left - PLOT.right);
  const y = live => PLOT.top + PLOT.height * (1 - live / top);
  const lanes = stageLanes(now, x);
  const axis = PLOT.top + PLOT.height;
  const height = axis + PLOT.axis + lanes.height;
  const svg = drawing("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Live bytes over time, and stages" });
  svg.append(grid(width, top, last, x, y, axis));
  const chosen = choice.stage === null ? null : now.stage(choice.stage);
  const marked = chosen ? [chosen.begin_ns, chosen.end_ns] : span();
  if (marked) {
    const from = x(Math.min(last, marked[0]));
    svg.append(drawing("rect", { class: "chosen-span", x: from, y: PLOT.top, width: Math.max(2, x(Math.min(last, marked[1])) - from), height: PLOT.height }));
  }
  runs.forEach((run, index) => svg.append(line(curves[index], x, y, run === now ? "now" : "before")));
  svg.append(peakMark(chosen, x, y, width), ...spanSurface(svg, x, last), momentMarks(x, axis), lanes.drawn(axis + PLOT.axis));
  box.replaceChildren(svg);
  const missing = runs.some((run, index) => !curves[index].known);
  const how = now.stages.length > 0 ? "Click a stage, or drag over a span, to narrow everything below." : "Drag over a span to narrow everything below.";
  byId("timeline-note").textContent = now.stages.length === 0 && missing ? "This dump has neither a timeline nor stages."
    : missing ? `The dump has no timeline: the line joins what stages and peak tell. ${how}` : how;
}

// The next round value above: a power of two of bytes times 1, 1.25, 1.5, 1.75.
function niceTop(value) {
  const step = 2 ** Math.floor(Math.log2(value) - 2);
  return Math.ceil((value * 1.02) / step) * step;
}

function grid(width, top, last, x, y, axis) {
  const group = drawing("g", { class: "grid", "aria-hidden": "true" });
  for (let part = 0; part <= 4; part++) {
    const level = (top * part) / 4;
    group.append(
      drawing("line", { x1: PLOT.left, x2: width - PLOT.right, y1: y(level), y2: y(level) }),
      drawing("text", { x: PLOT.left - 8, y: y(level) + 4, "text-anchor": "end" }, bytes(Math.round(level))));
  }
  const step = niceStep(last / Math.max(2, Math.min(8, Math.floor(width / 150))));
  for (let time = 0; time <= last; time += step) {
    group.append(drawing("text", { x: x(time), y: axis + 14, "text-anchor": time === 0 ? "start" : x(time) > width - 40 ? "end" : "middle" }, ticks(time, step)));
  }
  return group;
}

// 1, 2 or 5 times a power of ten.
function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].find(digit => digit * power >= least) * power;
}

// A round time, without digits that say nothing.
function ticks(ns, step) {
  const [unit, name] = [[1, "ns"], [1e3, "µs"], [1e6, "ms"], [1e9, "s"]].findLast(([unit]) => step >= unit / 10) ?? [1, "ns"];
  return `${Number((ns / unit).toFixed(1))} ${name}`;
}

function line({ points, known }, x, y, which) {
  const group = drawing("g", { class: `curve ${which}${known ? "" : " guessed"}` });
  if (points.length === 0) return group;
  const path = (index, close) => {
    const parts = points.map((point, at) => `${at === 0 ? "M" : "L"}${x(point[0]).toFixed(1)} ${y(point[index]).toFixed(1)}`);
    if (close) parts.push(`L${x(points.at(-1)[0]).toFixed(1)} ${y(0)}L${x(points[0][0]).toFixed(1)} ${y(0)}Z`);
    return parts.join("");
  };
  if (known) group.append(drawing("path", { class: "high", d: path(1, true) }));
  group.append(drawing("path", { class: "area", d: path(2, true) }), drawing("path", { class: "live", d: path(2, false) }));
  if (!known) {
    for (const point of points) group.append(drawing("circle", { cx: x(point[0]), cy: y(point[2]), r: 2.5 }));
  }
  return group;
}

// The peak of the program, or of the stage that is chosen.
function peakMark(stage, x, y, width) {
  const peak = stage ?? now.totals;
  const group = drawing("g", { class: "peak" });
  if (!peak) return group;
  const at = x(peak.peak_time_ns);
  const left = at > width * 0.7;
  const words = `${stage ? `peak in ${stage.name}` : "peak"} ${bytes(peak.peak)}`;
  group.append(
    drawing("line", { x1: at, x2: at, y1: PLOT.top - 6, y2: PLOT.top + PLOT.height }),
    drawing("circle", { cx: at, cy: y(peak.peak), r: 4 }),
    drawing("text", { x: at + (left ? -8 : 8), y: PLOT.top - 8, "text-anchor": left ? "end" : "start" }, words));
  return group;
}

follow(changed => (changed.has("stage") || changed.has("span")) && showTimeline());
