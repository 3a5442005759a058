// Mouse, keys, filters; and the beginning.

function refresh() {
  layOut();
  showFilters();
  view.step = -1;
  showNearby();
  draw();
}

// --- filters

function chip(name, on, colour, toggle, title = "") {
  const c = element("button", { class: "chip", "aria-pressed": String(on), title, onclick: (e) => { toggle(e); refresh(); } });
  if (colour) c.append(element("i", { style: `background:${colour}` }));
  c.append(name);
  return c;
}
function toggle(set, values) {
  const all = values.every((v) => set.has(v));
  for (const v of values) if (all) set.delete(v); else set.add(v);
}

function showFilters() {
  const bar = document.getElementById("filters");
  const had = document.activeElement && document.activeElement.id === "find";
  const ranges = element("div", { class: "group" }, "ranges",
    run.ranges.map((r) => chip("r" + r, shown.ranges.has(r), rangeColour(r), (e) => {
      const alone = shown.ranges.size === 2 && shown.ranges.has(r);
      if (e.shiftKey) toggle(shown.ranges, [r]);
      else shown.ranges = new Set([0, ...(alone ? run.ranges : [r])]);
    }, "click: this one alone, or all again; with shift: this one more or less")));
  const messages = element("div", { class: "group" }, "messages",
    Object.entries(MESSAGE_GROUPS).map(([name, kinds]) => chip(name, kinds.every((k) => shown.messages.has(k)),
      messageColour({ kind: kinds[0] }), () => toggle(shown.messages, kinds), kinds.join(", "))),
    chip("only troubled", shown.onlyTrouble, null, () => { shown.onlyTrouble = !shown.onlyTrouble; }, "lost, late, doubled"));
  const marks = element("div", { class: "group" }, "marks",
    [["elections", ["campaign", "elected"]], ["splits", ["split", "members"]], ["faults", ["fault", "crash", "clock"]], ["checkpoints", ["checkpoint"]]]
      .map(([name, kinds]) => chip(name, kinds.every((k) => shown.marks.has(k)), null, () => toggle(shown.marks, kinds))),
    chip("transactions", shown.transactions, null, () => { shown.transactions = !shown.transactions; }));
  const find = element("input", { id: "find", placeholder: "find: T17, commit, r3 …", "aria-label": "find", onkeydown: (e) => {
    e.stopPropagation();
    if (e.key === "Enter") findNext(e.target.value);
    if (e.key === "Escape") canvas.focus();
  } });
  const old = document.getElementById("find");
  find.value = old ? old.value : "";
  bar.replaceChildren(ranges, messages, marks, find);
  if (had) find.focus();
}

function findNext(what) {
  const wanted = what.trim().toLowerCase();
  if (!wanted || events.length === 0) return;
  const exact = run.transactions.find((t) => t.label.toLowerCase() === wanted);
  if (exact && exact !== view.picked) { zoomTo(exact.begin, exact.end); return pick(exact); }
  const start = view.step >= 0 ? view.step + 1 : 0;
  for (let k = 0; k < events.length; k++) {
    const i = (start + k) % events.length;
    if (events[i].what.toLowerCase().includes(wanted)) return stepTo(i);
  }
}

// --- mouse

