// The flame graph: callers above, what they call below; inverted the other way round. Drawn on a canvas, where ten
// thousand stacks cost a few milliseconds.

const ROW = 21;
const LEAST = 0.4;
const LEAST_ROW = 0.012;

const flame = {
  tree: null,
  zoom: 0,
  focus: 0,
  // Per row: nodes with their places, from left to right.
  rows: [],
  // Rows that were left out at the end.
  cut: 0,
  matches: null,
};

const sized = id => (choice.side === "before" ? flame.tree.totalBefore[id] : flame.tree.total[id]);

function rebuildFlame() {
  const path = flame.tree ? flame.tree.path(flame.zoom).map(id => flame.tree.name[id]) : [];
  flame.tree = buildTree();
  flame.zoom = flame.tree.find(path);
  flame.focus = flame.zoom;
  search();
}

// Finds what the search is after, and how much of the whole that is.
function search() {
  const tree = flame.tree;
  const text = choice.search.trim().toLowerCase();
  flame.matches = null;
  if (text !== "") {
    const hits = names.map(name => name.toLowerCase().includes(text));
    flame.matches = hits;
    let sum = 0;
    const ahead = [...tree.children(0)];
    while (ahead.length > 0) {
      const id = ahead.pop();
      if (hits[tree.name[id]]) sum += sized(id);
      else ahead.push(...tree.children(id));
    }
    byId("matched").textContent = `${percent(sum, sized(0))} matched`;
  } else {
    byId("matched").textContent = "";
  }
}

// Places of all frames that are wide enough to be seen.
function layout(width) {
  const { tree, zoom } = flame;
  const path = tree.path(zoom);
  const rows = [[{ id: 0, x: 0, width }], ...path.map(id => [{ id, x: 0, width }])];
  const whole = sized(zoom);
  const place = (id, x, room, row) => {
    let at = x;
    for (const child of tree.children(id)) {
      const wide = whole > 0 ? (sized(child) / whole) * width : 0;
      if (wide < LEAST) continue;
      (rows[row] ??= []).push({ id: child, x: at, width: wide });
      at += wide;
    }
  };
  for (let row = path.length; row < rows.length; row++) {
    for (const { id, x, width: room } of rows[row]) place(id, x, room, row + 1);
  }
  return rows;
}

// Without the rows at the end that are all but empty: a few deep stacks would make the graph many screens high.
function trim(rows, width) {
  const room = row => row.reduce((sum, place) => sum + place.width, 0);
  let end = rows.length;
  while (end > flame.tree.depth[flame.zoom] + 2 && room(rows[end - 1]) < width * LEAST_ROW) end -= 1;
  flame.cut = rows.length - end;
  return rows.slice(0, end);
}

function drawFlame() {
  const canvas = byId("flame");
  const width = canvas.parentElement.clientWidth;
  flame.rows = trim(layout(width), width);
  const height = flame.rows.length * ROW;
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.height = `${height}px`;
  const paint = canvas.getContext("2d");
  paint.scale(scale, scale);
  paint.font = `12px ${color("--sans")}`;
  paint.textBaseline = "middle";
  const colors = { text: color("--frame-text"), match: color("--match"), panel: color("--panel"), root: color("--root"), focus: color("--focus"), dim: color("--dim") };
  const above = flame.tree.depth[flame.zoom];
  flame.rows.forEach((row, index) => row.forEach(box => drawFrame(paint, box, index, index < above, colors)));
  describe(flame.focus);
  showCrumbs();
}

function drawFrame(paint, { id, x, width }, row, outside, colors) {
  const { tree } = flame;
  const name = tree.name[id];
  const gap = width > 3 ? 1 : 0;
  paint.globalAlpha = outside ? 0.45 : flame.matches && id !== 0 && !flame.matches[name] ? 0.35 : 1;
  if (id === 0) paint.fillStyle = colors.root;
  else if (flame.matches?.[name]) paint.fillStyle = colors.match;
  else if (before) paint.fillStyle = changeColor(tree.total[id] - tree.totalBefore[id], Math.max(tree.total[0], tree.totalBefore[0]));
  else paint.fillStyle = frameColor(name);
  paint.fillRect(x, row * ROW, width - gap, ROW - 1);
  paint.globalAlpha = outside ? 0.7 : 1;
  if (width > 26) {
    paint.fillStyle = colors.text;
    const label = fit(paint, labelOf(id), width - 10);
    if (label) paint.fillText(label, x + 5, row * ROW + ROW / 2);
  }
  if (id === flame.focus && id !== 0) {
    paint.strokeStyle = colors.focus;
    paint.lineWidth = 2;
    paint.strokeRect(x + 1, row * ROW + 1, Math.max(1, width - gap - 2), ROW - 3);
  }
  paint.globalAlpha = 1;
}

