// Draws the part of the time that is in view.

const MESSAGES_MOST = 3000;  // at once; more would be a grey field
const canvas = document.getElementById("lanes"), ctx = canvas.getContext("2d");
const overview = document.getElementById("overview"), octx = overview.getContext("2d");
const scroller = document.getElementById("scroller");
const view = { t0: 0, t1: run.end, width: 800, picked: null, hover: null, step: -1 };
const colours = {};
function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["page", "panel", "ink", "soft", "line", "faint", "accent", "bad", "bad-soft", "good", "warn", "up", "paused",
    "down", "committed", "failed", "unknown", "died", "open", "append", "ack", "vote", "hand-over", "snapshot", "request",
    "reply", "quiet", "lightness", "shade"]) {
    colours[name] = style.getPropertyValue("--" + name).trim();
  }
}
const MESSAGE_COLOUR = { heartbeat: "quiet", liveness: "quiet", gossip: "quiet", support: "vote", "read index": "request", other: "quiet" };
const messageColour = (m) => colours[MESSAGE_COLOUR[m.kind] || m.kind];
function rangeColour(r) {
  const hue = (run.ranges.indexOf(r) * 137.5 + 215) % 360;
  return `hsl(${hue.toFixed(0)} 48% ${colours.lightness})`;
}
const x = (t) => GUTTER + ((t - view.t0) / (view.t1 - view.t0)) * (view.width - GUTTER - 10);
const timeAt = (px) => view.t0 + ((px - GUTTER) / (view.width - GUTTER - 10)) * (view.t1 - view.t0);
const inView = (e) => e.end >= view.t0 && e.begin <= view.t1;

function size(c, context, height) {
  const scale = window.devicePixelRatio || 1, width = c.parentElement.clientWidth;
  c.style.height = height + "px";
  if (c.width !== Math.round(width * scale) || c.height !== Math.round(height * scale)) {
    c.width = Math.round(width * scale);
    c.height = Math.round(height * scale);
  }
  context.setTransform(scale, 0, 0, scale, 0, 0);
  return width;
}

function setView(t0, t1) {
  const least = 200, whole = run.end * 1.01;
  const span = Math.min(Math.max(t1 - t0, least), whole);
  view.t0 = Math.max(-whole * 0.002, Math.min(t0, run.end - span * 0.5));
  view.t1 = view.t0 + span;
  draw();
}

let drawing = false;
function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => { drawing = false; drawNow(); });
}

function drawNow() {
  const height = Math.max(lanes.height, scroller.clientHeight - 1);
  view.width = size(canvas, ctx, height);
  ctx.clearRect(0, 0, view.width, height);
  ctx.font = '11px system-ui, "Liberation Sans", "DejaVu Sans", sans-serif';
  ctx.textBaseline = "middle";
  ctx.save();
  ctx.beginPath();
  ctx.rect(GUTTER, 0, view.width - GUTTER, height);
  ctx.clip();
  drawGrid(height);
  drawFaults();
  for (const lane of lanes.nodes) drawLane(lane);
  drawMessages();
  drawMarks();
  drawAnomaly();
  drawCursor(height);
  ctx.restore();
  drawGutter(height);
  drawOverview();
}

