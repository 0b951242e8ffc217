/* What is shown and how it is drawn. `network`, `nodes` and `edges` are made by pyvis. */

const data = JSON.parse(document.getElementById("flowsim-data").textContent);
for (const each of data.variants)
  for (const key of ["flows", "amounts", "sds", "processes", "recipes", "balance"])
    each[key] = data.shared[each[key]];

const RECOVERY = ["utilise", "collect", "treat", "dispose"];
const LOOK = {
  process: { background: "#eef2f9", border: "#33415c", font: "#1b2640" },
  recovery: { background: "#e4f4ed", border: "#1d7a5a", font: "#0e4231" },
  pool: { background: "#f3f5f8", border: "#9aa5b4", font: "#4c5766" },
  outside: { background: "#f5f2ec", border: "#a39a8a", font: "#5c564c" },
  group: { background: "#33415c", border: "#1b2640", font: "#ffffff" },
};
const WIDEST = 16,
  THINNEST = 0.8,
  LOOP = "#c8102e",
  LINK = "#0b3d2e",
  PALE = 0.12;
const MOST_FOUND = 30,
  MOST_LISTED = 12,
  MOST_NAMES = 12,
  MOST_CURVED = 2500;
const TAGS = ["firm", "site", "chain"];
const LEGIBLE = 0.55,
  MOST_FINE = 3.5;
const SURE = 1.96;

const nodeOf = new Map(data.nodes.map((node) => [node.id, node]));
const state = {
  lang: data.lang,
  layer: data.layer,
  variant: 0,
  group: data.group,
  firm: "",
  site: "",
  chain: "",
  least: 0,
  implied: false,
  outside: !data.fold_outside,
  pools: !data.fold_pools,
  lonely: true,
  names: false,
  loops: false,
  selected: null,
  followed: null,
  carrier: "",
  hidden: new Set(Object.keys(data.classes).filter((name) => data.classes[name].hidden)),
  opened: new Set(),
  revealed: new Set(),
  moved: {},
};
let drawn = { edges: new Map(), nodes: new Map(), left: {} };
/* Lines are drawn so many times thicker, that they stay visible where the whole graph is small. */
let fine = 1;
let squeezed = new Map();
// --- words and numbers ---

const byId = (id) => document.getElementById(id);
const zh = () => state.lang === "zh";
const say = (key) => TEXT[key][zh() ? 1 : 0];
const label = (thing) => (thing ? (zh() ? thing.zh : thing.en) || thing.en || thing.id : "");
const variant = () => data.variants[state.variant];
const layerNow = () => data.layers.find((each) => each.id === state.layer) || data.layers[0];
const unitOf = (id) => data.layers.find((each) => each.id === id).unit;
const unitText = (unit) =>
  zh()
    ? unit
        .split("/")
        .map((part) => UNITS[part] || part)
        .join("/")
    : unit;

function number(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (value === 0) return "0";
  const size = Math.floor(Math.log10(Math.abs(value)));
  if (size >= 12 || size < -6) return value.toExponential(3);
  const digits = Math.max(0, 3 - size);
  return Number(value.toPrecision(4)).toLocaleString("en-US", { maximumFractionDigits: digits });
}

function amount(value, unit) {
  if (zh() && Math.abs(value) >= 1e8) return `${number(value / 1e8)} 亿${unitText(unit)}`;
  if (zh() && Math.abs(value) >= 1e4) return `${number(value / 1e4)} 万${unitText(unit)}`;
  return `${number(value)} ${unitText(unit)}`;
}

function groupName(kind, id) {
  return label((data.groups[kind] || {})[id]) || id.replaceAll("_", " ");
}

function nodeName(id) {
  const [kind, name] = id.split(/:(.*)/s);
  if (nodeOf.has(id)) return label(nodeOf.get(id));
  return name ? groupName(kind, name) : kind;
}

function flowName(flow) {
  return label(flow.en || flow.zh ? flow : data.goods[flow.good]);
}

function edgeName(edge) {
  if (edge.flows.length === 1) return flowName(edge.flows[0].flow);
  return edge.goods.size === 1 ? label(data.goods[[...edge.goods][0]]) : label(data.classes[edge.kind]);
}

