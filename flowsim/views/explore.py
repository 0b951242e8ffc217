"""A page in which a flow graph is explored by hand: one HTML file that loads nothing from anywhere.

pyvis makes the network of the page (vis-network, Apache-2.0 or MIT); ``explore.html``, ``explore.css`` and
the scripts ``explore_*.js`` beside this file are the panels around it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.errors import FlowsimError, InputError, Problem
from flowsim.result import Result
from flowsim.schema import GOOD_CLASSES, GROUPS, PROCESS_KINDS
from flowsim.system import BASE_UNITS
from flowsim.views.colours import CLASSES
from flowsim.views.layout import columns, place
from flowsim.views.svg import FONTS, safe

if TYPE_CHECKING:
    from flowsim.system import System

HERE = Path(__file__).parent
SCRIPTS = ("words", "graph", "panels", "controls")
"""Parts of the script of the page, ``explore_*.js``, in their order."""
HIDDEN = ("circulating_water", "sea_water", "air", "emission", "vapour")
"""Classes of goods that the page hides until they are ticked: large, and they reach almost every process."""
MOST_OPEN = 120
"""The page opens with its pools folded where more flows than this would show, and without the flows from and
to outside where still more than this would."""
MOST_SINGLE = 60
"""A graph with more processes opens collapsed, if a tag makes at most half as many groups of them."""
BASE_NAMES = {"mass": ("mass", "质量"), "water": ("water", "水"), "energy": ("energy", "能量")} | {
    "free_H2O": ("free water", "游离水")
}
STEP, ROW, BOX, LANE = 208.0, 105.0, 62.0, 20.0
"""Least distance of columns and of rows, height of a box, room for a flow; in the units of the drawing."""
SHAPE, MOST_STRETCH = 1.25, 3.0
"""Width of the drawing by its height, to which columns or rows are spread, at most so many times."""
DIGITS = 10
"""Significant digits of the numbers in the page."""

Spots = dict[str, list[float]]


def explore(results: Result | Sequence[Result], *, layer: str = "mass", lang: str = "en") -> str:
    """One HTML page, as text, in which the flows of one or more results are explored.

    Several results are the variants that the page switches between, and the years of each of them.
    ``layer`` and ``lang`` (``en`` or ``zh``) are what it opens with. The same results give the same bytes.

    Raises
    ------
    InputError : no result, a language or a layer that does not exist
    """
    chosen = [results] if isinstance(results, Result) else list(results)
    if not chosen:
        raise InputError(Problem("there is no result to explore.", hint="Give one result, or several."))
    if lang not in ("en", "zh"):
        raise InputError(Problem(f"there is no language `{lang}`.", hint="Known: en, zh."))
    for result in chosen:
        result.layer(layer)
    data = _data(chosen) | {"layer": layer, "lang": lang}
    return _page(_network(data), data)


def _data(results: list[Result]) -> dict[str, Any]:
    """Everything that the page shows."""
    nodes: dict[str, dict[str, Any]] = {}
    goods: dict[str, dict[str, Any]] = {}
    for result in results:
        nodes |= {node["id"]: node for node in _nodes(result.system) if node["id"] not in nodes}
        goods |= {good["id"]: good for good in _goods(result.system) if good["id"] not in goods}
    names = _layer_names(results)
    variants = [_variant(result, list(names), goods) for result in results]
    present = {good["class"] for good in goods.values()}
    drawn = [goods[flow["good"]]["class"] not in HIDDEN for flow in variants[0]["flows"]]
    shown = [flow for flow, is_drawn in zip(variants[0]["flows"], drawn, strict=True) if is_drawn]
    made = {
        "name": dict(results[0].system.about["name"]),
        "classes": {
            name: {**_both(names), "colour": CLASSES[name], "hidden": name in HIDDEN}
            for name, names in GOOD_CLASSES.items()
            if name in present
        },
        "kinds": {kind: _both(names) for kind, names in PROCESS_KINDS.items()},
        "layers": [{"id": name, **names[name], "unit": BASE_UNITS.get(name, "t") + "/a"} for name in names],
        "nodes": list(nodes.values()),
        "goods": goods,
        "variants": variants,
        "citations": _citations(results, variants),
        "positions": _positions(list(nodes.values()), variants, goods),
        "groups": _group_names(results),
        "gaps": [1.3 * STEP, 1.5 * ROW],
        "group": _opening_group(list(nodes.values())),
        **_folded(shown),
    }
    return made | {"shared": _share(variants)}


def _share(variants: list[dict[str, Any]]) -> list[Any]:
    """What years and variants have in common is written once: each has its place in a list instead."""
    places: dict[str, int] = {}
    made: list[Any] = []
    for variant in variants:
        for key in ("flows", "amounts", "sds", "processes", "recipes", "balance"):
            text = json.dumps(variant[key])
            if text not in places:
                places[text] = len(made)
                made.append(variant[key])
            variant[key] = places[text]
    return made


def _group_names(results: list[Result]) -> dict[str, dict[str, dict[str, str]]]:
    """Names of firms, sites and chains: kind → id → language → name."""
    made: dict[str, dict[str, dict[str, str]]] = {kind: {} for kind in GROUPS}
    for result in reversed(results):
        for kind, names in result.system.about.get("groups", {}).items():
            made[kind] |= names
    return made


def _layer_names(results: list[Result]) -> dict[str, dict[str, str]]:
    """Layers that some flow carries, base layers first."""
    every = dict.fromkeys(BASE_UNITS)
    for result in results:
        every |= dict.fromkeys((*result.system.layers, *result.system.substances))
    carried = [name for name in every if any(_amounts(result, name).any() for result in results)]
    return {name: _both(BASE_NAMES.get(name, (name, name))) for name in carried or ["mass"]}


def _both(names: tuple[str, str]) -> dict[str, str]:
    return {"en": names[0], "zh": names[1]}


def _amounts(result: Result, layer: str) -> np.ndarray:
    """Amounts of a layer; zero where the good of a flow has nothing of it, even if its amount is unknown."""
    system = result.system
    if layer in system.layers:
        return result.layer(layer)
    if layer not in BASE_UNITS and layer not in system.substances:
        return np.zeros(len(system.flows))
    return np.where(system.flow_mass(layer) == 0, 0.0, result.layer(layer))


def _nodes(system: System) -> list[dict[str, Any]]:
    """Processes and pools; a place outside is two nodes, one that gives and one that takes."""
    made = []
    gives, takes = set(system.flows["from_at"]), set(system.flows["to_at"])
    for at, row in enumerate(system.processes.to_dict("records")):
        node = {key: row[key] for key in ("id", "en", "zh", "kind", *GROUPS)}
        if not row["outside"]:
            made.append(node)
            continue
        sides = (("in:", -1, gives), ("out:", 1, takes))
        made += [node | {"id": side + row["id"], "side": sign} for side, sign, used in sides if at in used]
    return made


def _goods(system: System) -> list[dict[str, Any]]:
    used = system.goods.iloc[sorted({*system.flows["good_at"], *system.rows.good[system.rows.good >= 0]})]
    return used[["id", "en", "zh", "class", "unit"]].to_dict("records")  # type: ignore[return-value]


def _variant(result: Result, layers: list[str], goods: Mapping[str, Any]) -> dict[str, Any]:
    """One result: its flows, amounts, facts of processes and what each balance leaves over."""
    about = result.system.about
    share, _ = result.largest_residual
    flows = _flows(result)
    _mark_loops(flows, result.amounts, goods)
    return {
        "id": about["variant"],
        **dict(about["variant_name"] if about["variant"] else {"en": "as stated", "zh": "基本情景"}),
        "name": dict(about["name"]),
        "year": about["year"],
        "file": about["file"],
        "digest": about["digest"],
        "study": result.study,
        "residual": float(f"{share:.1e}"),
        "notes": {lang: result.all_notes(lang) for lang in ("en", "zh")},
        "flows": flows,
        "amounts": {layer: [_plain(value) for value in _amounts(result, layer)] for layer in layers},
        "sds": {} if result.sd is None else {layer: _spreads(result, layer) for layer in layers},
        "processes": _facts(result),
        "recipes": _recipe_lines(result.system),
        "balance": {layer: _left_over(result, layer) for layer in layers if _amounts(result, layer).any()},
    }


def _spreads(result: Result, layer: str) -> list[float | None]:
    """Standard uncertainty of a layer in each flow; none where its good has nothing of it."""
    if layer not in (*result.system.layers, *BASE_UNITS, *result.system.substances):
        return []
    return [_plain(value) if value > 0 else None for value in result.layer_sd(layer)]


def _plain(value: float) -> float | None:
    """A number for JSON without the noise of the solver; None where it is missing."""
    return float(f"{value:.{DIGITS}g}") + 0.0 if np.isfinite(value) else None


def _flows(result: Result) -> list[dict[str, Any]]:
    """What is known of each flow; what is empty is left out."""
    system, how = result.system, result.how()
    outside = system.processes["outside"].to_numpy()
    made = []
    for at, row in enumerate(system.flows.to_dict("records")):
        flow = {
            "id": row["id"],
            "from": ("in:" if outside[row["from_at"]] else "") + row["from"],
            "to": ("out:" if outside[row["to_at"]] else "") + row["to"],
            "good": row["good"],
            "en": row["en"],
            "zh": row["zh"],
            "kind": row["how"],
            "how": how[at],
            "place": _place(row),
            "source": row["source"],
            "low": _plain(result.low[at]),
            "high": _plain(result.high[at]),
        }
        made.append({key: value for key, value in flow.items() if value not in ("", None)})
    return made


def _place(row: Mapping[str, Any]) -> str:
    return f"{row['file']}:{row['line']}" if row["file"] else ""


def _mark_loops(flows: list[dict[str, Any]], amounts: np.ndarray, goods: Mapping[str, Any]) -> None:
    """Number the flows that run in a loop; pools and hidden classes join nothing."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ends = sorted({flow[end] for flow in flows for end in ("from", "to")})
    number = {name: at for at, name in enumerate(ends)}
    chosen = [
        flow
        for flow, amount in zip(flows, amounts, strict=True)
        if amount > 0 and flow["kind"] in ("drawn", "link") and goods[flow["good"]]["class"] not in HIDDEN
    ]
    tail, head = ([number[flow[end]] for flow in chosen] for end in ("from", "to"))
    pattern = coo_array((np.ones(len(tail)), (tail, head)), shape=(len(number), len(number)))
    _, part = connected_components(pattern.tocsr(), connection="strong")
    names: dict[int, int] = {}
    for flow, source, target in zip(chosen, tail, head, strict=True):
        if part[source] == part[target]:
            flow["loop"] = names.setdefault(int(part[source]), len(names) + 1)


