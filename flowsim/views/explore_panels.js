/* What a click tells. Every text of the data is set as text, never as HTML. */
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
  fill(
    id,
    pairs.map(([value, text]) => make("option", { value }, text)),
  );
  byId(id).value = chosen;
}

function row(cells, style) {
  return make(
    "tr",
    { class: style || "" },
    cells.map((cell, at) =>
      make("td", { class: typeof cell === "string" && at && /^[–−\-0-9]/.test(cell) ? "number" : "" }, cell),
    ),
  );
}

function facts(pairs) {
  return make(
    "dl",
    {},
    pairs
      .filter(([, value]) => value !== undefined && value !== "" && value !== null)
      .flatMap(([key, value]) => [make("dt", {}, key), make("dd", {}, value)]),
  );
}

function withCitations(source) {
  if (!source) return undefined;
  const cited = [...new Set(source.split(/[\s:;,()]+/))].filter((word) => word in data.citations);
  return make(
    "span",
    {},
    source,
    cited.map((key) => make("div", { class: "note" }, `${key}: ${data.citations[key]}`)),
  );
}
// --- panels ---

function drawDetails() {
  const chosen = state.selected;
  const body = !chosen ? overview() : chosen.kind === "flow" ? flowPanel(chosen.id) : nodePanel(chosen.id);
  const had = byId("details").contains(document.activeElement);
  fill("details", body);
  const head = byId("details").querySelector("h3");
  head.tabIndex = -1;
  if (had) head.focus();
}

