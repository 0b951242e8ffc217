"""Where all in a Sankey picture stands, in pixels: scale, columns, bars, ends of links, return lanes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flowsim.views.diagram import Diagram
from flowsim.views.layout import Placement, columns, place

MARGIN, TOP, BAR, STUB = 150.0, 92.0, 12.0, 13.0
"""Border left and right, height of the title, width of a bar, length of a stub."""
GAPS, WIDTH = (190.0, 250.0), 1500.0
"""Least and largest distance of columns, and the width of the drawing that they aim at."""
SHAPE, LEAST_HEIGHT = 0.36, 480.0
"""Least height of the drawing: as a share of its width, and in pixels."""
THICKEST = 0.42
"""Largest bar as a share of the height."""
APART = 9.0
RECOVERY = ("utilise", "collect", "treat", "dispose")
"""Kinds of process whose products return to others: a loop is opened there rather than elsewhere."""


@dataclass(frozen=True)
class Geometry:
    """Positions in pixels, links in the order of the diagram.

    Attributes
    ----------
    x, gap : shape (columns,), left of the bars of each column; distance of two columns
    column, top, size : shape (nodes,), column, top and height of each bar
    tail, head : shape (links,), nodes of each link
    width, leaves, arrives : shape (links,), thickness and the heights of its middle at both ends
    stub : shape (links,), small flow from or to outside, drawn as a short line at each end
    forward : links that run to a later column; the k-th passes ``y[start[k]:start[k + 1]]``
    returns : links that run back, the shortest first
    right, left, lane : shape (returns,), where each return flow runs down, up, and back below the others
    named : shape (returns,), large enough to be named
    scale, bottom : pixels per unit, lower end of the drawing
    """

    x: np.ndarray
    gap: float
    column: np.ndarray
    top: np.ndarray
    size: np.ndarray
    tail: np.ndarray
    head: np.ndarray
    width: np.ndarray
    leaves: np.ndarray
    arrives: np.ndarray
    stub: np.ndarray
    forward: np.ndarray
    start: np.ndarray
    y: np.ndarray
    returns: np.ndarray
    right: np.ndarray
    left: np.ndarray
    lane: np.ndarray
    named: np.ndarray
    scale: float
    bottom: float

    def way(self, number: int) -> list[float]:
        """Heights of the ``number``-th forward link, one a column from its tail to its head."""
        found: list[float] = self.y[self.start[number] : self.start[number + 1]].tolist()
        return found

    def is_return(self) -> np.ndarray:
        """Shape (links,), True for return flows."""
        made = np.zeros(len(self.tail), dtype=bool)
        made[self.returns] = True
        return made


def geometry(shown: Diagram, label_height: np.ndarray) -> Geometry:
    """Lay out a diagram that has links; ``label_height`` (nodes,) is what each node's name needs."""
    links = shown.links
    side = np.array([node.side for node in shown.nodes])
    tail, head = np.array([link.tail for link in links]), np.array([link.head for link in links])
    value = np.array([abs(link.value) for link in links])
    symbiosis = np.array([link.symbiosis for link in links])
    stub = ((side[tail] != 0) | (side[head] != 0)) & (value < shown.cut) & ~symbiosis
    recovered = np.array([shown.nodes[link.tail].kind in RECOVERY for link in links])
    cost = value * np.where(recovered | symbiosis, 0.01, 1.0)
    drawn = np.flatnonzero(~stub)
    column, back = columns(len(side), tail[drawn], head[drawn], cost[drawn], side < 0, side > 0)
    forward, returns = drawn[~back], drawn[back]
    returns = returns[np.argsort(column[tail[returns]] - column[head[returns]], kind="stable")]

    last = max(int(column.max()), 1)
    gap = min(max(WIDTH / last, GAPS[0]), GAPS[1])
    x = MARGIN + gap * np.arange(last + 1)
    ends = tail[forward], head[forward]
    room = _Room.of(column, *ends, value[forward], shown.throughput, label_height)
    height = max(SHAPE * float(x[-1]), LEAST_HEIGHT, 1.25 * room.needed(0.0))
    scale = room.scale_for(height)
    width, size = value * scale, np.maximum(shown.throughput * scale, 1.5)
    slots = room.slots(scale)
    placed = place(column, *ends, width[forward], size, slots, height)
    above, below = _extent(placed, size, slots, width[forward])
    top, y = placed.top + TOP - above, placed.y + TOP - above
    leaves, arrives = _ends(top, tail, head, width, forward, np.flatnonzero(stub), returns)
    leaves[forward], arrives[forward] = y[placed.start[:-1]], y[placed.start[1:] - 1]

    right = _gutters(x + BAR, column[tail[returns]], width[returns])
    left = -_gutters(-x, column[head[returns]], width[returns])
    named = (value[returns] >= 0.2 * shown.cut) | symbiosis[returns]
    lane, bottom = _lanes(left, right, width[returns], named, below - above + TOP)
    return Geometry(
        x=x, gap=gap, column=column, top=top, size=size, tail=tail, head=head, width=width, leaves=leaves,
        arrives=arrives, stub=stub, forward=forward, start=placed.start, y=y, returns=returns, right=right,
        left=left, lane=lane, named=named, scale=scale, bottom=bottom,
    )  # fmt: skip


