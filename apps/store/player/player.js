// Plays walks that Python sends once: points with times, between which a shopper moves evenly. Nothing starts by itself.
// The plan beneath is an image, so that names from plans that people upload never become markup here.

const SVG = "http://www.w3.org/2000/svg";
const DOES = ["walk", "stand", "wait", "pay"];
const WORDS = { walk: "walking", stand: "at a shelf", wait: "in a queue", pay: "paying", out: "not in yet", gone: "left" };
const SPEEDS = [30, 60, 120];
const STEP_S = 10; // of the scrubber
const TAIL_S = 12;
const memory = new WeakMap(); // what plays in a place, from one run of the page to the next

function made(kind, attributes, parent, text) {
  const one = kind === "svg" || kind === "circle" || kind === "polyline" || kind === "rect"
    ? document.createElementNS(SVG, kind) : document.createElement(kind);
  for (const [name, value] of Object.entries(attributes)) one.setAttribute(name, value);
  if (text !== undefined) one.textContent = text;
  parent.appendChild(one);
  return one;
}

function unpacked(flat) { // time in s, x and y in metres, what is done from here on
  const walk = { time: [], x: [], y: [], does: [] };
  for (let at = 0; at < flat.length; at += 4) {
    walk.time.push(flat[at] / 10);
    walk.x.push(flat[at + 1] / 100);
    walk.y.push(flat[at + 2] / 100);
    walk.does.push(DOES[flat[at + 3]]);
  }
  return walk;
}

function segment(walk, now) { // the last point that is not later than now
  let low = 0, high = walk.time.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (walk.time[middle] <= now) low = middle; else high = middle - 1;
  }
  return low;
}

function place(walk, now) {
  const from = segment(walk, now), to = Math.min(from + 1, walk.time.length - 1);
  const span = walk.time[to] - walk.time[from];
  const share = span > 0 ? (now - walk.time[from]) / span : 0;
  return [walk.x[from] + share * (walk.x[to] - walk.x[from]), walk.y[from] + share * (walk.y[to] - walk.y[from])];
}

function state(walk, now) {
  if (now < walk.time[0]) return "out";
  return now >= walk.time[walk.time.length - 1] ? "gone" : walk.does[segment(walk, now)];
}

