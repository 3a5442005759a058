// What is drawn over the lanes: marks, the anomaly's edges, the cursor, names, and the whole run above.

const SIGN = { campaign: "△", elected: "★", split: "⑂", members: "⇄", checkpoint: "▪", clock: "◔", crash: "✕", term: "·" };
const SIGN_COLOUR = { campaign: "vote", elected: "vote", crash: "bad", clock: "warn" };

function drawMarks() {
  ctx.textAlign = "center";
  const last = new Map();
  for (const m of run.marks) {
    if (m.host < 0 || !SIGN[m.kind] || !markShown(m) || !inView(m) || !lanes.byHost.has(m.host)) continue;
    const lane = lanes.byHost.get(m.host), px = x(m.begin), key = m.host + m.kind;
    // Of many at one place the first is enough.
    if (m !== view.picked && px - (last.get(key) ?? -99) < 5) continue;
    last.set(key, px);
    ctx.font = (m === view.picked ? "bold 15px" : "12px") + ' "DejaVu Sans", "Segoe UI Symbol", sans-serif';
    ctx.fillStyle = m === view.picked ? colours.accent : m.range ? rangeColour(m.range) : colours[SIGN_COLOUR[m.kind]] || colours.soft;
    if (m.kind === "crash") ctx.fillStyle = colours.bad;
    ctx.fillText(SIGN[m.kind], px, lane.life + 4);
  }
  ctx.textAlign = "left";
  ctx.font = '11px system-ui, "Liberation Sans", "DejaVu Sans", sans-serif';
}

const EDGE_COLOUR = { wr: "#2f6fde", ww: "#6a737d", rw: "#c8322b", rt: "#8b4fc4" };
function barOf(t) {
  const lane = lanes.byHost.get(t.host);
  return { left: Math.max(GUTTER, x(t.begin)), right: x(t.end), y: lane.txns + t.row * TXN + TXN / 2 - 1 };
}
function drawAnomaly() {
  if (!shown.transactions) return;
  for (const t of run.guilty) {
    if (!lanes.byHost.has(t.host) || !inView(t)) continue;
    const b = barOf(t), narrow = b.right - b.left < 40;
    ctx.fillStyle = colours.bad;
    ctx.font = 'bold 11px system-ui, "Liberation Sans", "DejaVu Sans", sans-serif';
    if (narrow) ctx.fillText(t.label, b.right + 4, b.y);
    ctx.font = '11px system-ui, "Liberation Sans", "DejaVu Sans", sans-serif';
  }
  for (const edge of raw.anomaly) {
    const a = run.byLabel.get(edge.from), b = run.byLabel.get(edge.to);
    if (!a || !b || a === b || !lanes.byHost.has(a.host) || !lanes.byHost.has(b.host)) continue;
    const from = barOf(a), to = barOf(b), bend = edge.from < edge.to ? -26 : 26;
    const x0 = (from.left + from.right) / 2, x1 = (to.left + to.right) / 2;
    ctx.strokeStyle = ctx.fillStyle = EDGE_COLOUR[edge.kind];
    ctx.lineWidth = 1.8;
    ctx.beginPath(); ctx.moveTo(x0, from.y);
    const cx = (x0 + x1) / 2 + bend * 1.4, cy = (from.y + to.y) / 2 + bend;
    ctx.quadraticCurveTo(cx, cy, x1, to.y);
    ctx.stroke();
    arrow(cx, cy, x1, to.y, 6);
    ctx.lineWidth = 1;
    ctx.fillText(edge.kind, (x0 + 2 * cx + x1) / 4 + 4, (from.y + 2 * cy + to.y) / 4);
  }
}

function drawCursor(height) {
  if (view.cursor === undefined) return;
  const px = Math.round(x(view.cursor)) + 0.5;
  ctx.strokeStyle = colours.accent;
  ctx.globalAlpha = 0.6;
  ctx.beginPath(); ctx.moveTo(px, 0); ctx.lineTo(px, height); ctx.stroke();
  ctx.globalAlpha = 1;
}