@dataclass(frozen=True)
class _Room:
    """What each column needs in height at a scale: its bars or names, and the links that pass it."""

    column: np.ndarray
    throughput: np.ndarray
    label_height: np.ndarray
    passing: np.ndarray
    passed: np.ndarray

    @classmethod
    def of(
        cls,
        column: np.ndarray,
        tail: np.ndarray,
        head: np.ndarray,
        value: np.ndarray,
        throughput: np.ndarray,
        label_height: np.ndarray,
    ) -> _Room:
        sums = np.zeros((2, int(column.max()) + 2))
        for each, amount in zip(sums, (value, np.ones(len(value))), strict=True):
            np.add.at(each, column[tail] + 1, amount)
            np.add.at(each, column[head], -amount)
        passing, passed = np.cumsum(sums, axis=1)[:, :-1]
        return cls(column, throughput, label_height, passing, passed)

    def slots(self, scale: float) -> np.ndarray:
        """Height that each node needs."""
        return np.maximum(self.throughput * scale, self.label_height) + APART

    def needed(self, scale: float) -> float:
        """Height of the fullest column."""
        names = np.bincount(self.column, self.slots(scale), len(self.passing))
        return float((names + self.passing * scale + self.passed * 4).max())

    def scale_for(self, height: float) -> float:
        """Pixels per unit: the largest that fits a height at which names alone fit."""
        low, high = 0.0, THICKEST * height / float(self.throughput.max())
        if self.needed(high) <= height:
            return high
        for _ in range(30):
            middle = (low + high) / 2
            low, high = (middle, high) if self.needed(middle) <= height else (low, middle)
        return low


def _extent(placed: Placement, size: np.ndarray, slots: np.ndarray, width: np.ndarray) -> tuple[float, float]:
    """Highest and lowest point that a bar, a name or a link takes."""
    middle, half = placed.top + size / 2, slots / 2
    thick = np.repeat(width, np.diff(placed.start)) / 2
    above = min(float((middle - half).min()), float((placed.y - thick).min(initial=np.inf)))
    below = max(float((middle + half).max()), float((placed.y + thick).max(initial=-np.inf)))
    return above, below


def _ends(
    top: np.ndarray,
    tail: np.ndarray,
    head: np.ndarray,
    width: np.ndarray,
    forward: np.ndarray,
    stubs: np.ndarray,
    returns: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Heights of the ends of stubs and return flows, below the forward links: the shortest return lowest."""
    leaves, arrives = np.zeros(len(tail)), np.zeros(len(tail))
    out = top + np.bincount(tail[forward], width[forward], len(top))
    into = top + np.bincount(head[forward], width[forward], len(top))
    for link in [*stubs.tolist(), *returns[::-1].tolist()]:
        leaves[link] = out[tail[link]] + width[link] / 2
        arrives[link] = into[head[link]] + width[link] / 2
        out[tail[link]] += width[link]
        into[head[link]] += width[link]
    return leaves, arrives


def _gutters(edge: np.ndarray, column: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Where return flows run beside their column, to the right of ``edge``: the first ones innermost."""
    step = width + 3.0
    total = np.bincount(column, step, len(edge))
    step = step * np.minimum(1.0, 100.0 / np.maximum(total, 1.0))[column]
    used = np.full(len(edge), STUB + 4)
    made = np.empty(len(column))
    for at, number in enumerate(column.tolist()):
        made[at] = edge[number] + used[number] + step[at] / 2
        used[number] += step[at]
    return made


def _lanes(
    left: np.ndarray, right: np.ndarray, width: np.ndarray, named: np.ndarray, bottom: float
) -> tuple[np.ndarray, float]:
    """Height of the middle of each return flow where it runs back, and the lower end of all."""
    if not len(left):
        return np.zeros(0), bottom
    level = np.zeros(len(left), dtype=int)
    for at in range(1, len(left)):
        over = (left[:at] < right[at] + 8) & (left[at] < right[:at] + 8)
        level[at] = level[:at][over].max(initial=-1) + 1
    thick = np.zeros(int(level.max()) + 1)
    np.maximum.at(thick, level, np.maximum(width, 1.0) + np.where(named, 19.0, 5.0))
    floor = bottom + 14 + np.cumsum(thick)
    return floor[level] - width / 2, float(floor[-1]) + 4
