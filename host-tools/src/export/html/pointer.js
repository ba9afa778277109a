// Mouse and keyboard on the flame graph.

function frameAt(event) {
  const box = byId("flame").getBoundingClientRect();
  const row = flame.rows[Math.floor((event.clientY - box.top) / ROW)];
  const x = event.clientX - box.left;
  return row?.find(place => place.x <= x && x < place.x + place.width)?.id;
}

function placeOf(id) {
  for (const [row, places] of flame.rows.entries()) {
    const index = places.findIndex(place => place.id === id);
    if (index >= 0) return { row, index };
  }
  return { row: 0, index: 0 };
}

// The frame that an arrow key leads to.
function neighbour(key) {
  const { row, index } = placeOf(flame.focus);
  const here = flame.rows[row];
  const visible = id => placeOf(id).row > 0 || id === 0;
  switch (key) {
    case "ArrowUp": return row > 0 ? flame.tree.caller[flame.focus] : 0;
    case "ArrowDown": return flame.tree.children(flame.focus).find(visible) ?? flame.focus;
    case "ArrowLeft": return here[index - 1]?.id ?? flame.focus;
    case "ArrowRight": return here[index + 1]?.id ?? flame.focus;
    case "Home": return here[0].id;
    case "End": return here.at(-1).id;
  }
}

function onFlameKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key;
  if (key.startsWith("Arrow") || key === "Home" || key === "End") {
    flame.focus = neighbour(key);
    drawFlame();
  } else if (key === "Enter" || key === " ") {
    zoomTo(flame.focus);
  } else if (key === "Backspace") {
    zoomTo(Math.max(0, flame.tree.caller[flame.zoom]));
  } else {
    return;
  }
  event.preventDefault();
}

function showTip(event) {
  const tip = byId("tip");
  const id = frameAt(event);
  tip.hidden = id === undefined;
  byId("flame").style.cursor = id === undefined ? "" : "pointer";
  if (id === undefined) return;
  tip.replaceChildren(element("strong", {}, id === 0 ? "all" : names[flame.tree.name[id]]), element("span", {}, frameWords(id)));
  const box = byId("flame-box").getBoundingClientRect();
  const x = event.clientX - box.left;
  const wide = tip.offsetWidth;
  tip.style.left = `${Math.max(0, Math.min(x + 14, box.width - wide))}px`;
  tip.style.top = `${event.clientY - box.top + 18}px`;
}

function bindFlame() {
  const canvas = byId("flame");
  canvas.addEventListener("mousemove", showTip);
  canvas.addEventListener("mouseleave", () => (byId("tip").hidden = true));
  canvas.addEventListener("keydown", onFlameKey);
  canvas.addEventListener("click", event => {
    const id = frameAt(event);
    if (id === undefined) return;
    byId("tip").hidden = true;
    zoomTo(id);
  });
  canvas.addEventListener("contextmenu", event => {
    // A frame's name into the search: where else is it?
    const id = frameAt(event);
    if (!id) return;
    event.preventDefault();
    choose({ search: names[flame.tree.name[id]] });
    byId("search").value = choice.search;
  });
}
