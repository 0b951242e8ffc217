"""`reconcile` beside other ways to the same minimum: sums of squares, exact balances, flows not negative.

The flows of splitting parks are solved for, four in five are measured with an error of 5 %, and the
coefficients are forgotten. flowsim also works out variances, classes, tests, suspects and intervals; its
peers give the minimum alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import block_array, csc_array, csr_array, dia_array, eye_array

from benchmarks import inputs
from benchmarks.peers import linopy_rows
from benchmarks.timing import Row, seconds
from flowsim.assemble import assemble
from flowsim.scenario import from_tables
from flowsim.studies.reconcile import reconcile
from flowsim.studies.solve import solve
from flowsim.system import System

MEASURED, ERROR = 0.8, 0.05
MOST_GENERAL = 100
"""General optimisers are measured up to so many processes."""
MOST_MODELLED = 500
"""Active sets, as HiGHS has them for squares, are measured up to so many processes."""
PATIENT = 60.0
"""Seconds that HiGHS may take."""
MOST_RECONCILED = 10_000
DAMPING = 1e-10
AGREES = 1e-5
"""Minima that differ by this share (of the degrees of freedom, if those are more) are the same.

A peer that stops early is shown with what it misses.
"""

Problem = tuple[csr_array, np.ndarray, np.ndarray, np.ndarray]
"""Balances A with A x = 0, and the measured columns with their value and standard uncertainty."""


def measured_parks(count: int) -> System:
    """Splitting parks with measured flows in place of coefficients."""
    tables = inputs.splitting_parks(count, 1)
    truth = solve(assemble(from_tables(year=inputs.YEAR, **tables))).amounts
    rng = np.random.default_rng(inputs.SEED)
    flows = tables["flows"]
    seen = rng.random(len(flows)) < MEASURED
    value = truth * (1 + ERROR * rng.normal(size=len(flows)))
    said = {"amount": np.where(seen, value, np.nan), "sd": np.where(seen, ERROR * truth, np.nan)}
    del tables["facts"]
    return assemble(from_tables(year=inputs.YEAR, **{**tables, "flows": flows.assign(**said)}))


def reconciling(count: int) -> Iterator[Row]:
    """flowsim and its peers on the same rows; no peer may find less than flowsim does."""
    if count > MOST_RECONCILED:
        return
    system = measured_parks(count)
    given = np.flatnonzero(system.rows.kind == "given")
    column = system.matrix.indices[system.matrix.indptr[given]]
    exact = csr_array(system.matrix[np.flatnonzero(system.rows.kind != "given")])
    problem = exact, column, system.rows.value[given], system.rows.sd[given]
    rivals = _rivals(problem, count)
    (own, answer), *others = seconds([lambda: reconcile(system), *rivals.values()], 3)
    for name, (taken, x) in zip(rivals, others, strict=True):
        objective = float((((x[column] - problem[2]) / problem[3]) ** 2).sum())
        over = (objective - answer.test["objective"]) / max(answer.test["objective"], answer.test["dof"])
        bare = name.startswith("bare")
        if over < -AGREES and not bare:
            raise AssertionError(f"{name} finds a lower minimum than flowsim.")
        missed = (
            f" (ends at χ² = {objective:.3g}, not {answer.test['objective']:.3g})"
            if over > AGREES and not bare
            else ""
        )
        goal = {500: 1.0, 10_000: 60.0}.get(count) if bare else None
        yield Row("reconcile", count, 1, own, name + missed, taken, goal, absolute=True)


def _rivals(problem: Problem, count: int) -> dict[str, Callable[[], np.ndarray]]:
    """The floor, and the peers that are installed and fit the size."""
    works = {"bare KKT factorisation, no bounds": lambda: bare_kkt(problem)}
    if interior := clarabel(problem):
        works["Clarabel"] = interior
    if count <= MOST_MODELLED and (modelled := linopy_model(problem)):
        works["linopy, HiGHS"] = modelled
    if count <= MOST_GENERAL:
        works["SciPy SLSQP"] = lambda: general(problem, "SLSQP")
        works["SciPy trust-constr"] = lambda: general(problem, "trust-constr")
    return works


def _weight(problem: Problem) -> tuple[csc_array, np.ndarray]:
    """P and q of ½ xᵀ P x + qᵀ x, half the sum of squares but for a constant."""
    matrix, column, value, sd = problem
    size = matrix.shape[1]
    diagonal, linear = np.zeros(size), np.zeros(size)
    np.add.at(diagonal, column, sd**-2.0)
    np.add.at(linear, column, -value * sd**-2.0)
    return csc_array(dia_array((diagonal[None, :], [0]), shape=(size, size))), linear


def bare_kkt(problem: Problem) -> np.ndarray:
    """One sparse LU by SciPy with its own settings, damped where nothing fixes a flow; without bounds."""
    from scipy.sparse.linalg import splu

    weight, linear = _weight(problem)
    matrix = problem[0]
    rows, columns = matrix.shape
    whole = block_array(
        [[weight + DAMPING * eye_array(columns), matrix.T], [matrix, -DAMPING * eye_array(rows)]],
        format="csc",
    )
    return splu(csc_array(whole)).solve(np.append(-linear, np.zeros(rows)))[:columns]


def clarabel(problem: Problem) -> Callable[[], np.ndarray] | None:
    """An interior point method for cones; None if it is not installed."""
    try:
        import clarabel as solver
    except ImportError:
        return None
    weight, linear = _weight(problem)
    rows, columns = problem[0].shape
    matrix = csc_array(block_array([[problem[0]], [-eye_array(columns)]]))
    cones = [solver.ZeroConeT(rows), solver.NonnegativeConeT(columns)]
    settings = solver.DefaultSettings()
    settings.verbose = False

    def work() -> np.ndarray:
        made = solver.DefaultSolver(weight, linear, matrix, np.zeros(rows + columns), cones, settings)
        return np.array(made.solve().x)

    return work


def linopy_model(problem: Problem) -> Callable[[], np.ndarray] | None:
    """The same problem in a modelling language, in units of a typical flow, solved by HiGHS with active sets;
    None if linopy or highspy is not installed."""
    try:
        import highspy  # noqa: F401
        import linopy
        import xarray
    except ImportError:
        return None
    weight, linear = _weight(problem)
    unit = float(np.median(problem[2]))
    square, slope = 0.5 * weight.diagonal() * unit**2, linear * unit

    def work() -> np.ndarray:
        model = linopy.Model()
        column = pd.RangeIndex(len(slope), name="column")
        z = model.add_variables(0.0, coords=[column], name="z")
        model.add_constraints(linopy_rows(model, problem[0], z), "=", 0.0, name="balances")
        model.add_objective(
            (xarray.DataArray(square, [column]) * z * z + xarray.DataArray(slope, [column]) * z).sum()
        )
        model.solve("highs", io_api="direct", output_flag=False, time_limit=PATIENT)
        return z.solution.to_numpy() * unit

    return work


def general(problem: Problem, method: str) -> np.ndarray:
    """SciPy's general optimisers with exact derivatives, in units of a typical flow."""
    from scipy.optimize import LinearConstraint, minimize

    weight, linear = _weight(problem)
    matrix, _, value, _ = problem
    unit = float(np.median(value))
    diagonal, slope = weight.diagonal() * unit**2, linear * unit
    rules = LinearConstraint(matrix.toarray(), 0, 0)
    more: dict[str, Any] = {"hess": lambda x: np.diag(diagonal)} if method == "trust-constr" else {}
    found = minimize(
        lambda x: 0.5 * float(x @ (diagonal * x)) + float(slope @ x),
        np.ones(matrix.shape[1]),
        jac=lambda x: diagonal * x + slope,
        constraints=[rules],
        bounds=[(0, None)] * matrix.shape[1],
        method=method,
        options={"maxiter": 300, "gtol": 1e-10, "xtol": 1e-12} if more else {"maxiter": 2000, "ftol": 1e-14},
        **more,
    )
    return found.x * unit