function clock(seconds) {
  const whole = Math.floor(seconds), two = (number) => String(number).padStart(2, "0");
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

function build(root, data) {
  root.replaceChildren();
  const view = [-4, -4, data.width * data.scale + 8, data.depth * data.scale + 8];
  const stage = made("div", { class: "stage" }, root);
  stage.style.aspectRatio = `${view[2]} / ${view[3]}`;
  stage.style.maxWidth = `calc(70vh * ${view[2] / view[3]})`;
  made("img", { src: `data:image/svg+xml,${encodeURIComponent(data.plan)}`, alt: "" }, stage);
  const svg = made("svg", { viewBox: view.join(" "), role: "img", "aria-label": data.said }, stage);
  const walks = data.walks.map(unpacked);
  const tails = walks.map(() => made("polyline", { class: "tail" }, svg));
  const dots = walks.map(() => made("circle", {}, svg));

  const controls = made("div", { class: "controls" }, root);
  const button = made("button", { type: "button" }, controls);
  const range = { type: "range", min: 0, max: data.length_s, step: STEP_S, value: 0, "aria-label": "Time of the day" };
  const scrubber = made("input", range, controls);
  const time = made("span", { class: "clock" }, controls);
  const label = made("label", {}, controls, "Speed ");
  const speed = made("select", {}, label);
  for (const one of SPEEDS) made("option", { value: one }, speed, `${one} times`);
  const legend = made("ul", {}, root);
  const counts = {};
  for (const [name, words] of Object.entries(WORDS)) {
    const item = made("li", {}, legend);
    if (DOES.includes(name)) {
      const sign = made("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, item);
      made("circle", { class: name, cx: 8, cy: 8, r: 5.5 }, sign);
    }
    item.append(`${words} `);
    counts[name] = made("b", {}, item);
  }
  const note = made("p", {}, root);
  return { stage, svg, walks, tails, dots, button, scrubber, time, speed, counts, note };
}

function start(root, data, kept) {
  const { stage, svg, walks, tails, dots, button, scrubber, time, speed, counts, note } = build(root, data);
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  let unit = 1; // pixels of one unit of the drawing
  let frame = 0, last = 0, drawn = 0, toldAt = 0;

  function draw() {
    const radius = Math.max(0.3 * data.scale, 4.5 / unit), tally = {};
    for (const name of Object.keys(WORDS)) tally[name] = 0;
    walks.forEach((walk, number) => {
      const does = state(walk, kept.now);
      tally[does] += 1;
      const here = does !== "out" && does !== "gone";
      const tail = here && does === "walk" ? [kept.now] : [];
      if (tail.length) {
        for (let at = segment(walk, kept.now); at >= 0 && walk.time[at] > kept.now - TAIL_S; at -= 1) tail.push(walk.time[at]);
        tail.push(Math.max(walk.time[0], kept.now - TAIL_S));
      }
      // Two in one place stand a little apart, always in the same way.
      const turn = 2.4 * number, aside = 0.22 * Math.sqrt((number % 7) / 7);
      const shift = [aside * Math.cos(turn), aside * Math.sin(turn)];
      const point = (moment) => place(walk, moment).map((metres, axis) => ((metres + shift[axis]) * data.scale).toFixed(1));
      dots[number].setAttribute("class", here ? does : "none");
      tails[number].setAttribute("points", tail.map((moment) => point(moment).join(",")).join(" "));
      tails[number].setAttribute("stroke-width", radius * 0.7);
      if (!here) return;
      const [x, y] = point(kept.now);
      dots[number].setAttribute("cx", x);
      dots[number].setAttribute("cy", y);
      dots[number].setAttribute("r", radius);
    });
    for (const [name, many] of Object.entries(tally)) counts[name].textContent = many;
    const now = clock(data.start_s + kept.now);
    time.textContent = now;
    scrubber.value = kept.now;
    drawn = performance.now();
    if (kept.playing && drawn - toldAt < 1000) return; // nobody can hear sixty sentences a second
    toldAt = drawn;
    const told = Object.entries(tally).filter(([, many]) => many).map(([name, many]) => `${many} ${WORDS[name]}`);
    scrubber.setAttribute("aria-valuetext", `${now}: ${told.join(", ")}`);
    svg.setAttribute("aria-label", `${data.said} At ${now}: ${told.join(", ")}.`);
  }

  function show() {
    button.textContent = kept.playing ? "Pause" : kept.now >= data.length_s ? "Play again" : "Play";
    note.textContent = still.matches ? "Your system asks for less motion: while it plays, the picture changes once a second." : "";
  }

  function tick(moment) {
    if (!kept.playing) return;
    const passed = Math.min(0.25, Math.max(0, (moment - last) / 1000)); // a hidden tab does not jump ahead
    last = moment;
    kept.now = Math.min(data.length_s, kept.now + passed * kept.speed);
    if (kept.now >= data.length_s) return play(false);
    if (!still.matches || performance.now() - drawn >= 1000) draw();
    frame = requestAnimationFrame(tick);
  }

  function play(on) {
    cancelAnimationFrame(frame);
    if (on && kept.now >= data.length_s) kept.now = 0;
    kept.playing = on;
    draw();
    show();
    if (!on) return;
    last = performance.now();
    frame = requestAnimationFrame(tick);
  }

  button.onclick = () => play(!kept.playing);
  scrubber.oninput = () => { kept.now = Math.min(data.length_s, Number(scrubber.value)); draw(); show(); };
  speed.value = String(kept.speed);
  speed.onchange = () => { kept.speed = Number(speed.value); };
  const sized = new ResizeObserver(() => { unit = (svg.getScreenCTM() || { a: 1 }).a || 1; draw(); });
  sized.observe(stage);
  still.addEventListener("change", show);
  play(kept.playing);
  return () => { cancelAnimationFrame(frame); sized.disconnect(); still.removeEventListener("change", show); };
}

export default function (component) {
  const { data, parentElement } = component;
  let kept = memory.get(parentElement);
  if (!kept || kept.id !== data.id) {
    kept?.stop();
    // Another hour or store begins anew, at the speed that was chosen.
    kept = { id: data.id, now: 0, playing: false, speed: kept ? kept.speed : 60 };
    memory.set(parentElement, kept);
  } else {
    kept.stop();
  }
  kept.stop = start(parentElement.querySelector(".player"), data, kept);
  return () => kept.stop();
}
