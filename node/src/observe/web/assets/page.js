// What an operator sees of a node in a browser.
// Texts of the node are put in as text, never as markup.
"use strict";
const token = new URLSearchParams(location.search).get("token");
const $ = (id) => document.getElementById(id);
const HISTORY = 300; // seconds of charts
const view = { sort: "recent", skip: 0, tab: "processes", chosen: null, traced: false, up: false };
let colours = ["#0891b2", "#d97706", "#16a34a", "#9333ea", "#dc2626", "#64748b", "#ca8a04", "#be185d"];

async function ask(path, parameters = {}, method = "GET") {
  const query = new URLSearchParams(parameters).toString();
  const answer = await fetch(`/${path}?${query}`, { method, headers: { "x-foundation-token": token } });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

function short(number) {
  if (number == null) return "–";
  for (const [size, unit] of [[1e9, " G"], [1e6, " M"], [1e3, " k"]]) {
    if (number >= size) return (number / size).toPrecision(3) + unit;
  }
  return String(Math.round(number));
}
const bytes = (number) => (number == null ? "–" : short(number) + "B");

function element(kind, text, attributes = {}) {
  const made = document.createElement(kind);
  if (text != null) made.textContent = text;
  Object.assign(made, attributes);
  return made;
}

// ---- charts ----
const loads = { plot: null, data: [[]], names: "" };
const counts = { plot: null, data: [[], []] };

function chart(into, series, range) {
  const options = {
    width: into.clientWidth || 400, height: 150, legend: { show: series.length < 9 },
    cursor: { y: false }, scales: { x: { time: false }, y: range ? { range } : {} },
    axes: [{ stroke: "#888", grid: { stroke: "#8883" } }, { stroke: "#888", grid: { stroke: "#8883" }, size: 55 }],
    series: [{ label: "s" }, ...series.map((label, at) => ({ label, stroke: colours[at % colours.length], width: 1.5 }))],
  };
  into.replaceChildren();
  return new uPlot(options, [[], ...series.map(() => [])], into);
}

function plot(figures) {
  const names = figures.schedulers.map((one) => (one.spare ? `spare ${one.index}` : `${one.index}`));
  if (names.join() !== loads.names) {
    loads.names = names.join();
    loads.data = [[], ...names.map(() => [])];
    loads.plot = chart($("load"), names, [0, 100]);
  }
  counts.plot ??= chart($("count"), ["alive"]);
  loads.data[0].push(figures.at);
  figures.schedulers.forEach((one, at) =>
    loads.data[at + 1].push(one.utilisation == null ? null : 100 * one.utilisation));
  counts.data[0].push(figures.at);
  counts.data[1].push(figures.processes);
  for (const of of [loads, counts]) {
    if (of.data[0].length > HISTORY) of.data.forEach((column) => column.shift());
    of.plot.setData(of.data);
  }
}

// ---- figures ----
let incarnation = null;
function figures(told) {
  view.up = told.up;
  $("contact").className = told.up ? "" : "lost";
  $("contact").textContent = told.up ? "live" : `${told.why}, trying again`;
  if (!told.up) return;
  const { node, figures: now } = told;
  if (incarnation !== node.incarnation) {
    if (incarnation) {
      loads.names = "";
      counts.data = [[], []];
      show(null);
    }
    incarnation = node.incarnation;
  }
  $("node").textContent = `${node.node} · process ${node.os_pid}`;
  $("numbers").replaceChildren(...[
    ["processes", short(now.processes)], ["peak", short(now.processes_peak)],
    ["spawned", short(now.spawned)], ["crashed", short(now.crashed)], ["timers", short(now.timers)],
    ["dead letters", short(now.dead_letters)], ["memory", bytes(now.memory)],
    ["run queue", short(now.shared_queue + now.schedulers.reduce((sum, one) => sum + one.run_queue, 0))],
  ].map(([name, value]) => {
    const made = element("span", name + " ");
    made.append(element("b", value));
    return made;
  }));
  $("alarms").replaceChildren(...now.alarms.map((one) =>
    element("li", `${one.kind}: ${one.pid ?? ""} ${one.text}`)));
  circles(now.circles);
  view.trace = told.trace;
  plot(now);
}

// ---- circles of calls ----
function circle({ hops, hidden }) {
  const made = element("p", null, { className: "circle" });
  const who = (hop) => element("button", `${hop.name ?? ""} ${hop.pid}`.trim(), { onclick: () => show(hop.pid) });
  for (const hop of hops) {
    const title = hop.taken ? "it is handled" : "it lies in the mailbox";
    made.append(who(hop), element("span", ` -(${hop.message})-> `, { title }));
  }
  if (hidden) made.append(`${hidden} more -> `);
  if (hops.length) made.append(who(hops[0]));
  return made;
}

function circles(all) {
  document.querySelector("[data-tab=circles]").textContent = all.length ? `Circles (${all.length})` : "Circles";
  $("circles").replaceChildren(...(all.length ? all.map(circle) : [element("p", "No processes wait for each other.")]));
}

// ---- processes ----
function row(one) {
  const made = element("tr", null, { onclick: () => show(one.pid) });
  const code = (one.code ?? "(running)").replace(/(::\{\{closure\}\})+$/, "");
  for (const text of [one.pid, one.name ?? "", code, one.activity, short(one.reductions),
    short(one.rate), short(one.messages), bytes(one.memory)]) made.append(element("td", text));
  made.dataset.pid = one.pid;
  made.dataset.reductions = one.reductions;
  return made;
}

async function list() {
  const page = await ask("processes", { sort: view.sort, skip: view.skip, code: $("code").value });
  if (page.sort !== view.sort || page.skip !== view.skip) return;
  $("rows").replaceChildren(...page.rows.map(row));
  $("rows").dataset.sort = page.sort;
  $("range").textContent = `${page.skip + 1}–${page.skip + page.rows.length} of ${page.matched}`;
  $("previous").disabled = page.skip === 0;
  $("next").disabled = page.skip + page.rows.length >= page.matched;
  document.querySelectorAll("[data-sort]").forEach((button) =>
    button.classList.toggle("on", button.dataset.sort === view.sort));
}

async function tree() {
  const { branches, hidden } = await ask("tree");
  const rows = branches.map((one) => {
    const mark = one.kind === "Supervisor" ? "◆" : "·";
    const children = one.children ? `  ${one.children} children` : "";
    const text = `${"  ".repeat(one.depth)}${mark} ${one.name ?? one.code ?? ""} ${one.pid}${children}`;
    return element("div", text, { onclick: () => show(one.pid) });
  });
  if (hidden) rows.push(element("div", `and ${hidden} more`));
  $("tree").replaceChildren(...rows);
}

// ---- the cluster ----
const DRAWN = 60; // nodes; beyond it the drawing is a blot

function line(from, to, className) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "line");
  for (const [name, value] of [["x1", from.x], ["y1", from.y], ["x2", to.x], ["y2", to.y]]) made.setAttribute(name, value);
  made.setAttribute("class", className);
  return made;
}

