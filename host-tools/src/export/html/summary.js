// The head of the page: the program, what was lost, and the figures that matter most.

function showHead() {
  const program = now.program;
  const title = data.title ?? (before ? `${program.name}: what changed` : program.name);
  document.title = `${title} – memtrack`;
  byId("title").textContent = title;
  const facts = [program.command && program.command !== title ? program.command : null];
  if (program.pid) facts.push(`process ${program.pid}`);
  facts.push(`${program.os} ${program.arch}`, `${now.shows === "stage" ? "a stage" : "taken"} after ${duration(now.time_ns)}`);
  if (program.start_unix_ns) facts.push(new Date(program.start_unix_ns / 1e6).toISOString().slice(0, 16).replace("T", " "));
  byId("program").textContent = facts.filter(Boolean).join(" · ");
  byId("foot").textContent = `${data.tool} · sizes are those that the program asked for`;
}

// recorded in full + lost = observed, for each run.
function showLosses() {
  const box = byId("losses");
  box.replaceChildren();
  runs.forEach((run, index) => {
    const { full, part, none } = run.attribution;
    const lost = part + none;
    const observed = full + lost;
    const which = before ? (index === 0 ? "Before: " : "After: ") : "";
    const lines = run.losses.map(loss => element("li", {}, loss.text, loss.remedy ? element("em", {}, ` – ${loss.remedy}`) : null));
    const notes = run.notes.map(note => element("li", {}, note));
    const quiet = lost === 0 && lines.length === 0;
    const head = quiet
      ? [element("strong", {}, `${which}Nothing was lost. `), `All ${things(observed, "allocation")} observed are recorded with thread and stack.`]
      : [element("strong", {}, `${which}${count(full)} recorded in full + ${count(lost)} lost = ${things(observed, "allocation")} observed. `),
         lost > 0 ? `Of the lost, ${count(part)} lack a part of the stack or the thread, ${count(none)} have neither.` : "Every allocation has thread and stack, but:"];
    box.append(element("div", { class: quiet ? "banner good" : "banner bad" },
      element("p", {}, ...head),
      quiet ? null : element("div", { class: "share", "aria-hidden": "true" }, ...sharesOf([full, part, none], observed)),
      lines.length ? element("ul", {}, ...lines) : null,
      notes.length ? element("ul", { class: "notes" }, ...notes) : null));
  });
}

function sharesOf(parts, whole) {
  return parts.map((part, index) => {
    const bar = element("span", { class: ["full", "part", "none"][index] });
    bar.style.flexGrow = whole > 0 ? part / whole : 0;
    return bar;
  });
}

// The figures of the program, or those of the stage that is chosen.
function showTiles() {
  const list = choice.stage !== null ? stageTiles(choice.stage) : choice.span !== null ? spanTiles() : programTiles();
  byId("tiles").replaceChildren(...list.map(({ label, of, unit, more, sign }) => {
    const value = of(now);
    if (value === undefined) return element("div", { class: "tile" }, element("span", { class: "label" }, label), element("span", { class: "value" }, "–"));
    const old = before ? of(before) : undefined;
    return element("div", { class: "tile" },
      element("span", { class: "label" }, label),
      element("span", { class: "value", title: unit === "bytes" ? `${count(value)} bytes` : null }, sign ? signed(value, unit) : human(value, unit)),
      old === undefined ? element("span", { class: "more" }, more?.(now) ?? "") : changeOf(old, value, unit));
  }));
}

function changeOf(old, value, unit) {
  const growth = value - old;
  return element("span", { class: `more ${growth > 0 ? "grew" : growth < 0 ? "shrank" : ""}` },
    `${signed(growth, unit)} from ${human(old, unit)}`);
}

function programTiles() {
  const total = key => run => run.totals?.[key];
  return [
    { label: "Peak", of: total("peak"), unit: "bytes", more: run => peakWords(run.totals) },
    { label: "Live at the end", of: total("live"), unit: "bytes", more: run => things(run.totals.live_blocks, "block") },
    { label: "Allocated", of: total("bytes"), unit: "bytes", more: run => things(run.totals.allocs, "allocation") },
    { label: "Temporary blocks", of: total("temporary"), unit: "count", more: run => `${percent(run.totals.temporary, run.totals.allocs)} of the allocations` },
    { label: "Reallocations", of: total("reallocs"), unit: "count", more: run => `${percent(run.totals.reallocs, run.totals.allocs)} of the allocations` },
    { label: "Threads", of: run => run.threads.reduce((sum, thread) => sum + (thread.state === "unattributed" ? 0 : thread.count), 0), unit: "count", more: run => things(run.stages.length, "stage") },
  ];
}

function peakWords(totals) {
  const error = totals.peak_error > 0 ? `, at most ${bytes(totals.peak_error)} too high` : "";
  return `${things(totals.peak_blocks, "block")} after ${duration(totals.peak_time_ns)}${error}`;
}

function stageTiles(name) {
  const of = key => run => run.stage(name)?.[key];
  const at = run => run.stage(name);
  return [
    { label: `Peak in ${name}`, of: of("peak"), unit: "bytes", more: run => things(at(run).peak_blocks, "block") + (at(run).peak_time_ns > 0 ? ` after ${duration(at(run).peak_time_ns)}` : "") },
    { label: "Live before", of: of("live_before"), unit: "bytes" },
    { label: "Live after", of: of("live_after"), unit: "bytes", more: run => signed(at(run).live_after - at(run).live_before, "bytes") },
    { label: "Allocated in it", of: of("bytes"), unit: "bytes", more: run => things(at(run).allocs, "allocation") },
    { label: "Time", of: of("duration_ns"), unit: "duration", more: run => things(at(run).runs, "run") },
    { label: "Lost in it", of: of("lost"), unit: "count", more: () => "events" },
  ];
}

function spanTiles() {
  const [from, to] = span();
  const live = key => run => liveInSpan(run)[key];
  return [
    { label: "Highest in the span", of: live("high"), unit: "bytes", more: () => (curve(now).known ? "" : "as far as stages and peak tell") },
    { label: "Live at its start", of: live("from"), unit: "bytes", more: () => `after ${duration(from)}` },
    { label: "Live at its end", of: live("to"), unit: "bytes", more: () => `after ${duration(to)}` },
    { label: "Grown by", of: run => liveInSpan(run).to - liveInSpan(run).from, unit: "bytes", sign: true },
    { label: "Length", of: () => to - from, unit: "duration", more: () => `${percent(to - from, now.time_ns)} of the time` },
    { label: "Stages in it", of: run => run.stages.filter(overlaps).length, unit: "count" },
  ];
}

follow(changed => (changed.has("stage") || changed.has("span")) && showTiles());
