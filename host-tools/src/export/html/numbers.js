// Figures as people read them, in the same form as everywhere else in memtrack.

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

function bytes(value) {
  if (value < 1024) return `${value} B`;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

// Thousands apart by a thin space that does not break.
const count = value => String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f");

function duration(ns) {
  if (ns < 1e3) return `${ns} ns`;
  if (ns < 1e6) return `${(ns / 1e3).toFixed(2)} µs`;
  if (ns < 1e9) return `${(ns / 1e6).toFixed(2)} ms`;
  return `${(ns / 1e9).toFixed(2)} s`;
}

const percent = (part, whole) => (whole > 0 ? `${((100 * part) / whole).toFixed(1)}%` : "–");

const things = (number, thing) => `${count(number)} ${thing}${number === 1 ? "" : "s"}`;

// A class of sizes: 0 for blocks without bytes, k for those of 2^(k − 1) to 2^k − 1 bytes.
function sizes(power) {
  if (power < 2) return bytes(power);
  return `${bytes(2 ** (power - 1))} – ${bytes(2 ** power - 1)}`;
}

// How to show values of a unit.
const shows = { bytes, duration, sizes };
const human = (value, unit) => (shows[unit] ?? count)(value);

function signed(value, unit) {
  if (value === 0) return "0";
  return (value > 0 ? "+" : "−") + human(Math.abs(value), unit);
}
