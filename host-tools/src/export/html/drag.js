// The timeline under mouse and keyboard: a span is dragged, clicked or moved by arrow keys.

// Shorter drags are clicks.
const CLICK = 4;
// A step of the arrow keys, as a share of the whole time.
const STEP = 0.02;

// Lays a surface over the plot. `x` leads from times to places, `last` is the end of the time.
function spanSurface(svg, x, last) {
  const [left, right] = [x(0), x(last)];
  const draft = drawing("rect", { class: "draft", y: PLOT.top, height: PLOT.height });
  const surface = drawing("rect", {
    class: "surface", x: left, y: PLOT.top, width: right - left, height: PLOT.height,
    tabindex: "0", role: "slider", "aria-label": "Span of time: arrow keys move it, with Shift its end; Escape leaves it",
    "aria-valuemin": 0, "aria-valuemax": last, "aria-valuenow": span()?.[0] ?? 0, "aria-valuetext": span() ? spanWords(span()) : "all of the time",
  });
  const place = event => Math.min(right, Math.max(left, event.clientX - svg.getBoundingClientRect().left));
  const time = at => Math.round(((at - left) / (right - left)) * last);
  let begun = null;
  surface.addEventListener("pointerdown", event => {
    if (event.button !== 0) return;
    begun = place(event);
    surface.setPointerCapture(event.pointerId);
  });
  surface.addEventListener("pointermove", event => {
    if (begun === null) return;
    const at = place(event);
    draft.setAttribute("x", Math.min(begun, at));
    draft.setAttribute("width", Math.abs(at - begun));
  });
  surface.addEventListener("pointerup", event => {
    if (begun === null) return;
    const ends = [begun, place(event)].sort((a, b) => a - b);
    begun = null;
    const clicked = ends[1] - ends[0] < CLICK;
    const next = clicked ? periodAt(time(ends[0])) : ends.map(time).join("-");
    chooseSpan(clicked && next === choice.span ? null : next);
  });
  surface.addEventListener("pointercancel", () => {
    begun = null;
    draft.setAttribute("width", 0);
  });
  surface.addEventListener("keydown", event => {
    const step = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    moveSpan(step * last, event.shiftKey, last);
  });
  return [draft, surface];
}

// Moves the span, or its end.
function moveSpan(by, endOnly, last) {
  const chosen = span() ?? periodAt(now.totals?.peak_time_ns ?? 0)?.split("-").map(Number) ?? [0, last];
  const width = chosen[1] - chosen[0];
  const from = endOnly ? chosen[0] : Math.min(Math.max(0, chosen[0] + by), last - width);
  const to = endOnly ? Math.min(last, Math.max(from + 1, chosen[1] + by)) : from + width;
  chooseSpan(`${Math.round(from)}-${Math.round(to)}`);
}

function chooseSpan(next) {
  choose({ span: next });
  // The surface was drawn anew.
  document.querySelector("#timeline .surface")?.focus({ preventScroll: true });
}

// Where the dump has stacks: small marks on the axis.
function momentMarks(x, axis) {
  const group = drawing("g", { class: "moments" });
  for (const moment of now.moments) {
    const at = x(moment.time_ns);
    group.append(drawing("path", { d: `M${at - 4} ${axis + 6}L${at + 4} ${axis + 6}L${at} ${axis}Z` },
      drawing("title", {}, `${duration(moment.time_ns)}: the dump has stacks of this moment (${momentWords(moment)})`)));
  }
  return group;
}
