// Draws everything, and takes the keys that work everywhere.

const KEYS = [
  ["1 … 7", "metric"], ["/", "search"], ["i", "inverted"], ["f", "fold the standard library and the system into those that call them"], ["[ and ]", "stage before, stage after"],
  ["d", "light or dark"], ["Esc", "leave search, zoom, then what narrows the view"], ["?", "this list"],
  ["← ↑ → ↓", "in the flame graph: from frame to frame"], ["Enter", "in the flame graph: zoom"], ["Backspace", "in the flame graph: zoom out by one"],
  ["← →", "on the timeline: move the span, with Shift its end"],
  ["right click", "in the flame graph: search for the frame"],
];

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  showLegend();
  drawFlame();
}

function escape() {
  if (choice.search !== "") {
    choose({ search: "" });
    byId("search").value = "";
  } else if (flame.zoom !== 0) zoomTo(0);
  else choose({ stage: null, thread: null, tag: null, span: null });
}

function stepStage(step) {
  const all = [null, ...allStages];
  choose({ stage: all[(all.indexOf(choice.stage) + step + all.length) % all.length] });
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
  const typing = event.target.matches("input[type=search], select");
  if (event.key === "Escape") {
    escape();
    if (typing) event.target.blur();
    return;
  }
  if (typing) return;
  const index = Number(event.key) - 1;
  if (metrics[index]) choose({ metric: metrics[index].name });
  else if (event.key === "/") byId("search").focus();
  else if (event.key === "i") choose({ inverted: !choice.inverted });
  else if (event.key === "f") choose({ folded: !choice.folded });
  else if (event.key === "d") setTheme(dark() ? "light" : "dark");
  else if (event.key === "[") stepStage(-1);
  else if (event.key === "]") stepStage(1);
  else if (event.key === "?") byId("help").showModal();
  else return;
  event.preventDefault();
}

function showHelp() {
  const rows = KEYS.map(([key, what]) => element("tr", {}, element("td", {}, element("kbd", {}, key)), element("td", {}, what)));
  byId("help").replaceChildren(element("h2", {}, "Keys"), element("table", {}, ...rows),
    element("form", { method: "dialog" }, element("button", {}, "Close")));
}

function start() {
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  document.documentElement.dataset.theme = prefersDark.matches ? "dark" : "light";
  prefersDark.addEventListener("change", event => setTheme(event.matches ? "dark" : "light"));
  recall();
  showHead();
  showLosses();
  showTiles();
  showHelp();
  assignHues();
  showControls();
  showTimeline();
  rebuildFlame();
  showFlameHead();
  drawFlame();
  showLegend();
  showTabs();
  showTable();
  bindFlame();
  document.addEventListener("keydown", onKey);
  byId("theme").addEventListener("click", () => setTheme(dark() ? "light" : "dark"));
  byId("help-button").addEventListener("click", () => byId("help").showModal());
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    showTimeline();
    drawFlame();
  });
}

start();