function overview() {
  const about = variant();
  return [
    make("h3", {}, label(about.name)),
    make("p", { class: "id" }, label(about)),
    make("p", { class: "note" }, say("selectHint")),
    facts([
      [say("year"), String(about.year || "")],
      [say("origin"), about.file],
      [say("study"), about.study],
      [say("residual"), about.residual.toExponential(1)],
    ]),
    loopList(),
    about.notes[state.lang].length
      ? [
          make("h2", {}, say("notes")),
          about.notes[state.lang].map((note) => make("p", { class: "note" }, note)),
        ]
      : [],
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
  const lines = [...loops].slice(0, MOST_LISTED).map(([at, names]) =>
    make(
      "p",
      { class: "note" },
      button(`${say("aLoop")} ${at}`, () => followLoop(at)),
      ": ",
      [...names].slice(0, MOST_LISTED).flatMap((id, place) => [place ? " · " : "", nodeLink(id)]),
      names.size > MOST_LISTED ? ` + ${names.size - MOST_LISTED}` : "",
    ),
  );
  const more = loops.size > lines.length ? [make("p", { class: "note" }, `+ ${loops.size - lines.length}`)] : [];
  return [make("h2", {}, `${say("loopsFound")} (${loops.size})`), ...lines, ...more];
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
  return nodeOf.has(id)
    ? [id]
    : data.nodes
        .filter((node) => homeOf(node.id) === id && node.id in variant().processes)
        .map((node) => node.id);
}

function sum(list, layer) {
  const amounts = amountsOf(layer);
  return list.reduce((total, { at }) => (amounts[at] === null ? NaN : total + (amounts[at] || 0)), 0);
}

function leftOver(members, layer) {
  const left = variant().balance[layer] || {};
  return [0, 1].map((place) =>
    members.reduce(
      (total, id) => (!(id in left) ? total : left[id][place] === null ? NaN : total + left[id][place]),
      0,
    ),
  );
}

function differenceText(layer, value) {
  if (layer === "water" || layer === "energy") return say("bound");
  return layer === "mass" || !value ? say("difference") : say("notFollowed");
}

/* The name of a flow in a balance, and under it the fact that fixes it. */
function flowCell(flow) {
  const isFact = flow.how === "given" || flow.how === "reconciled";
  const told = (...texts) => texts.filter((text) => text).join(" · ");
  return make(
    "span",
    { title: told(howText(flow), flow.place, flow.source) },
    button(flowName(flow), () => selectFlow(flow.id)),
    isFact
      ? make("div", { class: "note" }, told(howText(flow), (flow.place || "").split("/").pop(), flow.source))
      : "",
  );
}

function balanceTable(members, isPlace) {
  const unit = layerNow().unit,
    amounts = amountsOf(state.layer),
    found = crossing(members),
    rows = [];
  for (const side of ["input", "output"]) {
    const shown = found[side]
      .filter(({ at }) => amounts[at] !== 0)
      .sort((a, b) => (amounts[b.at] || 0) - (amounts[a.at] || 0));
    shown.forEach(({ flow, at }) =>
      rows.push(
        row([
          say(side),
          flowCell(flow),
          nodeLink(side === "input" ? flow.from : flow.to),
          number(amounts[at]),
        ]),
      ),
    );
    rows.push(row([say(side), say("total"), "", number(sum(found[side], state.layer))], "total"));
  }
  if (!isPlace) {
    const [stock, difference] = leftOver(members, state.layer);
    rows.push(
      row([say("stock"), "", "", number(stock)], "total"),
      row([differenceText(state.layer, difference), "", "", number(difference)], "total"),
    );
  }
  const head = make(
    "tr",
    {},
    ["", say("good"), `${say("from")} / ${say("to")}`, unitText(unit)].map((text, at) =>
      make("th", { class: at === 3 ? "number" : "" }, text),
    ),
  );
  const table = make("table", { id: "balance" }, head, rows);
  table.querySelectorAll("tr.total").forEach((line) => {
    line.cells[0].colSpan = 2;
    line.cells[0].textContent = `${line.cells[0].textContent} ${line.cells[1].textContent}`.trim();
    line.deleteCell(1);
  });
  return table;
}

function layerTable(members, isPlace) {
  const found = crossing(members);
  const head = make(
    "tr",
    {},
    [say("layer"), say("input"), say("output"), say("stock"), "Δ", ""].map((text) => make("th", {}, text)),
  );
  const rows = data.layers.map((layer) => {
    const [stock, difference] = leftOver(members, layer.id),
      into = sum(found.input, layer.id),
      out = sum(found.output, layer.id);
    if (into === 0 && out === 0) return "";
    return row([
      label(layer),
      number(into),
      number(out),
      isPlace ? "" : number(stock),
      isPlace ? "" : number(difference),
      unitText(layer.unit),
    ]);
  });
  return make("table", {}, head, rows);
}

function nodePanel(id) {
  const members = membersOf(id),
    node = nodeOf.get(id),
    about = node ? variant().processes[id] || {} : {};
  const isPlace = Boolean(node) && node.kind === "outside";
  const kind = node ? label(data.kinds[node.kind]) : say("group");
  const percent =
    about.load === undefined || about.load === null ? undefined : `${(100 * about.load).toFixed(1)} %`;
  return [
    make("h3", {}, nodeName(id)),
    make("p", { class: "id" }, `${id} · ${kind} · ${label(variant())}`),
    node
      ? facts([
          [
            say("activity"),
            about.activity === undefined || about.activity === null
              ? undefined
              : `${amount(about.activity, about.unit)} ${label(data.goods[about.counts])}`,
          ],
          [say("capacity"), about.capacity ? amount(about.capacity, about.unit) : undefined],
          [say("loadShare"), percent],
          [say("recipe"), about.recipe],
          ...TAGS.map((tag) => [say(tag), node[tag] && groupName(tag, node[tag])]),
          [say("plan"), about.plan],
          [say("origin"), about.place],
          [say("source"), withCitations(about.source)],
        ])
      : [
          make("h2", {}, say("members")),
          make(
            "p",
            {},
            members.flatMap((name, at) => [
              at ? " · " : "",
              button(nodeName(name), () => {
                state.selected = { kind: "node", id: name };
                drawDetails();
              }),
            ]),
          ),
        ],
    node ? [] : openButton(id),
    foldButton(id),
    followButtons(id),
    make("h2", {}, `${say("balance")}: ${label(layerNow())}`),
    balanceTable(members, isPlace),
    make("h2", {}, say("layers")),
    layerTable(members, isPlace),
    recipeTable(id),
  ].flat(Infinity);
}

/* The processes of a collapsed group alone, with what they give and take. */
function openButton(id) {
  const [tag, name] = id.split(/:(.*)/s);
  return button(
    say("openGroup"),
    () => {
      state[tag] = name;
      state.group = "none";
      drawControls();
      newGroup();
    },
    "plain",
  );
}

function foldButton(id) {
  const open = state.opened.has(id);
  return button(
    say(open ? "closeFolds" : "open"),
    () => {
      if (open) state.opened.delete(id);
      else state.opened.add(id);
      draw();
      drawDetails();
    },
    "plain",
  );
}

function recipeTable(id) {
  const lines = variant().recipes[id];
  if (!lines) return [];
  const rows = lines.map(([good, value, place, source]) =>
    make(
      "tr",
      { title: place },
      make("td", {}, label(data.goods[good]), make("div", { class: "note" }, place)),
      make("td", { class: "number" }, number(value), " ", data.goods[good].unit),
      make("td", {}, withCitations(source) || ""),
    ),
  );
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
  const amounts = amountsOf(state.layer),
    unit = layerNow().unit;
  const rows = edge.flows.map(({ flow, at }) =>
    row([
      button(`${flowName(flow)}: ${nodeName(flow.from)} → ${nodeName(flow.to)}`, () => {
        state.selected = { kind: "flow", id: flow.id };
        drawDetails();
      }),
      amount(amounts[at], unit),
    ]),
  );
  return [
    make("h3", {}, edgeName(edge)),
    make(
      "p",
      { class: "id" },
      `${nodeName(edge.from)} → ${nodeName(edge.to)} · ${edge.flows.length} ${say("flows")}`,
    ),
    followButtons(edge.id),
    make("table", {}, rows, row([say("total"), amount(edge.value, unit)], "total")),
  ].flat(Infinity);
}

function oneFlow(at, id) {
  const flow = variant().flows[at],
    good = data.goods[flow.good],
    unit = `${good.unit}/a`,
    base = variant().amounts,
    value = amountsOf(state.layer)[at],
    sure = SURE * spreadOf(at, state.layer);
  const layers = data.layers.filter((layer) => base[layer.id][at] !== 0);
  const ends = make("p", {}, nodeLink(flow.from), " → ", nodeLink(flow.to));
  return [
    make("h3", {}, flowName(flow)),
    make("p", { class: "id" }, `${flow.id} · ${label(variant())}`),
    ends,
    facts([
      [say("good"), `${label(good)} (${flow.good})`],
      [say("classes"), label(data.classes[good.class])],
      [say("how"), howText(flow)],
      [say("link"), flow.kind === "link" ? "✓" : undefined],
      [say("loop"), flow.loop ? String(flow.loop) : undefined],
      [say("uncertainty"), spreadText(at, state.layer)],
      [
        say("sure"),
        sure ? [-sure, sure].map((each) => amount(value + each, layerNow().unit)).join(" – ") : undefined,
      ],
      [
        say("interval"),
        flow.low === undefined && flow.high === undefined
          ? undefined
          : `${flow.low === undefined ? "…" : number(flow.low)} – ${flow.high === undefined ? "…" : number(flow.high)} ${unitText(unit)}`,
      ],
      [
        say("origin"),
        flow.place || (flow.kind === "drawn" ? undefined : say(flow.kind === "pool" ? "pool" : "impliedHow")),
      ],
      [say("source"), withCitations(flow.source)],
    ]),
    drawn.edges.has(id) ? followButtons(id) : [],
    make("h2", {}, say("amounts")),
    make(
      "table",
      {},
      layers.map((layer) =>
        row([label(layer), amount(base[layer.id][at], layer.unit), spreadText(at, layer.id)]),
      ),
    ),
  ].flat(Infinity);
}
