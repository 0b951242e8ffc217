"""What a chart shows, as plain values: panels with axes and marks. Nothing here draws; `chart_print` does so
with matplotlib and `chart_page` with plotly, so print and page hold the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Numbers = Sequence[float] | np.ndarray


@dataclass(frozen=True)
class Boxes:
    """Bars, each from ``left`` to ``right`` and from ``bottom`` to ``top`` in data units."""

    left: Numbers
    right: Numbers
    bottom: Numbers
    top: Numbers
    colours: Sequence[str]
    hover: Sequence[str]


@dataclass(frozen=True)
class Line:
    """A line through points; missing values leave a gap. ``dash`` and ``shape`` as matplotlib writes them."""

    name: str
    x: Numbers
    y: Numbers
    colour: str
    dash: str = "-"
    shape: str = ""


@dataclass(frozen=True)
class Area:
    """What lies between two lines."""

    name: str
    x: Numbers
    low: Numbers
    high: Numbers
    colour: str


@dataclass(frozen=True)
class Points:
    """Marks of one ``shape`` (matplotlib's letters) and colour."""

    name: str
    x: Numbers
    y: Numbers
    colour: str
    shape: str
    hover: Sequence[str]


@dataclass(frozen=True)
class Texts:
    """Short texts beside points of a panel. ``side`` is where a text stands: left, right, over or under."""

    x: Numbers
    y: Numbers
    texts: Sequence[str]
    side: Sequence[str]
    colour: str = "#222222"


Mark = Boxes | Line | Area | Points | Texts


@dataclass(frozen=True)
class Axis:
    """An axis with its label, which states the unit. ``ticks`` are positions and texts, else numbers stand
    there; ``plain`` ones, such as years, are without thousands separators."""

    label: str = ""
    ticks: tuple[Numbers, Sequence[str]] | None = None
    limits: tuple[float, float] | None = None
    plain: bool = False


@dataclass(frozen=True)
class Panel:
    """One pair of axes."""

    title: str
    x: Axis
    y: Axis
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Chart:
    """A picture of one or more panels.

    Attributes
    ----------
    title : what is shown, of which scenario
    columns : panels side by side
    height : of one panel, inches; a chart is 9 inches wide
    notes : what a reader must know, below the picture
    """

    title: str
    panels: tuple[Panel, ...]
    lang: str
    columns: int = 1
    height: float = 3.6
    notes: tuple[str, ...] = ()

    def _repr_svg_(self) -> str:
        from flowsim.views.chart_print import svg

        return svg(self)
