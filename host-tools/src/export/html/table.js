// Tables that sort by any column.

const SHOWN = 60;

// A column: {title, unit, of: row => value, whole: () => value for a bar, sign: it is a change}; without a unit it is
// text. `sort` is {column, down}; `pick(row)` makes rows buttons.
function table({ columns, rows, sort, all, caption, pick, chosen, onsort, onall }) {
  const by = columns[sort.column];
  const text = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  // Equal ones by the other figures, the largest first, then by name.
  const others = columns.filter(column => column.unit && column !== by);
  const order = (a, b) => {
    const sign = by.unit ? by.of(a) - by.of(b) : text(by.of(a), by.of(b));
    if (sign !== 0) return sort.down ? -sign : sign;
    const other = others.find(column => column.of(a) !== column.of(b));
    return other ? other.of(b) - other.of(a) : text(a.name, b.name);
  };
  const sorted = [...rows].sort(order);
  const head = columns.map((column, index) => element("th", {
    scope: "col", class: column.unit ? "number" : null,
    "aria-sort": index === sort.column ? (sort.down ? "descending" : "ascending") : "none",
  }, element("button", { onclick: () => onsort({ column: index, down: index === sort.column ? !sort.down : Boolean(column.unit) }) }, column.title)));
  const body = (all ? sorted : sorted.slice(0, SHOWN)).map(row => {
    const attributes = pick ? { tabindex: "0", class: `pick${chosen?.(row) ? " chosen" : ""}`, onclick: () => pick(row), onkeydown: event => event.key === "Enter" && pick(row) } : {};
    return element("tr", attributes, ...columns.map(column => cell(column, row)));
  });
  const more = !all && sorted.length > SHOWN ? element("button", { class: "more-rows", onclick: onall }, `Show all ${count(sorted.length)}`) : null;
  return element("div", { class: "scroll" },
    element("table", {},
      element("caption", {}, caption),
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...body)),
    rows.length === 0 ? element("p", { class: "note" }, "Nothing to show.") : null, more);
}

function cell(column, row) {
  const value = column.of(row);
  if (!column.unit) return element("td", { title: column.hint?.(row) ?? value, class: column.quiet ? "quiet" : "name" }, value);
  const text = value === undefined ? "–" : column.sign ? signed(value, column.unit) : human(value, column.unit);
  const whole = column.whole?.() ?? 0;
  const td = element("td", { class: `number${column.sign && value ? (value > 0 ? " grew" : " shrank") : ""}` }, text);
  if (whole > 0) {
    const bar = element("i", { class: "bar" });
    bar.style.width = `${Math.min(100, (100 * Math.abs(value)) / whole)}%`;
    td.append(element("small", {}, percent(value, whole)), bar);
  }
  return td;
}
