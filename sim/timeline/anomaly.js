// What is wrong, at the top: the violated statement, and where transactions contradict each other
// the cycle that they form.

const EDGE_MEANS = {
  wr: "wr: one read what the other wrote", ww: "ww: one wrote after the other",
  rw: "rw: one read what the other wrote over", rt: "rt: one had ended before the other began",
};

function svgElement(tag, attributes, str) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  if (str !== undefined) e.textContent = str;
  return e;
}

function drawCycle(edges) {
  const labels = [];
  for (const e of edges) for (const l of [e.from, e.to]) if (!labels.includes(l)) labels.push(l);
  const n = labels.length, w = n > 4 ? 420 : 330, h = n > 4 ? 300 : n > 2 ? 230 : 150;
  const rx = w / 2 - 62, ry = h / 2 - 28, r = { w: 70, h: 28 };
  const place = new Map(labels.map((l, i) => {
    const angle = n === 2 ? Math.PI + i * Math.PI : -Math.PI / 2 + (i * 2 * Math.PI) / n;
    return [l, { x: w / 2 + rx * Math.cos(angle), y: h / 2 + ry * Math.sin(angle) * (n === 2 ? 0 : 1) }];
  }));
  const svg = svgElement("svg", { width: w, height: h, viewBox: `0 0 ${w} ${h}`, role: "img", "aria-label": "the cycle", class: "cycle" });
  const defs = svgElement("defs", {});
  for (const [kind, colour] of Object.entries(EDGE_COLOUR)) {
    const marker = svgElement("marker", { id: "to-" + kind, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" });
    marker.append(svgElement("path", { d: "M0,0 L8,4 L0,8 z", fill: colour }));
    defs.append(marker);
  }
  svg.append(defs);
  edges.forEach((e, i) => {
    const a = place.get(e.from), b = place.get(e.to);
    if (e.from === e.to) return;
    const dx = b.x - a.x, dy = b.y - a.y, far = Math.hypot(dx, dy) || 1, nx = -dy / far, ny = dx / far, bend = n === 2 ? -46 : -20;
    const cx = (a.x + b.x) / 2 + nx * bend, cy = (a.y + b.y) / 2 + ny * bend;
    const start = edgeOfBox(a, cx - a.x, cy - a.y, r), end = edgeOfBox(b, cx - b.x, cy - b.y, { w: r.w + 6, h: r.h + 6 });
    svg.append(svgElement("path", { d: `M${start.x},${start.y} Q${cx},${cy} ${end.x},${end.y}`, fill: "none",
      stroke: EDGE_COLOUR[e.kind], "stroke-width": 2, "marker-end": `url(#to-${e.kind})` }));
    const lx = (a.x + 2 * cx + b.x) / 4, ly = (a.y + 2 * cy + b.y) / 4;
    svg.append(svgElement("rect", { x: lx - 17, y: ly - 10, width: 34, height: 20, rx: 10, fill: EDGE_COLOUR[e.kind] }));
    svg.append(svgElement("text", { x: lx, y: ly + 4, "text-anchor": "middle", fill: "#fff", "font-size": 11, "font-weight": 600 }, `${i + 1} ${e.kind}`));
  });
  for (const [l, p] of place) {
    const t = run.byLabel.get(l);
    const g = svgElement("g", { style: "cursor:pointer" });
    g.append(svgElement("rect", { x: p.x - r.w / 2, y: p.y - r.h / 2, width: r.w, height: r.h, rx: 7, fill: "var(--page)",
      stroke: t ? `var(--${t.fate})` : "var(--soft)", "stroke-width": 2 }));
    g.append(svgElement("text", { x: p.x, y: p.y + (t ? -1 : 4), "text-anchor": "middle", fill: "var(--ink)", "font-size": 12, "font-weight": 600 }, l));
    if (t) g.append(svgElement("text", { x: p.x, y: p.y + 10, "text-anchor": "middle", fill: "var(--soft)", "font-size": 9 }, `${host(t.host)} · ${t.fate}`));
    if (t) g.addEventListener("click", () => { zoomTo(t.begin, t.end); pick(t); });
    svg.append(g);
  }
  return svg;
}
function edgeOfBox(p, dx, dy, r) {
  const k = Math.min(Math.abs(r.w / 2 / (dx || 1e-9)), Math.abs(r.h / 2 / (dy || 1e-9)));
  return { x: p.x + dx * k, y: p.y + dy * k };
}

function card(t) {
  const keys = new Set(raw.anomaly.flatMap((e) => e.why.match(/\bk\d+\b/g) || []));
  const steps = t.steps.filter((s) => s.text).map((s) => {
    const of = (s.text.match(/\bk\d+\b/g) || []).some((k) => keys.has(k)) || (s.outcome.match(/\bk\d+\b/g) || []).some((k) => keys.has(k));
    return element("div", { class: of ? "step mono of-key" : "step mono" }, s.text + (s.outcome ? " → " + cutOff(s.outcome, 90) : ""));
  });
  const kept = steps.length > 7 ? [...steps.slice(0, 3), element("div", { class: "step" }, `… ${steps.length - 6} more`), ...steps.slice(-3)] : steps;
  return element("div", { class: "card", onclick: () => { zoomTo(t.begin, t.end); pick(t); } },
    element("b", {}, t.label), ` on ${host(t.host)}, ${t.fate}`, kept);
}
const cutOff = (s, most) => (s.length > most ? s.slice(0, most) + "…" : s);

function showAnomaly() {
  if (!raw.violation) return;
  const section = document.getElementById("anomaly");
  section.hidden = false;
  const long = raw.violation.length > 300;
  const statement = element("div", { class: "statement" },
    element("b", { class: long ? "long" : "" }, cutOff(raw.violation, 1200)));
  if (run.guilty.length) statement.append(link("show it in the run", showGuilty));
  else if (run.guiltyRange) statement.append(link(`show r${run.guiltyRange} at that moment`, showGuiltyRange));
  const fold = element("button", { class: "fold", onclick: () => {
    section.classList.toggle("closed");
    fold.textContent = section.classList.contains("closed") ? "more" : "less";
    draw();
  } }, "less");
  if (run.guilty.length) statement.append(fold);
  section.append(statement);
  const edges = raw.anomaly.filter((e) => e.from !== e.to);
  if (edges.length) section.append(drawCycle(edges));
  const why = element("div", { class: "why" });
  if (raw.anomaly.length) {
    why.append(element("ol", {}, raw.anomaly.map((e, i) => element("li", {},
      element("span", { class: "badge " + e.kind, title: EDGE_MEANS[e.kind] }, `${i + 1} ${e.kind}`), element("span", {}, e.why)))));
    if (edges.length > 1 && edges[0].from === edges[edges.length - 1].to) {
      why.append(element("p", { class: "muted", style: "margin:0 0 8px" },
        `So ${[...edges.map((e) => e.from), edges[0].from].join(" before ")}: no serial order.`));
    }
  }
  why.append(element("div", { class: "cards" }, run.guilty.slice(0, 8).map(card)));
  section.append(why);
}

function showGuilty() {
  zoomTo(Math.min(...run.guilty.map((t) => t.begin)), Math.max(...run.guilty.map((t) => t.end)));
  pick(run.guilty[0]);
}
function showGuiltyRange() {
  shown.ranges = new Set([0, run.guiltyRange]);
  refresh();
  setView(run.end - 3e6, run.end + 2e5);
}
