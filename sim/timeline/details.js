// What was picked, in words; and what happens around it.

const details = document.getElementById("details"), nearby = document.getElementById("nearby");

function element(tag, attributes = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) e.addEventListener(name.slice(2), value);
    else if (name === "style") e.style.cssText = value;
    else e.setAttribute(name, value);
  }
  for (const child of children.flat()) if (child !== null && child !== undefined) e.append(child);
  return e;
}
const link = (str, go) => element("a", { class: "link", onclick: go }, str);

function table(rows) {
  return element("dl", {}, rows.filter(([, v]) => v !== "" && v !== null)
    .flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

function zoomTo(from, to) {
  const room = Math.max((to - from) * 0.35, 2000);
  setView(from - room, to + room);
}
const zoomLink = (e) => link("show it whole", () => zoomTo(e.begin, e.end));

function pick(e, step = -1) {
  view.picked = e;
  view.step = step;
  showDetails();
  showNearby();
  draw();
}

function showDetails() {
  const e = view.picked;
  details.replaceChildren();
  if (!e) return details.append(welcome());
  const when = e.begin === e.end ? seconds(e.begin) : `${seconds(e.begin)} to ${e.open ? "the end" : seconds(e.end)}`;
  const lasted = e.begin === e.end ? "" : shortSpan(e.end - e.begin);
  if (e.type === "message") {
    details.append(element("h2", {}, `${host(e.from)} → ${host(e.to)}: ${e.kind}`),
      table([["sent", seconds(e.begin)], [gone(e) ? "gone" : "arrived", e.open ? "not before the end" : seconds(e.end)],
        ["took", e.open ? "" : lasted], ["fate", [e.fate, e.late ? "late" : "", e.duplicate ? "a duplicate" : ""].filter(Boolean).join(", ")],
        ["ranges", e.ranges.map((r) => "r" + r).join(" ")]]),
      element("pre", {}, e.text));
  } else if (e.type === "txn") {
    details.append(transactionDetails(e, when, lasted));
  } else {
    details.append(element("h2", {}, e.label || headline(e)),
      table([["when", when], ["for", lasted], ["node", e.type === "mark" ? host(e.host) : e.from >= 0 && !e.parts ? host(e.from) : ""],
        ["range", e.range ? "r" + e.range : ""], ["term", e.term ? String(e.term) : ""],
        ["links", e.parts ? e.parts.map((p) => p.text).join(", ") : ""]]));
    if (e.kind === "fault" && e.text.startsWith("#")) {
      const number = e.text.slice(1).split(" ")[0];
      details.append(element("p", { class: "muted" }, "The same run without this fault: ",
        element("code", {}, `${raw.replay} --without ${number}`)));
    }
  }
  details.append(element("p", {}, zoomLink(e)));
}

function transactionDetails(t, when, lasted) {
  const out = element("div", {}, element("h2", {}, t.label),
    table([["client", t.host < run.nodes ? `on ${host(t.host)}` : "outside of the nodes"], ["when", when], ["for", lasted],
      ["outcome", element("span", { style: `color:var(--${t.fate === "committed" ? "good" : t.fate === "failed" ? "soft" : "warn"})` }, t.fate)],
      ["because", t.outcome]]));
  if (t.leftOut) out.append(element("p", { class: "muted" }, `${t.leftOut} earlier steps were left out`));
  out.append(element("ol", { class: "steps" }, t.steps.map((s) => element("li", {},
    element("div", { class: "when" }, `+${shortSpan(s.begin - t.begin)}${s.end >= 0 ? ", took " + shortSpan(s.end - s.begin) : ""}`),
    element("div", { class: "mono" }, s.text),
    s.outcome ? element("div", { class: "outcome mono" }, "→ " + s.outcome) : null))));
  return out;
}

function welcome() {
  const counts = { committed: 0, failed: 0, unknown: 0, died: 0, open: 0 };
  for (const t of run.transactions) counts[t.fate]++;
  const lost = run.messages.filter(gone).length;
  const left = Object.entries(raw.leftOut).filter(([, n]) => n > 0).map(([what, n]) => `${n.toLocaleString("en")} ${what}`);
  return element("div", {}, element("h2", {}, "A whole run, from one seed"),
    element("p", {}, "Lanes are nodes. Coloured bars are leases, one colour a range; the line below them is the node's life: ",
      "grey while it is up, amber while it stands still, red ground while it is down. Bars under it are its clients' transactions. ",
      "Zoom in until messages become lines between the nodes."),
    table([["elections", String(run.marks.filter((m) => m.kind === "elected").length)],
      ["messages", `${run.messages.length.toLocaleString("en")}, ${lost.toLocaleString("en")} of them lost`],
      ["transactions", Object.entries(counts).filter(([, n]) => n).map(([f, n]) => `${n} ${f}`).join(", ")],
      ["left out", left.length ? "the earliest " + left.join(", ") : ""]]),
    element("p", { class: "muted" }, "Wheel: zoom. Drag: move. ← →: event by event. Click anything for its details. ? for more."));
}

// The events around the picked one, or around the middle of the view.
function showNearby() {
  let middle = view.step;
  if (middle < 0 && view.picked) middle = events.findIndex((e) => e.of === view.picked);
  if (middle < 0) middle = eventAt(view.picked ? view.picked.begin : (view.t0 + view.t1) / 2);
  const from = Math.max(0, middle - 40), rows = [];
  for (let i = from; i < Math.min(events.length, middle + 60); i++) {
    rows.push(element("div", { class: i === middle && view.picked ? "row now" : "row", onclick: () => stepTo(i) },
      element("span", { class: "at" }, (events[i].at / 1e6).toFixed(6)),
      element("span", { class: "what", title: events[i].what }, events[i].what)));
  }
  nearby.replaceChildren(...rows);
  const now = nearby.children[middle - from];
  if (now) nearby.scrollTop = now.offsetTop - nearby.offsetTop - nearby.clientHeight / 2;
}

function stepTo(i) {
  if (i < 0 || i >= events.length) return;
  const at = events[i].at, span = view.t1 - view.t0;
  view.cursor = at;
  if (at < view.t0 + span * 0.05 || at > view.t1 - span * 0.05) setView(at - span / 2, at + span / 2);
  pick(events[i].of, i);
}
function stepBy(by) {
  const from = view.step >= 0 ? view.step : view.picked ? eventAt(view.picked.begin) : eventAt((view.t0 + view.t1) / 2) - (by > 0 ? 1 : 0);
  stepTo(Math.max(0, Math.min(events.length - 1, from + by)));
}
