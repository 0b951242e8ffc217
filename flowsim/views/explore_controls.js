/* What is followed, searched, chosen, saved and loaded. */
// --- following ---

function followButtons(id) {
  const edge = drawn.edges.get(id);
  if (!edge && !drawn.nodes.has(id)) return [];
  const near = edge ? [edge] : [...drawn.edges.values()].filter((each) => each.from === id || each.to === id);
  const goods = [...new Set(near.flatMap((each) => [...each.goods]))];
  const carriers = [
    ["", `${label(layerNow())} (${say("any")})`],
    ...data.layers
      .filter((layer) => near.some((each) => carries(each, `layer:${layer.id}`)))
      .map((layer) => [`layer:${layer.id}`, label(layer)]),
    ...goods.map((good) => [`good:${good}`, label(data.goods[good])]),
  ];
  if (!carriers.some(([value]) => value === state.carrier)) state.carrier = "";
  const select = make(
    "select",
    { id: "carrier" },
    carriers.map(([value, text]) => make("option", { value }, text)),
  );
  select.value = state.carrier;
  select.addEventListener("change", () => {
    state.carrier = select.value;
  });
  const go = (way) => () => {
    follow(way, id);
  };
  const count = state.followed
    ? [make("p", { class: "note" }, `${say("followed")}: ${state.followed.edges.size}`)]
    : [];
  return [
    make("h2", {}, say("follow")),
    make(
      "div",
      { class: "follow" },
      select,
      button(say("upstream"), go("up"), "plain"),
      button(say("downstream"), go("down"), "plain"),
      button(say("both"), go("both"), "plain"),
      button(
        say("clear"),
        () => {
          state.followed = null;
          draw();
          drawDetails();
        },
        "plain",
      ),
    ),
    ...count,
  ];
}

function carries(edge, carrier) {
  if (carrier.startsWith("good:")) return edge.goods.has(carrier.slice(5));
  const amounts = amountsOf(carrier ? carrier.slice(6) : state.layer);
  return edge.flows.some(({ at }) => amounts[at] === null || Math.abs(amounts[at]) > 1e-9);
}

/* Edges and nodes that are reached from the start against or along the flows; places outside pass nothing on. */
function reach(way, start, first) {
  const found = { way, start, first, nodes: new Set(start), edges: new Set(first) };
  const steps = {
    up: [["to", "from"]],
    down: [["from", "to"]],
    both: [
      ["to", "from"],
      ["from", "to"],
    ],
  }[way];
  for (const [here, there] of steps) {
    const at = new Map();
    drawn.edges.forEach((edge) => {
      if (carries(edge, state.carrier)) at.set(edge[here], [...(at.get(edge[here]) || []), edge]);
    });
    const begin = first.length ? [drawn.edges.get(first[0])[there]] : start;
    const seen = new Set(begin),
      queue = [...begin];
    while (queue.length) {
      const id = queue.pop();
      found.nodes.add(id);
      if (nodeOf.has(id) && nodeOf.get(id).kind === "outside" && !start.includes(id)) continue;
      for (const edge of at.get(id) || []) {
        found.edges.add(edge.id);
        found.nodes.add(edge[there]);
        if (!seen.has(edge[there])) {
          seen.add(edge[there]);
          queue.push(edge[there]);
        }
      }
    }
  }
  return found;
}

/* What was followed, sought again in what is shown now. */
function again(followed) {
  if (!followed.loop) return reach(followed.way, followed.start, followed.first);
  const found = { loop: followed.loop, start: [], first: [], nodes: new Set(), edges: new Set() };
  drawn.edges.forEach((edge) => {
    if (!edge.flows.some(({ flow }) => flow.loop === followed.loop)) return;
    found.edges.add(edge.id);
    found.nodes.add(edge.from).add(edge.to);
  });
  return found.edges.size ? found : null;
}

function followLoop(loop) {
  const isFollowed = state.followed && state.followed.loop === loop;
  state.followed = isFollowed ? null : again({ loop });
  refresh();
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
  if (ids)
    fit(
      ids.filter((id) => drawn.nodes.has(id)),
      0.9,
    );
}

function thicken(scale) {
  const wanted = Math.min(MOST_FINE, Math.max(1, LEGIBLE / scale));
  if (Math.abs(wanted - fine) < 0.1) return;
  fine = wanted;
  draw();
}

