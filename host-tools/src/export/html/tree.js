// Cells become a tree of frames with sums, under the choice that the reader made.

// The frames of a shape, or of several of it under roots, with the sums of a choice.
class Tree {
  constructor(shape, own, ownBefore) {
    this.shape = shape;
    this.own = own;
    this.ownBefore = ownBefore;
    this.total = summedUp(shape, own);
    this.totalBefore = before ? summedUp(shape, ownBefore) : ownBefore;
    this.sorted = new Map();
  }

  get name() {
    return this.shape.name;
  }

  get caller() {
    return this.shape.caller;
  }

  get depth() {
    return this.shape.depth;
  }

  // Those that count anything, the largest first: sorted for those that are looked at.
  children(id) {
    let list = this.sorted.get(id);
    if (!list) {
      list = [];
      const size = id => Math.max(this.total[id], this.totalBefore[id]);
      for (let child = this.shape.first[id]; child > 0; child = this.shape.next[child]) if (size(child) > 0) list.push(child);
      const text = id => names[this.name[id]];
      list.sort((a, b) => size(b) - size(a) || (text(a) < text(b) ? -1 : 1));
      this.sorted.set(id, list);
    }
    return list;
  }

  path(id) {
    const path = [];
    for (; id > 0; id = this.caller[id]) path.unshift(id);
    return path;
  }

  // The node at the end of a path of names, or the last one of it that is there.
  find(path) {
    let at = 0;
    for (const name of path) {
      const next = this.children(at).find(id => this.name[id] === name);
      if (next === undefined) break;
      at = next;
    }
    return at;
  }
}

// What each node counts with all below it.
function summedUp({ caller }, own) {
  const total = own.slice();
  for (let id = total.length - 1; id > 0; id--) total[caller[id]] += total[id];
  return total;
}

// Names that are made here: threads and stages as roots.
const made = new Map();
function nameOf(text) {
  let id = made.get(text);
  if (id === undefined) {
    id = names.length;
    names.push(text);
    made.set(text, id);
  }
  return id;
}

// The lists of cells that the choice is made of: of which stage, and whether they count or are taken off.
function parts(run) {
  if (choice.group === "stage" && choice.stage === null) {
    return distinct(run.stages.filter(overlaps).map(one => one.name)).map(stage => ({ stage, cells: run.cellsIn(stage), sign: 1 }));
  }
  if (choice.span === null) return [{ stage: choice.stage, cells: run.cellsIn(choice.stage), sign: 1 }];
  const { add, less } = inSpan(run);
  return [{ stage: null, cells: add ?? [], sign: 1 }, { stage: null, cells: less ?? [], sign: -1 }];
}

// Calls `each(run, cell's index, its list, stage, sign)` for the cells of the choice.
function eachCell(each) {
  for (const run of runs) {
    for (const { stage, cells, sign } of parts(run)) {
      for (let at = 0; at < cells.length; at += CELL) {
        if (choice.thread !== null && run.thread(cells[at + THREAD]) !== choice.thread) continue;
        if (choice.tag !== null && !run.tagPath(cells[at + TAG]).includes(choice.tag)) continue;
        each(run, at, cells, stage, sign);
      }
    }
  }
}

function roots(run, at, cells, stage) {
  if (choice.group === "thread") return [run.thread(cells[at + THREAD])];
  if (choice.group === "stage") return stage === null ? [] : [`stage ${stage}`];
  if (choice.group === "tag") return cells[at + TAG] ? run.tagPath(cells[at + TAG]).map(tag => `tag ${tag}`) : ["no tag"];
  return [];
}

// What the cells of the choice count at the end of each stack of a shape, of the newer run and of the older one.
function amounts(shape) {
  const value = VALUES + metric();
  const own = new Float64Array(shape.name.length);
  const ownBefore = before ? new Float64Array(shape.name.length) : shape.nothing;
  eachCell((run, at, cells, _, sign) => {
    (run === before ? ownBefore : own)[shape.ends.get(run)[cells[at + NODE]]] += sign * cells[at + value];
  });
  return { own, ownBefore };
}

function buildTree() {
  const whole = shape(choice.inverted);
  if (choice.group !== "none") return buildGroups(whole);
  const { own, ownBefore } = amounts(whole);
  return new Tree(whole, own, ownBefore);
}

// Roots, and under each of them what of the shape counts anything there.
function buildGroups(whole) {
  const value = VALUES + metric();
  const places = new Map();
  eachCell((run, at, cells, stage, sign) => {
    const amount = sign * cells[at + value];
    if (amount === 0) return;
    const under = roots(run, at, cells, stage);
    const key = under.join("\n");
    let place = places.get(key);
    if (!place) places.set(key, (place = { under: under.map(nameOf), now: new Map(), before: new Map() }));
    const sums = run === before ? place.before : place.now;
    const end = whole.ends.get(run)[cells[at + NODE]];
    sums.set(end, (sums.get(end) ?? 0) + amount);
  });
  const groups = new Groups(whole);
  for (const place of places.values()) groups.add(place);
  return groups.finish();
}

// For each function what it counts itself and with what it calls: once where it calls itself.
function functions() {
  const whole = shape(false);
  const { own, ownBefore } = amounts(whole);
  const now = byName(whole, own);
  const earlier = before ? byName(whole, ownBefore) : { own: [], total: [] };
  const rows = [];
  now.total.forEach((total, name) => {
    const row = { name: names[name], own: { now: now.own[name], before: earlier.own[name] ?? 0 }, total: { now: total, before: earlier.total[name] ?? 0 } };
    if (row.total.now !== 0 || row.total.before !== 0) rows.push(row);
  });
  return rows;
}

function byName(whole, own) {
  const total = summedUp(whole, own);
  const sums = { own: new Float64Array(names.length), total: new Float64Array(names.length) };
  for (let id = 1; id < total.length; id++) {
    const name = whole.name[id];
    sums.own[name] += own[id];
    if (whole.outermost[id]) sums.total[name] += total[id];
  }
  return sums;
}

// Where blocks are allocated: function, file and line.
function sites() {
  const value = VALUES + metric();
  const rows = new Map();
  eachCell((run, at, cells, _, sign) => {
    const amount = sign * cells[at + value];
    if (amount === 0) return;
    const [name, file, line] = run.sites[cells[at + (choice.folded ? ABOVE : PLACE)]];
    const key = `${name}:${file}:${line}`;
    let row = rows.get(key);
    if (!row) {
      const place = file === null ? "" : line > 0 ? `${names[file]}:${line}` : names[file];
      rows.set(key, (row = { name: names[name], place: brief(place), whole: place, own: { now: 0, before: 0 } }));
    }
    row.own[run === before ? "before" : "now"] += amount;
  });
  // What was counted before the span is gone again.
  return [...rows.values()].filter(row => row.own.now !== 0 || row.own.before !== 0);
}

// The end of a long path: from the folder of the crate on where there is one.
function brief(place) {
  const parts = place.split("/");
  const source = parts.lastIndexOf("src");
  const from = Math.max(source > 0 ? source - 1 : parts.length - 3, parts.length - 6);
  return parts.length > 5 ? `…/${parts.slice(from).join("/")}` : place;
}
