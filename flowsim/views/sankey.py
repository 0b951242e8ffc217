"""Sankey pictures as SVG: flows to scale from left to right, what returns runs round below the others.

A picture is a pure function of its results: the same results give the same bytes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from flowsim.errors import InputError, Problem
from flowsim.schema import GOOD_CLASSES
from flowsim.system import BASE_UNITS
from flowsim.units import Language, pretty
from flowsim.views.diagram import LEFT_OUT, Diagram, Link, diagram
from flowsim.views.layout import Placement, columns, place
from flowsim.views.svg import FONTS, Labels, page, png, safe, text_width, wrap

if TYPE_CHECKING:
    from flowsim.result import Result

__all__ = ["page", "png", "sankey"]

MARGIN, BAR, STUB = 150.0, 12.0, 13.0
TOP = 92.0
NAME_SIZE, LINK_SIZE, NOTE_SIZE = 12.5, 11.0, 12.0
NAME_WIDTH, LINK_WIDTH = 124.0, 170.0
GAPS, WIDTH = (190.0, 250.0), 1500.0
"""Least and largest distance of columns, and the width of the drawing that they aim at."""
SHAPE = 0.36
"""Least height of the drawing as a share of its width."""
LEAST_WIDTH = 0.6
"""Thinnest stroke in pixels: what is thinner could not be seen."""
NAMED_WIDTH = 7.0
"""Links from this thickness on are named where there is room."""

COLOURS = {
    "product": "#3f72af", "raw_material": "#9a7b4f", "mineral": "#7a5230", "biomass": "#8aa62f",
    "fuel": "#4a4a4a", "by_product": "#35a79c", "recyclable": "#2e8b57", "solid_waste": "#c8963e",
    "hazardous_waste": "#a23b72", "municipal_waste": "#8f7a1e", "construction_waste": "#c2a878",
    "agricultural_waste": "#a9b052", "wastewater": "#8d7fb5", "emission": "#8c8c8c", "air": "#b9c6d2",
    "fresh_water": "#58b4e5", "process_water": "#1f8fc4", "circulating_water": "#a4d8ec",
    "reclaimed_water": "#0aa08f", "sea_water": "#0b6fae", "vapour": "#b3c5cf", "power": "#e3b505",
    "heat": "#e0703a",
}  # fmt: skip
"""Colour of each class of goods."""
RETURN, MORE, LESS, SYMBIOSIS = "#c8102e", "#2166ac", "#d9730d", "#0b3d2e"
RECOVERY = ("utilise", "collect", "treat", "dispose")
BARS = {"outside": "#6f6f6f", "pool": "#9aa5b4", "group": "#33415c"} | dict.fromkeys(RECOVERY, "#1d7a5a")
PROCESS_BAR = "#33415c"

_LAYERS = {"mass": ("mass", "质量"), "water": ("water", "水"), "energy": ("energy", "能量")}
_TEXT = {
    "entering": ("entering from outside: {}", "外部输入合计：{}"),
    "more": ("more: {}, less: {} (sums of flows)", "增加：{}，减少：{}（各流之和）"),
    "nothing": ("No flow to show.", "没有可显示的流。"),
    "base": ("as stated", "基本情景"),
    "process": ("process", "过程"),
    "recovery": ("collects, utilises, treats", "收集、利用、处理"),
    "pool": ("network", "公共管网"),
    "outside": ("outside", "系统外部"),
    "return": ("return flow", "回流"),
    "return_difference": ("Return flows run below the others.", "回流绕行于下方。"),
    "symbiosis": ("symbiosis link", "共生链接"),
    "implied": ("paler: closed by rule", "浅色：按规则闭合的流"),
    "increase": ("more", "增加"),
    "decrease": ("less", "减少"),
    "scale": ("width of {}", "宽度表示 {}"),
    "excluded": ("Not drawn: {}.", "未绘出：{}。"),
    "cut": (
        "Flows under {} ({} of the largest node) are merged by class of good; to and from outside they are stubs.",
        "小于 {}（最大节点的 {}）的流按物料类别合并；与外部相连的以短线表示。",
    ),
    "merged": ("Goods merged: {}.", "合并的物料流：{} 条。"),
    "joined": (
        "Networks with one supplier or one user are drawn as direct links: {}.",
        "只有一个供方或用户的公共管网直接连线：{} 个。",
    ),
    "grouped": ("Flows within a drawn group are left out: {}.", "组内流未绘出：{} 条。"),
    "undetermined": ("Undetermined flows that are not drawn: {}.", "未绘出的不确定流：{} 条。"),
    "negative": ("Flows against their direction that are not drawn: {}.", "未绘出的负值流：{} 条。"),
    "hairline": ("Widths are to scale; the thinnest lines are {} px.", "线宽按比例绘制；最细为 {} 像素。"),
}


def sankey(
    result: Result,
    layer: str = "mass",
    group: str | None = None,
    lang: Language = "en",
    other: Result | None = None,
    top: int | None = None,
    *,
    exclude: Collection[str] = LEFT_OUT,
    threshold: float = 0.005,
) -> str:
    """SVG text of the flows of one layer, widths in its canonical unit per year.

    Parameters
    ----------
    layer : mass, water, energy or a substance
    group : merge processes by ``chain``, ``firm`` or ``site``
    other : draw the difference, what ``other`` has more and less than ``result``
    top : draw this many of the largest processes and merge the rest into one
    exclude : classes of goods to leave out; the picture says so
    threshold : flows below this share of the largest node are merged by class of good

    Raises
    ------
    InputError : a layer, group, class or language that does not exist, a top or threshold out of range
    """
    if lang not in ("en", "zh"):
        raise InputError(Problem(f"there is no language `{lang}`.", hint="Known: en, zh."))
    shown = diagram(result, layer, group, other, top, exclude, threshold)
    return _Picture(shown, result, other, layer, lang).svg()


@dataclass(frozen=True)
class _Lane:
    """The way of one return flow: its heights at both ends, its lane, and how far it leaves the columns."""

    leaves: float
    arrives: float
    right: float
    left: float
    y: float


class _Picture:
    """One picture while it is drawn."""

    def __init__(self, shown: Diagram, result: Result, other: Result | None, layer: str, lang: Language):
        self.shown, self.lang, self.layer = shown, lang, layer
        self.result, self.other = result, other
        self.unit = f"{BASE_UNITS.get(layer, 't')}/a"
        self.labels = Labels()
        self.parts: list[str] = []

    def svg(self) -> str:
        """Title, drawing, legend and footnotes as one SVG text."""
        bottom, width = TOP + 40, 900.0
        if self.shown.links:
            self.arrange()
            width = max(width, self.x[-1] + BAR + MARGIN)
            self.draw_links()
            self.draw_returns()
            self.draw_nodes()
            self.name_nodes()
            self.name_returns()
            self.name_links()
            bottom = self.bottom + self.below
        else:
            self.labels.write([self.say("nothing")], 24, TOP + 20, 14)
        title = self.draw_title(width)
        height = self.draw_foot(bottom + 26, width)
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" lang="{self.lang}" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="{FONTS}">\n<title>{safe(title)}</title>\n'
            f'<rect width="100%" height="100%" fill="#fff"/>\n'
        )
        return head + "\n".join([*self.parts, self.labels.svg()]) + "\n</svg>\n"

    def say(self, key: str, *values: object) -> str:
        """One of the picture's own texts in its language."""
        return _TEXT[key][self.lang == "zh"].format(*values)

    def amount(self, value: float) -> str:
        """A value with its unit in a handy scale; in a difference with its sign."""
        number, unit = pretty(abs(value), self.unit, self.lang)
        sign = ("+" if value > 0 else "−") if self.other else ""
        return f"{sign}{number} {unit}"

    def name(self, thing: object) -> str:
        return str(getattr(thing, self.lang))

    # --- where things are ------------------------------------------------------------------------------

    def arrange(self) -> None:
        """Columns, scale, heights and the ends of every link in pixels."""
        shown = self.shown
        nodes, links = shown.nodes, shown.links
        side = np.array([node.side for node in nodes])
        tail, head = np.array([link.tail for link in links]), np.array([link.head for link in links])
        value = np.array([abs(link.value) for link in links])
        outside = (side[tail] != 0) | (side[head] != 0)
        symbiosis = np.array([link.symbiosis for link in links])
        self.stub = outside & (value < shown.cut) & ~symbiosis
        recovered = np.array([nodes[link.tail].kind in RECOVERY for link in links])
        cost = value * np.where(recovered | symbiosis, 0.01, 1.0)
        drawn = np.flatnonzero(~self.stub)
        column, back = columns(len(nodes), tail[drawn], head[drawn], cost[drawn], side < 0, side > 0)
        self.column = column
        self.back = np.zeros(len(links), dtype=bool)
        self.back[drawn] = back
        self.tail, self.head, self.value = tail, head, value
        self.forward = np.flatnonzero(~self.stub & ~self.back)
        returns = np.flatnonzero(self.back)
        self.returns = returns[np.lexsort((returns, column[tail[returns]] - column[head[returns]]))]
        last = max(int(column.max()), 1)
        self.gap = min(max(WIDTH / last, GAPS[0]), GAPS[1])
        self.x = MARGIN + self.gap * np.arange(last + 1)
        signed = np.array([link.value for link in links])
        self.net = np.stack([np.bincount(end, signed, len(nodes)) for end in (head, tail)])
        self.wrapped = [wrap(self.name(node), NAME_WIDTH, NAME_SIZE, 2) for node in nodes]
        self.scale, height = self.find_scale()
        self.width = value * self.scale
        self.placed = self.place(self.scale, height)
        self.crop()
        self.ends()

    def slots(self, scale: float) -> np.ndarray:
        """Height that each node needs, at least that of its label."""
        lines = np.array([len(each) + 1 for each in self.wrapped])
        return np.maximum(self.shown.throughput * scale, lines * NAME_SIZE * 1.25) + 9

    def find_scale(self) -> tuple[float, float]:
        """Pixels per unit: the largest at which every column fits a height that leaves room for labels."""
        count = len(self.x)
        tail, head = self.column[self.tail[self.forward]], self.column[self.head[self.forward]]
        value = self.value[self.forward]
        passing, passed = np.zeros(count + 1), np.zeros(count + 1)
        for sums, amount in ((passing, value), (passed, np.ones(len(value)))):
            np.add.at(sums, tail + 1, amount)
            np.add.at(sums, head, -amount)
        passing, passed = np.cumsum(passing)[:-1], np.cumsum(passed)[:-1]

        def needed(scale: float) -> float:
            names = np.bincount(self.column, self.slots(scale), count)
            return float((names + passing * scale + passed * 4).max())

        height = max(SHAPE * self.x[-1], 480.0, 1.25 * needed(0.0))
        low, high = 0.0, 0.42 * height / float(self.shown.throughput.max())
        if needed(high) > height:
            for _ in range(30):
                middle = (low + high) / 2
                low, high = (middle, high) if needed(middle) <= height else (low, middle)
            high = low
        return high, height

    def place(self, scale: float, height: float) -> Placement:
        size = np.maximum(self.shown.throughput * scale, 1.5)
        links = self.forward
        self.size = size
        return place(
            self.column, self.tail[links], self.head[links], self.width[links], size, self.slots(scale), height
        )

    def crop(self) -> None:
        """Heights in the picture, without the empty space above and below the drawing."""
        middle = self.placed.top + self.size / 2
        half = self.slots(self.scale) / 2
        thick = np.repeat(self.width[self.forward], np.diff(self.placed.start)) / 2
        above = min(float((middle - half).min()), float((self.placed.y - thick).min(initial=np.inf)))
        below = max(float((middle + half).max()), float((self.placed.y + thick).max(initial=-np.inf)))
        self.top, self.y = self.placed.top + TOP - above, self.placed.y + TOP - above
        self.bottom = below + TOP - above

    def ends(self) -> None:
        """Heights where each link leaves and arrives: forward links on top, then stubs, then returns."""
        count = len(self.value)
        self.leaves, self.arrives = np.zeros(count), np.zeros(count)
        start, y = self.placed.start, self.y
        self.leaves[self.forward], self.arrives[self.forward] = y[start[:-1]], y[start[1:] - 1]
        nodes = len(self.column)
        out = self.top + np.bincount(self.tail[self.forward], self.width[self.forward], nodes)
        into = self.top + np.bincount(self.head[self.forward], self.width[self.forward], nodes)
        rest = [*np.flatnonzero(self.stub), *reversed(self.returns)]
        for link in rest:
            self.leaves[link] = out[self.tail[link]] + self.width[link] / 2
            self.arrives[link] = into[self.head[link]] + self.width[link] / 2
            out[self.tail[link]] += self.width[link]
            into[self.head[link]] += self.width[link]

    # --- links -----------------------------------------------------------------------------------------

    def draw_links(self) -> None:
        """Forward links and stubs, thick ones first, so that thin ones lie above them."""
        heights, start = self.y, self.placed.start
        body = []
        for number, at in enumerate(self.forward.tolist()):
            y = heights[start[number] : start[number + 1]].tolist()
            body.append(self.stroke(at, _curve(self.x, int(self.column[self.tail[at]]), y)))
        for at in np.flatnonzero(self.stub).tolist():
            body.append(self.stroke(at, self.stub_path(at)))
        self.parts += ['<g fill="none" stroke-linecap="butt">', *body, "</g>"]

    def stub_path(self, at: int) -> str:
        """A short line at the process, and one at the place outside."""
        leaves = self.x[self.column[self.tail[at]]] + BAR
        arrives = self.x[self.column[self.head[at]]]
        return f"M{leaves:.1f} {self.leaves[at]:.1f}h{STUB:g}M{arrives:.1f} {self.arrives[at]:.1f}h-{STUB:g}"

    def colour(self, link: Link, back: bool) -> str:
        if self.other:
            return MORE if link.value > 0 else LESS
        return RETURN if back else COLOURS[link.good_class]

    def stroke(self, at: int, path: str) -> str:
        """A link with its casing, if it is a symbiosis exchange, and its text on hover."""
        link, width = self.shown.links[at], max(float(self.width[at]), LEAST_WIDTH)
        nodes = self.shown.nodes
        ends = f"{self.name(nodes[link.tail])} → {self.name(nodes[link.head])}"
        hover = f"<title>{safe(f'{self.name(link)}: {self.amount(link.value)}')}&#10;{safe(ends)}</title>"
        kind = "return" if self.back[at] else "stub" if self.stub[at] else "flow"
        colour, opacity = self.colour(link, bool(self.back[at])), 0.3 if link.implied else 0.62
        line = f'<path d="{path}" stroke="{colour}" stroke-width="{width:.2f}" stroke-opacity="{opacity}"'
        casing = ""
        if link.symbiosis:
            casing = f'<path d="{path}" stroke="{SYMBIOSIS}" stroke-width="{width + 3.2:.2f}"/>'
            casing += f'<path d="{path}" stroke="#fff" stroke-width="{width:.2f}"/>'
        return f'<g class="{kind}">{hover}{casing}{line}/></g>'

    # --- return flows ----------------------------------------------------------------------------------

    def draw_returns(self) -> None:
        """Flows that close a loop: out to the right, down, back below everything, and up again."""
        self.lanes: dict[int, _Lane] = {}
        order, self.below = self.returns, 0.0
        if not len(order):
            return
        right, left = self.gutters(order, self.tail, 1), self.gutters(order, self.head, -1)
        level = _levels(left, right)
        named = self.is_named(order)
        thick = np.zeros(int(level.max()) + 1)
        np.maximum.at(thick, level, np.maximum(self.width[order], 1.0) + np.where(named, 19.0, 5.0))
        bottom = self.bottom + 14 + np.cumsum(thick)
        self.below = float(thick.sum()) + 18
        body = []
        for at, link in enumerate(order.tolist()):
            y = bottom[level[at]] - self.width[link] / 2
            lane = _Lane(self.leaves[link], self.arrives[link], right[at], left[at], float(y))
            body.append(self.stroke(link, self.lane_path(link, lane)))
            if named[at]:
                self.lanes[link] = lane
                body.append(self.arrow(link, lane))
        self.parts += ['<g fill="none">', *body, "</g>"]

    def is_named(self, links: np.ndarray) -> np.ndarray:
        """Return flows that are large enough to name, and symbiosis exchanges of any size."""
        symbiosis = np.array([self.shown.links[link].symbiosis for link in links.tolist()])
        return (self.value[links] >= self.shown.cut * 0.2) | symbiosis

    def gutters(self, order: np.ndarray, node: np.ndarray, sign: int) -> np.ndarray:
        """Where return flows run down and up: nested beside their column, the shortest innermost."""
        used = np.zeros(len(self.x))
        total = np.bincount(self.column[node[order]], self.width[order] + 3, len(self.x))
        shrink = np.minimum(1.0, 100.0 / np.maximum(total, 1.0))
        edge = self.x + (BAR if sign > 0 else 0.0)
        made = np.empty(len(order))
        for at, link in enumerate(order.tolist()):
            column = int(self.column[node[link]])
            step = (self.width[link] + 3) * shrink[column]
            made[at] = edge[column] + sign * (STUB + 4 + used[column] + step / 2)
            used[column] += step
        return made

    def lane_path(self, link: int, lane: _Lane) -> str:
        begin = self.x[self.column[self.tail[link]]] + BAR
        end = self.x[self.column[self.head[link]]]
        bend = max(12.0, self.width[link] / 2 + 8)
        first, last = min(bend, lane.right - begin), min(bend, end - lane.left)
        return (
            f"M{begin:.1f} {lane.leaves:.1f}H{lane.right - first:.1f}"
            f"q{first:.1f} 0 {first:.1f} {first:.1f}V{lane.y - first:.1f}"
            f"q0 {first:.1f} {-first:.1f} {first:.1f}H{lane.left + last:.1f}"
            f"q{-last:.1f} 0 {-last:.1f} {-last:.1f}V{lane.arrives + last:.1f}"
            f"q0 {-last:.1f} {last:.1f} {-last:.1f}H{end:.1f}"
        )

    def arrow(self, link: int, lane: _Lane) -> str:
        """A triangle on the lane that points the way."""
        half = min(max(self.width[link] * 0.35, 4.0), 9.0)
        x = lane.left + 30
        colour = "#fff" if self.width[link] > 10 else self.colour(self.shown.links[link], True)
        return f'<path d="M{x:.1f} {lane.y:.1f}l{half * 1.6:.1f} {-half:.1f}v{half * 2:.1f}z" fill="{colour}"/>'

    def name_returns(self) -> None:
        """Names of return flows above their lanes."""
        for link, lane in self.lanes.items():
            self.name_lane(link, lane)

    def name_lane(self, link: int, lane: _Lane) -> None:
        amount = self.amount(self.shown.links[link].value)
        room = max(lane.right - lane.left - 70, 160) - text_width(amount, LINK_SIZE)
        lines = [f"{wrap(self.name(self.shown.links[link]), room, LINK_SIZE, 1)[0]} {amount}"]
        y = lane.y - self.width[link] / 2 - 8
        fill = self.colour(self.shown.links[link], True)
        self.labels.write(lines, (lane.left + lane.right) / 2, y, LINK_SIZE, "middle", fill, if_free=True)

    # --- nodes and names -------------------------------------------------------------------------------

    def draw_nodes(self) -> None:
        """Bars to scale, with their text on hover."""
        body = []
        for at, node in enumerate(self.shown.nodes):
            x, y, size = float(self.x[self.column[at]]), float(self.top[at]), float(self.size[at])
            fill = BARS.get(node.kind, PROCESS_BAR)
            hover = f"<title>{safe(self.name(node))}&#10;{safe(self.throughput_text(at))}</title>"
            place = f'<rect x="{x:.1f}" y="{y:.1f}" width="{BAR:g}" height="{size:.2f}"'
            body.append(f'{place} fill="{fill}">{hover}</rect>')
            self.labels.take((x - 1, y - 1, x + BAR + 1, y + size + 1))
        self.parts += ["<g>", *body, "</g>"]

    def name_nodes(self) -> None:
        """Names right of their bars, but left where a thick return flow leaves, if there is room."""
        count = len(self.column)
        leaving = np.bincount(self.tail[self.returns], self.width[self.returns], count)
        arriving = np.bincount(self.head[self.returns], self.width[self.returns], count)
        side = np.array([node.side for node in self.shown.nodes])
        leftward = (side == 0) & (leaving > np.maximum(12.0, arriving))
        for at in np.argsort(leftward, kind="stable").tolist():
            x, y = float(self.x[self.column[at]]), float(self.top[at] + self.size[at] / 2)
            lines = [*self.wrapped[at], self.throughput_text(at)]
            bold = len(lines) - 1
            if leftward[at] and self.labels.write(lines, x - 7, y, NAME_SIZE, "end", bold=bold, if_free=True):
                continue
            anchor, place = ("end", x - 7) if side[at] < 0 else ("start", x + BAR + 7)
            self.labels.write(lines, place, y, NAME_SIZE, anchor, bold=bold)

    def throughput_text(self, at: int) -> str:
        """What passes a node; in a difference how much more or less enters it, or leaves a source."""
        if not self.other:
            return self.amount(float(self.shown.throughput[at]))
        into, out = float(self.net[0, at]), float(self.net[1, at])
        change = into if abs(into) >= abs(out) else out
        return self.amount(change) if abs(change) > 1e-6 * float(self.shown.throughput[at]) else "±0"

    def name_links(self) -> None:
        """Names of thick links and of symbiosis exchanges where they cover no other text."""
        links = self.shown.links
        chosen = [
            number
            for number, at in enumerate(self.forward.tolist())
            if self.width[at] >= NAMED_WIDTH or links[at].symbiosis
        ]
        chosen.sort(key=lambda number: not links[self.forward[number]].symbiosis)
        for number in chosen:
            at = int(self.forward[number])
            lines = self.link_lines(links[at])
            y = self.y[self.placed.start[number] : self.placed.start[number + 1]].tolist()
            fill = SYMBIOSIS if links[at].symbiosis else "#444"
            for x, height, anchor in self.spots(int(self.column[self.tail[at]]), y):
                if self.labels.write(lines, x, height, LINK_SIZE, anchor, fill, if_free=True):
                    break

    def link_lines(self, link: Link) -> list[str]:
        """Name and amount of a link on one line if they fit, else on two."""
        name, amount = self.name(link), self.amount(link.value)
        if text_width(f"{name} {amount}", LINK_SIZE) <= LINK_WIDTH:
            return [f"{name} {amount}"]
        return [*wrap(name, LINK_WIDTH, LINK_SIZE, 1), amount]

    def spots(self, column: int, y: list[float]) -> list[tuple[float, float, str]]:
        """Where the name of a link may stand: before its head, then along its way."""
        made = [(float(self.x[column + len(y) - 1]) - 8, y[-1], "end")]
        for step in range(len(y) - 1, 0, -1):
            x = float(self.x[column + step])
            made.append((x - (self.gap - BAR) / 2, (y[step - 1] + y[step]) / 2, "middle"))
            made.append((x - 8, y[step], "end"))
        return made

    # --- title, legend, footnotes ----------------------------------------------------------------------

    def draw_title(self, width: float) -> str:
        about = self.result.system.about
        name = about["name"][self.lang]
        variants = [self.variant(self.result), *([self.variant(self.other)] if self.other else [])]
        title = " · ".join([name, *([" → ".join(variants)] if any(variants) else [])])
        self.labels.write(wrap(title, width - 48, 20, 1), 24, 34, 20, fill="#111", bold=1)
        layer = _LAYERS.get(self.layer, (self.layer, self.layer))[self.lang == "zh"]
        year = f"{about['year']}{'年' if self.lang == 'zh' else ''}"
        text = f"{year} · {layer} · {self.total()}"
        self.labels.write(wrap(text, width - 48, 13, 1), 24, 60, 13, fill="#555")
        return title

    def variant(self, result: Result) -> str:
        about = result.system.about
        if about["variant"]:
            return about["variant_name"][self.lang] or about["variant"]
        return self.say("base") if self.other else ""

    def total(self) -> str:
        links, nodes = self.shown.links, self.shown.nodes
        if self.other:
            more = sum(link.value for link in links if link.value > 0)
            less = sum(link.value for link in links if link.value < 0)
            return self.say("more", self.amount(more) if more else "0", self.amount(less) if less else "0")
        return self.say("entering", self.amount(sum(link.value for link in links if nodes[link.tail].side < 0)))

    def draw_foot(self, y: float, width: float) -> float:
        """Legend, scale and footnotes; returns the height of the whole picture."""
        x = 24.0
        for fill, text, style in self.legend():
            needed = 24 + text_width(text, NOTE_SIZE) + 18
            if x + needed > width - 24 and x > 24:
                x, y = 24.0, y + 22
            self.parts.append(f'<rect x="{x:.1f}" y="{y - 5:.1f}" width="17" height="10" fill="{fill}"{style}/>')
            self.labels.write([text], x + 24, y, NOTE_SIZE, fill="#333")
            x += needed
        y += 26
        if self.shown.links:
            self.draw_scale(y)
            y += 24
        for line in wrap(" ".join(self.notes()), width - 48, NOTE_SIZE - 1, 6):
            self.labels.write([line], 24, y, NOTE_SIZE - 1, fill="#666")
            y += 16
        return y + 8

    def legend(self) -> list[tuple[str, str, str]]:
        """Colour, text and extra style of each entry that occurs."""
        links, kinds = self.shown.links, {node.kind for node in self.shown.nodes}
        at = self.lang == "zh"
        made: list[tuple[str, str, str]] = []
        if not links:
            return made
        if self.other:
            made += [(MORE, self.say("increase"), ""), (LESS, self.say("decrease"), "")]
        else:
            present = {link.good_class for number, link in enumerate(links) if not self.back[number]}
            pale = ' fill-opacity="0.62"'
            made += [(COLOURS[name], text[at], pale) for name, text in GOOD_CLASSES.items() if name in present]
            made += [(RETURN, self.say("return"), "")] if self.back.any() else []
        if any(link.symbiosis for link in links):
            made.append(("#fff", self.say("symbiosis"), f' stroke="{SYMBIOSIS}" stroke-width="2.4"'))
        if any(link.implied for link in links):
            made.append(("#3f72af", self.say("implied"), ' fill-opacity="0.3"'))
        groups = {"process": kinds - {*RECOVERY, "pool", "outside"}, "recovery": kinds & {*RECOVERY}}
        made.append((PROCESS_BAR, self.say("process"), "")) if groups["process"] else None
        made.append((BARS["utilise"], self.say("recovery"), "")) if groups["recovery"] else None
        made += [(BARS[kind], self.say(kind), "") for kind in ("pool", "outside") if kind in kinds]
        return made

    def draw_scale(self, y: float) -> None:
        """A bar as thick as a round amount."""
        power = 10.0 ** np.floor(np.log10(24 / self.scale))
        amount = max(step * power for step in (1, 2, 5) if step * power * self.scale <= 24)
        thick = amount * self.scale
        self.parts.append(f'<rect x="24" y="{y - thick / 2:.1f}" width="17" height="{thick:.2f}" fill="#555"/>')
        number, unit = pretty(amount, self.unit, self.lang)
        self.labels.write([self.say("scale", f"{number} {unit}")], 48, y, NOTE_SIZE, fill="#333")

    def notes(self) -> list[str]:
        shown = self.shown
        made = []
        if shown.excluded:
            names = ("、" if self.lang == "zh" else ", ").join(GOOD_CLASSES[each][self.lang == "zh"] for each in shown.excluded)
            made.append(self.say("excluded", names))
        if shown.links and shown.cut:
            number, unit = pretty(shown.cut, self.unit, self.lang)
            made.append(self.say("cut", f"{number} {unit}", f"{shown.threshold * 100:g} %"))
        if shown.links and self.other and self.back.any():
            made.append(self.say("return_difference"))
        for key in ("merged", "joined", "grouped", "undetermined", "negative"):
            if count := getattr(shown, key):
                made.append(self.say(key, count))
        return [*made, self.say("hairline", LEAST_WIDTH)] if shown.links else made


def _curve(x: np.ndarray, column: int, y: list[float]) -> str:
    """A smooth line from the right of one column over all between to the left of the last."""
    pieces = [f"M{x[column] + BAR:.1f} {y[0]:.1f}"]
    for step in range(1, len(y)):
        begin, end = float(x[column + step - 1]) + BAR, float(x[column + step])
        middle = (begin + end) / 2
        pieces.append(f"C{middle:.1f} {y[step - 1]:.1f} {middle:.1f} {y[step]:.1f} {end:.1f} {y[step]:.1f}")
        if step < len(y) - 1:
            pieces.append(f"h{BAR:g}")
    return "".join(pieces)


def _levels(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Lane of each return flow, from the top: below every earlier one that lies above its way."""
    level = np.zeros(len(left), dtype=int)
    for at in range(1, len(left)):
        over = (left[:at] < right[at] + 8) & (left[at] < right[:at] + 8)
        level[at] = level[:at][over].max(initial=-1) + 1
    return level
