// Cells become a tree of frames with sums, under the choice that the reader made.

// Columns of nodes; node 0 is the root, callers come before those they call.
class Tree {
  constructor() {
    this.name = [-1];
    this.caller = [-1];
    this.depth = [0];
    this.own = [0];
    this.ownBefore = [0];
    this.ids = new Map();
  }

  child(caller, name) {
    const key = caller * names.length + name;
    let id = this.ids.get(key);
    if (id === undefined) {
      id = this.name.length;
      this.ids.set(key, id);
      this.name.push(name);
      this.caller.push(caller);
      this.depth.push(this.depth[caller] + 1);
      this.own.push(0);
      this.ownBefore.push(0);
    }
    return id;
  }

  // Sums up; of siblings the largest comes first.
  finish() {
    this.ids = null;
    this.total = Float64Array.from(this.own);
    this.totalBefore = Float64Array.from(this.ownBefore);
    this.children = this.name.map(() => []);
    for (let id = this.name.length - 1; id > 0; id--) {
      const caller = this.caller[id];
      this.total[caller] += this.total[id];
      this.totalBefore[caller] += this.totalBefore[id];
      this.children[caller].push(id);
    }
    const size = id => Math.max(this.total[id], this.totalBefore[id]);
    const text = id => names[this.name[id]];
    const order = (a, b) => size(b) - size(a) || (text(a) < text(b) ? -1 : 1);
    this.children.forEach(list => list.sort(order));
    return this;
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
      const next = this.children[at].find(id => this.name[id] === name);
      if (next === undefined) break;
      at = next;
    }
    return at;
  }
}

// What stands for stacks on which all frames are folded.
const FOUNDATION = "[standard library and system]";

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

function buildTree() {
  // First what each node counts itself: many cells stand on one.
  const places = new Map();
  const value = VALUES + metric();
  eachCell((run, at, cells, stage, sign) => {
    const amount = sign * cells[at + value];
    if (amount === 0) return;
    const under = roots(run, at, cells, stage);
    const key = `${run === before}\n${under.join("\n")}`;
    let place = places.get(key);
    if (!place) places.set(key, (place = { run, under: under.map(nameOf), own: new Map() }));
    place.own.set(cells[at + NODE], (place.own.get(cells[at + NODE]) ?? 0) + amount);
  });
  const tree = new Tree();
  for (const place of places.values()) grow(tree, place);
  return tree.finish();
}

function grow(tree, { run, under, own }) {
  const root = under.reduce((at, name) => tree.child(at, name), 0);
  const sums = run === before ? tree.ownBefore : tree.own;
  const { callers, labels } = run;
  const shown = run.shown();
  const known = new Map([[0, root]]);
  const stack = [];
  for (const [node, amount] of own) {
    if (amount === 0) continue;
    let id = shown[node];
    let at = root;
    if (id === 0) {
      at = tree.child(root, nameOf(FOUNDATION));
    } else if (choice.inverted) {
      for (; id > 0; id = shown[callers[id]]) at = tree.child(at, labels[id]);
    } else {
      for (; !known.has(id); id = shown[callers[id]]) stack.push(id);
      at = known.get(id);
      while (stack.length > 0) {
        id = stack.pop();
        at = tree.child(at, labels[id]);
        known.set(id, at);
      }
    }
    sums[at] += amount;
  }
}

// For each function what it counts itself and with what it calls: once where it calls itself.
function functions() {
  const value = VALUES + metric();
  const rows = new Map();
  for (const run of runs) {
    const own = new Map();
    eachCell((of, at, cells, _, sign) => {
      if (of === run) own.set(cells[at + NODE], (own.get(cells[at + NODE]) ?? 0) + sign * cells[at + value]);
    });
    const { callers, labels } = run;
    const shown = run.shown();
    const which = run === before ? "before" : "now";
    const met = new Set();
    const rowOf = name => {
      let row = rows.get(name);
      if (!row) rows.set(name, (row = { name: names[name], own: { now: 0, before: 0 }, total: { now: 0, before: 0 } }));
      return row;
    };
    for (const [node, amount] of own) {
      if (amount === 0) continue;
      met.clear();
      const innermost = shown[node];
      rowOf(innermost === 0 ? nameOf(FOUNDATION) : labels[innermost]).own[which] += amount;
      if (innermost === 0) met.add(nameOf(FOUNDATION));
      for (let id = innermost; id > 0; id = shown[callers[id]]) met.add(labels[id]);
      for (const name of met) rowOf(name).total[which] += amount;
    }
  }
  return [...rows.values()];
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
