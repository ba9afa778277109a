// The data of the report: one run, or an older and a newer one. Threads, stages and tags go by their names, since the
// ids of two runs have nothing to do with each other.

const data = JSON.parse(byId("data").textContent);
const names = data.names;
const metrics = data.metrics;

// What a cell is made of: indices into its numbers. A value for each metric follows.
const NODE = 0;
const PLACE = 1;
const ABOVE = 2;
const THREAD = 3;
const TAG = 4;
const VALUES = 5;
const CELL = VALUES + metrics.length;

class Run {
  constructor(run) {
    Object.assign(this, run);
    this.threadLabel = new Map(run.threads.map(thread => [thread.id, thread.label]));
    this.tagOf = new Map(run.tags.map(tag => [tag.id, tag]));
    // Moments of which the dump has stacks, in their order: each with all that was counted until then.
    const end = { stage: null, last: true, time_ns: run.time_ns, peak: run.totals?.peak ?? 0, peak_time_ns: run.totals?.peak_time_ns ?? 0, cells: run.cells };
    this.moments = [...run.moments, end].sort((a, b) => a.time_ns - b.time_ns);
    this.cellsOf = new Map(run.moments.filter(moment => moment.stage !== null).map(moment => [moment.stage, moment.cells]));
    this.paths = new Map();
    // By node: its name and its caller; 0 is the root.
    this.labels = [-1, ...run.nodes.names];
    this.callers = [0, ...run.nodes.callers];
  }

  // By node: the innermost frame of it that is shown. All are, unless the standard library's and the system's are
  // folded into those that call them; where nothing else is on the stack, that is the root.
  shown() {
    if (!choice.folded) return (this.every ??= this.labels.map((_, node) => node));
    if (!this.outer) {
      this.outer = [0];
      for (let node = 1; node < this.labels.length; node++) {
        this.outer.push(isFoundation(this.labels[node]) ? this.outer[this.callers[node]] : node);
      }
    }
    return this.outer;
  }

  thread(id) {
    return this.threadLabel.get(id) ?? `thread #${id}`;
  }

  // The names of a tag and of those it was pushed under, outermost first.
  tagPath(id) {
    let path = this.paths.get(id);
    if (!path) {
      path = [];
      const seen = new Set();
      for (let at = id; at && !seen.has(at); at = this.tagOf.get(at)?.parent ?? 0) {
        seen.add(at);
        path.unshift(this.tagOf.get(at)?.name ?? `#${at}`);
      }
      this.paths.set(id, path);
    }
    return path;
  }

  // The cells of the program or of a stage; none where the dump has only the stage's figures.
  cellsIn(stage) {
    return stage === null ? this.cells : (this.cellsOf.get(stage) ?? []);
  }

  stage(name) {
    return this.stages.find(stage => stage.name === name);
  }
}

const runs = data.runs.map(run => new Run(run));
const now = runs[runs.length - 1];
const before = runs.length > 1 ? runs[0] : null;

// What there is to choose from, over all runs.
const distinct = list => [...new Set(list)];
const allStages = distinct(runs.flatMap(run => run.stages.map(stage => stage.name)));
const allThreads = distinct(runs.flatMap(run => run.threads.map(thread => thread.label)));
const allTags = distinct(runs.flatMap(run => run.tags.map(tag => tag.name))).sort();
const hasCells = stage => runs.some(run => run.cellsOf.has(stage));