function dot(at, one, status) {
  const svg = (kind) => document.createElementNS("http://www.w3.org/2000/svg", kind);
  const [made, circle, name, title] = ["g", "circle", "text", "title"].map(svg);
  for (const [key, value] of [["cx", at.x], ["cy", at.y], ["r", 4]]) circle.setAttribute(key, value);
  for (const [key, value] of [["x", at.x * 1.1], ["y", at.y * 1.1 + 2]]) name.setAttribute(key, value);
  name.textContent = one.name.split("@")[0];
  title.textContent = `${one.name}: ${one.answered ? `${one.degree} connections` : "no answer"}`;
  made.setAttribute("class", one.answered ? status : "silent");
  made.append(title, circle, name);
  return made;
}

function topology({ nodes, one_sided }, status) {
  if (nodes.length > DRAWN) return [];
  const at = new Map(nodes.map((one, number) => {
    const angle = (2 * Math.PI * number) / nodes.length - Math.PI / 2;
    return [one.name, { x: 90 * Math.cos(angle), y: 90 * Math.sin(angle) }];
  }));
  const doubt = new Set(one_sided.map((pair) => pair.join()));
  const lines = nodes.flatMap((one) => one.peers
    .filter((peer) => at.has(peer) && (one.name < peer || doubt.has([one.name, peer].join())))
    .map((peer) => line(at.get(one.name), at.get(peer), doubt.has([one.name, peer].join()) ? "doubt" : "")));
  return [...lines, ...nodes.map((one) => dot(at.get(one.name), one, status.get(one.name) ?? ""))];
}

async function cluster() {
  const told = await ask("cluster");
  $("topology").hidden = !told;
  if (!told) {
    $("view").textContent = "This node is part of no cluster.";
    $("members").replaceChildren();
    $("topology").replaceChildren();
    return;
  }
  const { status, members: { members }, topology: shown, channels: { channels } } = told;
  const missing = shown.missing ? `${shown.missing} connections are missing` : "no connection is missing";
  const vain = status.dialled.map((one) => `; ${one.address} is not there: ${one.refusal ?? "being dialled"}`).join("");
  $("view").textContent = `${status.node} in the cluster ${status.cluster}: ${shown.overlay}, ${missing}${vain}`;
  const vertices = new Map(shown.nodes.map((one) => [one.name, one]));
  const ways = new Map();
  for (const one of channels) {
    const way = ways.get(one.peer) ?? { queued_bytes: 0, sent_frames: 0, channels: [] };
    way.queued_bytes += one.queued_bytes;
    way.sent_frames += one.sent_frames;
    way.channels.push(`${one.channel}: ${short(one.sent_frames)} sent, ${short(one.queued_bytes)} bytes wait`);
    ways.set(one.peer, way);
  }
  $("members").replaceChildren(...members.map((one) => {
    const [vertex, way] = [vertices.get(one.name), ways.get(one.name)];
    const degree = vertex ? (vertex.answered ? `${vertex.degree} of ${shown.nodes.length - 1}` : "no answer") : "–";
    const made = element("tr");
    for (const text of [one.name, one.status, one.address, degree, short(way?.queued_bytes), short(way?.sent_frames)]) {
      made.append(element("td", text));
    }
    made.title = way?.channels.join("\n") ?? "";
    return made;
  }));
  const states = new Map(members.map((one) => [one.name, one.status]));
  $("topology").replaceChildren(...topology(shown, states));
}