function hit(px, py) {
  const near = (a, b, d) => Math.abs(a - b) <= d;
  for (const lane of lanes.nodes) {
    if (py < lane.y || py > lane.y + lane.height) continue;
    for (const t of shown.transactions ? lane.transactions : []) {
      const y = lane.txns + t.row * TXN;
      if (py >= y - 1 && py <= y + TXN - 1 && px >= x(t.begin) - 2 && px <= Math.max(x(t.end), x(t.begin) + 2) + 2) return t;
    }
    for (const m of run.marks) {
      if (m.host === lane.host && SIGN[m.kind] && markShown(m) && near(x(m.begin), px, 5) && near(lane.life + 4, py, 7)) return m;
    }
  }
  const message = hitMessage(px, py);
  if (message) return message;
  for (const s of lanes.faults.items) {
    const y = lanes.faults.spans + s.row * ROW;
    if (s.row < lanes.faults.rows && py >= y && py <= y + ROW && px >= x(s.begin) - 2 && px <= x(s.end) + 2) return s;
  }
  if (py >= AXIS && py < lanes.faults.spans) {
    for (const m of run.marks) if ((m.kind === "fault" || m.kind === "phase") && px >= x(m.begin) - 5 && px <= x(m.begin) + 40) return m;
  }
  for (const lane of lanes.nodes) {
    for (const s of run.spans) {
      if (s.from !== lane.host || !inView(s) || px < x(s.begin) - 2 || px > x(s.end) + 2) continue;
      if (s.kind === "paused" && near(lane.life + 4, py, 5)) return s;
      if (s.kind !== "lease" && s.kind !== "leads") continue;
      const y = lane.leases + (lanes.rangeRow.get(s.range) ?? -99) * lanes.leaseRow;
      if (py >= y - 1 && py < y + lanes.leaseRow - 1) return s;
    }
  }
  return null;
}
function hitMessage(px, py) {
  if (view.tooMany || !view.messages) return null;
  let best = null, least = 5;
  for (const m of view.messages) {
    const [x0, y0, x1, y1] = messageLine(m), dx = x1 - x0, dy = y1 - y0;
    const k = Math.max(0, Math.min(1, ((px - x0) * dx + (py - y0) * dy) / (dx * dx + dy * dy || 1)));
    const far = Math.hypot(px - x0 - k * dx, py - y0 - k * dy);
    if (far < least) { least = far; best = m; }
  }
  return best;
}

let drag = null;
canvas.addEventListener("mousedown", (e) => {
  drag = { x: e.clientX, t0: view.t0, t1: view.t1, moved: false };
  canvas.focus({ preventScroll: true });
});
window.addEventListener("mousemove", (e) => {
  if (drag) {
    const by = ((e.clientX - drag.x) / (view.width - GUTTER - 10)) * (drag.t1 - drag.t0);
    if (Math.abs(e.clientX - drag.x) > 3) { drag.moved = true; canvas.classList.add("dragging"); }
    if (drag.moved) setView(drag.t0 - by, drag.t1 - by);
  } else if (e.target === canvas) {
    hover(e);
  } else {
    tip.hidden = true;
  }
});
window.addEventListener("mouseup", (e) => {
  if (drag && !drag.moved && e.target === canvas) {
    const found = hit(e.offsetX, e.offsetY);
    view.cursor = timeAt(e.offsetX);
    pick(found);
  }
  drag = null;
  canvas.classList.remove("dragging");
});
canvas.addEventListener("dblclick", (e) => {
  const t = timeAt(e.offsetX), span = (view.t1 - view.t0) / 4;
  setView(t - span / 2, t + span / 2);
});
canvas.addEventListener("wheel", (e) => {
  e.preventDefault();
  const span = view.t1 - view.t0;
  if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) {
    const by = ((e.deltaX || e.deltaY) / view.width) * span;
    return setView(view.t0 + by, view.t1 + by);
  }
  const t = timeAt(Math.max(GUTTER, e.offsetX)), factor = Math.pow(1.0018, e.deltaY * (e.deltaMode === 1 ? 30 : 1));
  setView(t - (t - view.t0) * factor, t + (view.t1 - t) * factor);
}, { passive: false });

const tip = document.getElementById("tip");
function hover(e) {
  const found = hit(e.offsetX, e.offsetY);
  if (found !== view.hover) { view.hover = found; draw(); }
  tip.hidden = !found;
  canvas.style.cursor = found ? "pointer" : "";
  if (!found) return;
  tip.textContent = found.label && found.type === "span" ? found.label : found.type === "message" ? found.kind + " " + headline(found) : headline(found);
  const box = document.getElementById("stage").getBoundingClientRect();
  tip.style.left = Math.min(e.clientX - box.left + 14, box.width - tip.offsetWidth - 8) + "px";
  tip.style.top = Math.min(e.clientY - box.top + 16, box.height - tip.offsetHeight - 8) + "px";
}

let choosing = null;
overview.addEventListener("mousedown", (e) => {
  choosing = view.overviewTime(e.offsetX);
  const span = view.t1 - view.t0;
  if (span < run.end * 0.98) setView(choosing - span / 2, choosing + span / 2);
});
overview.addEventListener("mousemove", (e) => {
  if (choosing === null) return;
  const t = view.overviewTime(e.offsetX);
  if (Math.abs(t - choosing) > run.end * 0.005) setView(Math.min(t, choosing), Math.max(t, choosing));
});
window.addEventListener("mouseup", () => { choosing = null; });

// --- keys

