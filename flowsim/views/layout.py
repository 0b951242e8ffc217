"""Layered layout of flows with loops: columns, return flows, order and height of each node.

The steps are those of Sugiyama, Tagawa and Toda (1981), Methods for visual understanding of hierarchical
system structures, IEEE SMC 11: loops are opened, nodes get columns, barycentre sweeps lessen crossings.
Loops are opened by the greedy rule of Eades, Lin and Smyth (1993), A fast and effective heuristic for the
feedback arc set problem, Information Processing Letters 47, within each strongly connected component.
Everything is deterministic: ties go to the node or link that comes first.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

ORDER_SWEEPS = 10
HEIGHT_SWEEPS = 12
MOST_PAIRS = 300_000
"""Pairs of links between two columns up to which crossings are counted."""


def columns(
    count: int, tail: np.ndarray, head: np.ndarray, weight: np.ndarray, left: np.ndarray, right: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Column of each node, and which links run back to the same or an earlier column.

    ``tail``, ``head`` and ``weight`` (>= 0, cost of turning the link back) have shape (links,). ``left``
    and ``right`` (shape (count,), bool) mark the nodes that stand at the borders; the former take no link
    and the latter send none. Returns (count,) int from 0 without gaps, and (links,) bool.
    """
    back = _loop_openers(count, tail, head, weight)
    column = _longest_paths(count, tail, head, weight, ~back)
    column[left] = -1
    column[right] = count
    column = np.unique(column, return_inverse=True)[1]
    return column, column[tail] >= column[head]


