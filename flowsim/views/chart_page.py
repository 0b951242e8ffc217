"""Charts as pages to point at and zoom into, made with plotly. A page loads nothing and sends nothing."""

from __future__ import annotations

import base64
import html
import io
import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.errors import InputError, Problem
from flowsim.views.chart import Area, Axis, Boxes, Chart, Line, Mark, Points, Texts
from flowsim.views.svg import FONT_FILE, FONTS, safe, text_width, wrap

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

WIDTH, SIZE = 1000, 13.0
"""Pixels: of the page that titles are broken for, and of its texts."""
DASHES = {"-": "solid", "--": "dash", "-.": "dashdot", ":": "dot"}
SHAPES = {
    "o": "circle", "s": "square", "^": "triangle-up", "D": "diamond", "v": "triangle-down", "P": "cross",
    "X": "x", "*": "star", "d": "diamond-tall", "x": "x-thin-open",
}  # fmt: skip
SIDES = {"left": "middle left", "right": "middle right", "over": "top center", "under": "bottom center"}
BUTTONS = [["toImage", "zoom2d", "pan2d", "resetScale2d"]]
"""The tools of the page. Those of plotly's choice have one that sends the chart to a server."""

_PAGE = """<!DOCTYPE html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:;
 font-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
@font-face {{ font-family: "Flowsim Sans"; src: url(data:font/otf;base64,{font}); }}
body {{ margin: 0 auto; max-width: 1200px; background: #fff; font-family: {fonts}; }}
p {{ margin: 4px 20px; font-size: 12px; color: #555; }}
</style>
</head>
<body>
{chart}
{notes}
</body>
</html>
"""


def page(chart: Chart) -> str:
    """One HTML file that holds the chart, the program that shows it and the glyphs that it needs.

    Raises
    ------
    InputError : plotly is not installed
    """
    made = interactive(chart)
    options = {"displaylogo": False, "modeBarButtons": BUTTONS, "responsive": True}
    body = made.to_html(config=options, include_plotlyjs=True, full_html=False, div_id="chart")
    notes = "\n".join(f"<p>{safe(note)}</p>" for note in chart.notes)
    font = base64.b64encode(_glyphs(body.rpartition("<script")[2])).decode("ascii")
    return _PAGE.format(
        lang=chart.lang, title=safe(chart.title), font=font, fonts=FONTS, chart=body, notes=notes
    )


def _glyphs(text: str) -> bytes:
    """The shipped font with the letters of a script only; plotly writes other than ASCII as \\\\uXXXX."""
    from fontTools import subset

    used = {int(code, 16) for code in re.findall(r"\\u([0-9a-fA-F]{4})", text)} | set(range(0x20, 0x7F))
    options = subset.Options(recalc_timestamp=False, drop_tables=["BASE", "vhea", "vmtx", "VORG"])
    font = subset.load_font(str(FONT_FILE), options)
    made = subset.Subsetter(options)
    made.populate(unicodes=used)
    made.subset(font)
    buffer = io.BytesIO()
    subset.save_font(font, buffer, options)
    font.close()
    return buffer.getvalue()


def interactive(chart: Chart) -> Figure:
    """The chart as a plotly figure. Raises InputError where plotly is not installed."""
    try:
        from plotly.subplots import make_subplots
    except ImportError as error:
        hint = 'Install it with `pip install "flowsim[viz]"`.'
        raise InputError(Problem("a chart page needs the package plotly.", hint=hint)) from error
    rows = math.ceil(len(chart.panels) / chart.columns)
    height = 130 + rows * (chart.height * 100 + 40)
    gap = {"vertical_spacing": 110 / height, "horizontal_spacing": 0.17} if len(chart.panels) > 1 else {}
    wide = WIDTH / chart.columns
    titles = [_lines(panel.title, wide - 60 - _beside(panel.y), SIZE + 1) for panel in chart.panels]
    made = make_subplots(rows, chart.columns, subplot_titles=titles, **gap)
    known: set[str] = set()
    for at, panel in enumerate(chart.panels):
        row, column = _cell(chart, at)
        for mark in panel.marks:
            for trace in _traces(mark, known):
                made.add_trace(trace, row, column)
        made.update_xaxes(_axis(panel.x), row=row, col=column)
        made.update_yaxes(_axis(panel.y), row=row, col=column)
    for at, title in enumerate(made.layout.annotations):
        title.update(
            font_size=SIZE + 1,
            xanchor="left",
            align="left",
            x=made.get_subplot(*_cell(chart, at)).xaxis.domain[0],
        )
    made.update_layout(
        title={"text": _lines(chart.title, WIDTH - 80, SIZE + 4), "x": 0.02, "font_size": SIZE + 4},
        height=height,
        template="plotly_white",
        font={"family": FONTS, "size": SIZE, "color": "#222222"},
        legend={"orientation": "h", "y": -60 / height, "yanchor": "top", "itemclick": "toggle"},
        showlegend=len(known) > 1,
        margin={"l": 20, "r": 30, "t": 110, "b": 60},
        barmode="overlay",
        hovermode="closest",
    )
    return made