// ---- one process ----
async function show(pid) {
  if (view.traced && pid !== view.chosen) {
    view.traced = false;
    ask("trace", {}, "POST").catch(say);
  }
  view.chosen = pid;
  $("detail").hidden = !pid;
  if (pid) await detail().catch(say);
}

async function detail() {
  const pid = view.chosen;
  const one = await ask("process", { pid });
  if (pid !== view.chosen) return;
  const facts = element("dl");
  for (const [name, value] of [
    ["pid", one.pid], ["name", one.name ?? "–"], ["code", one.code ?? "–"], ["kind", one.kind],
    ["doing", one.activity], ["priority", one.priority], ["traps exits", one.trap_exit ? "yes" : "no"],
    ["reductions", one.reductions], ["mailbox", one.messages ?? "–"], ["memory", bytes(one.memory)],
    ["parent", one.parent ?? "none"], ["links", one.links.join(" ") || "none"],
    ["monitors", one.monitors.join(" ") || "none"], ["monitored by", one.monitored_by.join(" ") || "none"],
  ]) facts.append(element("dt", name), element("dd", value));
  const trace = element("button", view.traced ? "Stop the trace" : "Trace", { id: "trace" });
  trace.onclick = async () => {
    try {
      await ask("trace", view.traced ? {} : { pid }, "POST");
      view.traced = !view.traced;
      await detail();
    } catch (error) { say(error); }
  };
  const kill = element("button", "Kill…", { id: "kill", className: "kill" });
  kill.onclick = () => {
    $("question").textContent = `Kill ${one.name ?? one.code ?? ""} ${pid}? It ends at once; what it was doing is lost.`;
    $("ask").dataset.pid = pid;
    $("ask").showModal();
  };
  const traced = view.traced && view.trace?.pid === pid;
  const log = (traced ? view.trace.events : one.log).map((event) => `${event.at.toFixed(3)} ${event.text}`).reverse().join("\n");
  $("detail").replaceChildren(facts, element("h3", "State"),
    element("pre", one.state ?? "not shown: #[actor(debug)] allows it", { id: "state" }),
    element("h3", view.traced ? "Trace, the latest first" : "Last messages"),
    element("pre", log || "none kept", { id: "log" }), trace, " ", kill);
}

$("no").onclick = () => $("ask").close();
$("yes").onclick = async () => {
  $("ask").close();
  try {
    const { killed } = await ask("kill", { pid: $("ask").dataset.pid }, "POST");
    say(killed ? "killed" : "it had ended already");
    show(null);
    refresh();
  } catch (error) { say(error); }
};

// ---- the loop ----
const say = (what) => { $("note").textContent = what instanceof Error ? what.message : what; };
let busy = false;
async function refresh() {
  if (busy || !view.up) return;
  busy = true;
  try {
    if (view.tab === "tree") await tree();
    if (view.tab === "processes") await list();
    if (view.tab === "cluster") await cluster();
    const { chosen } = view;
    // Of one that was killed or left meanwhile there is nothing to say.
    if (chosen) await detail().catch((error) => { if (view.chosen === chosen) throw error; });
  } catch (error) { say(error); }
  busy = false;
}

document.querySelectorAll("[data-sort]").forEach((button) => {
  button.onclick = () => { view.sort = button.dataset.sort; view.skip = 0; list().catch(say); };
});
document.querySelectorAll("[data-tab]").forEach((button) => {
  button.onclick = () => {
    view.tab = button.dataset.tab;
    for (const other of document.querySelectorAll("[data-tab]")) {
      other.classList.toggle("on", other === button);
      $(other.dataset.tab).hidden = other !== button;
    }
    refresh();
  };
});
$("code").oninput = () => { view.skip = 0; list().catch(say); };
$("previous").onclick = () => { view.skip = Math.max(0, view.skip - 50); list().catch(say); };
$("next").onclick = () => { view.skip += 50; list().catch(say); };
const events = new EventSource(`/events?token=${encodeURIComponent(token)}`);
events.onmessage = (event) => { figures(JSON.parse(event.data)); refresh(); };
events.onerror = () => figures({ up: false, why: "foundation observe has ended" });