def _loop_openers(count: int, tail: np.ndarray, head: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Links whose removal leaves no loop, of small weight where the greedy rule finds such."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(tail):
        return np.zeros(0, dtype=bool)
    pattern = coo_array((np.ones(len(tail)), (tail, head)), shape=(count, count))
    _, part = connected_components(pattern.tocsr(), connection="strong")
    inner = np.flatnonzero(part[tail] == part[head])
    place = _greedy_order(count, tail[inner], head[inner], weight[inner])
    back = np.zeros(len(tail), dtype=bool)
    back[inner] = place[tail[inner]] >= place[head[inner]]
    return back


def _greedy_order(count: int, tail: np.ndarray, head: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Place of each node in a sequence in which little weight runs backwards.

    Components do not touch each other here, so that one pass orders the nodes of all of them.
    """
    neighbours: list[list[tuple[int, float, int]]] = [[] for _ in range(count)]
    flow = np.zeros((2, count))
    for source, target, amount in zip(tail.tolist(), head.tolist(), weight.tolist(), strict=True):
        if source != target:
            neighbours[source].append((target, amount, 0))
            neighbours[target].append((source, amount, 1))
            flow[1, source] += amount
            flow[0, target] += amount
    into, out = flow.tolist()
    heap = [(_rank(into[node], out[node]), node) for node in range(count) if neighbours[node]]
    heapq.heapify(heap)
    place = np.zeros(count, dtype=int)
    first, last, done = 0, count, [False] * count
    while heap:
        rank, node = heapq.heappop(heap)
        if done[node] or rank != _rank(into[node], out[node]):
            continue
        done[node] = True
        if rank[0] == 0:
            last -= 1
            place[node] = last
        else:
            place[node] = first
            first += 1
        for other, amount, incoming in neighbours[node]:
            if not done[other]:
                if incoming:
                    out[other] -= amount
                else:
                    into[other] -= amount
                heapq.heappush(heap, (_rank(into[other], out[other]), other))
    return place


def _rank(into: float, out: float) -> tuple[int, float]:
    """Sinks first, then sources, then the node that gives most more than it takes."""
    nothing = 1e-9 * (abs(into) + abs(out))
    if out <= nothing:
        return (0, 0.0)
    return (1, 0.0) if into <= nothing else (2, into - out)


def _longest_paths(
    count: int, tail: np.ndarray, head: np.ndarray, weight: np.ndarray, forward: np.ndarray
) -> np.ndarray:
    """Column by longest path; a node that sends more than it takes then moves close to its receivers."""
    after: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for source, target in zip(tail[forward].tolist(), head[forward].tolist(), strict=True):
        after[source].append(target)
        waiting[target] += 1
    column = [0] * count
    order = [node for node in range(count) if not waiting[node]]
    for node in order:
        for target in after[node]:
            column[target] = max(column[target], column[node] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                order.append(target)
    sent = np.bincount(tail[forward], weight[forward], count)
    taken = np.bincount(head[forward], weight[forward], count)
    for node in reversed(order):
        if after[node] and sent[node] >= taken[node]:
            column[node] = min(column[target] for target in after[node]) - 1
    return np.array(column, dtype=int)


@dataclass(frozen=True)
class Placement:
    """Where nodes and links are, in pixels downwards from the top of the drawing.

    Attributes
    ----------
    top : shape (nodes,), top of each node's bar
    start : shape (links + 1,), link i passes ``y[start[i]:start[i + 1]]``, one height a column
    y : heights of the middle of each link, from its tail over all columns between to its head
    height : height of the drawing
    """

    top: np.ndarray
    start: np.ndarray
    y: np.ndarray
    height: float


def place(
    column: np.ndarray,
    tail: np.ndarray,
    head: np.ndarray,
    width: np.ndarray,
    size: np.ndarray,
    slot: np.ndarray,
    height: float,
) -> Placement:
    """Order and heights of nodes for links that all run to a later column.

    ``width`` (links,) and ``size`` (nodes,) are thicknesses in pixels, ``slot`` (nodes,) the height that a
    node with its label needs, ``height`` the least height of the drawing. A link that passes columns gets
    a place of its own in each.
    """
    grid = _Grid.make(column, tail, head, width, size, slot)
    order = _ordered(grid)
    needed = max((float(grid.slot[members].sum()) for members in order), default=0.0)
    height = max(height, needed)
    centre = _heights(grid, order, height)
    out, into = grid.ports(centre)
    top = centre - grid.size / 2
    leaves, arrives = (top[grid.tail] + out), (top[grid.head] + into)
    span = column[head] - column[tail]
    start = np.concatenate([[0], np.cumsum(span + 1)])
    y = np.empty(int(start[-1]))
    first = np.concatenate([[0], np.cumsum(span)])[:-1]
    step = np.arange(len(grid.tail)) - np.repeat(first, span)
    y[np.repeat(start[:-1], span) + step] = leaves
    y[start[1:] - 1] = arrives[first + span - 1]
    return Placement(top[: len(column)], start, y, height)


@dataclass(frozen=True)
class _Grid:
    """Nodes and the places where links pass a column, joined by pieces of links between neighbours."""

    column: np.ndarray
    size: np.ndarray
    slot: np.ndarray
    tail: np.ndarray
    head: np.ndarray
    width: np.ndarray

    @classmethod
    def make(
        cls,
        column: np.ndarray,
        tail: np.ndarray,
        head: np.ndarray,
        width: np.ndarray,
        size: np.ndarray,
        slot: np.ndarray,
    ) -> _Grid:
        span = column[head] - column[tail]
        passed = span - 1
        link = np.repeat(np.arange(len(tail)), passed)
        first = np.cumsum(passed) - passed
        step = np.arange(len(link)) - first[link] + 1
        piece = np.repeat(np.arange(len(tail)), span)
        number = np.arange(len(piece)) - np.repeat(np.cumsum(span) - span, span)
        before = len(column) + first[piece] + number - 1
        return cls(
            np.concatenate([column, column[tail][link] + step]),
            np.concatenate([size, width[link]]),
            np.concatenate([slot, width[link] + 4.0]),
            np.where(number == 0, tail[piece], before),
            np.where(number == span[piece] - 1, head[piece], before + 1),
            width[piece],
        )

    def ports(self, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Middle of each piece below the top of its tail and of its head, sorted to cross little."""
        return (
            _stacked(self.tail, centre[self.head], self.width),
            _stacked(self.head, centre[self.tail], self.width),
        )


def _stacked(owner: np.ndarray, other: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Middle of each piece when the pieces of one owner are stacked by the height of their other end."""
    if not len(owner):
        return np.zeros(0)
    order = np.lexsort((other, owner))
    end = np.cumsum(width[order])
    begin = end - width[order]
    new = np.concatenate([[True], np.diff(owner[order]) > 0])
    base = begin[new][np.cumsum(new) - 1]
    middle = np.empty(len(owner))
    middle[order] = (begin + end) / 2 - base
    return middle


def _ordered(grid: _Grid) -> list[np.ndarray]:
    """Members of each column from top to bottom, by weighted barycentre sweeps from both sides.

    The sweep with the least crossings is kept; where counting them would take long, the last one.
    """
    last = int(grid.column.max(initial=-1))
    members = [np.flatnonzero(grid.column == at) for at in range(last + 1)]
    by_head = [np.flatnonzero(grid.column[grid.head] == at) for at in range(last + 1)]
    by_tail = [np.flatnonzero(grid.column[grid.tail] == at) for at in range(last + 1)]
    weight = np.sqrt(grid.width) + 1e-9
    at = np.zeros(len(grid.column))
    for each in members:
        at[each] = _spread(grid.slot[each])
    best, least = list(members), np.inf
    counts = sum(len(pieces) ** 2 for pieces in by_head) < MOST_PAIRS
    total, pull = np.zeros(len(at)), np.zeros(len(at))
    for sweep in range(ORDER_SWEEPS):
        down = sweep % 2 == 0
        mine, theirs = (grid.head, grid.tail) if down else (grid.tail, grid.head)
        pieces = by_head if down else by_tail
        for number in range(last + 1) if down else range(last, -1, -1):
            chosen, each = pieces[number], members[number]
            total[each] = pull[each] = 0.0
            np.add.at(total, mine[chosen], weight[chosen])
            np.add.at(pull, mine[chosen], weight[chosen] * at[theirs[chosen]])
            wanted = np.where(total[each] > 0, pull[each] / np.maximum(total[each], 1e-12), at[each])
            members[number] = each = each[np.argsort(wanted, kind="stable")]
            at[each] = _spread(grid.slot[each])
        crossed = _crossings(grid, by_head, at) if counts else -float(sweep)
        if crossed < least:
            best, least = list(members), crossed
    return best


def _crossings(grid: _Grid, gaps: list[np.ndarray], at: np.ndarray) -> float:
    """How much the links between neighbouring columns cross, each crossing with both thicknesses."""
    total = 0.0
    for pieces in gaps:
        begin, end, width = at[grid.tail[pieces]], at[grid.head[pieces]], np.sqrt(grid.width[pieces])
        crossed = (begin[:, None] < begin) & (end[:, None] > end)
        total += float(width @ crossed @ width)
    return total


def _spread(slot: np.ndarray) -> np.ndarray:
    """Middles of stacked slots, counted from the middle of the stack."""
    return np.cumsum(slot) - slot / 2 - slot.sum() / 2


def _heights(grid: _Grid, order: list[np.ndarray], height: float) -> np.ndarray:
    """Middle of each member: links as level as the order and the slots allow."""
    centre = np.zeros(len(grid.column))
    for members in order:
        centre[members] = _spread(grid.slot[members]) + height / 2
    by_head = [np.flatnonzero(grid.column[grid.head] == at) for at in range(len(order))]
    by_tail = [np.flatnonzero(grid.column[grid.tail] == at) for at in range(len(order))]
    total, pull = np.zeros(len(centre)), np.zeros(len(centre))
    for sweep in range(HEIGHT_SWEEPS):
        down, both = sweep % 2 == 0, sweep >= HEIGHT_SWEEPS - 4
        out, into = grid.ports(centre)
        drop = into - out + (grid.size[grid.tail] - grid.size[grid.head]) / 2
        for number in range(len(order)) if down else range(len(order) - 1, -1, -1):
            members = order[number]
            total[members] = pull[members] = 0.0
            if down or both:
                pieces = by_head[number]
                wanted = centre[grid.tail[pieces]] - drop[pieces]
                np.add.at(total, grid.head[pieces], grid.width[pieces])
                np.add.at(pull, grid.head[pieces], grid.width[pieces] * wanted)
            if not down or both:
                pieces = by_tail[number]
                wanted = centre[grid.head[pieces]] + drop[pieces]
                np.add.at(total, grid.tail[pieces], grid.width[pieces])
                np.add.at(pull, grid.tail[pieces], grid.width[pieces] * wanted)
            free = total[members] <= 0
            wanted = np.where(free, centre[members], pull[members] / np.maximum(total[members], 1e-12))
            centre[members] = _apart(wanted, grid.slot[members], height)
    return centre


def _apart(wanted: np.ndarray, slot: np.ndarray, height: float) -> np.ndarray:
    """Middles close to ``wanted``: slots keep their order, do not overlap and stay within the height."""
    above = np.cumsum(slot) - slot / 2
    free = wanted - above
    pushed_down = np.maximum.accumulate(free)
    pushed_up = np.minimum.accumulate(free[::-1])[::-1]
    return np.clip((pushed_down + pushed_up) / 2, 0.0, max(height - slot.sum(), 0.0)) + above
