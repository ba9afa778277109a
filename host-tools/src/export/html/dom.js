// Elements. Text goes into them as text: no name of the profile is ever read as markup.

const SVG = "http://www.w3.org/2000/svg";

const byId = id => document.getElementById(id);

// element("button", {class: "x", onclick: f}, "text", child…)
function element(tag, attributes = {}, ...children) {
  return furnish(document.createElement(tag), attributes, children);
}

function drawing(tag, attributes = {}, ...children) {
  return furnish(document.createElementNS(SVG, tag), attributes, children);
}

function furnish(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter(child => child !== null && child !== undefined));
  return node;
}

// The value of a colour of the style sheet.
const color = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