const fit = () => setView(0, run.end);
function zoomBy(factor) {
  const middle = view.cursor !== undefined && view.cursor > view.t0 && view.cursor < view.t1 ? view.cursor : (view.t0 + view.t1) / 2;
  setView(middle - (middle - view.t0) * factor, middle + (view.t1 - middle) * factor);
}
const KEYS = {
  ArrowRight: (e) => (e.shiftKey ? setView(view.t0 + (view.t1 - view.t0) * 0.25, view.t1 + (view.t1 - view.t0) * 0.25) : stepBy(1)),
  ArrowLeft: (e) => (e.shiftKey ? setView(view.t0 - (view.t1 - view.t0) * 0.25, view.t1 - (view.t1 - view.t0) * 0.25) : stepBy(-1)),
  "+": () => zoomBy(0.6), "=": () => zoomBy(0.6), "-": () => zoomBy(1 / 0.6), "0": fit,
  z: () => view.picked && zoomTo(view.picked.begin, view.picked.end),
  a: () => (run.guilty.length ? showGuilty() : run.guiltyRange && showGuiltyRange()),
  "/": (e) => { e.preventDefault(); document.getElementById("find").focus(); },
  Escape: () => { view.cursor = undefined; pick(null); },
  "?": () => document.getElementById("help").showModal(),
};
window.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || e.target.tagName === "INPUT") return;
  const act = KEYS[e.key];
  if (!act) return;
  if (e.key.startsWith("Arrow")) e.preventDefault();
  act(e);
});

// --- the beginning

function showHelp() {
  const rows = [["← →", "event by event"], ["shift ← →", "move"], ["wheel, + −", "zoom"], ["drag, shift wheel", "move"],
    ["0", "the whole run"], ["z", "zoom to what was picked"], ["a", "zoom to what is wrong"], ["/", "find"], ["Esc", "pick nothing"]];
  const signs = [["★ △", "elected; campaigns"], ["⑂ ⇄", "a range splits; has new members"], ["✕ ◔", "a node goes down; its clock jumps"],
    ["thick and thin bars", "lease held; leads without a lease that serves"],
    ["dashed, crossed lines", "messages that are late or doubled; lost"],
    ["green, grey, amber, red bars", "transactions that committed; failed; whose outcome is unknown; whose client died"]];
  const make = (list, key) => element("table", {}, list.map(([k, v]) => element("tr", {}, element("td", {}, key ? element("kbd", {}, k) : k), element("td", {}, v))));
  const help = document.getElementById("help");
  help.append(element("h2", {}, "Keys"), make(rows, true), element("h2", { style: "margin-top:14px" }, "Signs"), make(signs, false),
    element("form", { method: "dialog", style: "margin-top:12px" }, element("button", {}, "close")));
  document.getElementById("help-button").addEventListener("click", () => help.showModal());
}

function showHeader() {
  document.title = `${raw.workload}, seed ${raw.seed} — Quorate`;
  document.getElementById("title").textContent = `${raw.workload} · seed ${raw.seed}`;
  const verdict = document.getElementById("verdict");
  verdict.textContent = raw.violation ? "violation" : "all is well";
  verdict.className = raw.violation ? "bad" : "good";
  const replay = element("code", { title: "click to copy", onclick: () => navigator.clipboard && navigator.clipboard.writeText(raw.replay) }, raw.replay);
  document.getElementById("facts").append(
    `${run.nodes} nodes, ${(run.end / 1e6).toFixed(1)} virtual seconds, ${raw.committed} transactions committed`,
    raw.planted ? `, planted: ${raw.planted}` : "", " · ", replay);
}

function setTheme(dark) {
  document.documentElement.classList.toggle("dark", dark);
  readColours();
  showFilters();
  draw();
}
const asked = new URLSearchParams(location.search.slice(1) || location.hash.slice(1));
document.getElementById("theme").addEventListener("click", () => setTheme(!document.documentElement.classList.contains("dark")));
new ResizeObserver(draw).observe(document.getElementById("stage"));

showHeader();
showHelp();
showAnomaly();
layOut();
setTheme(asked.has("theme") ? asked.get("theme") === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
showDetails();
showNearby();
// A link may name what to show: #from=1.5&to=1.6&find=T17
if (asked.has("from")) setView(Number(asked.get("from")) * 1e6, Number(asked.get("to")) * 1e6);
else if (run.guilty.length) showGuilty();
if (asked.has("find")) findNext(asked.get("find"));
