"""Networks of the literature on data reconciliation, each against the closed form or a search of its own.

The data are those of the papers; the answers are computed here, without flowsim: linear ones by generalised
least squares (Kuehn and Davidson, 1961), bilinear ones by a search over the flows, whose best contents follow
from them in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import null_space
from scipy.optimize import minimize

import flowsim as fs
from flowsim.studies.reconcile import reconcile
from flowsim.studies.reconciliation import Reconciliation
from flowsim.system import System


@dataclass(frozen=True)
class Case:
    """Flows as ``from>to`` between numbered nodes, ``o`` being outside, with what was measured."""

    edges: str
    measured: str
    sd: str

    @cached_property
    def ends(self) -> list[tuple[str, str]]:
        pairs = [edge.split(">") for edge in self.edges.split()]
        return [(_place(start), _place(end)) for start, end in pairs]

    @cached_property
    def value(self) -> np.ndarray:
        return np.array(self.measured.split(), dtype=float)

    @cached_property
    def error(self) -> np.ndarray:
        return np.array(self.sd.split(), dtype=float)

    @cached_property
    def balance(self) -> np.ndarray:
        """Shape (nodes, flows): what enters less what leaves."""
        nodes = sorted({end for pair in self.ends for end in pair} - {"market"})
        return np.array([[(b == node) - (a == node) for a, b in self.ends] for node in nodes], dtype=float)

    def system(self, value: np.ndarray | None = None) -> System:
        names = [f"f{at + 1}" for at in range(len(self.ends))]
        flows = pd.DataFrame(self.ends, columns=["from", "to"]).assign(
            id=names, good="m", amount=self.value if value is None else value, sd=self.error
        )
        nodes = sorted((set(flows["from"]) | set(flows["to"])) - {"market"})
        tables = {"goods": pd.DataFrame({"id": ["m"]}), "processes": pd.DataFrame({"id": nodes})}
        return fs.assemble(fs.from_tables(flows=flows, **tables))

    def least_squares(
        self, correlation: np.ndarray | None = None, value: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """Reconciled flows, their covariance and the objective: y − V Aᵀ (A V Aᵀ)⁻¹ A y."""
        value = self.value if value is None else value
        shape = np.eye(len(value)) if correlation is None else correlation
        spread = shape * np.outer(self.error, self.error)
        gain = spread @ self.balance.T @ np.linalg.inv(self.balance @ spread @ self.balance.T)
        gap = self.balance @ value
        return value - gain @ gap, spread - gain @ self.balance @ spread, float(gap @ np.linalg.solve(
            self.balance @ spread @ self.balance.T, gap
        ))  # fmt: skip


def _place(name: str) -> str:
    return "market" if name == "o" else f"n{name}"


STEAM = Case(
    "3>1 6>1 1>5 o>1 2>3 2>6 7>2 11>2 2>o 3>4 5>4 4>9 6>5 5>7 5>8 5>9 5>o 8>7 7>10 7>11 7>o 9>8 8>10 8>o 9>o"
    " 10>11 o>10 o>11",
    "0.875 0.989 108.426 107.799 50.149 110.327 2.201 165.779 0.821 51.779 14.757 67.183 107.734 89.855"
    " 58.554 23.258 31.879 15.843 7.92 10.13 91.047 5.555 2.471 44.687 81.656 82.839 70.685 72.913",
    "0.022 0.025 2.796 2.749 1.332 2.807 0.058 4.101 0.021 1.31 0.372 1.682 2.782 2.297 1.5 0.591 0.818 0.406"
    " 0.196 0.263 2.183 0.136 0.065 1.166 2.137 2.033 1.77 1.806",
)
"""Steam of a methanol plant: Serth and Heenan (1986), AIChE Journal 32."""
STEAM_TRUTH = np.array([
    0.86, 1, 111.82, 109.95, 53.27, 112.27, 2.32, 164.05, 0.86, 52.41, 14.86, 67.27, 111.27, 91.86, 60, 23.64,
    32.73, 16.23, 7.95, 10.5, 87.27, 5.45, 2.59, 46.64, 85.45, 81.32, 70.77, 72.23,
])  # fmt: skip
CASES = {
    "yang_ten_jao_1995": Case(
        "o>1 1>2 2>3 o>3 3>o 4>o 1>4 4>2",
        "110.1 41.1 79 30.6 108.3 19.8 55 39",
        "1.7983 1.3428 1.2903 0.9995 1.7689 0.6465 1.7967 1.274",
    ),
    "water_of_martins_2010": Case(
        "o>1 1>2 1>3 1>4 1>5 4>6 4>7 2>8 3>8 6>8 7>5 5>o 8>o",
        "28.06 3.06 5.28 8.89 11.39 3.89 4.17 2.78 5.83 4.44 3.89 15 13.33",
        "0.275 0.05 0.1725 0.1452 0.3721 0.1271 0.1362 0.0454 0.0952 0.0725 0.0635 0.147 0.1306",
    ),
    "mitsas_2010": Case(
        "o>1 1>2 1>3 1>4 2>3 2>3 2>3 3>5 4>5 4>6 5>6 6>o",
        "100.49 29.46 40.41 30.05 15.17 4.98 9.92 70.68 10.03 19.82 81.06 101.57",
        "1 0.3 0.4 0.3 0.3 0.1 0.2 0.7 0.3 0.4 0.8 1",
    ),
    "minerals_of_alhaj_dibo_2008": Case(
        "o>1 1>2 2>3 3>1 3>4 4>5 5>6 5>o 6>o 6>4 2>7 7>8 7>8 8>9 9>o 9>7",
        "24.7 26.5 29.2 1.8 18.32 22.02 20.8 9.43 8.01 4.14 6 6.56 1.04 7.38 4.99 7.69",
        "1 1.325 1.46 0.2 0.916 1.101 1.04 0.472 0.401 0.207 0.3 0.328 0.052 0.369 0.25 0.385",
    ),
    "steam_of_serth_and_heenan_1986": STEAM,
}


def agrees(answer: Reconciliation, case: Case, *closed: object) -> None:
    value, covariance, objective = closed
    assert answer.values["value"].to_numpy() == pytest.approx(value, rel=1e-9)
    sd = np.sqrt(np.diag(np.asarray(covariance)))
    assert answer.values["sd"].to_numpy() == pytest.approx(sd, rel=1e-7)
    assert answer.test["objective"] == pytest.approx(objective, rel=1e-9)
    assert answer.test["dof"] == np.linalg.matrix_rank(case.balance)


@pytest.mark.parametrize("name", CASES)
def test_a_published_network_follows_the_closed_form(name: str) -> None:
    case = CASES[name]
    agrees(reconcile(case.system()), case, *case.least_squares())


def test_the_steam_of_serth_and_heenan_lies_about_its_truth() -> None:
    """The true flows are recalled, to two places; they balance to 0.05 of up to 164."""
    assert np.abs(STEAM.balance @ STEAM_TRUTH).max() < 0.051
    answer = reconcile(STEAM.system())
    off = (answer.values["value"].to_numpy() - STEAM_TRUTH) / answer.values["sd"].to_numpy()
    assert (np.abs(off) < 1.96).mean() > 0.8 and np.abs(off).max() < 4


def test_every_datum_correlated_with_every_other() -> None:
    """A third of each variance is common to all meters, as of one calibration bench."""
    correlation = 0.3 + 0.7 * np.eye(len(STEAM.ends))
    pairs = [(f"f{a + 1}", f"f{b + 1}", 0.3) for a in range(len(STEAM.ends)) for b in range(a)]
    answer = reconcile(STEAM.system(), correlations=pairs)
    agrees(answer, STEAM, *STEAM.least_squares(correlation))
    draws = answer.draws(4000, seed=1)
    covariance = STEAM.least_squares(correlation)[1]
    spread = np.sqrt(np.diag(covariance))
    assert (
        np.abs(np.cov(draws.T) / np.outer(spread, spread) - covariance / np.outer(spread, spread)).max() < 0.1
    )


def test_gross_errors_in_two_places_of_the_steam_network_are_both_left_out() -> None:
    """A slip in the main steam and one in a side stream far from it, on the true flows."""
    value = STEAM_TRUTH.copy()
    value[[7, 23]] *= 1.4, 0.6
    answer = reconcile(STEAM.system(value), eliminate=True)
    assert sorted(answer.eliminated) == ["f24", "f8"]
    back = answer.values["value"].to_numpy()
    assert back[[7, 23]] == pytest.approx(STEAM_TRUTH[[7, 23]], rel=0.01)


# ---- bilinear: flows times contents ----


CIRCUIT = Case(
    "o>1 1>2 2>3 3>o 4>1 3>4 2>6 5>4 6>5 7>6 7>o 5>7",
    "691.67 727.54 699.36 687.15 35.87 12.51 27.88 23.36 22.67 4.79 4.52 9.31",
    "0 0 0 0 0 0 0 0 0 0 0 0",
)
"""A circuit of seven nodes: the feed is given, no other flow is weighed, three substances are assayed in
every stream to 1 %. Rao and Narasimhan (1996), Industrial & Engineering Chemistry Research 35; the flows here
are the estimates of the paper, where the search begins. Names of the substances are ours."""
ASSAYS = {
    "Cu": "0.41 0.86 0.32 0.1 9.6 12.4 22 8.1 22.4 23 47.5 34.9",
    "Zn": "2.58 2.63 2.88 2.94 3.64 4.1 3.52 4.38 4 4.82 2.56 3.5",
    "Fe": "4 4.38 4.5 4.5 11.8 12.8 12.2 13.2 12.4 14.8 10.2 12.2",
}


def contents() -> tuple[np.ndarray, np.ndarray]:
    """Assays and their sd, shape (substances, streams)."""
    value = np.array([line.split() for line in ASSAYS.values()], dtype=float) / 100
    return value, np.maximum(0.01 * value, 1e-4)


def circuit(scale: float = 1.0) -> System:
    value, sd = contents()
    goods = [f"f{at + 1}" for at in range(12)]
    rows = [
        (good, layer, scale * value[of, at], scale * sd[of, at])
        for of, layer in enumerate(ASSAYS)
        for at, good in enumerate(goods)
    ]
    flows = pd.DataFrame(CIRCUIT.ends, columns=["from", "to"]).assign(id=goods, good=goods)
    nodes = sorted({end for pair in CIRCUIT.ends for end in pair} - {"market"})
    return fs.assemble(
        fs.from_tables(
            layers=pd.DataFrame({"id": list(ASSAYS)}),
            goods=pd.DataFrame({"id": goods}),
            contents=pd.DataFrame(rows, columns=["good", "layer", "value", "sd"]),
            processes=pd.DataFrame({"id": nodes}),
            flows=flows.assign(amount=[CIRCUIT.value[0]] + [np.nan] * 11),
        )
    )


def searched() -> tuple[np.ndarray, float]:
    """Flows and objective: for flows that balance, the best contents are a linear problem of their own."""
    value, sd = contents()
    balance = CIRCUIT.balance
    start = CIRCUIT.value
    fixed = np.vstack([balance, np.eye(12)[0]])
    start = start - np.linalg.pinv(fixed) @ (fixed @ start - np.append(np.zeros(7), start[0]))
    ways = null_space(fixed)

    def objective(step: np.ndarray) -> float:
        flow = start + ways @ step
        total = 0.0
        for one, error in zip(value, sd, strict=True):
            rows = balance * flow
            gap = rows @ one
            total += gap @ np.linalg.solve((rows * error**2) @ rows.T, gap)
        return float(total)

    patient = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 20_000, "maxfev": 20_000}
    found = minimize(objective, np.zeros(ways.shape[1]), method="Nelder-Mead", options=patient)
    return start + ways @ found.x, float(found.fun)


def test_three_substances_over_seven_cells_give_the_flows_that_nobody_weighed() -> None:
    answer = reconcile(circuit())
    flow, objective = searched()
    assert answer.test["objective"] == pytest.approx(objective, rel=1e-7)
    value = answer.values[answer.values["layer"] == "base"]["value"].to_numpy()
    assert value == pytest.approx(flow, rel=1e-5)
    assert answer.test["dof"] == 3 * 7 - 4


@pytest.mark.parametrize(("share", "apart"), [(0.05, 0.0), (0.0502, 0.05)])
def test_two_minima_that_are_nearly_as_good_are_both_given(share: float, apart: float) -> None:
    """Feed times share is an exact product: two minima are mirror images, unless one datum is surer."""
    flows = pd.DataFrame(
        {"id": ["a", "b", "c"], "from": ["market", "p", "p"], "to": ["p", "market", "landfill"],
         "amount": [100.0, 6.0, np.nan], "sd": [10.0, np.nan, np.nan]}
    ).assign(good="m")  # fmt: skip
    answer = reconcile(
        fs.assemble(
            fs.from_tables(
                goods=pd.DataFrame({"id": ["m"]}),
                processes=pd.DataFrame({"id": ["p"]}),
                flows=flows,
                facts=pd.DataFrame([{"transfer": "b", "at": "p", "value": 0.5, "sd": share}]),
            )
        )
    )
    assert len(answer.optima) == 2
    grid = np.linspace(10.0, 140.0, 200_001)
    height = ((grid - 100) / 10) ** 2 + ((6 / grid - 0.5) / share) ** 2
    lows = height[1:-1][(height[1:-1] < height[:-2]) & (height[1:-1] < height[2:])]
    assert sorted(one.objective for one in answer.optima) == pytest.approx(sorted(lows), rel=1e-6)
    assert answer.optima[1].gap >= apart
    assert any("another minimum lies" in note for note in answer.notes)
    assert any("另有一个极小值" in note for note in answer.notes_zh)