function spreadOf(at, layer) {
  return (variant().sds[layer] || [])[at] || 0;
}

/* The standard uncertainty of a flow in a layer, where the study found one. */
function spreadText(at, layer) {
  const spread = spreadOf(at, layer),
    value = amountsOf(layer)[at];
  if (!spread) return "";
  const share = value ? ` (${number((100 * spread) / Math.abs(value))} %)` : "";
  return `± ${amount(spread, unitOf(layer))}${share}`;
}

const howText = (flow) => say(flow.how === "implied" ? "impliedHow" : flow.how);
// --- what is shown ---

function homeOf(id) {
  const node = nodeOf.get(id);
  return state.group !== "none" && node[state.group] ? `${state.group}:${node[state.group]}` : id;
}

function amountsOf(layer) {
  return variant().amounts[layer] || [];
}

function isPool(flow) {
  return nodeOf.get(flow.from).kind === "pool" || nodeOf.get(flow.to).kind === "pool";
}

function isOutside(flow) {
  return nodeOf.get(flow.from).kind === "outside" || nodeOf.get(flow.to).kind === "outside";
}

function isFolded(flow) {
  if (flow.kind === "implied") return !state.implied;
  return (isPool(flow) && !state.pools) || (isOutside(flow) && !state.outside);
}

/* Why a flow is not shown, or nothing. */
function hides(flow, value) {
  if (state.revealed.has(flow.id)) return "";
  if (value === 0) return "empty";
  if (state.hidden.has(data.goods[flow.good].class)) return "hiddenClass";
  const opened = state.opened.has(homeOf(flow.from)) || state.opened.has(homeOf(flow.to));
  if (!opened && isFolded(flow)) return "folded";
  if (value !== null && Math.abs(value) < state.least) return "small";
  for (const tag of TAGS) {
    if (state[tag] && nodeOf.get(flow.from)[tag] !== state[tag] && nodeOf.get(flow.to)[tag] !== state[tag])
      return "filtered";
  }
  return "";
}

/* Drawn edges: single flows, or, where processes are collapsed, flows of one class between two nodes. */
function shownEdges() {
  const made = new Map(),
    left = {},
    amounts = amountsOf(state.layer);
  variant().flows.forEach((flow, at) => {
    const value = amounts[at] === undefined ? 0 : amounts[at];
    const why =
      hides(flow, value) || (homeOf(flow.from) === homeOf(flow.to) && state.group !== "none" ? "within" : "");
    if (why) {
      left[why] = (left[why] || 0) + 1;
      return;
    }
    const from = homeOf(flow.from),
      to = homeOf(flow.to);
    const kind = data.goods[flow.good].class;
    const id = state.group === "none" ? flow.id : `${from}|${to}|${kind}|${flow.kind}`;
    if (!made.has(id)) made.set(id, { id, from, to, kind, goods: new Set(), flows: [], value: 0 });
    const edge = made.get(id);
    edge.flows.push({ flow, at });
    edge.goods.add(flow.good);
    edge.value = edge.value === null || value === null ? null : edge.value + value;
  });
  return { edges: made, left };
}

function shownNodes(edges) {
  const made = new Map();
  const joined = new Set();
  edges.forEach((edge) => {
    joined.add(edge.from);
    joined.add(edge.to);
  });
  data.nodes.forEach((node) => {
    const id = homeOf(node.id),
      inside = !["pool", "outside"].includes(node.kind);
    const passes = TAGS.every((tag) => !state[tag] || node[tag] === state[tag]);
    const here = node.id in variant().processes || !inside;
    const alone = inside && state.lonely && passes && here;
    if (!joined.has(id) && !alone && !state.revealed.has(node.id)) return;
    if (!made.has(id)) made.set(id, { id, members: [], joined: joined.has(id) });
    if (here) made.get(id).members.push(node);
  });
  return made;
}
// --- how it is drawn ---

