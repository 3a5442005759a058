// Where everything stands: lanes from top to bottom, rows in them. Nothing here depends on what part
// of the time is in view.

const shown = {
  ranges: new Set([0, ...run.ranges]),
  messages: new Set(),
  marks: new Set(["fault", "campaign", "elected", "split", "members", "clock", "crash", "phase"]),
  transactions: true,
  onlyTrouble: false,
};
const MESSAGE_GROUPS = {
  "elections": ["vote", "hand-over", "support"],
  "log": ["append", "ack", "snapshot"],
  "requests": ["request", "reply", "read index", "other"],
  "quiet": ["heartbeat", "liveness", "gossip"],
};
for (const group of ["elections", "log", "requests"]) MESSAGE_GROUPS[group].forEach((k) => shown.messages.add(k));

const messageShown = (m) =>
  shown.messages.has(m.kind) && (!shown.onlyTrouble || trouble(m)) &&
  (m.ranges.length === 0 || m.ranges.some((r) => shown.ranges.has(r)));
const markShown = (m) => shown.marks.has(m.kind) && shown.ranges.has(m.range);

const AXIS = 24, GUTTER = 62, ROW = 14, TXN = 11;

// Puts intervals into as few rows as they need; gives the number of rows.
function pack(items, gap) {
  const ends = [];
  for (const item of items) {
    let row = ends.findIndex((end) => end + gap <= item.begin);
    if (row < 0) row = ends.push(0) - 1;
    ends[row] = item.end;
    item.row = row;
  }
  return ends.length;
}

// Links that were cut together are one fault to look at.
function joinLinks(kind) {
  const joined = new Map();
  for (const s of run.spans) {
    if (s.kind !== kind) continue;
    const key = kind === "cut" ? s.begin + "-" + s.end : String(s.begin);
    const known = joined.get(key);
    if (known) {
      known.parts.push(s);
      known.end = Math.max(known.end, s.end);
    } else {
      joined.set(key, { ...s, parts: [s] });
    }
  }
  for (const s of joined.values()) s.label = linksLabel(s);
  return [...joined.values()];
}
function linksLabel(s) {
  const word = s.kind === "cut" ? "cut" : "clogged";
  if (s.parts.length === 1) return `${word} ${s.text}`;
  const pairs = new Set(s.parts.map((p) => p.from + ">" + p.to));
  const both = s.parts.every((p) => pairs.has(p.to + ">" + p.from));
  const count = new Map();
  for (const p of s.parts) for (const h of [p.from, p.to]) count.set(h, (count.get(h) || 0) + 1);
  const alone = [...count.entries()].find(([, n]) => n === s.parts.length);
  if (alone && run.nodes > 2) {
    const out = s.parts.every((p) => p.from === alone[0]), into = s.parts.every((p) => p.to === alone[0]);
    return `${word} ${out ? "from " : into ? "to " : "off "}${host(alone[0])}`;
  }
  if (both && s.parts.length === 2) return `${word} ${host(s.parts[0].from)} ↔ ${host(s.parts[0].to)}`;
  return `${word} ${s.parts.map((p) => p.text).join(", ")}`;
}

const lanes = { faults: {}, nodes: [], clients: [], height: 0 };

function layOut() {
  const faults = [...joinLinks("cut"), ...joinLinks("clogged"),
    ...run.spans.filter((s) => s.kind === "fault" && s.text !== "heal").map((s) => ({ ...s, label: s.text }))];
  faults.sort((a, b) => a.begin - b.begin);
  lanes.faults = { items: faults, rows: Math.min(pack(faults, 0), 8), y: AXIS };
  lanes.faults.flags = AXIS + 6;
  lanes.faults.spans = AXIS + 20;
  let y = lanes.faults.spans + Math.max(1, lanes.faults.rows) * ROW + 10;
  const visible = run.ranges.filter((r) => shown.ranges.has(r));
  lanes.leaseRow = visible.length > 16 ? 4 : visible.length > 9 ? 6 : 8;
  lanes.rangeRow = new Map(visible.map((r, i) => [r, i]));
  lanes.nodes = [];
  for (let n = 0; n < run.hosts.length; n++) {
    const own = run.transactions.filter((t) => t.host === n);
    const rows = shown.transactions ? pack(own, 0) : 0;
    const lane = { host: n, y, transactions: own, isNode: n < run.nodes };
    if (!lane.isNode && own.length === 0 && n >= run.nodes) continue;
    lane.leases = y + 6;
    lane.life = lane.isNode ? lane.leases + visible.length * lanes.leaseRow + 5 : y + 4;
    lane.txns = lane.isNode ? lane.life + 16 : y + 6;
    lane.height = lane.txns + rows * TXN + 8 - y;
    lanes.nodes.push(lane);
    y += lane.height;
  }
  lanes.byHost = new Map(lanes.nodes.map((l) => [l.host, l]));
  lanes.height = y + 6;
  gatherEvents();
}

const lifeline = (h) => (lanes.byHost.has(h) ? lanes.byHost.get(h).life + 4 : 0);

// What one steps through, in the order of time.
let events = [];
function gatherEvents() {
  events = [];
  for (const m of run.messages) if (messageShown(m)) events.push({ at: m.begin, of: m, what: headline(m) });
  for (const m of run.marks) if (markShown(m)) events.push({ at: m.begin, of: m, what: m.text });
  if (shown.transactions) {
    for (const t of run.transactions) {
      events.push({ at: t.begin, of: t, what: `${t.label} begins on ${host(t.host)}` });
      for (const s of t.steps) events.push({ at: s.begin, of: t, what: `${t.label}: ${s.text}` });
      if (!t.open) events.push({ at: t.end, of: t, what: `${t.label} ${t.fate}` });
    }
  }
  for (const s of run.spans) {
    if (s.range && !shown.ranges.has(s.range)) continue;
    if (s.kind === "leads") continue;  // told by its mark
    events.push({ at: s.begin, of: s, what: headline(s) });
    if (!s.open && s.kind !== "up") events.push({ at: s.end, of: s, what: headline(s) + ": over" });
  }
  events.sort((a, b) => a.at - b.at);
}
// The place of the first event at or after `at`.
function eventAt(at) {
  let low = 0, high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (events[middle].at < at) low = middle + 1; else high = middle;
  }
  return low;
}
