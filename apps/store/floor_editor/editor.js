// Draws a plan that Python describes, and tells Python where a fixture was dropped. Python owns the plan: it answers
// with a new description, whether it took the change or refused it, and everything is drawn again from that.
// Names come from plans that people upload: they only ever become text, never markup.

const SVG = "http://www.w3.org/2000/svg";
const SNAP = 0.5;
const memory = new WeakMap(); // which fixture is chosen and whether it has the focus, from one drawing to the next
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function shape(kind, attributes, parent, text) {
  const made = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  parent.appendChild(made);
  return made;
}

function metres(value) {
  return `${Math.round(value * 100) / 100}`;
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".floor");
  const scale = data.scale;
  const kept = memory.get(parentElement) || { name: null, focused: false };
  memory.set(parentElement, kept);
  root.replaceChildren();

  const frame = { viewBox: `-4 -4 ${data.width * scale + 8} ${data.depth * scale + 8}`, role: "group" };
  const svg = shape("svg", { ...frame, "aria-label": data.said, "font-family": "sans-serif" }, root);
  const border = { width: data.width * scale + 4, height: data.depth * scale + 4, stroke: "#333333", fill: "none" };
  shape("rect", { x: -2, y: -2, ...border, "stroke-width": 4 }, svg);
  for (const [fill, d] of data.heat) shape("path", { fill, d }, svg);
  const line = document.createElement("p");
  line.setAttribute("role", "status");
  line.textContent = data.told;
  root.appendChild(line);

  const groups = new Map();
  for (const one of data.fixtures) {
    const marks = { "data-name": one.name, tabindex: "-1", role: "button" };
    if (one.movable) marks["data-movable"] = "";
    const group = shape("g", marks, svg);
    group.setAttribute("aria-label", `${one.holds}, at ${metres(one.x)}, ${metres(one.y)} m`);
    const outline = one.changed ? { stroke: "#000000", "stroke-width": 2 } : { stroke: "#FFFFFF", "stroke-width": 1 };
    shape("title", {}, group, one.holds);
    shape("polygon", { points: one.points, fill: one.colour, ...outline }, group);
    if (one.label) {
      const [x, y, size, turned] = one.label_at;
      const words = { x, y, "font-size": size, fill: "#FFFFFF", "text-anchor": "middle", "pointer-events": "none" };
      const turn = `rotate(${turned} ${x} ${y})`;
      shape("text", { ...words, "dominant-baseline": "central", transform: turn, "aria-hidden": "true" }, group, one.label);
    }
    groups.set(one.name, { one, group });
  }

  let held = null;
  let sent = false; // a drop that Python has not answered yet
  const say = (words) => { line.textContent = words; };
  const current = () => groups.get(kept.name);

  function choose(name, focus) {
    const old = current();
    if (old) { old.group.setAttribute("tabindex", "-1"); old.group.removeAttribute("data-current"); }
    kept.name = name;
    const now = groups.get(name);
    now.group.setAttribute("tabindex", "0");
    if (focus) { now.group.setAttribute("data-current", ""); now.group.focus({ preventScroll: true }); }
  }

  function shift(x, y) {
    held.x = Math.min(Math.max(x, 0), Math.max(0, data.width - held.one.width));
    held.y = Math.min(Math.max(y, 0), Math.max(0, data.depth - held.one.depth));
    const moved = [(held.x - held.one.x) * scale, (held.y - held.one.y) * scale];
    held.group.setAttribute("transform", `translate(${moved[0]} ${moved[1]})`);
    say(`${held.one.name} at ${metres(held.x)}, ${metres(held.y)} m`);
  }

  function take(name) {
    const { one, group } = groups.get(name);
    held = { one, group, x: one.x, y: one.y };
    group.setAttribute("data-held", "");
  }

  function drop() {
    const { one, group, x, y } = held;
    group.removeAttribute("data-held");
    held = null;
    if (x === one.x && y === one.y) return say(data.told);
    say(`Simulating with ${one.name} at ${metres(x)}, ${metres(y)} m`);
    sent = true;
    setTriggerValue("moved", { name: one.name, x, y, revision: data.revision });
  }

  function putBack() {
    held.group.removeAttribute("transform");
    held.group.removeAttribute("data-held");
    say(`${held.one.name} stays where it was`);
    held = null;
  }

  function neighbour(one, [right, down]) {
    let best = null;
    for (const { one: other } of groups.values()) {
      const along = (other.middle[0] - one.middle[0]) * right + (other.middle[1] - one.middle[1]) * down;
      const aside = Math.abs((other.middle[0] - one.middle[0]) * down) + Math.abs((other.middle[1] - one.middle[1]) * right);
      if (other === one || !other.movable || along <= 0) continue;
      const far = along + 2 * aside;
      if (best === null || far < best.far) best = { far, name: other.name };
    }
    return best && best.name;
  }

  svg.onpointerdown = (event) => {
    const group = event.target.closest("[data-name]");
    if (!group || event.button !== 0 || sent) return;
    const { one } = groups.get(group.dataset.name);
    if (!one.movable) return say(`${one.holds}: walls and blocked places stay where they are`);
    event.preventDefault();
    if (held) putBack();
    choose(one.name, true);
    take(one.name);
    held.from = [event.clientX, event.clientY];
    svg.setPointerCapture(event.pointerId);
  };
  svg.onpointermove = (event) => {
    if (!held || !held.from) return;
    const size = svg.getScreenCTM();
    const snap = (start, pixels, unit) => Math.round((start + pixels / unit / scale) / SNAP) * SNAP;
    const far = [event.clientX - held.from[0], event.clientY - held.from[1]];
    if (Math.hypot(...far) < 4) return;
    shift(snap(held.one.x, far[0], size.a), snap(held.one.y, far[1], size.d));
  };
  svg.onpointerup = () => { if (held && held.from) drop(); };
  // Browsers heed touch-action on the whole drawing alone, and there it would keep a finger from scrolling past the plan.
  svg.ontouchstart = (event) => { if (event.target.closest("[data-movable]")) event.preventDefault(); };
  svg.onpointercancel = () => { if (held && held.from) putBack(); };

  svg.onkeydown = (event) => {
    const now = current();
    if (!now || sent) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      if (held) return drop();
      take(now.one.name);
      return say(`${now.one.name} taken up. Arrow keys move it by half a metre, Enter drops it, Escape puts it back.`);
    }
    if (event.key === "Escape" && held) { event.preventDefault(); return putBack(); }
    const way = ARROWS[event.key];
    if (!way) return;
    event.preventDefault();
    const step = event.shiftKey ? 4 * SNAP : SNAP;
    if (held) return shift(held.x + way[0] * step, held.y + way[1] * step);
    const next = neighbour(now.one, way);
    if (next) { choose(next, true); say(groups.get(next).group.getAttribute("aria-label")); }
  };
  svg.addEventListener("focusin", () => { kept.focused = true; });
  svg.addEventListener("focusout", (event) => {
    if (event.relatedTarget) { kept.focused = false; current()?.group.removeAttribute("data-current"); }
    if (held && !held.from) putBack();
  });

  const first = data.fixtures.find((one) => one.movable);
  const again = groups.has(kept.name) && groups.get(kept.name).one.movable;
  if (first) choose(again ? kept.name : first.name, again && kept.focused);
}