function drawGrid(height) {
  const span = view.t1 - view.t0, wanted = span / Math.max(4, (view.width - GUTTER) / 110);
  const power = Math.pow(10, Math.floor(Math.log10(wanted)));
  const step = [1, 2, 5, 10].map((f) => f * power).find((s) => s >= wanted);
  ctx.fillStyle = colours.soft;
  ctx.strokeStyle = colours.faint;
  ctx.lineWidth = 1;
  const digits = step >= 1e6 ? 0 : Math.min(6, Math.ceil(6 - Math.log10(step)));
  for (let t = Math.ceil(view.t0 / step) * step; t <= view.t1; t += step) {
    const px = Math.round(x(t)) + 0.5;
    ctx.beginPath(); ctx.moveTo(px, AXIS - 4); ctx.lineTo(px, height); ctx.stroke();
    ctx.textAlign = "center";
    ctx.fillText((t / 1e6).toFixed(digits) + " s", px, 11);
  }
  ctx.textAlign = "left";
  for (const m of run.marks) {
    if (m.kind !== "phase" || !inView(m)) continue;
    const px = Math.round(x(m.begin)) + 0.5;
    ctx.strokeStyle = colours.soft;
    ctx.setLineDash([2, 3]);
    ctx.beginPath(); ctx.moveTo(px, AXIS - 4); ctx.lineTo(px, height); ctx.stroke();
    ctx.setLineDash([]);
  }
}

// Text that stays within its bar, or is not there.
function label(str, left, right, y, colour) {
  const from = Math.max(left, GUTTER + 2) + 4, room = Math.min(right, view.width) - from - 3;
  if (room < 14) return;
  let s = str;
  if (ctx.measureText(s).width > room) {
    const fits = Math.floor((s.length * room) / ctx.measureText(s).width) - 1;
    if (fits < 2) return;
    s = s.slice(0, fits) + "…";
  }
  ctx.fillStyle = colour;
  ctx.fillText(s, from, y);
}

function bar(left, right, y, height, colour, radius = 2) {
  const from = Math.max(left, GUTTER - 5), to = Math.min(right, view.width + 5);
  ctx.fillStyle = colour;
  ctx.beginPath();
  ctx.roundRect(from, y, Math.max(1.2, to - from), height, to - from > 5 ? radius : 0);
  ctx.fill();
}

function drawFaults() {
  const lane = lanes.faults;
  ctx.fillStyle = colours.faint;
  ctx.fillRect(GUTTER, AXIS, view.width, lane.spans + lane.rows * ROW + 4 - AXIS);
  for (const s of lane.items) {
    if (!inView(s) || s.row >= lane.rows) continue;
    const y = lane.spans + s.row * ROW, left = x(s.begin), right = x(s.end);
    bar(left, right, y, ROW - 3, s.kind === "cut" ? colours.bad : s.kind === "clogged" ? colours.warn : colours.unknown, 3);
    label(s.label, left, right, y + ROW / 2 - 1, colours.panel);
    if (view.picked === s) outline(left, y, right - left, ROW - 3);
  }
  let free = -1e9;
  for (const m of run.marks) {
    if (m.kind !== "fault" && m.kind !== "phase") continue;
    if (!shown.marks.has(m.kind) || m.begin < view.t0 - (view.t1 - view.t0) * 0.3 || m.begin > view.t1) continue;
    const px = x(m.begin);
    ctx.fillStyle = view.picked === m ? colours.accent : m.kind === "phase" ? colours.soft : colours.bad;
    ctx.beginPath(); ctx.moveTo(px - 3.5, AXIS + 2); ctx.lineTo(px + 3.5, AXIS + 2); ctx.lineTo(px, AXIS + 8); ctx.fill();
    if (px < free) continue;
    const room = ctx.measureText(m.text).width;
    ctx.fillText(m.text, px + 6, AXIS + 9);
    free = px + room + 22;
  }
}

function drawLane(lane) {
  ctx.strokeStyle = colours.line;
  ctx.beginPath(); ctx.moveTo(GUTTER, lane.y + 0.5); ctx.lineTo(view.width, lane.y + 0.5); ctx.stroke();
  if (lane.isNode) drawLife(lane);
  for (const s of run.spans) {
    if (s.from !== lane.host || !inView(s) || !lanes.rangeRow.has(s.range)) continue;
    if (s.kind !== "lease" && s.kind !== "leads") continue;
    const y = lane.leases + lanes.rangeRow.get(s.range) * lanes.leaseRow, left = x(s.begin), right = x(s.end);
    const thin = s.kind === "leads", h = lanes.leaseRow - 2;
    ctx.globalAlpha = thin ? 0.45 : 1;
    bar(left, right, thin ? y + h / 2 - 0.75 : y, thin ? 1.5 : h, rangeColour(s.range), 2);
    ctx.globalAlpha = 1;
    if (view.picked === s) outline(left, y, right - left, h);
  }
  if (shown.transactions) drawTransactions(lane);
}