def _cell(chart: Chart, at: int) -> tuple[int, int]:
    """Row and column of a panel, counted from 1."""
    return at // chart.columns + 1, at % chart.columns + 1


def _lines(text: str, width: float, size: float) -> str:
    """A text broken into lines, safe from plotly's own tags."""
    return "<br>".join(plain(line) for line in wrap(text, width, size, 3))


def plain(text: str) -> str:
    """A text without tags, and with the line breaks that it has."""
    return html.escape(text, quote=False).replace("\n", "<br>")


def _beside(axis: Axis) -> float:
    """Width of the texts beside a panel, about."""
    names = axis.ticks[1] if axis.ticks else [""]
    return max(text_width(line, SIZE) for name in names for line in name.split("\n"))


def _axis(axis: Axis) -> dict[str, Any]:
    made: dict[str, Any] = {"title": {"text": plain(axis.label)}, "automargin": True, "zeroline": False}
    made["tickformat"] = "d" if axis.plain else ",~r"
    if axis.limits:
        made["range"] = list(map(float, axis.limits))
    if axis.ticks:
        made |= {"tickvals": _list(axis.ticks[0]), "ticktext": [plain(text) for text in axis.ticks[1]]}
        made |= {"showgrid": False, "tickmode": "array"}
    return made


def _list(values: Any) -> list[float | None]:
    """Plain numbers, missing ones as None: plotly would else pack arrays into binary text."""
    return [float(value) if np.isfinite(value) else None for value in values]


def _traces(mark: Mark, known: set[str]) -> list[Any]:
    from plotly import graph_objects as go

    name = getattr(mark, "name", "")
    legend = {"name": plain(name), "legendgroup": plain(name), "showlegend": bool(name) and name not in known}
    known |= {name} if name else set()
    match mark:
        case Boxes():
            left, right, low, high = (np.asarray(side, dtype=float) for side in _sides(mark))
            made = go.Bar(
                x=_list((left + right) / 2), y=_list(high - low), base=_list(low), width=_list(right - left),
                marker={"color": list(mark.colours), "line": {"color": "white", "width": 0.5}},
                hovertext=[plain(text) for text in mark.hover], hoverinfo="text", showlegend=False,
            )  # fmt: skip
            return [made]
        case Line():
            style = {"color": mark.colour, "dash": DASHES[mark.dash], "width": 2 if name else 1}
            shape = {"symbol": SHAPES.get(mark.shape, "circle"), "size": 6, "maxdisplayed": 16}
            mode = "lines+markers" if mark.shape else "lines"
            hover = "%{x}: %{y:,.4~g}" if name else None
            made = go.Scatter(
                x=_list(mark.x), y=_list(mark.y), mode=mode, line=style, marker=shape, hovertemplate=hover,
                hoverinfo=None if name else "skip", **legend,
            )  # fmt: skip
            return [made]
        case Area():
            under, over = _list(mark.low), _list(mark.high)
            edge = {"width": 0.5, "color": mark.colour}
            return [
                go.Scatter(
                    x=[*_list(mark.x), *_list(mark.x)[::-1]], y=[*over, *under[::-1]], fill="toself",
                    fillcolor=mark.colour, line={"width": 0}, opacity=0.85, hoverinfo="skip", mode="lines",
                    **legend,
                ),
                go.Scatter(
                    x=_list(mark.x), y=over, mode="lines", line=edge, legendgroup=plain(name),
                    customdata=_list(np.subtract(mark.high, mark.low)), name=plain(name), showlegend=False,
                    hovertemplate="%{x}: %{customdata:,.4~g}",
                ),
            ]  # fmt: skip
        case Points():
            shape = {"symbol": SHAPES[mark.shape], "size": 11, "color": mark.colour}
            width, colour = (2, mark.colour) if mark.shape == "x" else (1, "white")
            shape["line"] = {"width": width, "color": colour}
            x, y = (_list(mark.x), _list(mark.y)) if len(mark.x) else ([None], [None])
            made = go.Scatter(
                x=x, y=y, mode="markers", marker=shape, hovertext=[plain(text) for text in mark.hover],
                hoverinfo="text", **legend,
            )  # fmt: skip
            return [made]
        case Texts():
            made = go.Scatter(
                x=_list(mark.x), y=_list(mark.y), text=[_apart(mark, at) for at in range(len(mark.texts))],
                mode="text", textposition=[SIDES[side] for side in mark.side], hoverinfo="skip",
                showlegend=False, cliponaxis=False,
            )  # fmt: skip
            return [made]


def _sides(mark: Boxes) -> tuple[Any, Any, Any, Any]:
    return mark.left, mark.right, mark.bottom, mark.top


def _apart(mark: Texts, at: int) -> str:
    """A text kept off its point by a space on the side where it stands."""
    text = plain(mark.texts[at])
    return {"left": f"{text}\u2002\u2002", "right": f"\u2002\u2002{text}"}.get(mark.side[at], text)
