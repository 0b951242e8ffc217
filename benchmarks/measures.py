"""What is measured: each function gives rows for one size."""

from __future__ import annotations

import csv
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import scipy.optimize
from scipy.sparse import csc_array

from benchmarks import inputs, peers
from benchmarks.timing import Row, seconds, stopwatch
from flowsim import scenario
from flowsim.assemble import assemble
from flowsim.indicators import evaluate, known, sample
from flowsim.scenario import from_tables
from flowsim.studies.dispatch import dispatch
from flowsim.studies.solve import solve

LAYERS = (1, 10)
MOST_SCRIPTED = 1_000
"""The fixed point over networkx is measured up to so many processes."""
MOST_READ = 10_000
"""Reading is measured up to so many processes times layers."""
DRAWS = 100
"""Answers that indicators are computed of at once."""
MOST_INDICATED = 30_000
"""All indicators have a goal up to so many processes, with 120,000 flows."""
MOST_DISPATCHED = 10_000
"""Dispatch is measured up to so many processes."""


def repeats(size: int) -> int:
    """Runs of which the median is taken; ``size`` is processes times layers."""
    return 3 if size >= 100_000 else 5


def start() -> Iterator[Row]:
    """Whole programmes, each in a process of its own."""
    run, libraries = "from flowsim.cli import main; main()", "import pandas, scipy.sparse"
    with TemporaryDirectory() as folder:
        path = inputs.write(inputs.splitting_parks(inputs.PARK, 1), Path(folder))
        works = [
            _process("-c", run, "--help"),
            _process("-c", "pass"),
            _process("-c", run, "run", str(path)),
            _process("-c", libraries),
        ]
        seconds(works, 1)
        (text, _), (python, _), (small, _), (imports, _) = seconds(works, 5)
    yield Row("flowsim --help", 0, 0, text, "python -c pass", python, 0.2, absolute=True)
    yield Row("flowsim run", inputs.PARK, 1, small, libraries, imports, 1.0, absolute=True)


def _process(*args: str) -> Callable[[], object]:
    command = [sys.executable, *args]
    return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def read(count: int, layers: int) -> Iterator[Row]:
    """A scenario file whose tables are CSV files, read and checked."""
    if count * layers > MOST_READ:
        return
    tables = inputs.splitting_parks(count, layers)
    with TemporaryDirectory() as folder:
        path = inputs.write(tables, Path(folder))
        parts = sorted(Path(folder).glob("*.csv"))
        works = [
            lambda: _read_afresh(path),
            lambda: [pd.read_csv(part) for part in parts],
            lambda: [_csv_rows(part) for part in parts],
        ]
        (own, made), (frames, _), (lists, _) = seconds(works, repeats(count * layers))
    assert len(made.tables["facts"]) == len(tables["facts"])
    yield Row("read", count, layers, own, "pandas.read_csv", frames, 3.0)
    yield Row("read", count, layers, own, "csv.reader", lists)


def _read_afresh(path: Path) -> scenario.Scenario:
    scenario._csv_table.cache_clear()
    return scenario.read(path)


def _csv_rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def steady(count: int, layers: int) -> Iterator[Row]:
    """Tables to scenario, scenario to system, system to result; the residual of every row included."""
    tables = inputs.splitting_parks(count, layers)
    said = from_tables(year=inputs.YEAR, **tables)
    system = assemble(said)
    matrix = csc_array(system.matrix)
    rivals = _peers(tables) if layers == 1 else {}
    works = [
        lambda: from_tables(year=inputs.YEAR, **tables),
        lambda: assemble(said),
        lambda: _solved(system),
        lambda: peers.bare_solve(matrix, system.rhs),
        *rivals.values(),
    ]
    (check, _), (build, _), (own, found), (floor, x), *others = seconds(works, repeats(count * layers))
    _agree(found.x, x, "SciPy")
    yield Row("from_tables", count, layers, check, "assemble", build)
    yield Row("assemble", count, layers, build, "solve", own, 1.0 if count >= 10_000 else None)
    yield Row("solve", count, layers, own, "SciPy splu", floor, 2.0)
    for name, (taken, amounts) in zip(rivals, others, strict=True):
        through = np.bincount(system.flows["from_at"], found.amounts, len(system.processes))[:count]
        _agree(through, amounts, name)
        yield Row("solve", count, layers, own, name, taken)
        yield Row("assemble + solve", count, layers, build + own, name, taken)


def _peers(tables: inputs.Tables) -> dict[str, Callable[[], np.ndarray]]:
    """bw2calc where it is installed, and a script; both see the processes only, not the flows."""
    graph = peers.graph_of(tables)
    works = {}
    if brightway := peers.brightway(graph):
        works["bw2calc lci"] = brightway
    if len(graph.feed) <= MOST_SCRIPTED:
        works["networkx, fixed point"] = peers.fixed_point(graph)
    return works


def _solved(system: Any) -> Any:
    result = solve(system)
    assert result.largest_residual[0] < 1e-9
    return result


def _agree(own: np.ndarray, other: np.ndarray, name: str) -> None:
    if not np.allclose(own, other, rtol=1e-6, atol=1e-6 * np.abs(own).max()):
        raise AssertionError(f"flowsim and {name} give different answers.")


def indicate(count: int) -> Iterator[Row]:
    """Every indicator of one balanced result, beside its solve: flows are four times the processes."""
    system = assemble(from_tables(year=inputs.YEAR, **inputs.splitting_parks(count, 1)))
    found = _solved(system)
    works = [lambda: evaluate(found), lambda: _solved(system)]
    (own, values), (floor, _) = seconds(works, repeats(count))
    assert len(values) == len(known())
    goal = 3.0 if count <= MOST_INDICATED else None
    yield Row("all indicators", count, 1, own, "solve", floor, goal, absolute=True)
    draws = np.tile(found.x, (DRAWS, 1))
    (many, table), (once, _) = seconds(
        [lambda: sample(found, draws, "first"), lambda: evaluate(found, "first")], repeats(count)
    )
    assert table.shape == (DRAWS, len(known("first")))
    yield Row(f"first set, {DRAWS} draws", count, 1, many, "the same once", once)


def choose(count: int) -> Iterator[Row]:
    """Dispatch beside the linear programmes that it contains, and beside one of them alone."""
    if count > MOST_DISPATCHED:
        return
    said = from_tables(year=inputs.YEAR, **inputs.choosing_parks(count))
    system = assemble(said)
    programme, insides = peers.bare_programme(system), []

    def whole() -> None:
        with stopwatch(scipy.optimize, "linprog") as stages:
            dispatch(system)
        insides.append(stages)

    whole()
    insides.clear()
    (build, _), (total, _), (alone, _) = seconds([lambda: assemble(said), whole, programme], repeats(count))
    inside = statistics.median(map(sum, insides))
    solver = f"HiGHS, all {len(insides[0])} stages"
    yield Row("assemble, choices", count, 1, build, solver, inside)
    yield Row("dispatch, outside HiGHS", count, 1, total - inside, solver, inside, 0.2)
    yield Row("dispatch, whole", count, 1, total, "HiGHS, one stage", alone)
