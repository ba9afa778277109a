// One colour for each crate or namespace, so that a glance tells whose code a frame is.

const HUES = [18, 205, 145, 275, 48, 330, 178, 100, 235, 0];

// Of a name; those that are made here are nobody's.
const packageOf = name => data.packages[data.of[name]] ?? { name: "", foundation: false };
const isFoundation = name => packageOf(name).foundation;

// Of the packages, the largest get the hues that differ most.
const hues = new Map();
function assignHues() {
  const sizes = new Map();
  const value = VALUES + metrics.findIndex(one => one.name === "bytes");
  for (const run of runs) {
    const own = new Map();
    for (let at = 0; at < run.cells.length; at += CELL) {
      own.set(run.cells[at + NODE], (own.get(run.cells[at + NODE]) ?? 0) + run.cells[at + value]);
    }
    for (const [node, amount] of own) {
      const met = new Set();
      for (let id = node; id > 0; id = run.callers[id]) met.add(packageOf(run.labels[id]));
      for (const of of met) sizes.set(of, (sizes.get(of) ?? 0) + amount);
    }
  }
  const own = [...sizes].filter(([of]) => !of.foundation && of.name !== "");
  own.sort(([a, one], [b, other]) => other - one || (a.name < b.name ? -1 : 1));
  own.forEach(([of], index) => hues.set(of, HUES[index % HUES.length]));
}

const dark = () => document.documentElement.dataset.theme === "dark";

// A little lighter or darker by name, so that neighbours of one package can be told apart.
function shade(name) {
  let hash = 0;
  for (const character of names[name]) hash = (hash * 31 + character.codePointAt(0)) | 0;
  return ((hash >>> 0) % 7) - 3;
}

function packageColor(of, vary = 0) {
  const hue = hues.get(of);
  if (hue === undefined) {
    const light = (of.name === "std" ? (dark() ? 36 : 82) : dark() ? 30 : 88) + vary;
    return `hsl(215 ${of.name === "std" ? 16 : 8}% ${light}%)`;
  }
  return dark() ? `hsl(${hue} 42% ${38 + vary}%)` : `hsl(${hue} 68% ${78 + vary}%)`;
}

const frameColor = name => packageColor(packageOf(name), shade(name));

// Red where it grew, blue where it shrank, stronger by how much of the whole that is.
function changeColor(growth, whole) {
  if (growth === 0 || whole === 0) return dark() ? "hsl(215 8% 30%)" : "hsl(215 12% 90%)";
  const share = Math.min(1, Math.sqrt(Math.abs(growth) / whole) * 1.6 + 0.12);
  const hue = growth > 0 ? 8 : 212;
  return dark() ? `hsl(${hue} ${20 + 50 * share}% ${30 + 14 * share}%)` : `hsl(${hue} ${40 + 45 * share}% ${92 - 26 * share}%)`;
}
