"""Charts for print, drawn with matplotlib without its global figures: SVG, PNG and PDF.

Glyphs come from the shipped font, so Chinese is right on a machine without Chinese fonts. Texts of SVG are
outlines for the same reason. Texts of data are never taken for formulas.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from flowsim.errors import InputError, Problem
from flowsim.views.chart import Area, Axis, Boxes, Chart, Line, Mark, Panel, Points, Texts
from flowsim.views.svg import FONT_FILE, text_width, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 9.0
"""Inches."""
SIZE = 9.0
"""Of texts, points."""
STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.family": ["Flowsim Sans", "DejaVu Sans"],
    "font.size": SIZE,
    "svg.fonttype": "path",
    "svg.hashsalt": "flowsim",
    "text.parse_math": False,
}
ALIGN = {
    "left": (-8, 0, "right", "center"),
    "right": (8, 0, "left", "center"),
    "over": (0, 5, "center", "bottom"),
    "under": (0, -5, "center", "top"),
}
"""Offset in points and alignment of a text beside a point."""


@lru_cache(maxsize=1)
def _font() -> None:
    from matplotlib.font_manager import fontManager

    fontManager.addfont(FONT_FILE)


@contextmanager
def _styled() -> Iterator[None]:
    try:
        import matplotlib
    except ImportError as error:
        hint = 'Install it with `pip install "flowsim[viz]"`.'
        raise InputError(Problem("a chart needs the package matplotlib.", hint=hint)) from error
    _font()
    with matplotlib.rc_context(STYLE):
        yield


def figure(chart: Chart) -> Figure:
    """The chart as a matplotlib figure, which no global state knows.

    Raises
    ------
    InputError : matplotlib is not installed
    """
    with _styled():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine

        rows = math.ceil(len(chart.panels) / chart.columns)
        keys = _keys(chart)
        below = 0.2 * math.ceil(len(keys) / _columns(keys)) + 0.25 * len(chart.notes)
        made = Figure(
            figsize=(WIDTH, 0.5 + rows * chart.height + below),
            layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1),
        )
        FigureCanvasAgg(made)
        if chart.title:
            text = "\n".join(wrap(chart.title, WIDTH * 72 - 30, SIZE + 3))
            made.suptitle(text, x=0.02, ha="left", size=SIZE + 3)
        grid = made.subplots(rows, chart.columns, squeeze=False).ravel()
        for axes, panel in zip(grid, chart.panels, strict=False):
            _draw(axes, panel, WIDTH * 72 / chart.columns - 20)
        for axes in grid[len(chart.panels) :]:
            axes.remove()
        _legend(made, keys)
        if chart.notes:
            made.supxlabel("\n".join(chart.notes), x=0.02, ha="left", size=SIZE - 1, color="#555555")
    return made


def _draw(axes: Axes, panel: Panel, width: float) -> None:
    for mark in panel.marks:
        _mark(axes, mark)
    names = panel.y.ticks[1] if panel.y.ticks else ["10,000,000"]
    beside = max(text_width(line, SIZE) for name in names for line in name.split("\n"))
    title = wrap(panel.title, width - beside, SIZE + 1, 3)
    axes.set_title("\n".join(title), loc="left", size=SIZE + 1)
    axes.grid(color="#e4e4e4", linewidth=0.6)
    for at, axis in ((axes.xaxis, panel.x), (axes.yaxis, panel.y)):
        _axis(at, axis)
    if panel.x.limits:
        axes.set_xlim(panel.x.limits)
    else:
        axes.margins(x=0.03)
    if panel.y.limits:
        axes.set_ylim(panel.y.limits)


def _axis(at: Any, axis: Axis) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    at.set_label_text(axis.label)
    if axis.ticks:
        positions, texts = axis.ticks
        at.set_ticks(positions, labels=texts)
        at.set_tick_params(length=0)
        at.grid(False)
        return
    at.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=axis.plain))
    at.set_major_formatter(FuncFormatter(lambda value, _: tick(value, axis.plain)))


def tick(value: float, is_plain: bool = False) -> str:
    """A number at an axis: thousands separated, but for years; no trailing zeros."""
    return (f"{value:g}" if is_plain else f"{value:,.10g}").replace("-", "−")


def _mark(axes: Axes, mark: Mark) -> None:
    match mark:
        case Boxes():
            from matplotlib.collections import PolyCollection

            corners = [
                [(left, bottom), (right, bottom), (right, top), (left, top)]
                for left, right, bottom, top in zip(mark.left, mark.right, mark.bottom, mark.top, strict=True)
            ]
            axes.add_collection(
                PolyCollection(corners, facecolors=mark.colours, edgecolors="white", linewidths=0.5)
            )
            axes.autoscale_view()
        case Line():
            few = max(1, len(mark.x) // 8)  # marks of lines that lie upon each other stand in turn
            style: dict[str, Any] = {"color": mark.colour, "linestyle": mark.dash, "markersize": 4.5}
            style["markevery"] = (len(axes.lines) % few, few)
            axes.plot(
                mark.x, mark.y, marker=mark.shape or None, linewidth=1.0 if not mark.name else 1.6, **style
            )
        case Area():
            axes.fill_between(mark.x, mark.low, mark.high, color=mark.colour, linewidth=0, alpha=0.85)
        case Points():
            edge: dict[str, Any] = {} if mark.shape == "x" else {"edgecolors": "white", "linewidths": 0.8}
            axes.scatter(mark.x, mark.y, s=60, c=mark.colour, marker=mark.shape, zorder=3, **edge)
        case Texts():
            from matplotlib.patheffects import withStroke

            halo = [withStroke(linewidth=2.5, foreground="white")]
            for x, y, text, side in zip(mark.x, mark.y, mark.texts, mark.side, strict=True):
                right, up, ha, va = ALIGN[side]
                made = axes.annotate(text, (x, y), (right, up), textcoords="offset points", ha=ha, va=va)
                made.set(color=mark.colour, path_effects=halo, zorder=4)


def _keys(chart: Chart) -> dict[str, Mark]:
    """What the legend explains: the first mark of each name."""
    keys: dict[str, Mark] = {}
    for panel in chart.panels:
        for mark in panel.marks:
            if isinstance(mark, Line | Area | Points) and mark.name:
                keys.setdefault(mark.name, mark)
    return keys if len(keys) > 1 else {}


def _columns(names: Sequence[str] | dict[str, Mark]) -> int:
    """Entries of the legend that fit side by side."""
    widest = max((text_width(name, SIZE) + 46 for name in names), default=1.0)
    return max(1, min(len(names), int((WIDTH * 72 - 30) / widest)))


def _legend(made: Figure, keys: dict[str, Mark]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    if not keys:
        return
    handles: list[Any] = []
    for mark in keys.values():
        if isinstance(mark, Area):
            handles.append(Patch(facecolor=mark.colour, alpha=0.85))
        elif isinstance(mark, Points):
            handles.append(Line2D([], [], color=mark.colour, marker=mark.shape, linestyle="none"))
        elif isinstance(mark, Line):
            style: dict[str, Any] = {"linestyle": mark.dash, "marker": mark.shape or None, "markersize": 4.5}
            handles.append(Line2D([], [], color=mark.colour, **style))
    made.legend(
        handles, list(keys), loc="outside lower left", ncols=_columns(keys), frameon=False, handlelength=2.6
    )


def _saved(chart: Chart, form: str, **options: Any) -> bytes:
    made, buffer = figure(chart), io.BytesIO()
    with _styled():
        made.savefig(buffer, format=form, **options)
    return buffer.getvalue()


def svg(chart: Chart) -> str:
    """The chart as SVG text, its letters as outlines; it may stand in a page or alone.

    Raises
    ------
    InputError : matplotlib is not installed
    """
    text = _saved(chart, "svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type"))).decode("utf-8")
    return re.sub(r'(width|height)="([\d.]+)pt"', r'\1="\2"', text[text.index("<svg") :], count=2)


def png(chart: Chart, width: int = 1600) -> bytes:
    """The chart as PNG, ``width`` pixels wide. Raises InputError where matplotlib is not installed."""
    return _saved(chart, "png", dpi=width / WIDTH, metadata={"Software": None})


def pdf(chart: Chart) -> bytes:
    """The chart as PDF. Raises InputError where matplotlib is not installed."""
    return _saved(chart, "pdf", metadata={"CreationDate": None, "Creator": None, "Producer": None})