function look(node) {
  if (!nodeOf.has(node.id)) return "group";
  const kind = nodeOf.get(node.id).kind;
  if (RECOVERY.includes(kind)) return "recovery";
  return kind === "pool" || kind === "outside" ? kind : "process";
}

/* Break a name into lines; Chinese letters count double and may be parted anywhere. */
function wrapped(text, limit) {
  const lines = [""];
  let width = 0;
  for (const word of text.match(/[\u2e80-\uffff]|[^\s\u2e80-\uffff]+\s*|\s+/g) || []) {
    const size = word >= "\u2e80" ? 2 : word.trim().length;
    if (width && width + size > limit && !/^[，。、）：；)]/.test(word)) {
      lines.push("");
      width = 0;
    }
    lines[lines.length - 1] += word;
    width += word >= "\u2e80" ? 2 : word.length;
  }
  return lines.length > 3 ? `${lines.slice(0, 3).join("\n").trim()}…` : lines.join("\n").trim();
}

function drawnNode(node) {
  const style = LOOK[look(node)],
    pale = state.followed && !state.followed.nodes.has(node.id);
  const spot = spotOf(node.id);
  const chosen = state.selected && state.selected.id === node.id;
  return {
    id: node.id,
    x: spot[0],
    y: spot[1],
    label: wrapped(nodeName(node.id), 17),
    opacity: pale ? 2 * PALE : node.joined ? 1 : 0.5,
    shape: look(node) === "pool" ? "ellipse" : "box",
    borderWidth: chosen ? 4 : 1.5,
    borderWidthSelected: 4,
    color: {
      background: style.background,
      border: chosen ? "#d9730d" : style.border,
      highlight: { background: style.background, border: "#d9730d" },
    },
    font: { color: pale ? "#bbbbbb" : style.font, size: look(node) === "group" ? 22 : 19 },
    title: tip([
      nodeName(node.id),
      nodeOf.has(node.id) ? node.id : `${node.members.length} × ${say("process")}`,
    ]),
  };
}

function tip(lines) {
  return lines.filter((line) => line).join("\n");
}

function scaleOf(edges) {
  let most = 0;
  edges.forEach((edge) => {
    most = Math.max(most, Math.abs(edge.value || 0));
  });
  return most;
}

function widthOf(value, most) {
  const share = value === null || !most ? 0 : Math.abs(value) / most;
  return Math.max(THINNEST, WIDEST * Math.sqrt(share));
}

function outline(edge) {
  if (state.selected && state.selected.id === edge.id) return "#d9730d";
  if (state.loops && edge.flows.some(({ flow }) => flow.loop)) return LOOP;
  return edge.flows.some(({ flow }) => flow.kind === "link") ? LINK : "";
}

/* Places that nodes were dragged to in this view: a way to collapse, and what is filtered. */
function movedNow() {
  const filters = TAGS.filter((tag) => state[tag]).map((tag) => `${tag}:${state[tag]}`);
  const view = [state.group, ...filters].join("/");
  if (!state.moved[view]) state.moved[view] = {};
  return state.moved[view];
}

function spotOf(id) {
  return movedNow()[id] || squeezed.get(id) || data.positions[state.group][id];
}

/* Where a filter leaves only some nodes, wide gaps between them close; their order and near places stay. */
function squeeze() {
  const made = new Map(),
    ids = [...drawn.nodes.keys()],
    spots = data.positions[state.group];
  if (!TAGS.some((tag) => state[tag])) return made;
  const axes = [0, 1].map((axis) => {
    const values = [...new Set(ids.map((id) => spots[id][axis]))].sort((a, b) => a - b),
      places = new Map();
    let last = 0;
    values.forEach((value, at) => {
      if (at) last += Math.min(value - values[at - 1], data.gaps[axis]);
      places.set(value, last);
    });
    return places;
  });
  ids.forEach((id) => made.set(id, [0, 1].map((axis) => axes[axis].get(spots[id][axis]))));
  return made;
}

