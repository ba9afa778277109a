// What the reader has chosen. It stands in the address as well, so that a link shows the same.

const START = {
  metric: data.start.metric,
  stage: data.start.stage,
  thread: null,
  tag: null,
  // "FROM-TO" in nanoseconds.
  span: null,
  group: data.start.group,
  inverted: data.start.inverted,
  folded: false,
  side: "after",
  search: "",
  table: "functions",
};

const choice = { ...START };
const listeners = [];

// The parts of the page say here how they follow; `changed` are the names of what is different.
const follow = listener => listeners.push(listener);

function choose(change) {
  // A stage and a span are two answers to one question: when.
  if (change.stage != null) change = { ...change, span: null };
  if (change.span != null) change = { ...change, stage: null };
  const changed = Object.keys(change).filter(key => choice[key] !== change[key]);
  if (changed.length === 0) return;
  Object.assign(choice, change);
  remember();
  const set = new Set(changed);
  listeners.forEach(listener => listener(set));
}

const metric = () => metrics.findIndex(one => one.name === choice.metric);
const unit = () => metrics[metric()].unit;

const narrowed = () => ["stage", "span", "thread", "tag"].filter(kind => choice[kind] !== null);

function remember() {
  const different = Object.entries(choice).filter(([key, value]) => value !== START[key]);
  const text = new URLSearchParams(different.map(([key, value]) => [key, value ?? ""])).toString();
  // Some browsers refuse this for local files.
  try {
    history.replaceState(null, "", `#${text}`);
  } catch {}
}

// Takes what the address says, as far as it makes sense here.
function recall() {
  const known = {
    metric: value => metrics.some(one => one.name === value),
    stage: value => allStages.includes(value),
    thread: value => allThreads.includes(value),
    tag: value => allTags.includes(value),
    span: value => /^\d+-\d+$/.test(value) && Number(value.split("-")[0]) < Number(value.split("-")[1]),
    group: value => ["none", "thread", "stage", "tag"].includes(value),
    side: value => ["before", "after"].includes(value),
    search: () => true,
    table: value => TABLES.some(table => table.id === value),
  };
  for (const [key, value] of new URLSearchParams(location.hash.slice(1))) {
    if (known[key]?.(value)) choice[key] = value;
    else if (["inverted", "folded"].includes(key)) choice[key] = value === "true";
    else if (["stage", "thread", "tag", "span"].includes(key) && value === "") choice[key] = null;
  }
}
