// Stages as bars under the timeline: an inner stage stands below the one around it.

const LANE = { height: 22, gap: 3 };

function stageLanes(run, x) {
  const stages = [...run.stages].sort((a, b) => a.begin_ns - b.begin_ns || a.depth - b.depth);
  const ends = [];
  const placed = stages.map(stage => {
    const from = x(stage.begin_ns);
    const to = Math.max(from + 4, x(stage.end_ns));
    let lane = stage.depth;
    while (ends[lane] !== undefined && ends[lane] > from + 0.5) lane += 1;
    for (let above = 0; above <= lane; above++) ends[above] ??= -1;
    ends[lane] = to;
    return { stage, from, to, lane };
  });
  const height = ends.length * (LANE.height + LANE.gap) + (ends.length > 0 ? 4 : 0);
  const drawn = top => {
    const group = drawing("g", { class: "lanes" });
    group.append(...placed.map(place => bar(run, place, top)));
    return group;
  };
  return { height, drawn };
}

function bar(run, { stage, from, to, lane }, top) {
  const y = top + lane * (LANE.height + LANE.gap);
  const chosen = choice.stage === stage.name;
  const whose = stage.thread === null ? "" : ` of ${run.thread(stage.thread)}`;
  const often = stage.runs > 1 ? ` ×${count(stage.runs)}` : "";
  const label = `${stage.name}${often}`;
  const words = `${label}${whose}: peak ${bytes(stage.peak)}, ${bytes(stage.bytes)} allocated, ${duration(stage.duration_ns)}` +
    (hasCells(stage.name) ? "" : " – the dump has its figures, not its cells");
  const pick = () => choose({ stage: chosen ? null : stage.name });
  const group = drawing("g", {
    class: `stage${chosen ? " chosen" : ""}${hasCells(stage.name) ? "" : " bare"}`,
    tabindex: "0",
    role: "button",
    "aria-pressed": String(chosen),
    "aria-label": words,
    "data-stage": stage.name,
    onclick: pick,
    onkeydown: event => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      pick();
      document.querySelector(`.stage[data-stage="${CSS.escape(stage.name)}"]`)?.focus();
    },
  });
  const room = Math.floor((to - from - 10) / 7);
  const text = room >= label.length ? label : room > 3 ? `${label.slice(0, room - 1)}…` : "";
  group.append(
    drawing("title", {}, words),
    drawing("rect", { x: from + 0.5, y, width: Math.max(3, to - from - 1), height: LANE.height, rx: 4 }),
    drawing("text", { x: from + 7, y: y + 15 }, text));
  return group;
}
