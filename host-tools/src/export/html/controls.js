// What is shown: metric, stage, thread, tag, grouping, direction, search.

const METRIC_LABELS = {
  "allocs": "Allocs", "bytes": "Bytes", "live": "Live", "live-blocks": "Live blocks",
  "peak": "Peak", "peak-blocks": "Peak blocks", "temporary": "Temporary",
};

function showControls() {
  const parts = [
    segmented("metric", "Metric", metrics.map(one => [one.name, METRIC_LABELS[one.name], one.title])),
    before ? segmented("side", "Widths", [["before", "Before", "widths of the older dump"], ["after", "After", "widths of the newer dump"]]) : null,
    element("div", { class: "row" },
      picker("stage", "Stage", "whole program", allStages),
      picker("thread", "Thread", "all threads", allThreads),
      allTags.length > 0 ? picker("tag", "Tag", "all tags", allTags) : null,
      grouping(),
      check("inverted", "Inverted", "Innermost frames first (i)"),
      check("folded", "Fold std", "Frames of the standard library and of the system count for those that call them (f)"),
      searchField()),
  ];
  byId("controls").replaceChildren(...parts.filter(Boolean), element("div", { id: "chips" }));
  showChips();
}

function segmented(key, label, options) {
  const buttons = options.map(([value, text, title], index) => element("button", {
    title: key === "metric" ? `${title} (${index + 1})` : title,
    "aria-pressed": String(choice[key] === value),
    "data-value": value,
    onclick: () => choose({ [key]: value }),
  }, text));
  return element("div", { class: "segmented", role: "group", "aria-label": label, id: `choose-${key}` }, ...buttons);
}

function picker(key, label, all, options) {
  const list = [element("option", { value: "" }, all), ...options.map((name, index) => element("option", { value: String(index + 1) }, name))];
  const select = element("select", { id: `choose-${key}`, onchange: event => choose({ [key]: options[Number(event.target.value) - 1] ?? null }) }, ...list);
  select.value = String(options.indexOf(choice[key]) + 1 || "");
  return element("label", {}, element("span", {}, label), select);
}

function check(key, label, title) {
  return element("label", { class: "check", title },
    element("input", { type: "checkbox", id: key, checked: choice[key], onchange: event => choose({ [key]: event.target.checked }) }), label);
}

function grouping() {
  const options = [["none", "nothing"], ["thread", "thread"], ["stage", "stage"], ...(allTags.length > 0 ? [["tag", "tag"]] : [])];
  const select = element("select", { id: "choose-group", onchange: event => choose({ group: event.target.value }) },
    ...options.map(([value, text]) => element("option", { value }, text)));
  select.value = choice.group;
  return element("label", {}, element("span", {}, "Group by"), select);
}

function searchField() {
  let timer = 0;
  const input = element("input", {
    type: "search", id: "search", placeholder: "Search frames  ( / )", "aria-label": "Search frames", spellcheck: "false",
    oninput: event => {
      clearTimeout(timer);
      timer = setTimeout(() => choose({ search: event.target.value }), 120);
    },
  });
  input.value = choice.search;
  return element("span", { class: "search" }, input, element("output", { id: "matched" }));
}

// What narrows the view, each with a way out.
function showChips() {
  const chips = narrowed().map(kind => element("button", {
    class: "chip", title: "Show everything again", "data-kind": kind, onclick: () => choose({ [kind]: null }),
  }, `${kind} ${kind === "span" ? spanWords(span()) : choice[kind]}`, element("span", { "aria-hidden": "true" }, " ✕")));
  byId("chips").replaceChildren(...chips);
}

follow(changed => {
  for (const key of ["metric", "side"]) {
    if (!changed.has(key)) continue;
    for (const button of document.querySelectorAll(`#choose-${key} button`)) {
      button.setAttribute("aria-pressed", String(button.dataset.value === choice[key]));
    }
  }
  for (const [key, options] of [["stage", allStages], ["thread", allThreads], ["tag", allTags]]) {
    const select = byId(`choose-${key}`);
    if (changed.has(key) && select) select.value = String(options.indexOf(choice[key]) + 1 || "");
  }
  if (changed.has("group")) byId("choose-group").value = choice.group;
  for (const key of ["inverted", "folded"]) byId(key).checked = choice[key];
  if (changed.has("search") && document.activeElement !== byId("search")) byId("search").value = choice.search;
  if (narrowed().length > 0 || byId("chips").childElementCount > 0) showChips();
});