function drawGutter(height) {
  ctx.fillStyle = colours.panel;
  ctx.fillRect(0, 0, GUTTER, height);
  ctx.strokeStyle = colours.line;
  ctx.beginPath(); ctx.moveTo(GUTTER - 0.5, 0); ctx.lineTo(GUTTER - 0.5, height); ctx.stroke();
  ctx.textAlign = "right";
  ctx.fillStyle = colours.soft;
  ctx.fillText("faults", GUTTER - 9, AXIS + 9);
  for (const lane of lanes.nodes) {
    ctx.beginPath(); ctx.moveTo(0, lane.y + 0.5); ctx.lineTo(GUTTER, lane.y + 0.5); ctx.stroke();
    ctx.fillStyle = colours.ink;
    ctx.font = 'bold 13px system-ui, "Liberation Sans", "DejaVu Sans", sans-serif';
    ctx.fillText(host(lane.host), GUTTER - 9, lane.isNode ? lane.life + 4 : lane.y + 14);
    ctx.font = '10px system-ui, "Liberation Sans", "DejaVu Sans", sans-serif';
    ctx.fillStyle = colours.soft;
    if (lane.isNode && lanes.rangeRow.size > 1) ctx.fillText("leases", GUTTER - 9, (lane.leases + lane.life) / 2 - 4);
    if (lane.isNode && lane.height - (lane.txns - lane.y) > 18) ctx.fillText("clients", GUTTER - 9, lane.txns + 6);
    ctx.font = '11px system-ui, "Liberation Sans", "DejaVu Sans", sans-serif';
  }
  ctx.textAlign = "left";
  if (view.tooMany) {
    const note = `${view.messages.length.toLocaleString("en")} messages here: zoom in to see them`;
    const w = ctx.measureText(note).width + 20;
    ctx.fillStyle = colours.panel;
    ctx.globalAlpha = 0.92;
    ctx.beginPath(); ctx.roundRect(view.width - w - 10, height - 28, w, 20, 10); ctx.fill();
    ctx.globalAlpha = 1;
    ctx.strokeStyle = colours.line; ctx.stroke();
    ctx.fillStyle = colours.soft;
    ctx.fillText(note, view.width - w, height - 18);
  }
}

// --- the whole run

function messageDensity() {
  const bins = new Array(240).fill(0);
  for (const m of run.messages) bins[Math.min(239, Math.floor((m.begin / run.end) * 240))]++;
  const most = Math.max(1, ...bins);
  return bins.map((n) => n / most);
}
const density = messageDensity();

function drawOverview() {
  const h = 46, w = size(overview, octx, h), at = (t) => GUTTER + (t / run.end) * (w - GUTTER - 10);
  view.overviewTime = (px) => ((px - GUTTER) / (w - GUTTER - 10)) * run.end;
  octx.clearRect(0, 0, w, h);
  octx.fillStyle = colours.line;
  density.forEach((d, i) => {
    const px = at((i / 240) * run.end);
    octx.fillRect(px, 36 - d * 26, (w - GUTTER - 10) / 240 - 0.5, d * 26);
  });
  for (const s of run.spans) {
    if (s.kind === "cut" || s.kind === "clogged" || s.kind === "fault" || s.kind === "paused") {
      octx.fillStyle = colours.shade;
      octx.fillRect(at(s.begin), 4, Math.max(1, at(s.end) - at(s.begin)), 33);
    }
  }
  octx.fillStyle = colours.bad;
  for (const m of run.marks) if (m.kind === "crash") octx.fillRect(at(m.begin) - 0.75, 30, 1.5, 7);
  octx.fillStyle = colours.vote;
  for (const m of run.marks) if (m.kind === "elected") octx.fillRect(at(m.begin) - 0.5, 4, 1, 5);
  for (const t of run.guilty) {
    octx.fillStyle = colours.bad;
    octx.beginPath(); octx.arc(at((t.begin + t.end) / 2), 20, 4, 0, 7); octx.fill();
  }
  octx.fillStyle = colours.soft;
  octx.font = '10px system-ui, "Liberation Sans", "DejaVu Sans", sans-serif';
  octx.textAlign = "right";
  octx.fillText("whole run", GUTTER - 9, 24);
  octx.textAlign = "center";
  for (let s = 0; s <= run.end / 1e6; s += Math.max(1, Math.round(run.end / 1e7))) octx.fillText(s + " s", at(s * 1e6), 44);
  const left = at(Math.max(0, view.t0)), right = at(Math.min(run.end, view.t1));
  octx.strokeStyle = colours.accent;
  octx.lineWidth = 1.5;
  octx.strokeRect(left, 2, Math.max(3, right - left), 35);
  octx.globalAlpha = 0.08;
  octx.fillStyle = colours.accent;
  octx.fillRect(left, 2, Math.max(3, right - left), 35);
  octx.globalAlpha = 1;
}
