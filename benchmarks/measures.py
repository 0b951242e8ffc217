"""What is measured: each function gives rows for one size."""

from __future__ import annotations

import csv
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
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
from flowsim.scenario import from_tables
from flowsim.studies.dispatch import dispatch
from flowsim.studies.solve import solve

LAYERS = (1, 10)
MOST_SCRIPTED = 1_000
"""The fixed point over networkx is measured up to so many processes."""
MOST_ROWS_READ = 1_000_000
"""Reading is measured up to so many rows of facts."""
MOST_DISPATCHED = 10_000
"""Dispatch is measured up to so many processes."""


def repeats(count: int) -> int:
    """Runs of which the median is taken."""
    return 3 if count >= 100_000 else 5


def start() -> Iterator[Row]:
    """Whole programmes, each in a process of its own."""
    run = "from flowsim.cli import main; main()"
    bare = _process("-c", "pass")
    own = _process("-c", run, "--help")
    yield Row("flowsim --help", 0, 0, own, "python -c pass", bare, 0.2, absolute=True)
    with TemporaryDirectory() as folder:
        path = inputs.write(inputs.splitting_parks(inputs.PARK, 1), Path(folder))
        own = _process("-c", run, "run", str(path))
    libraries = "import pandas, scipy.sparse"
    bare = _process("-c", libraries)
    yield Row("flowsim run", inputs.PARK, 1, own, libraries, bare, 1.0, absolute=True)


def _process(*args: str) -> float:
    def work() -> None:
        subprocess.run([sys.executable, *args], check=True, stdout=subprocess.DEVNULL)

    work()
    return seconds(work, 5)[0]


def read(count: int, layers: int) -> Iterator[Row]:
    """A scenario file whose tables are CSV files, read and checked."""
    tables = inputs.splitting_parks(count, layers)
    if len(tables["facts"]) > MOST_ROWS_READ:
        return
    with TemporaryDirectory() as folder:
        path = inputs.write(tables, Path(folder))
        parts = sorted(Path(folder).glob("*.csv"))
        own, made = seconds(lambda: _read_afresh(path), repeats(count))
        assert len(made.tables["facts"]) == len(tables["facts"])
        frames, _ = seconds(lambda: [pd.read_csv(part) for part in parts], repeats(count))
        lists, _ = seconds(lambda: [_csv_rows(part) for part in parts], repeats(count))
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
    tables, runs = inputs.splitting_parks(count, layers), repeats(count)
    check, said = seconds(lambda: from_tables(year=inputs.YEAR, **tables), runs)
    build, system = seconds(lambda: assemble(said), runs)
    own, found = seconds(lambda: _solved(system), runs)
    matrix = csc_array(system.matrix)
    floor, x = seconds(lambda: peers.bare_solve(matrix, system.rhs), runs)
    _agree(found.x, x, "SciPy")
    yield Row("from_tables", count, layers, check, "assemble", build)
    yield Row("assemble", count, layers, build, "solve", own, 1.0 if count >= 10_000 else None)
    yield Row("solve", count, layers, own, "SciPy splu", floor, 2.0)
    if layers == 1:
        yield from _beside_peers(tables, found, build + own, runs)


def _solved(system: Any) -> Any:
    result = solve(system)
    assert result.largest_residual[0] < 1e-9
    return result


def _beside_peers(tables: inputs.Tables, found: Any, own: float, runs: int) -> Iterator[Row]:
    """Arrays to answer, with bw2calc and with a script; both see the processes only, not the flows."""
    graph = peers.graph_of(tables)
    count = len(graph.feed)
    through = np.bincount(found.system.flows["from_at"], found.amounts, len(found.system.processes))[:count]
    works = {"bw2calc lci": peers.brightway(graph)}
    if count <= MOST_SCRIPTED:
        works["networkx, fixed point"] = peers.fixed_point(graph)
    for name, work in works.items():
        if work is not None:
            taken, amounts = seconds(work, runs)
            _agree(through, amounts, name)
            yield Row("assemble + solve", count, 1, own, name, taken)


def _agree(own: np.ndarray, other: np.ndarray, name: str) -> None:
    if not np.allclose(own, other, rtol=1e-6, atol=1e-6 * np.abs(own).max()):
        raise AssertionError(f"flowsim and {name} give different answers.")


def choose(count: int) -> Iterator[Row]:
    """Dispatch beside the linear programmes that it contains, and beside one of them alone."""
    if count > MOST_DISPATCHED:
        return
    said = from_tables(year=inputs.YEAR, **inputs.choosing_parks(count))
    build, system = seconds(lambda: assemble(said), repeats(count))
    dispatch(system)
    runs = [_dispatched(system) for _ in range(repeats(count))]
    total, inside, stages = (statistics.median(part) for part in zip(*runs, strict=True))
    alone, _ = seconds(peers.bare_programme(system), repeats(count))
    solver = f"HiGHS, all {stages:g} stages"
    yield Row("assemble, choices", count, 1, build, solver, inside)
    yield Row("dispatch, outside HiGHS", count, 1, total - inside, solver, inside, 0.2)
    yield Row("dispatch, whole", count, 1, total, "HiGHS, one stage", alone)


def _dispatched(system: Any) -> tuple[float, float, int]:
    """Seconds of one dispatch, of them inside HiGHS, and how many programmes it solved."""
    with stopwatch(scipy.optimize, "linprog") as stages:
        begin = time.perf_counter()
        dispatch(system)
        total = time.perf_counter() - begin
    return total, sum(stages), len(stages)