def _facts(result: Result) -> dict[str, dict[str, Any]]:
    """Facts of each process: origin, source, activity, capacity, load, and the lines of its recipe."""
    system = result.system
    activity = result.processes.set_index("id")
    made: dict[str, dict[str, Any]] = {}
    for row in system.processes[~system.processes["outside"]].to_dict("records"):
        facts = {"recipe": row["recipe"], "plan": row["plan"], "source": row["source"], "place": _place(row)}
        if row["id"] in activity.index:
            found = activity.loc[row["id"]]
            facts |= {key: _plain(found[key]) for key in ("activity", "capacity", "load")}
            facts |= {"unit": found["unit"], "counts": row["good"]}
        made[row["id"]] = {key: value for key, value in facts.items() if value not in ("", None)}
    return made


def _recipe_lines(system: System) -> dict[str, list[list[Any]]]:
    """For each process its recipe: good, amount per unit of activity, place, source."""
    rows = system.rows
    found: dict[str, list[list[Any]]] = {}
    processes, goods = (table["id"].to_numpy() for table in (system.processes, system.goods))
    for at in np.flatnonzero(np.isin(rows.kind, ("recipe", "closing"))):
        place = _place({"file": rows.file[at], "line": rows.line[at]})
        line = [goods[rows.good[at]], _plain(rows.value[at]), place, str(rows.source[at])]
        found.setdefault(processes[rows.process[at]], []).append(line)
    return found