function drawLife(lane) {
  const bottom = lane.y + lane.height;
  ctx.fillStyle = colours.down;
  ctx.fillRect(GUTTER, lane.y + 1, view.width, lane.height - 1);
  for (const s of run.spans) {
    if (s.from !== lane.host || s.kind !== "up" || !inView(s)) continue;
    const left = Math.max(GUTTER, x(s.begin)), right = x(s.end);
    ctx.fillStyle = colours.panel;
    ctx.fillRect(left, lane.y + 1, right - left, lane.height - 1);
    bar(x(s.begin), right, lane.life + 1, 6, colours.up, 3);
  }
  for (const s of run.spans) {
    if (s.from !== lane.host || s.kind !== "paused" || !inView(s)) continue;
    ctx.globalAlpha = 0.16;
    ctx.fillStyle = colours.paused;
    ctx.fillRect(x(s.begin), lane.y + 1, x(s.end) - x(s.begin), bottom - lane.y - 1);
    ctx.globalAlpha = 1;
    bar(x(s.begin), x(s.end), lane.life + 1, 6, colours.paused, 3);
    label("stands still", x(s.begin), x(s.end), lane.life - 5, colours.warn);
    if (view.picked === s) outline(x(s.begin), lane.life, x(s.end) - x(s.begin), 8);
  }
}

function drawTransactions(lane) {
  const dense = (view.t1 - view.t0) / (view.width - GUTTER);
  for (const t of lane.transactions) {
    if (!inView(t)) continue;
    const y = lane.txns + t.row * TXN, left = x(t.begin), right = Math.max(x(t.end), left + 1.5);
    ctx.globalAlpha = run.guilty.length && !run.guilty.includes(t) ? 0.55 : 1;
    bar(left, right, y, TXN - 2, colours[t.fate], 2);
    ctx.globalAlpha = 1;
    if (right - left > 60 && dense < 20000) {
      ctx.fillStyle = colours.panel;
      for (const s of t.steps) {
        const px = x(s.begin);
        if (px - left > 3) ctx.fillRect(px, y, 1, TXN - 2);
      }
      drawStepTexts(t, y, left, right);
    }
    if (run.guilty.includes(t)) { outline(left, y, right - left, TXN - 2, colours.bad); }
    if (view.picked === t) outline(left, y, right - left, TXN - 2);
  }
}

function drawStepTexts(t, y, left, right) {
  ctx.font = '9px system-ui, "Liberation Sans", "DejaVu Sans", sans-serif';
  const middle = y + TXN / 2 - 1, room = (a, b) => b - a;
  if (t.steps.length && room(left, right) / t.steps.length > 46) {
    t.steps.forEach((s, i) => {
      const next = i + 1 < t.steps.length ? x(t.steps[i + 1].begin) : right;
      label((i === 0 ? t.label + ": " : "") + s.text, x(s.begin), next, middle, colours.panel);
    });
  } else {
    label(t.label, left, right, middle, colours.panel);
  }
  ctx.font = '11px system-ui, "Liberation Sans", "DejaVu Sans", sans-serif';
}

function outline(left, y, width, height, colour = colours.accent) {
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1.6;
  ctx.strokeRect(Math.max(left, GUTTER - 8) - 1, y - 1, Math.min(width + 2, view.width + 20), height + 2);
  ctx.lineWidth = 1;
}

