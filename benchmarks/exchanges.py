"""Choosing exchanges: `optimise` beside HiGHS alone and beside linopy, on the same programme."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import scipy.optimize

from benchmarks.inputs import SEED, YEAR, Tables
from benchmarks.peers import linopy_rows
from benchmarks.timing import Row, seconds, stopwatch
from flowsim.scenario import from_tables
from flowsim.studies.programme import Programme
from flowsim.symbiosis.case import Case, blank_result, columns_of, prepare
from flowsim.symbiosis.objective import objective_of
from flowsim.symbiosis.optimise import best, optimise

GOODS = 50
OFFERS = 4
"""Candidate takers of each waste of each maker."""


def exchange_parks(firms: int, fixed: bool) -> Tables:
    """Half of the firms make two wastes each, the others buy two raw materials that wastes may replace.

    Parameters
    ----------
    firms : number of firms, one process each, with `GOODS` wastes and as many raw materials among them
    fixed : whether each candidate link has a fixed cost, which makes it a switch
    """
    draw, makers = np.random.default_rng(SEED), firms // 2
    wastes, raws = ([f"{kind}_{at}" for at in range(GOODS)] for kind in ("waste", "raw"))
    lines = []
    for at in range(GOODS):
        makes, uses = f"make_{at}", f"use_{at}"
        lines += [(makes, "in", "ore", 1.0, "reference"), (makes, "out", "metal", 0.6, "")]
        lines += [(makes, "out", wastes[at], 0.25, ""), (makes, "out", wastes[(at + 1) % GOODS], 0.15, "")]
        lines += [(uses, "in", raws[at], 0.6, ""), (uses, "in", raws[(at + 7) % GOODS], 0.4, "")]
        lines.append((uses, "out", "brick", 1.0, "reference"))
    made = np.arange(makers) % GOODS
    used = np.arange(firms - makers) % GOODS
    substitutes = _substitutes(wastes, raws)
    processes = pd.DataFrame(
        {
            "id": [f"m{at}" for at in range(makers)] + [f"u{at}" for at in range(firms - makers)],
            "recipe": [f"make_{at}" for at in made] + [f"use_{at}" for at in used],
            "activity": draw.uniform(1e3, 1e5, firms),
            "firm": [f"f{at}" for at in range(firms)],
        }
    )
    classes = ["mineral", "product", "product", *["solid_waste"] * GOODS, *["mineral"] * GOODS]
    fates = ["market"] * 3 + ["landfill"] * GOODS + ["market"] * GOODS
    names = ["ore", "metal", "brick", *wastes, *raws]
    worth = [100.0, 1000.0, 50.0, *[-20.0] * GOODS, *[30.0] * GOODS]
    links = _links(draw, made, used, wastes, substitutes)
    return {
        "goods": pd.DataFrame({"id": names, "class": classes, "fate": fates}),
        "recipes": pd.DataFrame(lines, columns=["recipe", "direction", "good", "amount", "role"]),
        "substitutes": substitutes,
        "processes": processes,
        "links": links if fixed else links.drop(columns="fixed_cost"),
        "prices": pd.DataFrame({"good": names, "price": worth, "year": 2020.0}),
    }


def _substitutes(wastes: list[str], raws: list[str]) -> pd.DataFrame:
    """Each waste may fill half of two raw materials, in all recipes that take them."""
    rows = {}
    for at in range(GOODS):
        for raw in (at, (at + 3) % GOODS):
            for recipe in (raw, (raw - 7) % GOODS):
                rows[wastes[at], raws[raw], f"use_{recipe}"] = (1.0, 0.5)
    columns = ["good", "replaces", "recipe", "ratio", "max_share"]
    return pd.DataFrame([(*key, *value) for key, value in rows.items()], columns=columns)


def _links(
    draw: np.random.Generator,
    made: np.ndarray,
    used: np.ndarray,
    wastes: list[str],
    substitutes: pd.DataFrame,
) -> pd.DataFrame:
    takers = {
        good: np.flatnonzero(np.isin([f"use_{at}" for at in used], rows["recipe"]))
        for good, rows in substitutes.groupby("good")
    }
    rows = []
    for maker, kind in enumerate(made):
        for good in (wastes[kind], wastes[(kind + 1) % GOODS]):
            for user in draw.choice(takers[good], min(OFFERS, len(takers[good])), replace=False):
                numbers = (draw.uniform(100, 8e3), draw.uniform(1, 60), draw.uniform(0, 2e4))
                rows.append((f"l_{maker}_{good}_{user}", good, f"m{maker}", f"u{user}", *numbers))
    return pd.DataFrame(rows, columns=["id", "good", "from", "to", "limit", "cost", "fixed_cost"])


def exchange(firms: int) -> Iterator[Row]:
    """All of `optimise` beside what HiGHS takes in it, and its first programme beside that of linopy."""
    for fixed in (False, True):
        what = "fixed costs" if fixed else "no fixed costs"
        scenario = from_tables(year=YEAR, **exchange_parks(firms, fixed))
        insides: list[float] = []

        def whole(scenario: object = scenario, insides: list[float] = insides) -> None:
            with stopwatch(scipy.optimize, "milp") as branch, stopwatch(scipy.optimize, "linprog") as linear:
                optimise(scenario, objective="cost")  # type: ignore[arg-type]
            insides.append(sum(branch) + sum(linear))

        repeats = 1 if firms > 1_000 else 3
        ((total, _),) = seconds([whole], repeats)
        inside = statistics.median(insides)
        label = f"optimise, {what}"
        yield Row(label, firms, 1, total, "HiGHS within it", inside, 60.0, absolute=True)
        case = prepare(scenario, None)
        if not fixed:
            yield from _beside_linopy(case, firms, repeats)


def _beside_linopy(case: Case, firms: int, repeats: int) -> Iterator[Row]:
    """The programme of least cost, from its arrays to its optimum."""
    goal = objective_of(blank_result(case), "cost", case.system.flows["unit_cost"].to_numpy())
    peer = linopy_programme(case.programme, columns_of(case, goal)[0])
    if peer is None:
        print("linopy or highspy is not installed: not compared (pip install linopy highspy).")
        return
    (own, found), (other, value) = seconds([lambda: best(case, goal, case.programme), peer], repeats)
    if not np.isclose(found.value, value, rtol=1e-6):
        raise AssertionError(f"flowsim and linopy give different answers: {found.value} and {value}.")
    yield Row("least cost, one programme", firms, 1, own, "linopy, HiGHS", other)


def linopy_programme(programme: Programme, cost: np.ndarray) -> Callable[[], float] | None:
    """The same rows as a linopy model, built and solved by HiGHS; None if linopy or highspy is missing."""
    try:
        import highspy  # noqa: F401
        import linopy
        import xarray
    except ImportError:
        return None

    def work() -> float:
        model = linopy.Model()
        column = pd.RangeIndex(len(cost), name="column")
        lower, upper = (xarray.DataArray(part, [column]) for part in (programme.lower, programme.upper))
        z = model.add_variables(lower, upper, name="z")
        left = linopy_rows(model, programme.matrix, z)
        equal = programme.low == programme.high
        for name, some, sign in (("equal", equal, "="), ("under", ~equal, "<=")):
            chosen = np.flatnonzero(some)
            right = xarray.DataArray(programme.high[chosen], dims="row", coords={"row": chosen})
            model.add_constraints(left.sel(row=chosen), sign, right, name=name)
        model.add_objective((xarray.DataArray(cost, [column]) * z).sum())
        model.solve("highs", io_api="direct", output_flag=False)
        return float(model.objective.value)

    return work