def _left_over(result: Result, layer: str) -> dict[str, list[float | None]]:
    """Stock change and difference of each process where one of them is not zero."""
    made = {}
    for row in result.closure(layer).to_dict("records"):
        size = max(abs(row["in"]), abs(row["out"]), 1e-9)
        difference = 0.0 if abs(row["difference"]) <= 1e-9 * size else row["difference"]
        if row["stock_change"] or difference:
            made[row["process"]] = [_plain(row["stock_change"]), _plain(difference)]
    return made


def _citations(results: list[Result], variants: list[dict[str, Any]]) -> dict[str, str]:
    """The sources that texts of the page cite by their key."""
    words: set[str] = set()
    for variant in variants:
        texts = [facts.get("source", "") for facts in (*variant["flows"], *variant["processes"].values())]
        texts += [line[3] for lines in variant["recipes"].values() for line in lines]
        words.update(word for text in texts for word in re.split(r"[\s:;,()]+", text))
    made = {}
    for result in results:
        for row in result.system.sources.to_dict("records"):
            if row["key"] in words:
                made[row["key"]] = ". ".join(str(row[key]) for key in ("citation", "locator") if row[key])
    return dict(sorted(made.items()))


def _folded(shown: list[dict[str, Any]]) -> dict[str, bool]:
    """Whether the page opens with folded pools, and without what comes from outside or goes there."""
    drawn = [flow for flow in shown if flow["kind"] != "implied"]
    inner = [flow for flow in drawn if flow["kind"] != "pool"]
    return {"fold_pools": len(drawn) > MOST_OPEN, "fold_outside": len(inner) > MOST_OPEN}


