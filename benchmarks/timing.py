"""A stopwatch, and the table that all measurements go into."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """One piece of work beside something to compare it with, in seconds.

    ``most`` is the goal: the largest ratio, or the most seconds where ``absolute``; None where there is none.
    """

    work: str
    processes: int
    layers: int
    own: float
    beside: str
    other: float
    most: float | None = None
    absolute: bool = False

    @property
    def ratio(self) -> float:
        return self.own / self.other

    @property
    def verdict(self) -> str:
        """The goal, and whether it is met."""
        if self.most is None:
            return ""
        goal = f"{self.most:g} s" if self.absolute else f"{self.most:g} x"
        return f"{goal} {'met' if (self.own if self.absolute else self.ratio) <= self.most else 'MISSED'}"


def seconds(works: Sequence[Callable[[], Any]], repeats: int) -> list[tuple[float, Any]]:
    """Median time of each work and what it returned last; they take turns: a busy machine slows all."""
    times: list[list[float]] = [[] for _ in works]
    made: list[Any] = [None for _ in works]
    for _ in range(repeats):
        for at, work in enumerate(works):
            made[at] = None
            start = time.perf_counter()
            made[at] = work()
            times[at].append(time.perf_counter() - start)
    return [(statistics.median(taken), result) for taken, result in zip(times, made, strict=True)]


@contextmanager
def stopwatch(module: Any, name: str) -> Iterator[list[float]]:
    """Times each call of one function of a module while the block runs."""
    function, times = getattr(module, name), []

    def timed(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            times.append(time.perf_counter() - start)

    setattr(module, name, timed)
    try:
        yield times
    finally:
        setattr(module, name, function)


HEAD = ("work", "processes", "layers", "flowsim s", "beside", "its s", "ratio", "goal")


def table(rows: Iterable[Row]) -> str:
    """All rows as aligned plain text, numbers to the right."""
    cells = [HEAD]
    for row in rows:
        size = (f"{row.processes:,}" if row.processes else "", str(row.layers or ""))
        times = (f"{row.own:.2g}", row.beside, f"{row.other:.2g}", f"{row.ratio:.2f}")
        cells.append((row.work, *size, *times, row.verdict))
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEAD))]
    shape = "  ".join(f"{{:{side}{width}}}" for side, width in zip("<>>><>><", widths, strict=True))
    return "\n".join(shape.format(*line).rstrip() for line in cells)
