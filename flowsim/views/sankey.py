"""Sankey pictures as SVG: flows to scale from left to right, what returns runs round below the others.

A picture is a pure function of its results: the same results give the same bytes.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from flowsim.errors import InputError, Problem
from flowsim.schema import GOOD_CLASSES
from flowsim.system import BASE_UNITS
from flowsim.units import Language, pretty
from flowsim.views.colours import BARS, CLASSES, LESS, MORE, RETURN, SYMBIOSIS
from flowsim.views.diagram import LEFT_OUT, Diagram, Link, diagram
from flowsim.views.geometry import BAR, MARGIN, RECOVERY, STUB, TOP, geometry
from flowsim.views.svg import FONTS, LINE, Labels, page, png, safe, text_width, wrap

if TYPE_CHECKING:
    from flowsim.result import Result

__all__ = ["page", "png", "sankey"]

NAME_SIZE, LINK_SIZE, NOTE_SIZE = 12.5, 11.0, 12.0
NAME_WIDTH, LINK_WIDTH = 124.0, 170.0
LEAST_WIDTH = 0.6
"""Thinnest stroke in pixels: what is thinner could not be seen."""
SURE = 1.96
"""Standard uncertainties to either side of a value that hold 95 % of a normal distribution."""
LEAST_HALO, HALO = 0.8, 0.28
"""Thinnest halo in pixels, and its opacity."""
WIDE, MOST_ZOOM = 2000.0, 3.0
"""Title, legend and notes of a picture wider than this are as much larger, but no more than so many times."""
NAMED_WIDTH = 7.0
"""Links from this thickness on are named where there is room."""

_LAYERS = {"mass": ("mass", "质量"), "water": ("water", "水"), "energy": ("energy", "能量")}
_TEXT = {
    "entering": ("entering from outside: {}", "外部输入合计：{}"),
    "more": ("more: {}, less: {} (sums of flows)", "增加：{}，减少：{}（各流之和）"),
    "nothing": ("No flow to show.", "没有可显示的流。"),
    "base": ("as stated", "基本情景"),
    "process": ("process", "过程"),
    "recovery": ("collects, utilises, treats, disposes of", "收集、利用、处理、处置"),
    "pool": ("network", "公共管网"),
    "outside": ("outside", "系统外部"),
    "return": ("return flow", "回流"),
    "return_difference": ("Return flows run below the others.", "回流绕行于下方。"),
    "symbiosis": ("symbiosis link", "共生链接"),
    "halo": ("halo: as wide as the upper end of the 95 % interval", "光晕：宽度至95%区间上限"),
    "sure": ("± {} (95 %)", "± {}（95%）"),
    "implied": ("paler: closed by rule", "浅色：按规则闭合的流"),
    "increase": ("more", "增加"),
    "decrease": ("less", "减少"),
    "scale": ("width of {}", "宽度表示 {}"),
    "excluded": ("Not drawn: {}.", "未绘出：{}。"),
    "cut": (
        "Flows under {} ({} of the largest node) are merged by class of good; "
        "to and from outside they are stubs.",
        "小于 {}（最大节点的 {}）的流按物料类别合并；与外部相连的以短线表示。",
    ),
    "by_class": (
        "Goods of one class between two nodes are added up.",
        "两节点间同类物料合并为一条。",
    ),
    "merged": ("Goods merged: {}.", "合并的物料流：{} 条。"),
    "joined": (
        "Networks with one supplier or one user are drawn as direct links: {}.",
        "只有一个供方或用户的公共管网直接连线：{} 个。",
    ),
    "grouped": ("Flows within a drawn group are left out: {}.", "组内流未绘出：{} 条。"),
    "undetermined": ("Undetermined flows that are not drawn: {}.", "未绘出的不确定流：{} 条。"),
    "negative": ("Flows against their direction that are not drawn: {}.", "未绘出的负值流：{} 条。"),
    "hairline": (
        "Widths are to scale; the thinnest lines are {}\u00a0px.",
        "线宽按比例绘制；最细为 {} 像素。",
    ),
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
            width = max(width, float(self.at.x[-1]) + BAR + MARGIN)
            self.draw_links()
            self.draw_returns()
            self.draw_nodes()
            self.name_nodes()
            self.name_returns()
            self.name_links()
            bottom = self.at.bottom
        else:
            self.labels.write([self.say("nothing")], 24, TOP + 20, 14)
        self.zoom = min(max(width / WIDE, 1.0), MOST_ZOOM)
        top = round((self.zoom - 1) * 70)
        title = self.draw_title(width, -top)
        height = self.draw_foot(bottom + 26 * self.zoom, width) + top
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" lang="{self.lang}" width="{width:.0f}" '
            f'height="{height:.0f}" viewBox="0 {-top} {width:.0f} {height:.0f}" font-family="{FONTS}">\n'
            f"<title>{safe(title)}</title>\n"
            f'<rect y="{-top}" width="100%" height="100%" fill="#fff"/>\n'
        )
        return head + "\n".join([*self.parts, self.labels.svg()]) + "\n</svg>\n"

    def say(self, key: str, *values: object) -> str:
        """One of the picture's own texts in its language."""
        return _TEXT[key][self.lang == "zh"].format(*values)

    def amount(self, value: float) -> str:
        """A value with its unit in a handy scale; in a difference with its sign."""
        number, unit = pretty(abs(value), self.unit, self.lang)
        sign = ("+" if value > 0 else "−") if self.other else ""
        return f"{sign}{number}\u00a0{unit}"

    def name(self, thing: object) -> str:
        return str(getattr(thing, self.lang))

    def arrange(self) -> None:
        """Names, amounts and positions of all nodes and links."""
        nodes, links = self.shown.nodes, self.shown.links
        self.wrapped = [wrap(self.name(node), NAME_WIDTH, NAME_SIZE) for node in nodes]
        lines = np.array([len(each) + 1 for each in self.wrapped])
        self.at = geometry(self.shown, lines * NAME_SIZE * LINE)
        self.back = self.at.is_return()
        signed = np.array([link.value for link in links])
        spread = np.array([np.nan if self.other else link.sd for link in links])
        self.sure = np.where(spread > 0, SURE * spread, np.nan)
        self.net = np.stack([np.bincount(end, signed, len(nodes)) for end in (self.at.head, self.at.tail)])
        self.safe_names = [safe(self.name(node)) for node in nodes]
        self.passing = [self.throughput_text(at) for at in range(len(nodes))]

    # --- links -----------------------------------------------------------------------------------------

    def draw_links(self) -> None:
        """Forward links and stubs, thick ones first, so that thin ones lie above them."""
        at, x = self.at, self.at.x.tolist()
        body = []
        for number, link in enumerate(at.forward.tolist()):
            body.append(self.stroke(link, _curve(x, int(at.column[at.tail[link]]), at.way(number))))
        for link in np.flatnonzero(at.stub).tolist():
            body.append(self.stroke(link, self.stub_path(link)))
        self.parts += ['<g fill="none">', *body, "</g>"]

    def bars(self, link: int) -> tuple[float, float]:
        """Where a link leaves its tail, and where it meets its head."""
        at = self.at
        return float(at.x[at.column[at.tail[link]]]) + BAR, float(at.x[at.column[at.head[link]]])

    def stub_path(self, link: int) -> str:
        """A short line at the process, and one at the place outside."""
        begin, end = self.bars(link)
        leaves, arrives = self.at.leaves[link], self.at.arrives[link]
        return f"M{begin:.1f} {leaves:.1f}h{STUB:g}M{end:.1f} {arrives:.1f}h-{STUB:g}"

    def colour(self, number: int) -> str:
        link = self.shown.links[number]
        if self.other:
            return MORE if link.value > 0 else LESS
        return RETURN if self.back[number] else CLASSES[link.good_class]

    def stroke(self, number: int, path: str) -> str:
        """A link with its casing, if it is a symbiosis exchange, and its text on hover."""
        link, width = self.shown.links[number], max(float(self.at.width[number]), LEAST_WIDTH)
        names = self.safe_names
        sure = "" if np.isnan(self.sure[number]) else " " + self.say("sure", self.amount(self.sure[number]))
        what = safe(f"{self.name(link)}: {self.amount(link.value)}{sure}")
        hover = f"<title>{what}&#10;{names[link.tail]} → {names[link.head]}</title>"
        kind = "return" if self.back[number] else "stub" if self.at.stub[number] else "flow"
        colour, opacity = self.colour(number), 0.3 if link.implied else 0.62
        line = f'<path d="{path}" stroke="{colour}" stroke-width="{width:.2f}" stroke-opacity="{opacity}"/>'
        casing = ""
        if self.sure[number] * self.at.scale > LEAST_HALO:
            wide = width + self.sure[number] * self.at.scale
            casing = f'<path class="halo" d="{path}" stroke="{colour}" stroke-width="{wide:.2f}" '
            casing += f'stroke-opacity="{HALO}"/>'
        if link.symbiosis:
            casing += f'<path d="{path}" stroke="{SYMBIOSIS}" stroke-width="{width + 3.2:.2f}"/>'
            casing += f'<path d="{path}" stroke="#fff" stroke-width="{width:.2f}"/>'
        return f'<g class="{kind}">{hover}{casing}{line}</g>'

    # --- return flows ----------------------------------------------------------------------------------

    def draw_returns(self) -> None:
        """Flows that close a loop: out to the right, down, back below everything, and up again."""
        body = []
        for order, number in enumerate(self.at.returns.tolist()):
            body.append(self.stroke(number, self.lane_path(order, number)))
            if self.at.named[order]:
                body.append(self.arrow(order, number))
        self.parts += ['<g fill="none">', *body, "</g>"]

    def lane_path(self, order: int, number: int) -> str:
        at = self.at
        begin, end = self.bars(number)
        right, left, lane = float(at.right[order]), float(at.left[order]), float(at.lane[order])
        bend = max(12.0, at.width[number] / 2 + 8)
        a, b = min(bend, right - begin), min(bend, end - left)
        return (
            f"M{begin:.1f} {at.leaves[number]:.1f}H{right - a:.1f}q{a:.1f} 0 {a:.1f} {a:.1f}"
            f"V{lane - a:.1f}q0 {a:.1f} {-a:.1f} {a:.1f}H{left + b:.1f}q{-b:.1f} 0 {-b:.1f} {-b:.1f}"
            f"V{at.arrives[number] + b:.1f}q0 {-b:.1f} {b:.1f} {-b:.1f}H{end:.1f}"
        )

    def arrow(self, order: int, number: int) -> str:
        """A triangle on the lane that points the way."""
        width = float(self.at.width[number])
        half = min(max(width * 0.35, 4.0), 9.0)
        place = f"M{self.at.left[order] + 30:.1f} {self.at.lane[order]:.1f}"
        fill = "#fff" if width > 10 else self.colour(number)
        return f'<path d="{place}l{half * 1.6:.1f} {-half:.1f}v{half * 2:.1f}z" fill="{fill}"/>'

    def name_returns(self) -> None:
        """Names of return flows above their lanes."""
        at = self.at
        for order, number in enumerate(at.returns.tolist()):
            if not at.named[order]:
                continue
            right, left = float(at.right[order]), float(at.left[order])
            amount = self.amount(self.shown.links[number].value)
            room = max(right - left - 70, 160) - text_width(amount, LINK_SIZE)
            line = f"{wrap(self.name(self.shown.links[number]), room, LINK_SIZE, 1)[0]} {amount}"
            y = float(at.lane[order] - at.width[number] / 2 - 8)
            fill = self.colour(number)
            self.labels.write([line], (left + right) / 2, y, LINK_SIZE, "middle", fill, if_free=True)

    # --- nodes and names -------------------------------------------------------------------------------

    def draw_nodes(self) -> None:
        """Bars to scale, with their text on hover."""
        body = []
        for at, node in enumerate(self.shown.nodes):
            x, y, size = float(self.at.x[self.at.column[at]]), float(self.at.top[at]), float(self.at.size[at])
            hover = f"<title>{self.safe_names[at]}&#10;{safe(self.passing[at])}</title>"
            place = f'<rect x="{x:.1f}" y="{y:.1f}" width="{BAR:g}" height="{size:.2f}"'
            body.append(f'{place} fill="{_bar(node.kind)}">{hover}</rect>')
            self.labels.take((x - 1, y - 1, x + BAR + 1, y + size + 1))
        self.parts += ["<g>", *body, "</g>"]

    def name_nodes(self) -> None:
        """Names right of their bars, but left where a thick return flow leaves, if there is room."""
        at, count = self.at, len(self.shown.nodes)
        leaving = np.bincount(at.tail[at.returns], at.width[at.returns], count)
        arriving = np.bincount(at.head[at.returns], at.width[at.returns], count)
        side = np.array([node.side for node in self.shown.nodes])
        leftward = (side == 0) & (leaving > np.maximum(12.0, arriving))
        for node in np.argsort(leftward, kind="stable").tolist():
            x, y = float(at.x[at.column[node]]), float(at.top[node] + at.size[node] / 2)
            lines = [*self.wrapped[node], self.passing[node]]
            bold = len(lines) - 1
            before = (lines, x - 7, y, NAME_SIZE, "end")
            if leftward[node] and self.labels.write(*before, bold=bold, if_free=True):
                continue
            anchor, place = ("end", x - 7) if side[node] < 0 else ("start", x + BAR + 7)
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
        at, links = self.at, self.shown.links
        order = sorted(enumerate(at.forward.tolist()), key=lambda pair: not links[pair[1]].symbiosis)
        for number, link in order:
            if at.width[link] < NAMED_WIDTH and not links[link].symbiosis:
                continue
            lines = self.link_lines(links[link])
            fill = SYMBIOSIS if links[link].symbiosis else "#444"
            for x, y, anchor in self.spots(int(at.column[at.tail[link]]), at.way(number)):
                if self.labels.write(lines, x, y, LINK_SIZE, anchor, fill, if_free=True):
                    break

    def link_lines(self, link: Link) -> list[str]:
        """Name and amount of a link on one line if they fit, else on two."""
        name, amount = self.name(link), self.amount(link.value)
        if text_width(f"{name} {amount}", LINK_SIZE) <= LINK_WIDTH:
            return [f"{name} {amount}"]
        return [*wrap(name, LINK_WIDTH, LINK_SIZE, 1), amount]

    def spots(self, column: int, y: list[float]) -> list[tuple[float, float, str]]:
        """Where the name of a link may stand: before its head, then along its way."""
        made = [(float(self.at.x[column + len(y) - 1]) - 8, y[-1], "end")]
        for step in range(len(y) - 1, 0, -1):
            x = float(self.at.x[column + step])
            made.append((x - (self.at.gap - BAR) / 2, (y[step - 1] + y[step]) / 2, "middle"))
            made.append((x - 8, y[step], "end"))
        return made

    # --- title, legend, footnotes ----------------------------------------------------------------------

    def draw_title(self, width: float, top: float) -> str:
        about = self.result.system.about
        name = about["name"][self.lang]
        variants = [self.variant(self.result), *([self.variant(self.other)] if self.other else [])]
        title = " · ".join(part for part in (name, " → ".join(variants)) if part)
        if title:
            size, y = 20 * self.zoom, 34 * self.zoom + top
            self.labels.write(wrap(title, width - 48, size, 1), 24, y, size, fill="#111", bold=1)
        layer = _LAYERS.get(self.layer, (self.layer, self.layer))[self.lang == "zh"]
        year = f"{about['year']}{'年' if self.lang == 'zh' else ''}"
        text = f"{year} · {layer} · {self.total()}"
        size, y = 13 * self.zoom, 60 * self.zoom + top
        self.labels.write(wrap(text, width - 48, size, 1), 24, y, size, fill="#555")
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
        entering = sum(link.value for link in links if nodes[link.tail].side < 0)
        return self.say("entering", self.amount(entering))

    def draw_foot(self, y: float, width: float) -> float:
        """Legend, scale and footnotes; returns the lower end of the whole picture."""
        x, zoom, size = 24.0, self.zoom, NOTE_SIZE * self.zoom
        for fill, text, style in self.legend():
            needed = 42 * zoom + text_width(text, size)
            if x + needed > width - 24 and x > 24:
                x, y = 24.0, y + 22 * zoom
            place = f'x="{x:.1f}" y="{y - 5 * zoom:.1f}" width="{17 * zoom:.1f}" height="{10 * zoom:.1f}"'
            self.parts.append(f'<rect {place} fill="{fill}"{style}/>')
            self.labels.write([text], x + 24 * zoom, y, size, fill="#333")
            x += needed
        y += 26 * zoom
        if self.shown.links:
            self.draw_scale(y)
            y += 24 * zoom
        size = (NOTE_SIZE - 1) * zoom
        for line in wrap(" ".join(self.notes()), width - 48, size, 6):
            self.labels.write([line], 24, y, size, fill="#666")
            y += 16 * zoom
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
            made += [(CLASSES[key], text[at], pale) for key, text in GOOD_CLASSES.items() if key in present]
            made += [(RETURN, self.say("return"), "")] if self.back.any() else []
        if any(link.symbiosis for link in links):
            made.append(("#fff", self.say("symbiosis"), f' stroke="{SYMBIOSIS}" stroke-width="2.4"'))
        if (self.sure * self.at.scale > LEAST_HALO).any():
            made.append((CLASSES["product"], self.say("halo"), f' fill-opacity="{HALO}"'))
        if any(link.implied for link in links):
            made.append(("#3f72af", self.say("implied"), ' fill-opacity="0.3"'))
        bars = {_bar(kind) for kind in kinds}
        return made + [(fill, self.say(key), "") for key, fill in BARS.items() if fill in bars]

    def draw_scale(self, y: float) -> None:
        """A bar as thick as a round amount."""
        most = 24 * self.zoom
        power = 10.0 ** np.floor(np.log10(most / self.at.scale))
        amount = max(step * power for step in (1, 2, 5) if step * power * self.at.scale <= most)
        thick = amount * self.at.scale
        place = f'x="24" y="{y - thick / 2:.1f}" width="{17 * self.zoom:.1f}" height="{thick:.2f}"'
        self.parts.append(f'<rect {place} fill="#555"/>')
        number, unit = pretty(amount, self.unit, self.lang)
        text = self.say("scale", f"{number} {unit}")
        self.labels.write([text], 24 + 24 * self.zoom, y, NOTE_SIZE * self.zoom, fill="#333")

    def notes(self) -> list[str]:
        shown = self.shown
        made = []
        if shown.excluded:
            names = [GOOD_CLASSES[each][self.lang == "zh"] for each in shown.excluded]
            made.append(self.say("excluded", ("、" if self.lang == "zh" else ", ").join(names)))
        if shown.links and shown.cut:
            number, unit = pretty(shown.cut, self.unit, self.lang)
            made.append(self.say("cut", f"{number}\u00a0{unit}", f"{shown.threshold * 100:g}\u00a0%"))
        if shown.by_class:
            made.append(self.say("by_class"))
        if shown.links and self.other and self.back.any():
            made.append(self.say("return_difference"))
        for key in ("merged", "joined", "grouped", "undetermined", "negative"):
            if count := getattr(shown, key):
                made.append(self.say(key, count))
        return [*made, self.say("hairline", LEAST_WIDTH)] if shown.links else made


def _bar(kind: str) -> str:
    """Colour of the bar of a kind of process."""
    key = "recovery" if kind in RECOVERY else kind
    return BARS.get(key, BARS["process"])


def _curve(x: list[float], column: int, y: list[float]) -> str:
    """A smooth line from the right of one column over all between to the left of the last."""
    pieces = [f"M{x[column] + BAR:.1f} {y[0]:.1f}"]
    for step in range(1, len(y)):
        begin, end = x[column + step - 1] + BAR, x[column + step]
        middle, before, after = (begin + end) / 2, y[step - 1], y[step]
        bar = f"h{BAR:g}" if step < len(y) - 1 else ""
        if abs(before - after) < 0.05:
            pieces.append(f"H{end:.1f}{bar}")
        else:
            pieces.append(f"C{middle:.1f} {before:.1f} {middle:.1f} {after:.1f} {end:.1f} {after:.1f}{bar}")
    return "".join(pieces)