/* Whether the view holds all; then it still does when the window changes. */
let whole = true;

/* Move the view so that it holds these nodes, or all of them. */
function fit(ids, most) {
  network.redraw(); // a box has its size when it has been drawn
  const boxes = (ids || [...drawn.nodes.keys()]).map((id) => network.getBoundingBox(id)).filter((box) => box);
  if (!boxes.length) return;
  const left = Math.min(...boxes.map((box) => box.left)),
    right = Math.max(...boxes.map((box) => box.right));
  const top = Math.min(...boxes.map((box) => box.top)),
    bottom = Math.max(...boxes.map((box) => box.bottom));
  const room = byId("mynetwork"),
    scale = Math.min(
      (room.clientWidth - 50) / (right - left),
      (room.clientHeight - 50) / (bottom - top),
      most || 1.2,
    );
  whole = !ids;
  if (whole) thicken(scale);
  network.moveTo({ position: { x: (left + right) / 2, y: (top + bottom) / 2 }, scale, animation: false });
}

function foundButtons() {
  return [...document.querySelectorAll("#found button")];
}

/* The arrow keys go through what was found, and from the first up to the search. */
function step(event, at) {
  event.preventDefault();
  (foundButtons()[at] || (at < 0 ? byId("search") : document.activeElement)).focus();
}

function emptySearch() {
  byId("search").value = "";
  search();
  byId("search").focus();
}

