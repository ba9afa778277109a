// The trees of all frames that the runs have, whatever is chosen: made once for each direction, and once more with the
// standard library folded. A choice then only sums up over them.

// What stands for stacks on which all frames are folded.
const FOUNDATION = "[standard library and system]";

function scattered(caller, name) {
  const mixed = Math.imul(caller, 0x9e3779b1) ^ Math.imul(name, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}

// Columns of nodes; node 0 is the root, callers come before those they call.
class Shape {
  constructor(inverted) {
    // Where the amount of each of a run's nodes goes: -1 where no stack ends.
    this.ends = new Map();
    this.name = [-1];
    this.caller = [0];
    this.depth = [0];
    this.slots = new Int32Array(1 << 12);
    for (const run of runs) this.ends.set(run, this.grow(run, inverted));
    this.slots = null;
    linked(this);
    this.outermost = inverted ? null : this.findOutermost();
    this.nothing = new Float64Array(this.name.length);
  }

  // The node of a name under a caller. An open table of numbers: a map of pairs takes several times as long.
  child(caller, name) {
    const mask = this.slots.length - 1;
    let slot = scattered(caller, name) & mask;
    for (let id; (id = this.slots[slot]) > 0; slot = (slot + 1) & mask) {
      if (this.caller[id] === caller && this.name[id] === name) return id;
    }
    const id = this.name.length;
    this.slots[slot] = id;
    this.name.push(name);
    this.caller.push(caller);
    this.depth.push(this.depth[caller] + 1);
    if (2 * id > mask) this.widen();
    return id;
  }

  widen() {
    const mask = 2 * this.slots.length - 1;
    this.slots = new Int32Array(mask + 1);
    for (let id = 1; id < this.name.length; id++) {
      let slot = scattered(this.caller[id], this.name[id]) & mask;
      while (this.slots[slot] > 0) slot = (slot + 1) & mask;
      this.slots[slot] = id;
    }
  }

  grow(run, inverted) {
    const { callers, labels } = run;
    const shown = run.shown();
    const ends = new Int32Array(labels.length).fill(-1);
    // Callers come before those they call, so that of each the place is known.
    const known = inverted ? null : new Int32Array(labels.length);
    for (let node = 1; known && node < labels.length; node++) {
      if (shown[node] === node) known[node] = this.child(known[shown[callers[node]]], labels[node]);
    }
    for (const cells of [run.cells, ...run.moments.map(moment => moment.cells)]) {
      for (let at = 0; at < cells.length; at += CELL) {
        const node = cells[at + NODE];
        if (ends[node] !== -1) continue;
        let id = shown[node];
        if (id === 0) ends[node] = this.child(0, nameOf(FOUNDATION));
        else if (known) ends[node] = known[id];
        else {
          let end = 0;
          for (; id > 0; id = shown[callers[id]]) end = this.child(end, labels[id]);
          ends[node] = end;
        }
      }
    }
    return ends;
  }

  // By node: whether it is the outermost call of its function. The table of functions asks that, of callers above calls.
  findOutermost() {
    const { name, caller } = this;
    const outermost = new Uint8Array(name.length).fill(1);
    for (let id = 1; id < name.length; id++) {
      for (let at = caller[id]; at > 0; at = caller[at]) {
        if (name[at] !== name[id]) continue;
        outermost[id] = 0;
        break;
      }
    }
    return outermost;
  }
}

// Puts children beside the callers of a shape: the first child of each node, and the next one of its caller.
function linked(shape) {
  const size = shape.name.length;
  shape.name = Int32Array.from(shape.name);
  shape.caller = Int32Array.from(shape.caller);
  shape.first = new Int32Array(size);
  shape.next = new Int32Array(size);
  for (let id = size - 1; id > 0; id--) {
    shape.next[id] = shape.first[shape.caller[id]];
    shape.first[shape.caller[id]] = id;
  }
  return shape;
}

// A shape that is made for one choice: parts of another under roots, with the sums that end in each node.
class Groups {
  constructor(whole) {
    this.whole = whole;
    this.name = [-1];
    this.caller = [0];
    this.depth = [0];
    this.own = [0];
    this.ownBefore = [0];
    this.rootIds = new Map();
    // By node of the whole: the node for it under the root that is being added.
    this.known = new Int32Array(whole.name.length);
  }

  push(caller, name) {
    this.name.push(name);
    this.caller.push(caller);
    this.depth.push(this.depth[caller] + 1);
    this.own.push(0);
    this.ownBefore.push(0);
    return this.name.length - 1;
  }

  root(caller, name) {
    const key = `${caller} ${name}`;
    if (!this.rootIds.has(key)) this.rootIds.set(key, this.push(caller, name));
    return this.rootIds.get(key);
  }

  add(place) {
    const { whole, known } = this;
    const root = place.under.reduce((at, name) => this.root(at, name), 0);
    known.fill(0);
    const ahead = [];
    for (const [sums, ends] of [[this.own, place.now], [this.ownBefore, place.before]]) {
      for (const [end, amount] of ends) {
        let at = end;
        for (; at > 0 && known[at] === 0; at = whole.caller[at]) ahead.push(at);
        let id = at > 0 ? known[at] : root;
        while (ahead.length > 0) {
          at = ahead.pop();
          known[at] = id = this.push(id, whole.name[at]);
        }
        sums[id] += amount;
      }
    }
  }

  finish() {
    const { own, ownBefore } = this;
    return new Tree(linked({ name: this.name, caller: this.caller, depth: this.depth }), Float64Array.from(own), Float64Array.from(ownBefore));
  }
}

const shapes = new Map();
function shape(inverted) {
  const key = `${inverted} ${choice.folded}`;
  if (!shapes.has(key)) shapes.set(key, new Shape(inverted));
  return shapes.get(key);
}
