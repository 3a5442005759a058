// The run: JSON made into objects that know their names.

const raw = JSON.parse(document.getElementById("data").textContent);
const SPAN = ["up", "paused", "cut", "clogged", "fault", "lease", "leads"];
const MARK = ["fault", "campaign", "elected", "term", "split", "members", "checkpoint", "clock", "crash", "phase"];
const TXN_FATE = ["open", "committed", "failed", "unknown", "died"];
const FATE = ["delivered", "lost", "link cut", "nobody there", "queue full"];
const text = (n) => raw.texts[n];
const host = (n) => (n >= 0 ? raw.hosts[n] : "");

const run = { end: Math.max(raw.end, 1), nodes: raw.nodes, hosts: raw.hosts };

run.spans = raw.spans.map(([kind, begin, end, from, to, range, term, t]) => ({
  type: "span", kind: SPAN[kind], begin, end: end < 0 ? run.end : Math.min(end, run.end), open: end < 0, from, to, range, term,
  text: text(t),
}));
run.marks = raw.marks.map(([kind, at, host, range, term, t]) => ({
  type: "mark", kind: MARK[kind], begin: at, end: at, host, range, term, text: text(t),
}));
run.transactions = raw.transactions.map(([begin, end, host, label, fate, outcome, wrong, steps, leftOut]) => ({
  type: "txn", begin, end: end < 0 ? run.end : end, open: end < 0, host, label: text(label), fate: TXN_FATE[fate],
  outcome: text(outcome), wrong: !!wrong, leftOut,
  steps: steps.map(([b, e, t, o]) => ({ begin: b, end: e, text: text(t), outcome: text(o) })),
}));
run.messages = raw.messages.map(([sent, ended, from, to, kind, fate, flags, ranges, t]) => ({
  type: "message", begin: sent, end: ended < 0 ? run.end : ended, open: ended < 0, from, to, kind: raw.kinds[kind],
  fate: fate < 0 ? "on its way" : FATE[fate], duplicate: !!(flags & 1), late: !!(flags & 2), ranges, text: text(t),
}));
raw.messages = raw.spans = raw.marks = raw.transactions = null;
run.latest = run.messages.reduce((most, m) => Math.max(most, m.end - m.begin), 0);

// What goes wrong with a message, or nothing.
const trouble = (m) =>
  m.fate !== "delivered" && m.fate !== "on its way" ? m.fate : m.late ? "late" : m.duplicate ? "duplicate" : "";

run.ranges = [...new Set(run.spans.filter((s) => s.range > 0).map((s) => s.range))].sort((a, b) => a - b);
run.byLabel = new Map(run.transactions.map((t) => [t.label, t]));
// The transactions that an anomaly is made of, in its order.
run.guilty = [];
for (const edge of raw.anomaly) {
  for (const label of [edge.from, edge.to]) {
    const t = run.byLabel.get(label);
    if (t && !run.guilty.includes(t)) run.guilty.push(t);
  }
}
for (const t of run.transactions) if (t.wrong && !run.guilty.includes(t)) run.guilty.push(t);
if (raw.violation && run.guilty.length === 0) {
  for (const label of raw.violation.match(/(transfer|load|overwrite) \d+/g) || []) {
    const t = run.byLabel.get(label);
    if (t && !run.guilty.includes(t)) run.guilty.push(t);
  }
}
// The range that a violation names, if there is one; 0: none.
run.guiltyRange = Number((raw.violation.match(/\br(\d+)\b/) || [0, 0])[1]);

function seconds(us) { return (us / 1e6).toFixed(us % 1000 ? 6 : 3) + " s"; }
function shortSpan(us) {
  if (us < 1000) return us + " µs";
  if (us < 1e6) return (us / 1000).toFixed(us < 10000 ? 2 : 1) + " ms";
  return (us / 1e6).toFixed(2) + " s";
}

// One line about anything.
function headline(e) {
  switch (e.type) {
    case "message": {
      const wrong = trouble(e);
      return `${host(e.from)} → ${host(e.to)}  ${e.text.split("\n")[0]}${wrong ? "  (" + wrong + ")" : ""}`;
    }
    case "mark": return e.text;
    case "txn": return `${e.label} on ${host(e.host)}: ${e.fate}`;
    default:
      switch (e.kind) {
        case "up": return `${host(e.from)} is up`;
        case "paused": return `${host(e.from)} stands still`;
        case "cut": return `link cut: ${e.text}`;
        case "clogged": return `link clogged: ${e.text}`;
        case "lease": return `${host(e.from)} holds the lease of r${e.range}, term ${e.term}`;
        case "leads": return `${host(e.from)} leads r${e.range}, term ${e.term}`;
        default: return e.text;
      }
  }
}