function search() {
  const wanted = byId("search").value.trim().toLowerCase();
  if (!wanted) {
    fill("found");
    return [];
  }
  const fits = (...texts) => texts.some((text) => text && text.toLowerCase().includes(wanted));
  const places = data.nodes
    .filter(
      (node) =>
        (node.id in variant().processes || node.kind === "outside") && fits(node.id, node.en, node.zh),
    )
    .map((node) => [`◻ ${label(node)}`, () => selectNode(node.id, true)]);
  const flows = variant()
    .flows.filter((flow) => {
      const good = data.goods[flow.good];
      return fits(flow.id, flow.en, flow.zh, good.id, good.en, good.zh);
    })
    .map((flow) => [
      `→ ${flowName(flow)}: ${nodeName(flow.from)} → ${nodeName(flow.to)}`,
      () => selectFlow(flow.id, true),
    ]);
  const found = [...places, ...flows];
  const more =
    found.length > MOST_FOUND ? [make("li", { class: "note" }, `+ ${found.length - MOST_FOUND}`)] : [];
  fill(
    "found",
    found.slice(0, MOST_FOUND).map(([text, act]) => make("li", {}, button(text, act))),
    more,
    found.length ? [] : [make("li", { class: "note" }, say("noneFound"))],
  );
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

function studiesDiffer() {
  return new Set(data.variants.map((each) => each.study)).size > 1;
}

function variantText(each) {
  return [namesDiffer() ? label(each.name) : "", label(each), studiesDiffer() ? each.study : ""]
    .filter((part) => part)
    .join(" · ");
}

/* Places of the results that are the same variant in other years. */
function sameVariant(at) {
  const key = (each) => [each.file, each.id, each.study].join("|");
  return [...data.variants.keys()].filter((other) => key(data.variants[other]) === key(data.variants[at]));
}

/* Show another variant, in the year shown now if it has it. What was unfolded by hand stays behind. */
function switchVariant(at) {
  const year = variant().year;
  state.variant = sameVariant(at).find((other) => data.variants[other].year === year) ?? at;
  state.revealed.clear();
  state.opened.clear();
  switchResult();
}

function switchResult() {
  const chosen = state.selected;
  if (chosen && chosen.kind === "node" && !isThere(chosen.id)) state.selected = null;
  drawControls();
  search();
  refresh();
}

function isThere(id) {
  const node = nodeOf.get(id);
  return node ? node.kind === "outside" || id in variant().processes : membersOf(id).length > 0;
}

function drawControls() {
  document.documentElement.lang = state.lang;
  document.querySelectorAll("[data-text]").forEach((element) => {
    element.textContent = say(element.dataset.text);
  });
  const about = variant(),
    title = `${label(about.name)}${about.year ? ` · ${about.year}` : ""}`;
  byId("title").textContent = title;
  document.title = title;
  byId("lang").textContent = zh() ? "English" : "中文";
  byId("search").placeholder = say("search");
  byId("search").setAttribute("aria-label", say("search"));
  byId("mynetwork").setAttribute("aria-label", `${say("graph")}: ${title}`);
  const firsts = [...new Set([...data.variants.keys()].map((at) => sameVariant(at)[0]))];
  options(
    "variant",
    firsts.map((at) => [at, variantText(data.variants[at])]),
    sameVariant(state.variant)[0],
  );
  options(
    "year",
    sameVariant(state.variant).map((at) => [at, data.variants[at].year]),
    state.variant,
  );
  byId("years").hidden = !yearsDiffer();
  options(
    "layer",
    data.layers.map((each) => [each.id, `${label(each)} (${unitText(each.unit)})`]),
    state.layer,
  );
  options(
    "group",
    ["none", "firm", "site", "chain"]
      .filter((each) => each === "none" || tags(each).length)
      .map((each) => [each, say(each === "none" ? "single" : each)]),
    state.group,
  );
  for (const tag of TAGS) {
    options(tag, [["", say("all")], ...tags(tag).map((each) => [each, groupName(tag, each)])], state[tag]);
    byId(tag).parentNode.hidden = !tags(tag).length;
  }
  for (const box of ["implied", "outside", "pools", "lonely", "names", "loops"]) byId(box).checked = state[box];
  byId("unit").textContent = unitText(layerNow().unit);
  byId("least").value = state.least;
  drawClasses();
}

function drawClasses() {
  fill(
    "classes",
    Object.entries(data.classes).map(([name, about]) => {
      const box = make("input", { type: "checkbox", "data-class": name });
      box.checked = !state.hidden.has(name);
      box.addEventListener("change", () => {
        if (box.checked) state.hidden.delete(name);
        else state.hidden.add(name);
        refresh();
      });
      const swatch = make("span", { class: "swatch" });
      swatch.style.background = about.colour;
      return make("li", {}, make("label", {}, box, swatch, label(about), make("span", { class: "count" })));
    }),
  );
}

function drawCounts() {
  const counts = {},
    amounts = amountsOf(state.layer);
  variant().flows.forEach((flow, at) => {
    if (amounts[at] !== 0) {
      const name = data.goods[flow.good].class;
      counts[name] = (counts[name] || 0) + 1;
    }
  });
  document.querySelectorAll("[data-class]").forEach((box) => {
    box.parentNode.querySelector(".count").textContent = counts[box.dataset.class] || 0;
  });
}

function sample(width, colour, dashes, around) {
  const space = "http://www.w3.org/2000/svg",
    svg = document.createElementNS(space, "svg");
  svg.setAttribute("width", 34);
  svg.setAttribute("height", 18);
  for (const [size, stroke, pattern] of [
    [width + 4, around, ""],
    [width, colour, dashes],
  ]) {
    if (!stroke) continue;
    const line = document.createElementNS(space, "line");
    Object.entries({
      x1: 1,
      x2: 33,
      y1: 9,
      y2: 9,
      stroke,
      "stroke-width": size,
      "stroke-dasharray": pattern,
    }).forEach(([name, value]) => line.setAttribute(name, value));
    svg.append(line);
  }
  return svg;
}

function drawLegend(most) {
  const unit = layerNow().unit,
    entries = [1, 0.1, 0.01]
      .filter(() => most)
      .map((share) => {
        const power = 10 ** Math.floor(Math.log10(most * share)),
          value = Math.floor((most * share) / power) * power;
        return [sample(widthOf(value, most), "#777"), amount(value, unit)];
      });
  entries.push(
    [sample(3, "#777", "6 3"), say("impliedHow")],
    [sample(2, "#777", "2 3"), say("undetermined")],
    [sample(4, "#bbb", "", LINK), say("link")],
  );
  if (state.loops) entries.push([sample(4, "#bbb", "", LOOP), say("loop")]);
  for (const name of ["process", "recovery", "pool", "outside"]) {
    const box = make("span", { class: "swatch" });
    box.style.cssText = `background: ${LOOK[name].background}; border: 1.5px solid ${LOOK[name].border}; margin: 0 8px`;
    entries.push([box, say(name)]);
  }
  fill(
    "legend",
    entries.map(([picture, text]) => make("li", {}, picture, text)),
    make("li", { class: "note" }, say("width")),
  );
}

function refresh() {
  draw();
  drawDetails();
}

function listen(id, event, act) {
  byId(id).addEventListener(event, act);
}

function choose(id, key, after) {
  listen(id, "change", () => {
    state[key] = byId(id).value;
    after();
  });
}

function newGroup() {
  state.selected = state.followed = null;
  state.opened.clear();
  refresh();
  fit();
}
// --- positions ---

function savePositions() {
  const places = { ...state.moved };
  Object.keys(data.positions).forEach((group) => {
    places[group] = { ...data.positions[group], ...state.moved[group] };
  });
  const blob = new Blob([JSON.stringify({ flowsim_positions: 1, positions: places }, null, 1)], {
    type: "application/json",
  });
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
    Object.entries(read.positions).forEach(([view, spots]) => {
      const known = data.positions[view.split("/")[0]] || {},
        fit = Object.entries(spots).filter(([id, spot]) => id in known && isSpot(spot));
      state.moved[view] = { ...state.moved[view], ...Object.fromEntries(fit) };
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
    nodes: {
      font: { face: fonts, multi: false },
      margin: { top: 7, bottom: 7, left: 9, right: 9 },
      scaling: { label: { drawThreshold: 4 } },
      shadow: false,
    },
    edges: { font: { face: fonts }, scaling: { label: { drawThreshold: 5 } } },
    interaction: {
      hover: true,
      tooltipDelay: 120,
      multiselect: true,
      hideEdgesOnDrag: variant().flows.length > 1500,
      selectConnectedEdges: false,
      hoverConnectedEdges: false,
    },
  });
  listen("variant", "change", () => switchVariant(Number(byId("variant").value)));
  listen("year", "change", () => {
    state.variant = Number(byId("year").value);
    switchResult();
  });
  choose("layer", "layer", () => {
    state.least = 0;
    drawControls();
    refresh();
  });
  choose("group", "group", newGroup);
  for (const tag of TAGS)
    choose(tag, tag, () => {
      refresh();
      fit();
    });
  for (const box of ["implied", "outside", "pools", "lonely", "names", "loops"])
    listen(box, "change", () => {
      state[box] = byId(box).checked;
      refresh();
    });
  listen("least", "input", () => {
    state.least = Number(byId("least").value) || 0;
    refresh();
  });
  listen("lang", "click", () => {
    state.lang = zh() ? "en" : "zh";
    drawControls();
    search();
    refresh();
  });
  listen("every", "click", () => {
    state.hidden.clear();
    drawClasses();
    refresh();
  });
  listen("nothing", "click", () => {
    Object.keys(data.classes).forEach((name) => state.hidden.add(name));
    drawClasses();
    refresh();
  });
  listen("search", "input", search);
  listen("search", "keydown", (event) => {
    if (event.key === "Enter") {
      const [first] = search();
      if (first) first[1]();
    } else if (event.key === "ArrowDown") step(event, 0);
    else if (event.key === "Escape") emptySearch();
  });
  listen("found", "keydown", (event) => {
    const at = foundButtons().indexOf(document.activeElement);
    if (event.key === "ArrowDown") step(event, at + 1);
    else if (event.key === "ArrowUp") step(event, at - 1);
    else if (event.key === "Escape") emptySearch();
  });
  listen("save", "click", savePositions);
  listen("load", "click", () => byId("file").click());
  listen("file", "change", loadPositions);
  listen("reset", "click", () => {
    const places = movedNow();
    Object.keys(places).forEach((id) => delete places[id]);
    refresh();
    fit();
  });
  listen("fit", "click", () => fit());
  network.on("click", ({ nodes: [node], edges: [edge] }) => {
    if (node !== undefined) selectNode(node);
    else if (edge !== undefined) {
      state.selected = { kind: "flow", id: edge };
      show(null);
    } else {
      state.selected = state.followed = null;
      refresh();
    }
  });
  for (const move of ["zoom", "dragStart"])
    network.on(move, () => {
      whole = false;
    });
  network.on("resize", () => whole && requestAnimationFrame(() => fit()));
  network.on("dragEnd", ({ nodes: ids }) => {
    Object.entries(network.getPositions(ids)).forEach(([id, { x, y }]) => {
      movedNow()[id] = [x, y];
    });
  });
  drawControls();
  draw();
  state.names = drawn.edges.size <= MOST_NAMES;
  byId("names").checked = state.names;
  refresh();
  fit();
}

start();