def _opening_group(nodes: list[dict[str, Any]]) -> str:
    """The tag by which a large graph opens collapsed, ``none`` for a small one."""
    inside = [node for node in nodes if node["kind"] not in ("pool", "outside")]
    if len(inside) > MOST_SINGLE:
        for tag in ("chain", "firm", "site"):
            if 1 < len({node[tag] or node["id"] for node in inside}) <= MOST_SINGLE / 2:
                return tag
    return "none"


# --- positions ---------------------------------------------------------------------------------------------


def _positions(
    nodes: list[dict[str, Any]], variants: list[dict[str, Any]], goods: Mapping[str, Any]
) -> dict[str, Spots]:
    """Where each node stands, for single processes (``none``) and for each way to collapse them."""
    weights: dict[tuple[str, str], float] = {}
    for variant in variants:
        for flow, amount in zip(variant["flows"], variant["amounts"].get("mass", ()), strict=False):
            if flow["kind"] != "implied" and goods[flow["good"]]["class"] not in HIDDEN:
                ends = flow["from"], flow["to"]
                weights[ends] = weights.get(ends, 0.0) + abs(amount or 0.0) + 1e-6
    made = {"none": _spots(nodes, weights)}
    for group in GROUPS:
        home = {node["id"]: f"{group}:{node[group]}" if node[group] else node["id"] for node in nodes}
        grouped = {home[node["id"]]: node | {"id": home[node["id"]]} for node in nodes}
        moved: dict[tuple[str, str], float] = {}
        for (tail, head), weight in weights.items():
            ends = home[tail], home[head]
            if ends[0] != ends[1]:
                moved[ends] = moved.get(ends, 0.0) + weight
        made[group] = _spots(list(grouped.values()), moved)
    return made


def _spots(nodes: list[dict[str, Any]], weights: Mapping[tuple[str, str], float]) -> Spots:
    """Flows run from left to right; givers outside stand above, takers below, then the rest and the pools."""
    kind = {node["id"]: node["kind"] for node in nodes}
    side = {node["id"]: node.get("side", 0) for node in nodes}
    inner = [name for name in sorted(kind) if kind[name] not in ("pool", "outside")]
    drawn = {ends: weight for ends, weight in weights.items() if set(ends) <= set(inner)}
    joined = {name for ends in drawn for name in ends}
    spots = _layers([name for name in inner if name in joined], drawn)
    width = max([4 * STEP, STEP * np.sqrt(len(nodes)), *(x for x, _ in spots.values())])
    top = min((y for _, y in spots.values()), default=0.0)
    givers = _rows([name for name in sorted(kind) if side[name] < 0], weights, spots, width, top - 1.4 * ROW)
    spots |= {name: [x - STEP / 2, y] for name, (x, y) in givers.items()}
    takers = [name for name in kind if side[name] > 0]
    pools = [name for name in kind if kind[name] == "pool"]
    for chosen in (takers, set(inner) - joined, pools):
        bottom = max((y for _, y in spots.values()), default=0.0)
        below = _rows(sorted(chosen), weights, spots, width, bottom + 1.4 * ROW)
        spots |= {name: [x + side[name] * STEP / 2, y] for name, (x, y) in below.items()}
    return {name: [round(float(x), 1), round(float(y), 1)] for name, (x, y) in spots.items()}