/* How far each edge bends: those between the same two nodes lie beside each other, what returns goes round. */
function bendsOf(edgesNow) {
  const pairs = new Map(),
    bends = new Map();
  edgesNow.forEach((edge) => {
    const pair = `${edge.from}|${edge.to}`;
    pairs.set(pair, [...(pairs.get(pair) || []), edge.id]);
  });
  pairs.forEach((ids, pair) => {
    const [from, to] = pair.split("|").map(spotOf);
    const least = to[0] < from[0] && Math.abs(to[1] - from[1]) < from[0] - to[0] ? 0.3 : 0.06;
    ids.forEach((id, rank) => bends.set(id, least + rank * Math.min(0.12, 0.6 / ids.length)));
  });
  return bends;
}

/* Flows are named if wanted, and those of what is chosen always. */
function isNamed(edge) {
  const chosen = state.selected && [edge.id, edge.from, edge.to].includes(state.selected.id);
  return Boolean(chosen) || (state.names && !state.selected);
}

function drawnEdge(edge, most, bend) {
  const width = fine * widthOf(edge.value, most),
    around = outline(edge),
    name = edgeName(edge);
  const pale = state.followed && !state.followed.edges.has(edge.id);
  const implied = edge.flows.every(({ flow }) => flow.kind === "implied");
  const text = edge.value === null ? say("undetermined") : amount(edge.value, layerNow().unit);
  return {
    id: edge.id,
    from: edge.from,
    to: edge.to,
    width,
    hoverWidth: 1,
    selectionWidth: 0,
    color: {
      color: edge.value === null ? "#777777" : data.classes[edge.kind].colour,
      opacity: pale ? PALE : implied ? 0.45 : 0.8,
      inherit: false,
    },
    dashes: edge.value === null ? [3, 4] : implied ? [9, 5] : false,
    arrows: { to: { enabled: true, scaleFactor: Math.max(0.25, 0.75 - width / fine / 40) } },
    smooth: drawn.edges.size > MOST_CURVED ? false : { enabled: true, type: "curvedCW", roundness: bend },
    background: { enabled: Boolean(around) && !pale, color: around || LINK, size: width + 5, dashes: false },
    label: isNamed(edge) && !pale ? `${wrapped(name, 24)}\n${text}` : "",
    font: { size: 14, color: "#333333", strokeWidth: 4, strokeColor: "#ffffff", align: "horizontal" },
    title: tip([
      name,
      `${nodeName(edge.from)} → ${nodeName(edge.to)}`,
      edge.flows.length > 1 ? text : [text, spreadText(edge.flows[0].at, state.layer)].join(" ").trim(),
      edge.flows.length > 1 ? `${edge.flows.length} ${say("flows")}` : howText(edge.flows[0].flow),
    ]),
  };
}

function draw() {
  const { edges: edgesNow, left } = shownEdges();
  drawn = { edges: edgesNow, nodes: shownNodes(edgesNow), left };
  squeezed = squeeze();
  const gone = (id) => !drawn.nodes.has(id) && !drawn.edges.has(id);
  if (state.followed && [...state.followed.start, ...state.followed.first].some(gone)) state.followed = null;
  if (state.followed) state.followed = again(state.followed);
  const most = scaleOf(edgesNow),
    bends = bendsOf(edgesNow);
  const made = [...edgesNow.values()].map((edge) => drawnEdge(edge, most, bends.get(edge.id)));
  swapAll(nodes, [...drawn.nodes.values()].map(drawnNode));
  swapAll(edges, made);
  drawStatus();
  drawLegend(most);
  drawCounts();
}

function swapAll(set, items) {
  const wanted = new Set(items.map((item) => item.id));
  set.remove(set.getIds().filter((id) => !wanted.has(id)));
  set.update(items);
}

function drawStatus() {
  const reasons = ["folded", "hiddenClass", "within", "small", "filtered", "empty"].filter(
    (why) => drawn.left[why],
  );
  const parts = reasons.map((why) => `${say(why)}: ${drawn.left[why]}`);
  let count = 0;
  drawn.edges.forEach((edge) => {
    count += edge.flows.length;
  });
  const head = zh()
    ? `显示 ${count} / ${variant().flows.length} 条流`
    : `${count} of ${variant().flows.length} flows shown`;
  byId("status").textContent = [head, ...parts].join(" · ");
}