const labelOf = id => (id === 0 ? `all: ${human(sized(0), unit())}` : names[flame.tree.name[id]]);

function fit(paint, text, room) {
  if (text.length * 4 < room && paint.measureText(text).width <= room) return text;
  // Twelve pixels of a proportional font are about six and a half a letter.
  let letters = Math.min(text.length, Math.floor(room / 4));
  while (letters > 1 && paint.measureText(`${text.slice(0, letters)}…`).width > room) letters -= Math.max(1, letters >> 4);
  return letters > 1 ? (letters === text.length ? text : `${text.slice(0, letters)}…`) : "";
}

// A frame in words: own, with what it calls, share of the whole.
function frameWords(id) {
  const { tree } = flame;
  const of = value => human(value, unit());
  const parts = [`${of(sized(id))}, ${percent(sized(id), sized(0))} of what is shown`];
  if (tree.own[id] > 0 && choice.side === "after" && tree.own[id] !== tree.total[id]) parts.push(`${of(tree.own[id])} itself`);
  if (before) parts.push(`${signed(tree.total[id] - tree.totalBefore[id], unit())} from ${of(tree.totalBefore[id])}`);
  return parts.join(" · ");
}

function describe(id) {
  const name = element("strong", {}, id === 0 ? "all" : names[flame.tree.name[id]]);
  const cut = flame.cut > 0 ? [element("span", { class: "cut" }, `${things(flame.cut, "row")} of narrow frames below: zoom in to see them`)] : [];
  byId("details").replaceChildren(name, " ", frameWords(id), ...cut);
}

function showCrumbs() {
  const path = flame.tree.path(flame.zoom);
  const shown = path.length > 6 ? [...path.slice(0, 2), -1, ...path.slice(-3)] : path;
  const crumbs = path.length === 0 ? [] : [0, ...shown].map(id => id === -1 ? element("span", {}, "…")
    : element("button", { onclick: () => zoomTo(id), disabled: id === flame.zoom }, id === 0 ? "all" : names[flame.tree.name[id]]));
  byId("crumbs").replaceChildren(...crumbs);
}

function zoomTo(id) {
  flame.zoom = id;
  flame.focus = id;
  drawFlame();
}

function showFlameHead() {
  const title = metrics[metric()].title;
  byId("flame-title").textContent = title[0].toUpperCase() + title.slice(1);
  const { tree } = flame;
  const sum = before ? `${human(tree.totalBefore[0], unit())} → ${human(tree.total[0], unit())} (${signed(tree.total[0] - tree.totalBefore[0], unit())})` : human(tree.total[0], unit());
  byId("flame-total").textContent = sum;
  byId("flame-note").textContent = flameNote();
}

function flameNote() {
  const own = ["peak", "peak-blocks"].includes(choice.metric);
  if (choice.span !== null && choice.group !== "stage") return inSpan(now).words;
  if (choice.stage !== null && !hasCells(choice.stage)) return `The dump has the figures of stage ${choice.stage}, not its cells: set MEMTRACK_DUMP, or call dump_stages_to before it begins.`;
  if (choice.stage !== null && !own) return `From the program's start to the end of stage ${choice.stage}: the peak is the stage's own.`;
  if (choice.stage !== null) return `What was alive when stage ${choice.stage} stood at its peak.`;
  if (choice.group === "stage") return own ? "Each stage at its own peak: they stood at different times." : "For each stage what was counted from the program's start to its end.";
  return flame.tree.total[0] + flame.tree.totalBefore[0] === 0 ? "Nothing was counted." : "";
}

function showLegend() {
  const items = before
    ? [["grew", changeColor(1, 2)], ["shrank", changeColor(-1, 2)], ["same", changeColor(0, 1)]]
    : [...hues.keys(), ...data.packages.filter(of => of.foundation)].slice(0, 12).map(of => [of.name, packageColor(of)]);
  byId("legend").replaceChildren(...items.map(([text, paint]) => {
    const dot = element("i", {});
    dot.style.background = paint;
    return element("span", {}, dot, text);
  }));
}

follow(changed => {
  if (["metric", "stage", "thread", "tag", "span", "group", "inverted", "folded"].some(key => changed.has(key))) rebuildFlame();
  else if (changed.has("search") || changed.has("side")) search();
  else return;
  showFlameHead();
  drawFlame();
});