function visibleMessages() {
  const from = view.t0 - Math.min(run.latest, 3e6);
  let low = 0, high = run.messages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (run.messages[middle].begin < from) low = middle + 1; else high = middle;
  }
  const out = [];
  for (let i = low; i < run.messages.length && run.messages[i].begin <= view.t1; i++) {
    const m = run.messages[i];
    if (m.end >= view.t0 && messageShown(m)) out.push(m);
  }
  return out;
}

const gone = (m) => m.fate !== "delivered" && m.fate !== "on its way";
function messageLine(m) {
  const y0 = lifeline(m.from), y1 = lifeline(m.to), x0 = x(m.begin);
  if (!gone(m)) return [x0, y0, x(m.end), y1];
  // Lost under way: it gets half the way, for as long as others take.
  const lasts = Math.max(m.end - m.begin, (view.t1 - view.t0) * 0.008);
  return [x0, y0, x(m.begin + lasts / 2), y0 + (y1 - y0) * 0.5];
}

function drawMessages() {
  view.messages = visibleMessages();
  view.tooMany = view.messages.length > MESSAGES_MOST;
  const drawn = view.tooMany ? view.messages.filter((m) => m === view.picked) : view.messages;
  const strong = drawn.length < 400;
  for (const m of drawn) {
    const [x0, y0, x1, y1] = messageLine(m), lit = m === view.picked || m === view.hover;
    ctx.strokeStyle = lit ? colours.accent : gone(m) ? colours.bad : messageColour(m);
    ctx.lineWidth = lit ? 2.4 : strong ? 1.2 : 0.8;
    ctx.globalAlpha = lit || strong ? 1 : 0.55;
    if (m.late || m.duplicate) ctx.setLineDash([4, 2]);
    ctx.beginPath(); ctx.moveTo(x0, y0); ctx.lineTo(x1, y1); ctx.stroke();
    ctx.setLineDash([]);
    if (gone(m)) cross(x1, y1, lit ? 5 : 3);
    else if (strong || lit) arrow(x0, y0, x1, y1, lit ? 6 : 4);
  }
  ctx.globalAlpha = 1;
  ctx.lineWidth = 1;
  if (drawn.length <= 40 && view.t1 - view.t0 < 1e6) drawMessageTexts(drawn);
}

function cross(px, py, r) {
  ctx.beginPath();
  ctx.moveTo(px - r, py - r); ctx.lineTo(px + r, py + r);
  ctx.moveTo(px - r, py + r); ctx.lineTo(px + r, py - r);
  ctx.stroke();
}
function arrow(x0, y0, x1, y1, r) {
  const angle = Math.atan2(y1 - y0, x1 - x0);
  ctx.fillStyle = ctx.strokeStyle;
  ctx.beginPath(); ctx.moveTo(x1, y1);
  ctx.lineTo(x1 - r * 1.6 * Math.cos(angle - 0.38), y1 - r * 1.6 * Math.sin(angle - 0.38));
  ctx.lineTo(x1 - r * 1.6 * Math.cos(angle + 0.38), y1 - r * 1.6 * Math.sin(angle + 0.38));
  ctx.fill();
}
function drawMessageTexts(drawn) {
  const taken = [];
  for (const m of drawn) {
    const [x0, y0, x1, y1] = messageLine(m), str = m.text.split("\n")[0].slice(0, 60);
    const px = x0 + (x1 - x0) * 0.34 + 5, py = y0 + (y1 - y0) * 0.34, w = ctx.measureText(str).width;
    if (taken.some((b) => Math.abs(b.y - py) < 12 && px < b.x + b.w + 6 && b.x < px + w + 6)) continue;
    taken.push({ x: px, y: py, w });
    ctx.globalAlpha = 0.85;
    ctx.fillStyle = colours.panel;
    ctx.fillRect(px - 2, py - 7, w + 4, 13);
    ctx.globalAlpha = 1;
    ctx.fillStyle = gone(m) ? colours.bad : messageColour(m);
    ctx.fillText(str, px, py);
  }
}
