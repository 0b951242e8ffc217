/* The panels of the page: what is shown, what a click tells, what is followed. `network`, `nodes` and `edges`
   are made by pyvis. Every text of the data is set as text, never as HTML. */
(function () {
"use strict";

const data = JSON.parse(document.getElementById("flowsim-data").textContent);
const TEXT = {
  activity: ["activity", "运行量"], all: ["all", "全部"], amount: ["amount", "数量"], amounts: ["Amount by layer", "各层数量"],
  any: ["any", "不限"], balance: ["Balance", "平衡表"], both: ["both ways", "双向"], bound: ["bound or dissipated", "结合或散失"],
  capacity: ["capacity", "产能"], chain: ["chain", "产业链"], classes: ["Classes of goods", "物料类别"], clear: ["clear", "清除"],
  collapse: ["collapse by", "折叠"], difference: ["difference (must be zero)", "差额（应为零）"], dispatched: ["by merit order", "按优先次序分配"],
  downstream: ["downstream →", "下游 →"], firm: ["firm", "企业"], fit: ["whole graph", "全图"], flow: ["flow", "流"],
  flows: ["flows", "条流"], folded: ["folded", "已折叠"], follow: ["Follow", "追踪"], followed: ["Followed: flows", "追踪到的流"],
  from: ["from", "来自"], given: ["given", "给定"], good: ["good", "物料"], group: ["collapsed group", "折叠的组"],
  hiddenClass: ["class not ticked", "类别未选"], how: ["how", "方式"], implied: ["flows closed by rule", "按规则补全的流"],
  impliedHow: ["closed by rule", "按规则补全"], input: ["in", "输入"], interval: ["lies between", "取值范围"],
  layer: ["layer", "层"], layers: ["All layers", "各层汇总"], least: ["at least", "不少于"], legend: ["Legend", "图例"],
  link: ["symbiosis link", "共生链接"], load: ["load", "读取"], loadShare: ["load", "负荷率"], lonely: ["processes without shown flows", "没有可见流的过程"],
  loop: ["runs in loop", "所在循环"], loops: ["mark loops", "标出循环"], loopsFound: ["Loops", "循环"], members: ["Members", "成员"], names: ["names on flows", "标注流名称"],
  none: ["none", "无"], noneFound: ["nothing found", "没有结果"], noPositions: ["This file holds no positions of this page.", "该文件不含本页面的位置。"],
  notFollowed: ["difference (not followed)", "差额（未跟踪）"], notes: ["Remarks", "说明"], open: ["show its folded flows", "展开其折叠的流"],
  closeFolds: ["fold them again", "重新折叠"], origin: ["origin", "出处"], output: ["out", "输出"], outside: ["outside", "系统外部"], plan: ["project", "规划项目"],
  pool: ["network (pool)", "公共管网"], pools: ["networks (pools)", "公共管网"], positions: ["Positions", "位置"], process: ["process", "过程"],
  recipe: ["recipe", "单耗配方"], recipeLines: ["Recipe, per unit of activity", "单耗（每单位运行量）"], reconciled: ["reconciled", "协调"],
  recovery: ["collects, utilises, treats", "收集、利用、处理"], reset: ["reset", "复原"], save: ["save", "保存"],
  search: ["search process, flow, good", "搜索过程、流、物料"], selectHint: ["Click a process or a flow. Drag to move, scroll to zoom.", "点击过程或流查看详情；拖动移动，滚轮缩放。"],
  show: ["Show", "显示"], shown: ["shown", "显示"], single: ["nothing", "不折叠"], site: ["site", "园区"], small: ["too small", "数量过小"],
  solved: ["solved", "求解"], source: ["source", "来源"], stock: ["stock change", "存量变化"], study: ["study", "模拟"], to: ["to", "去向"],
  total: ["total", "合计"], undetermined: ["undetermined", "未确定"], upstream: ["← upstream", "← 上游"], variant: ["variant", "情景"],
  width: ["width grows with the root of the amount", "线宽与数量的平方根成正比"], filtered: ["other firm or chain", "其他企业或产业链"],
  residual: ["largest residual", "最大残差"], uncertainty: ["standard uncertainty", "标准不确定度"], year: ["year", "年份"], within: ["flows within", "组内流"],
  empty: ["nothing of this layer", "不含该层"], foundPlaces: ["Positions read.", "已读取位置。"], place: ["kind", "类型"],
};
const RECOVERY = ["utilise", "collect", "treat", "dispose"];
const LOOK = {
  process: { background: "#eef2f9", border: "#33415c", font: "#1b2640" },
  recovery: { background: "#e4f4ed", border: "#1d7a5a", font: "#0e4231" },
  pool: { background: "#f3f5f8", border: "#9aa5b4", font: "#4c5766" },
  outside: { background: "#f5f2ec", border: "#a39a8a", font: "#5c564c" },
  group: { background: "#33415c", border: "#1b2640", font: "#ffffff" },
};
const WIDEST = 16, THINNEST = 0.8, LOOP = "#c8102e", LINK = "#0b3d2e", PALE = 0.12;
const MOST_FOUND = 30, MOST_LISTED = 12, MOST_NAMES = 25, MOST_CURVED = 2500;

const nodeOf = new Map(data.nodes.map((node) => [node.id, node]));
const state = {
  lang: data.lang, layer: data.layer, variant: 0, group: data.group, firm: "", chain: "", least: 0, implied: false,
  pools: !data.fold_pools, lonely: true, names: false, loops: false, selected: null, followed: null, carrier: "",
  hidden: new Set(Object.keys(data.classes).filter((name) => data.classes[name].hidden)),
  opened: new Set(), revealed: new Set(), moved: { none: {}, firm: {}, site: {}, chain: {} },
};
let drawn = { edges: new Map(), nodes: new Map(), left: {} };

// --- words and numbers ---

const byId = (id) => document.getElementById(id);
const zh = () => state.lang === "zh";
const say = (key) => TEXT[key][zh() ? 1 : 0];
const label = (thing) => (thing ? (zh() ? thing.zh : thing.en) || thing.en || thing.id : "");
const variant = () => data.variants[state.variant];
const layerNow = () => data.layers.find((each) => each.id === state.layer) || data.layers[0];
const unitText = (unit) => (zh() ? unit.replace("CNY", "元") : unit);

function number(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (value === 0) return "0";
  const size = Math.floor(Math.log10(Math.abs(value)));
  if (size >= 12 || size < -6) return value.toExponential(3);
  const digits = Math.max(0, 3 - size);
  return Number(value.toPrecision(4)).toLocaleString("en-US", { maximumFractionDigits: digits });
}

function amount(value, unit) {
  if (zh() && Math.abs(value) >= 1e4) return `${number(value / 1e4)} 万${unitText(unit)}`;
  return `${number(value)} ${unitText(unit)}`;
}

function nodeName(id) {
  const [kind, name] = id.split(/:(.*)/s);
  return nodeOf.has(id) ? label(nodeOf.get(id)) : name || kind;
}

function flowName(flow) {
  return label(flow.en || flow.zh ? flow : data.goods[flow.good]);
}

function edgeName(edge) {
  if (edge.flows.length === 1) return flowName(edge.flows[0].flow);
  return edge.goods.size === 1 ? label(data.goods[[...edge.goods][0]]) : label(data.classes[edge.kind]);
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

/* Why a flow is not shown, or nothing. */
function hides(flow, value) {
  if (state.revealed.has(flow.id)) return "";
  if (value === 0) return "empty";
  if (state.hidden.has(data.goods[flow.good].class)) return "hiddenClass";
  const opened = state.opened.has(homeOf(flow.from)) || state.opened.has(homeOf(flow.to));
  if (!opened && ((flow.kind === "implied" && !state.implied) || (isPool(flow) && !state.pools))) return "folded";
  if (value !== null && Math.abs(value) < state.least) return "small";
  for (const tag of ["firm", "chain"]) {
    if (state[tag] && nodeOf.get(flow.from)[tag] !== state[tag] && nodeOf.get(flow.to)[tag] !== state[tag]) return "filtered";
  }
  return "";
}

/* Drawn edges: single flows, or, where processes are collapsed, flows of one class between two nodes. */
function shownEdges() {
  const made = new Map(), left = {}, amounts = amountsOf(state.layer);
  variant().flows.forEach((flow, at) => {
    const value = amounts[at] === undefined ? 0 : amounts[at];
    const why = hides(flow, value) || (homeOf(flow.from) === homeOf(flow.to) && state.group !== "none" ? "within" : "");
    if (why) { left[why] = (left[why] || 0) + 1; return; }
    const from = homeOf(flow.from), to = homeOf(flow.to);
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
  edges.forEach((edge) => { joined.add(edge.from); joined.add(edge.to); });
  data.nodes.forEach((node) => {
    const id = homeOf(node.id), inside = !["pool", "outside"].includes(node.kind);
    const passes = (!state.firm || node.firm === state.firm) && (!state.chain || node.chain === state.chain);
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
    if (width && width + size > limit) { lines.push(""); width = 0; }
    lines[lines.length - 1] += word;
    width += word >= "\u2e80" ? 2 : word.length;
  }
  return lines.length > 3 ? `${lines.slice(0, 3).join("\n").trim()}…` : lines.join("\n").trim();
}

function drawnNode(node) {
  const style = LOOK[look(node)], pale = state.followed && !state.followed.nodes.has(node.id);
  const spot = state.moved[state.group][node.id] || data.positions[state.group][node.id];
  const chosen = state.selected && state.selected.id === node.id;
  return {
    id: node.id, x: spot[0], y: spot[1], label: wrapped(nodeName(node.id), 17), opacity: pale ? 2 * PALE : node.joined ? 1 : 0.5,
    shape: look(node) === "pool" ? "ellipse" : "box", borderWidth: chosen ? 4 : 1.5, borderWidthSelected: 4,
    color: { background: style.background, border: chosen ? "#d9730d" : style.border, highlight: { background: style.background, border: "#d9730d" } },
    font: { color: pale ? "#bbbbbb" : style.font, size: look(node) === "group" ? 22 : 19 },
    title: tip([nodeName(node.id), nodeOf.has(node.id) ? node.id : `${node.members.length} × ${say("process")}`]),
  };
}

function tip(lines) {
  return lines.filter((line) => line).join("\n");
}

function scaleOf(edges) {
  let most = 0;
  edges.forEach((edge) => { most = Math.max(most, Math.abs(edge.value || 0)); });
  return most;
}

function widthOf(value, most) {
  return value === null || !most ? THINNEST : Math.max(THINNEST, WIDEST * Math.sqrt(Math.abs(value) / most));
}

function outline(edge) {
  if (state.selected && state.selected.id === edge.id) return "#d9730d";
  if (state.loops && edge.flows.some(({ flow }) => flow.loop)) return LOOP;
  return edge.flows.some(({ flow }) => flow.kind === "link") ? LINK : "";
}

/* How far each edge bends, so that edges between the same two nodes lie beside each other. */
function bendsOf(edgesNow) {
  const pairs = new Map(), bends = new Map();
  edgesNow.forEach((edge) => { const pair = `${edge.from}|${edge.to}`; pairs.set(pair, [...(pairs.get(pair) || []), edge.id]); });
  pairs.forEach((ids) => ids.forEach((id, rank) => bends.set(id, 0.06 + rank * Math.min(0.12, 0.6 / ids.length))));
  return bends;
}

/* Flows are named if wanted, and those of what is chosen always. */
function isNamed(edge) {
  const chosen = state.selected && [edge.id, edge.from, edge.to].includes(state.selected.id);
  return Boolean(chosen) || (state.names && !state.selected);
}

function drawnEdge(edge, most, bend) {
  const width = widthOf(edge.value, most), around = outline(edge), name = edgeName(edge);
  const pale = state.followed && !state.followed.edges.has(edge.id);
  const implied = edge.flows.every(({ flow }) => flow.kind === "implied");
  const text = edge.value === null ? say("undetermined") : amount(edge.value, layerNow().unit);
  return {
    id: edge.id, from: edge.from, to: edge.to, width, hoverWidth: 1, selectionWidth: 0,
    color: { color: edge.value === null ? "#777777" : data.classes[edge.kind].colour, opacity: pale ? PALE : implied ? 0.45 : 0.8, inherit: false },
    dashes: edge.value === null ? [3, 4] : implied ? [9, 5] : false,
    arrows: { to: { enabled: true, scaleFactor: Math.max(0.25, 0.75 - width / 40) } },
    smooth: drawn.edges.size > MOST_CURVED ? false : { enabled: true, type: "curvedCW", roundness: bend },
    background: { enabled: Boolean(around) && !pale, color: around || LINK, size: width + 5, dashes: false },
    label: isNamed(edge) && !pale ? `${wrapped(name, 24)}\n${text}` : "",
    font: { size: 14, color: "#333333", strokeWidth: 4, strokeColor: "#ffffff", align: "horizontal" },
    title: tip([name, `${nodeName(edge.from)} → ${nodeName(edge.to)}`, text, edge.flows.length > 1 ? `${edge.flows.length} ${say("flows")}` : howText(edge.flows[0].flow)]),
  };
}

function draw() {
  const { edges: edgesNow, left } = shownEdges();
  drawn = { edges: edgesNow, nodes: shownNodes(edgesNow), left };
  const gone = (id) => !drawn.nodes.has(id) && !drawn.edges.has(id);
  if (state.followed && [...state.followed.start, ...state.followed.first].some(gone)) state.followed = null;
  if (state.followed) state.followed = reach(state.followed.way, state.followed.start, state.followed.first);
  const most = scaleOf(edgesNow), bends = bendsOf(edgesNow);
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
  const reasons = ["folded", "hiddenClass", "within", "small", "filtered", "empty"].filter((why) => drawn.left[why]);
  const parts = reasons.map((why) => `${say(why)}: ${drawn.left[why]}`);
  let count = 0;
  drawn.edges.forEach((edge) => { count += edge.flows.length; });
  const head = zh() ? `显示 ${count} / ${variant().flows.length} 条流` : `${count} of ${variant().flows.length} flows shown`;
  byId("status").textContent = [head, ...parts].join(" · ");
}

// --- small pieces of the page ---

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  Object.entries(attributes || {}).forEach(([name, value]) => {
    if (name === "on") element.addEventListener("click", value);
    else if (name === "class") element.className = value;
    else element.setAttribute(name, value);
  });
  children.flat(Infinity).forEach((child) => element.append(child));
  return element;
}

function button(text, act, style) {
  return make("button", { type: "button", on: act, class: style || "link" }, text);
}

function fill(id, ...children) {
  byId(id).replaceChildren(...children.flat(Infinity));
}

function options(id, pairs, chosen) {
  fill(id, pairs.map(([value, text]) => make("option", { value }, text)));
  byId(id).value = chosen;
}

function row(cells, style) {
  return make("tr", { class: style || "" }, cells.map((cell, at) => make("td", { class: typeof cell === "string" && at && /^[–−\-0-9]/.test(cell) ? "number" : "" }, cell)));
}

function facts(pairs) {
  return make("dl", {}, pairs.filter(([, value]) => value !== undefined && value !== "" && value !== null).flatMap(([key, value]) => [make("dt", {}, key), make("dd", {}, value)]));
}

function withCitations(source) {
  if (!source) return undefined;
  const cited = [...new Set(source.split(/[\s:;,()]+/))].filter((word) => word in data.citations);
  return make("span", {}, source, cited.map((key) => make("div", { class: "note" }, `${key}: ${data.citations[key]}`)));
}

// --- panels ---

function drawDetails() {
  const chosen = state.selected;
  const body = !chosen ? overview() : chosen.kind === "flow" ? flowPanel(chosen.id) : nodePanel(chosen.id);
  fill("details", body);
}

function overview() {
  const about = variant();
  return [
    make("h3", {}, label(about.name)), make("p", { class: "id" }, label(about)), make("p", { class: "note" }, say("selectHint")),
    facts([[say("year"), String(about.year || "")], [say("origin"), about.file], [say("study"), about.study], [say("residual"), about.residual.toExponential(1)]]),
    loopList(),
    about.notes[state.lang].length ? [make("h2", {}, say("notes")), about.notes[state.lang].map((note) => make("p", { class: "note" }, note))] : [],
  ].flat(Infinity);
}

function loopList() {
  const loops = new Map();
  variant().flows.forEach((flow) => {
    if (!flow.loop) return;
    if (!loops.has(flow.loop)) loops.set(flow.loop, new Set());
    loops.get(flow.loop).add(flow.from).add(flow.to);
  });
  if (!loops.size) return [];
  const lines = [...loops].map(([at, names]) => make("p", { class: "note" }, `${at}: `,
    [...names].slice(0, MOST_LISTED).flatMap((id, place) => [place ? " · " : "", nodeLink(id)]), names.size > MOST_LISTED ? ` + ${names.size - MOST_LISTED}` : ""));
  return [make("h2", {}, say("loopsFound")), ...lines];
}

function nodeLink(id) {
  return button(nodeName(id), () => selectNode(id));
}

/* All flows of the variant that cross the border of a node, with their place in the list. */
function crossing(members) {
  const inside = new Set(members);
  const found = { input: [], output: [] };
  variant().flows.forEach((flow, at) => {
    if (inside.has(flow.to) && !inside.has(flow.from)) found.input.push({ flow, at });
    if (inside.has(flow.from) && !inside.has(flow.to)) found.output.push({ flow, at });
  });
  return found;
}

function membersOf(id) {
  return nodeOf.has(id) ? [id] : data.nodes.filter((node) => homeOf(node.id) === id && node.id in variant().processes).map((node) => node.id);
}

function sum(list, layer) {
  const amounts = amountsOf(layer);
  return list.reduce((total, { at }) => (amounts[at] === null ? NaN : total + (amounts[at] || 0)), 0);
}

function leftOver(members, layer) {
  const left = variant().balance[layer] || {};
  return [0, 1].map((place) => members.reduce((total, id) => (!(id in left) ? total : left[id][place] === null ? NaN : total + left[id][place]), 0));
}

function differenceText(layer, value) {
  if (layer === "water" || layer === "energy") return say("bound");
  return layer === "mass" || !value ? say("difference") : say("notFollowed");
}

function balanceTable(members, isOutside) {
  const unit = layerNow().unit, amounts = amountsOf(state.layer), found = crossing(members), rows = [];
  for (const side of ["input", "output"]) {
    const shown = found[side].filter(({ at }) => amounts[at] !== 0).sort((a, b) => (amounts[b.at] || 0) - (amounts[a.at] || 0));
    shown.forEach(({ flow, at }) => rows.push(row([say(side), button(flowName(flow), () => selectFlow(flow.id)), nodeLink(side === "input" ? flow.from : flow.to), number(amounts[at])])));
    rows.push(row([say(side), say("total"), "", number(sum(found[side], state.layer))], "total"));
  }
  if (!isOutside) {
    const [stock, difference] = leftOver(members, state.layer);
    rows.push(row([say("stock"), "", "", number(stock)], "total"), row([differenceText(state.layer, difference), "", "", number(difference)], "total"));
  }
  const head = make("tr", {}, ["", say("good"), `${say("from")} / ${say("to")}`, unitText(unit)].map((text, at) => make("th", { class: at === 3 ? "number" : "" }, text)));
  const table = make("table", { id: "balance" }, head, rows);
  table.querySelectorAll("tr.total").forEach((line) => { line.cells[0].colSpan = 2; line.cells[0].textContent = `${line.cells[0].textContent} ${line.cells[1].textContent}`; line.deleteCell(1); });
  return table;
}

function layerTable(members, isOutside) {
  const found = crossing(members);
  const head = make("tr", {}, [say("layer"), say("input"), say("output"), say("stock"), "Δ", ""].map((text) => make("th", {}, text)));
  const rows = data.layers.map((layer) => {
    const [stock, difference] = leftOver(members, layer.id), into = sum(found.input, layer.id), out = sum(found.output, layer.id);
    if (into === 0 && out === 0) return "";
    return row([label(layer), number(into), number(out), isOutside ? "" : number(stock), isOutside ? "" : number(difference), unitText(layer.unit)]);
  });
  return make("table", {}, head, rows);
}

function nodePanel(id) {
  const members = membersOf(id), node = nodeOf.get(id), about = node ? variant().processes[id] || {} : {};
  const isOutside = Boolean(node) && node.kind === "outside";
  const kind = node ? label(data.kinds[node.kind]) : say("group");
  const percent = about.load === undefined || about.load === null ? undefined : `${(100 * about.load).toFixed(1)} %`;
  return [
    make("h3", {}, nodeName(id)), make("p", { class: "id" }, `${id} · ${kind} · ${label(variant())}`),
    node ? facts([
      [say("activity"), about.activity === undefined || about.activity === null ? undefined : `${amount(about.activity, about.unit)} ${label(data.goods[about.counts])}`],
      [say("capacity"), about.capacity ? amount(about.capacity, about.unit) : undefined], [say("loadShare"), percent],
      [say("recipe"), about.recipe], [say("firm"), node.firm], [say("site"), node.site], [say("chain"), node.chain],
      [say("plan"), about.plan], [say("origin"), about.place], [say("source"), withCitations(about.source)],
    ]) : [make("h2", {}, say("members")), make("p", {}, members.flatMap((name, at) => [at ? " · " : "", button(nodeName(name), () => { state.selected = { kind: "node", id: name }; drawDetails(); })]))],
    foldButton(id), followButtons(id), make("h2", {}, `${say("balance")}: ${label(layerNow())}`), balanceTable(members, isOutside),
    make("h2", {}, say("layers")), layerTable(members, isOutside), recipeTable(about),
  ].flat(Infinity);
}

function foldButton(id) {
  const open = state.opened.has(id);
  return button(say(open ? "closeFolds" : "open"), () => { if (open) state.opened.delete(id); else state.opened.add(id); draw(); drawDetails(); }, "plain");
}

function recipeTable(about) {
  if (!about.lines) return [];
  const rows = about.lines.map(([good, value, place, source]) => make("tr", { title: place },
    make("td", {}, label(data.goods[good]), make("div", { class: "note" }, place)), make("td", { class: "number" }, number(value), " ", data.goods[good].unit), make("td", {}, withCitations(source) || "")));
  return [make("h2", {}, say("recipeLines")), make("table", {}, rows)];
}

function flowPanel(id) {
  const edge = drawn.edges.get(id);
  const at = variant().flows.findIndex((flow) => flow.id === id);
  if (at < 0 && !edge) return overview();
  if (at < 0 && edge.flows.length > 1) return manyFlows(edge);
  return oneFlow(at < 0 ? edge.flows[0].at : at, id);
}

function manyFlows(edge) {
  const amounts = amountsOf(state.layer), unit = layerNow().unit;
  const rows = edge.flows.map(({ flow, at }) => row([button(`${flowName(flow)}: ${nodeName(flow.from)} → ${nodeName(flow.to)}`, () => { state.selected = { kind: "flow", id: flow.id }; drawDetails(); }), amount(amounts[at], unit)]));
  return [make("h3", {}, edgeName(edge)), make("p", { class: "id" }, `${nodeName(edge.from)} → ${nodeName(edge.to)} · ${edge.flows.length} ${say("flows")}`),
    followButtons(edge.id), make("table", {}, rows, row([say("total"), amount(edge.value, unit)], "total"))].flat(Infinity);
}

function oneFlow(at, id) {
  const flow = variant().flows[at], good = data.goods[flow.good], unit = `${good.unit}/a`, base = variant().amounts;
  const layers = data.layers.filter((layer) => base[layer.id][at] !== 0);
  const ends = make("p", {}, nodeLink(flow.from), " → ", nodeLink(flow.to));
  return [
    make("h3", {}, flowName(flow)), make("p", { class: "id" }, `${flow.id} · ${label(variant())}`), ends,
    facts([
      [say("good"), `${label(good)} (${flow.good})`], [say("classes"), label(data.classes[good.class])], [say("how"), howText(flow)],
      [say("link"), flow.kind === "link" ? "✓" : undefined], [say("loop"), flow.loop ? String(flow.loop) : undefined],
      [say("uncertainty"), flow.sd ? `± ${amount(flow.sd, unit)}` : undefined],
      [say("interval"), flow.low === undefined && flow.high === undefined ? undefined : `${flow.low === undefined ? "…" : number(flow.low)} – ${flow.high === undefined ? "…" : number(flow.high)} ${unit}`],
      [say("origin"), flow.place || (flow.kind === "drawn" ? undefined : say(flow.kind === "pool" ? "pool" : "impliedHow"))], [say("source"), withCitations(flow.source)],
    ]),
    drawn.edges.has(id) ? followButtons(id) : [], make("h2", {}, say("amounts")),
    make("table", {}, layers.map((layer) => row([label(layer), amount(base[layer.id][at], layer.unit)]))),
  ].flat(Infinity);
}

// --- following ---

function followButtons(id) {
  const edge = drawn.edges.get(id);
  if (!edge && !drawn.nodes.has(id)) return [];
  const near = edge ? [edge] : [...drawn.edges.values()].filter((each) => each.from === id || each.to === id);
  const goods = [...new Set(near.flatMap((each) => [...each.goods]))];
  const carriers = [["", `${label(layerNow())} (${say("any")})`], ...data.layers.filter((layer) => near.some((each) => carries(each, `layer:${layer.id}`))).map((layer) => [`layer:${layer.id}`, label(layer)]), ...goods.map((good) => [`good:${good}`, label(data.goods[good])])];
  if (!carriers.some(([value]) => value === state.carrier)) state.carrier = "";
  const select = make("select", { id: "carrier" }, carriers.map(([value, text]) => make("option", { value }, text)));
  select.value = state.carrier;
  select.addEventListener("change", () => { state.carrier = select.value; });
  const go = (way) => () => { follow(way, id); };
  const count = state.followed ? [make("p", { class: "note" }, `${say("followed")}: ${state.followed.edges.size}`)] : [];
  return [make("h2", {}, say("follow")), make("div", { class: "follow" }, select, button(say("upstream"), go("up"), "plain"), button(say("downstream"), go("down"), "plain"),
    button(say("both"), go("both"), "plain"), button(say("clear"), () => { state.followed = null; draw(); drawDetails(); }, "plain")), ...count];
}

function carries(edge, carrier) {
  if (carrier.startsWith("good:")) return edge.goods.has(carrier.slice(5));
  const amounts = amountsOf(carrier ? carrier.slice(6) : state.layer);
  return edge.flows.some(({ at }) => amounts[at] === null || Math.abs(amounts[at]) > 1e-9);
}

/* Edges and nodes that are reached from the start against or along the flows; places outside pass nothing on. */
function reach(way, start, first) {
  const found = { way, start, first, nodes: new Set(start), edges: new Set(first) };
  const steps = { up: [["to", "from"]], down: [["from", "to"]], both: [["to", "from"], ["from", "to"]] }[way];
  for (const [here, there] of steps) {
    const at = new Map();
    drawn.edges.forEach((edge) => { if (carries(edge, state.carrier)) at.set(edge[here], [...(at.get(edge[here]) || []), edge]); });
    const begin = first.length ? [drawn.edges.get(first[0])[there]] : start;
    const seen = new Set(begin), queue = [...begin];
    while (queue.length) {
      const id = queue.pop();
      found.nodes.add(id);
      if (nodeOf.has(id) && nodeOf.get(id).kind === "outside" && !start.includes(id)) continue;
      for (const edge of at.get(id) || []) {
        found.edges.add(edge.id);
        found.nodes.add(edge[there]);
        if (!seen.has(edge[there])) { seen.add(edge[there]); queue.push(edge[there]); }
      }
    }
  }
  return found;
}

function follow(way, id) {
  const edge = drawn.edges.get(id);
  state.followed = edge ? reach(way, [edge.from, edge.to], [id]) : reach(way, [id], []);
  draw();
  drawDetails();
}

// --- choosing ---

function selectNode(id, look_at) {
  const home = homeOf(id.includes(":") && !nodeOf.has(id) ? membersOf(id)[0] : id);
  if (!drawn.nodes.has(home)) state.revealed.add(id);
  state.selected = { kind: "node", id: home };
  show(look_at ? [home] : null);
}

function selectFlow(id, look_at) {
  const flow = variant().flows.find((each) => each.id === id);
  const shownAs = [...drawn.edges.values()].find((edge) => edge.flows.some((each) => each.flow.id === id));
  if (!shownAs && state.group === "none") state.revealed.add(id);
  state.selected = { kind: "flow", id: shownAs && shownAs.flows.length > 1 ? shownAs.id : id };
  show(look_at ? [homeOf(flow.from), homeOf(flow.to)] : null);
}

function show(ids) {
  draw();
  drawDetails();
  if (ids) fit(ids.filter((id) => drawn.nodes.has(id)), 0.9);
}

/* Move the view so that it holds these nodes, or all of them. */
function fit(ids, most) {
  const boxes = (ids || [...drawn.nodes.keys()]).map((id) => network.getBoundingBox(id)).filter((box) => box);
  if (!boxes.length) return;
  const left = Math.min(...boxes.map((box) => box.left)), right = Math.max(...boxes.map((box) => box.right));
  const top = Math.min(...boxes.map((box) => box.top)), bottom = Math.max(...boxes.map((box) => box.bottom));
  const room = byId("mynetwork"), scale = Math.min((room.clientWidth - 50) / (right - left), (room.clientHeight - 50) / (bottom - top), most || 1.2);
  network.moveTo({ position: { x: (left + right) / 2, y: (top + bottom) / 2 }, scale, animation: false });
}

function search() {
  const wanted = byId("search").value.trim().toLowerCase();
  if (!wanted) { fill("found"); return []; }
  const fits = (...texts) => texts.some((text) => text && text.toLowerCase().includes(wanted));
  const places = data.nodes.filter((node) => (node.id in variant().processes || node.kind === "outside") && fits(node.id, node.en, node.zh))
    .map((node) => [`◻ ${label(node)}`, () => selectNode(node.id, true)]);
  const flows = variant().flows.filter((flow) => { const good = data.goods[flow.good]; return fits(flow.id, flow.en, flow.zh, good.id, good.en, good.zh); })
    .map((flow) => [`→ ${flowName(flow)}: ${nodeName(flow.from)} → ${nodeName(flow.to)}`, () => selectFlow(flow.id, true)]);
  const found = [...places, ...flows];
  const more = found.length > MOST_FOUND ? [make("li", { class: "note" }, `+ ${found.length - MOST_FOUND}`)] : [];
  fill("found", found.slice(0, MOST_FOUND).map(([text, act]) => make("li", {}, button(text, act))), more, found.length ? [] : [make("li", { class: "note" }, say("noneFound"))]);
  return found;
}

// --- controls ---

function tags(name) {
  return [...new Set(data.nodes.map((node) => node[name]).filter((value) => value))].sort();
}

function yearsDiffer() {
  return new Set(data.variants.map((each) => each.year)).size > 1;
}

function namesDiffer() {
  return new Set(data.variants.map((each) => each.name.en)).size > 1;
}

function variantText(each) {
  return [namesDiffer() ? label(each.name) : "", label(each), yearsDiffer() ? each.year : ""].filter((part) => part).join(" · ");
}

function drawControls() {
  document.documentElement.lang = state.lang;
  document.querySelectorAll("[data-text]").forEach((element) => { element.textContent = say(element.dataset.text); });
  const about = variant(), title = `${label(about.name)}${about.year ? ` · ${about.year}` : ""}`;
  byId("title").textContent = title;
  document.title = title;
  byId("lang").textContent = zh() ? "English" : "中文";
  byId("search").placeholder = say("search");
  options("variant", data.variants.map((each, at) => [at, variantText(each)]), state.variant);
  options("layer", data.layers.map((each) => [each.id, `${label(each)} (${each.unit})`]), state.layer);
  options("group", ["none", "firm", "site", "chain"].filter((each) => each === "none" || tags(each).length).map((each) => [each, say(each === "none" ? "single" : each)]), state.group);
  for (const tag of ["firm", "chain"]) options(tag, [["", say("all")], ...tags(tag).map((each) => [each, each])], state[tag]);
  for (const box of ["implied", "pools", "lonely", "names", "loops"]) byId(box).checked = state[box];
  byId("unit").textContent = layerNow().unit;
  drawClasses();
}

function drawClasses() {
  fill("classes", Object.entries(data.classes).map(([name, about]) => {
    const box = make("input", { type: "checkbox", "data-class": name });
    box.checked = !state.hidden.has(name);
    box.addEventListener("change", () => { if (box.checked) state.hidden.delete(name); else state.hidden.add(name); refresh(); });
    const swatch = make("span", { class: "swatch" });
    swatch.style.background = about.colour;
    return make("li", {}, make("label", {}, box, swatch, label(about), make("span", { class: "count" })));
  }));
}

function drawCounts() {
  const counts = {}, amounts = amountsOf(state.layer);
  variant().flows.forEach((flow, at) => { if (amounts[at] !== 0) { const name = data.goods[flow.good].class; counts[name] = (counts[name] || 0) + 1; } });
  document.querySelectorAll("[data-class]").forEach((box) => { box.parentNode.querySelector(".count").textContent = counts[box.dataset.class] || 0; });
}

function sample(width, colour, dashes, around) {
  const space = "http://www.w3.org/2000/svg", svg = document.createElementNS(space, "svg");
  svg.setAttribute("width", 34);
  svg.setAttribute("height", 18);
  for (const [size, stroke, pattern] of [[width + 4, around, ""], [width, colour, dashes]]) {
    if (!stroke) continue;
    const line = document.createElementNS(space, "line");
    Object.entries({ x1: 1, x2: 33, y1: 9, y2: 9, stroke, "stroke-width": size, "stroke-dasharray": pattern }).forEach(([name, value]) => line.setAttribute(name, value));
    svg.append(line);
  }
  return svg;
}

function drawLegend(most) {
  const unit = layerNow().unit, entries = [1, 0.1, 0.01].filter(() => most).map((share) => {
    const power = 10 ** Math.floor(Math.log10(most * share)), value = Math.floor((most * share) / power) * power;
    return [sample(widthOf(value, most), "#777"), amount(value, unit)];
  });
  entries.push([sample(3, "#777", "6 3"), say("impliedHow")], [sample(2, "#777", "2 3"), say("undetermined")], [sample(4, "#bbb", "", LINK), say("link")]);
  if (state.loops) entries.push([sample(4, "#bbb", "", LOOP), say("loop")]);
  for (const name of ["process", "recovery", "pool", "outside"]) {
    const box = make("span", { class: "swatch" });
    box.style.cssText = `background: ${LOOK[name].background}; border: 1.5px solid ${LOOK[name].border}; margin: 0 8px`;
    entries.push([box, say(name)]);
  }
  fill("legend", entries.map(([picture, text]) => make("li", {}, picture, text)), make("li", { class: "note" }, say("width")));
}

function refresh() {
  draw();
  drawDetails();
}

function listen(id, event, act) {
  byId(id).addEventListener(event, act);
}

function choose(id, key, after) {
  listen(id, "change", () => { state[key] = byId(id).value; after(); });
}

function newGroup() {
  state.selected = state.followed = null;
  state.opened.clear();
  refresh();
  fit();
}

// --- positions ---

function savePositions() {
  const places = { none: {}, firm: {}, site: {}, chain: {} };
  Object.keys(places).forEach((group) => { places[group] = { ...data.positions[group], ...state.moved[group] }; });
  const blob = new Blob([JSON.stringify({ flowsim_positions: 1, positions: places }, null, 1)], { type: "application/json" });
  const link = make("a", { href: URL.createObjectURL(blob), download: "positions.json" });
  link.click();
  URL.revokeObjectURL(link.href);
}

function isSpot(spot) {
  return Array.isArray(spot) && spot.length === 2 && spot.every(Number.isFinite);
}

async function loadPositions() {
  const file = byId("file").files[0];
  byId("file").value = "";
  if (!file) return;
  try {
    const read = JSON.parse(await file.text());
    if (read.flowsim_positions !== 1 || typeof read.positions !== "object") throw new Error("form");
    Object.keys(state.moved).forEach((group) => {
      Object.entries(read.positions[group] || {}).forEach(([id, spot]) => { if (id in data.positions[group] && isSpot(spot)) state.moved[group][id] = spot; });
    });
    refresh();
    byId("status").textContent = say("foundPlaces");
  } catch {
    byId("status").textContent = say("noPositions");
  }
}

// --- start ---

function start() {
  const fonts = getComputedStyle(document.documentElement).getPropertyValue("--fonts").trim();
  network.setOptions({
    nodes: { font: { face: fonts, multi: false }, margin: { top: 7, bottom: 7, left: 9, right: 9 }, scaling: { label: { drawThreshold: 4 } }, shadow: false },
    edges: { font: { face: fonts }, scaling: { label: { drawThreshold: 5 } } },
    interaction: { hover: true, tooltipDelay: 120, multiselect: true, hideEdgesOnDrag: variant().flows.length > 1500, selectConnectedEdges: false, hoverConnectedEdges: false },
  });
  choose("variant", "variant", () => { state.variant = Number(state.variant); drawControls(); refresh(); });
  choose("layer", "layer", () => { drawControls(); refresh(); });
  choose("group", "group", newGroup);
  choose("firm", "firm", refresh);
  choose("chain", "chain", refresh);
  for (const box of ["implied", "pools", "lonely", "names", "loops"]) listen(box, "change", () => { state[box] = byId(box).checked; refresh(); });
  listen("least", "input", () => { state.least = Number(byId("least").value) || 0; refresh(); });
  listen("lang", "click", () => { state.lang = zh() ? "en" : "zh"; drawControls(); search(); refresh(); });
  listen("every", "click", () => { state.hidden.clear(); drawClasses(); refresh(); });
  listen("nothing", "click", () => { Object.keys(data.classes).forEach((name) => state.hidden.add(name)); drawClasses(); refresh(); });
  listen("search", "input", search);
  listen("search", "keydown", (event) => { if (event.key === "Enter") { const [first] = search(); if (first) first[1](); } });
  listen("save", "click", savePositions);
  listen("load", "click", () => byId("file").click());
  listen("file", "change", loadPositions);
  listen("reset", "click", () => { state.moved[state.group] = {}; refresh(); fit(); });
  listen("fit", "click", () => fit());
  network.on("click", ({ nodes: [node], edges: [edge] }) => {
    if (node !== undefined) selectNode(node);
    else if (edge !== undefined) { state.selected = { kind: "flow", id: edge }; show(null); }
    else { state.selected = state.followed = null; refresh(); }
  });
  network.on("dragEnd", ({ nodes: ids }) => {
    Object.entries(network.getPositions(ids)).forEach(([id, { x, y }]) => { state.moved[state.group][id] = [x, y]; });
  });
  drawControls();
  draw();
  state.names = drawn.edges.size <= MOST_NAMES;
  byId("names").checked = state.names;
  refresh();
  fit();
}

start();
})();
