// The tables: functions, sites, threads, stages.

const bySide = (key, side) => row => row[key][side];
const growth = key => row => row[key].now - row[key].before;

// Columns of a value: as it is, or before, after and by how much it changed.
function valueColumns(title, key, of, whole) {
  if (!before) return [{ title, unit: of, of: bySide(key, "now"), whole }];
  return [
    { title: `${title} change`, unit: of, of: growth(key), sign: true },
    { title: "before", unit: of, of: bySide(key, "before") },
    { title: "after", unit: of, of: bySide(key, "now") },
  ];
}

const wholeNow = () => flame.tree.total[0];

// What a record of the newer run and the one of the same name in the older run say.
function pairs(list, key) {
  const rows = new Map();
  for (const run of runs) {
    for (const record of list(run)) {
      const name = record[key];
      const row = rows.get(name) ?? { name, now: null, before: null };
      row[run === before ? "before" : "now"] ??= record;
      rows.set(name, row);
    }
  }
  return [...rows.values()];
}

const field = (path, side = "now") => row => path.split(".").reduce((at, key) => at?.[key], row[side]) ?? 0;

const sumOf = key => now.sizes.reduce((sum, size) => sum + size[key], 0);

function fieldColumns(title, path, of, whole) {
  if (!before) return [{ title, unit: of, of: field(path), whole }];
  return [
    { title: `${title} change`, unit: of, of: row => field(path)(row) - field(path, "before")(row), sign: true },
    { title: "after", unit: of, of: field(path) },
  ];
}

const TABLES = [
  {
    id: "functions", title: "Functions",
    caption: "Each function: what it allocated itself, and with what it called. A row puts its name into the search.",
    columns: () => [...valueColumns("own", "own", unit(), wholeNow), ...valueColumns("with calls", "total", unit(), wholeNow), { title: "function", of: row => row.name }],
    rows: functions,
    pick: row => searchFor(row.name),
  },
  {
    id: "sites", title: "Allocation sites",
    caption: "Where in the source blocks were asked for. With the standard library folded: where the program itself did.",
    columns: () => [...valueColumns("value", "own", unit(), wholeNow), { title: "function", of: row => row.name }, { title: "place", of: row => row.place, hint: row => row.whole, quiet: true }],
    rows: sites,
    pick: row => searchFor(row.name),
  },
  {
    id: "threads", title: "Threads",
    caption: "Each thread's own high-water mark, and what it had when the program's peak stood. A row narrows everything to its thread.",
    columns: () => [
      ...fieldColumns("own peak", "own_peak", "bytes"), ...fieldColumns("at peak", "figures.peak", "bytes"),
      ...fieldColumns("live", "figures.live", "bytes"), ...fieldColumns("allocated", "figures.bytes", "bytes"),
      ...fieldColumns("allocations", "figures.allocs", "count"),
      { title: "thread", of: row => row.name }, { title: "state", of: row => (row.now ?? row.before).state, quiet: true }],
    rows: () => pairs(run => run.threads, "label"),
    pick: row => choose({ thread: choice.thread === row.name ? null : row.name }),
    chosen: row => choice.thread === row.name,
  },
  {
    id: "stages", title: "Stages",
    caption: "Each stage's highest live bytes, of its run with the highest peak; sums are over all runs. A row narrows everything to its stage.",
    columns: () => [
      ...fieldColumns("peak", "peak", "bytes"),
      ...(before ? [] : [{ title: "before", unit: "bytes", of: field("live_before") }, { title: "after", unit: "bytes", of: field("live_after") }]),
      ...fieldColumns("allocated", "bytes", "bytes"), ...fieldColumns("allocations", "allocs", "count"),
      { title: "runs", unit: "count", of: field("runs") }, ...fieldColumns("time", "duration_ns", "duration"),
      { title: "stage", of: row => row.name }],
    rows: () => pairs(run => run.stages.filter(overlaps), "name"),
    pick: row => choose({ stage: choice.stage === row.name ? null : row.name }),
    chosen: row => choice.stage === row.name,
  },
  {
    id: "sizes", title: "Sizes",
    caption: "How large the blocks of the whole program were when they were asked for.",
    columns: () => [
      { title: "size", unit: "sizes", of: row => row.name },
      ...fieldColumns("allocations", "allocs", "count", () => sumOf("allocs")), ...fieldColumns("bytes", "bytes", "bytes", () => sumOf("bytes"))],
    rows: () => pairs(run => run.sizes, "class"),
    sort: { column: 0, down: false },
  },
].filter(table => table.id !== "sizes" || runs.some(run => run.sizes.length > 0));

const sorts = {};
const unfolded = new Set();

function searchFor(name) {
  choose({ search: choice.search === name ? "" : name });
  byId("search").value = choice.search;
}

function showTabs() {
  byId("tabs").replaceChildren(...TABLES.map((one, index) => element("button", {
    role: "tab", id: `tab-${one.id}`, "aria-controls": "table", "aria-selected": String(choice.table === one.id),
    tabindex: choice.table === one.id ? "0" : "-1",
    onclick: () => choose({ table: one.id }),
    onkeydown: event => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = TABLES[(index + step + TABLES.length) % TABLES.length].id;
      choose({ table: next });
      byId(`tab-${next}`).focus();
    },
  }, one.title)));
}

function showTable() {
  const one = TABLES.find(table => table.id === choice.table);
  const columns = one.columns();
  const sort = sorts[one.id] ?? one.sort ?? { column: 0, down: true };
  const shown = table({
    ...one, columns, sort, rows: one.rows(), all: unfolded.has(one.id),
    onsort: next => {
      sorts[one.id] = next;
      showTable();
      byId("table").querySelectorAll("th button")[next.column].focus();
    },
    onall: () => {
      unfolded.add(one.id);
      showTable();
    },
  });
  byId("table").setAttribute("aria-labelledby", `tab-${one.id}`);
  byId("table").replaceChildren(shown);
}

follow(changed => {
  if (changed.has("table")) showTabs();
  if (["table", "metric", "stage", "thread", "tag", "span", "folded"].some(key => changed.has(key)) || (changed.has("group") && choice.group === "stage")) showTable();
});