def _layers(names: list[str], weights: Mapping[tuple[str, str], float]) -> Spots:
    """A layered drawing of the nodes that flows join, loops opened where they carry least."""
    if not names:
        return {}
    number = {name: at for at, name in enumerate(names)}
    pairs = sorted(weights)
    tail, head = (np.array([number[pair[end]] for pair in pairs]) for end in (0, 1))
    nowhere = np.zeros(len(names), dtype=bool)
    weight = np.array([weights[pair] for pair in pairs])
    column, back = columns(len(names), tail, head, weight, nowhere, nowhere)
    apart = column[tail] != column[head]
    tail, head = np.where(back, head, tail)[apart], np.where(back, tail, head)[apart]
    lane, box, row = np.full(len(tail), LANE), np.full(len(names), BOX), np.full(len(names), ROW)
    placed = place(column, tail, head, lane, box, row, 0.0)
    count = int(column.max()) + 1
    bands = _bands(count * STEP / (SHAPE * placed.height))
    across = -(-count // bands)
    wide = SHAPE * bands * placed.height / (STEP * across)
    step, stretch = STEP * np.clip(wide, 1.0, MOST_STRETCH), np.clip(1 / wide, 1.0, MOST_STRETCH)
    y = (placed.top + BOX / 2 + column // across * (placed.height + ROW)) * stretch
    return {name: [column[at] % across * step, y[at]] for name, at in number.items()}


def _bands(flat: float) -> int:
    """Into how many bands, one below the other, a drawing is cut that is ``flat`` times too wide."""
    return 1 if flat <= 2 * MOST_STRETCH else int(np.ceil(np.sqrt(flat / MOST_STRETCH)))


def _rows(
    names: list[str], weights: Mapping[tuple[str, str], float], spots: Spots, width: float, top: float
) -> Spots:
    """Nodes in as many rows as they need, each close to the middle of what it is joined to."""
    partners: dict[str, list[float]] = {name: [] for name in names}
    for tail, head in weights:
        for name, other in ((tail, head), (head, tail)):
            if name in partners and other in spots:
                partners[name].append(spots[other][0])
    wanted = {name: float(np.mean(found)) if found else width / 2 for name, found in partners.items()}
    ordered = sorted(names, key=lambda name: (wanted[name], name))
    count = -(-len(names) // (int(width // STEP) + 1))
    made: Spots = {}
    for row in range(count):
        members = ordered[row::count]
        x, last = [], -np.inf
        for name in members:
            last = max(wanted[name], last + STEP)
            x.append(last)
        centred = np.mean([wanted[name] for name in members]) - np.mean(x)
        shift = float(np.clip(centred, -x[0], max(width - x[-1], -x[0])))
        made |= {name: [each + shift, top + row * ROW] for name, each in zip(members, x, strict=True)}
    return made


# --- page --------------------------------------------------------------------------------------------------


def _network(data: Mapping[str, Any]) -> str:
    """The page that pyvis makes of the nodes; the script of the page draws the flows."""
    from pyvis.network import Network

    network = Network(height="100%", width="100%", directed=True, cdn_resources="in_line")
    for node in data["nodes"]:
        x, y = data["positions"]["none"][node["id"]]
        network.add_node(node["id"], label=" ", shape="box", x=x, y=y)
    network.set_options('{"physics":{"enabled":false},"edges":{"smooth":{"enabled":true,"type":"curvedCW"}}}')
    return network.generate_html()


def _page(network: str, data: Mapping[str, Any]) -> str:
    """The page of pyvis without what it would load, with the panels, the data and the script in it."""
    page = re.sub(r"<center>.*?</center>|<!-- <link.*?-->", "", network, flags=re.DOTALL)
    page = re.sub(r'<link\s[^>]*href="https?://[^>]*>', "", page)
    page = re.sub(r'<script\s[^>]*src="https?://[^>]*>\s*</script>', "", page)
    lang, title = data["lang"], safe(data["name"][data["lang"]])
    about = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    rule = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
    head = f'<meta http-equiv="Content-Security-Policy" content="{rule}"><title>{title}</title>'
    fonts = FONTS.replace("'", '"')
    style = f"<style>:root {{ --fonts: {fonts}; }}\n{_part('explore.css')}</style>"
    script = f'<script type="application/json" id="flowsim-data">{_inert(about)}</script>'
    code = "\n".join(_part(f"explore_{name}.js") for name in SCRIPTS)
    script += f'\n<script>\n(function () {{\n"use strict";\n{code}}})();\n</script>'
    for old, new in (
        ("<html>", f'<!DOCTYPE html>\n<html lang="{lang}">'),
        ('<meta charset="utf-8">', f'<meta charset="utf-8">{head}'),
        ("</head>", f"{style}</head>"),
        ("<body>", f"<body>\n{_part('explore.html')}"),
        ("</body>", f"{script}\n</body>"),
    ):
        page = _swap(page, old, new)
    return page


def _part(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _inert(text: str) -> str:
    """JSON that cannot end the script element that holds it, nor begin a comment in it."""
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _swap(page: str, old: str, new: str) -> str:
    """Put ``new`` in the one place of ``old``."""
    if page.count(old) != 1:
        hint = 'Run `pip install "pyvis==0.3.2"`.'
        raise FlowsimError(Problem("the installed pyvis makes pages of another form.", hint=hint))
    before, _, after = page.partition(old)
    return before + new + after
