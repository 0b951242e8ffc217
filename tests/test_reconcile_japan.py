"""The worked example of docs/reconcile.md: a known balance, perturbed as stated, and found again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import flowsim as fs
from flowsim.indicators.uncertain import uncertain_indicators
from flowsim.studies.reconciliation import Reconciliation
from flowsim.views.changes_chart import changes
from flowsim.views.chart import Boxes
from flowsim.views.colours import BAD, TOTAL

SCENARIOS = Path(__file__).parents[1] / "scenarios"


@pytest.fixture(scope="module")
def published() -> dict[str, float]:
    """Flow → t/a of the published balance; its rows close to 1e-5."""
    flows = fs.read(SCENARIOS / "japan_steel_2019.yaml").tables["flows"]
    return dict(zip(flows["id"], flows["amount"], strict=True))


def reconciled(variant: str | None = None, **options: object) -> Reconciliation:
    system = fs.assemble(fs.read(SCENARIOS / "japan_steel_measured.yaml", variant))
    return fs.reconcile(system, **options)


def errors(table: pd.DataFrame, published: dict[str, float]) -> pd.Series:
    return table["after"] - table["id"].map(published)


def test_the_file_is_the_published_balance_with_the_stated_errors(published: dict[str, float]) -> None:
    flows = fs.read(SCENARIOS / "japan_steel_measured.yaml").tables["flows"]
    trade = (flows["from"] == "market") | (flows["to"] == "market")
    kind = flows["good"].map({"loss": 0.2, "old_scrap": 0.15, "scrap": 0.08, "new_scrap": 0.08}).fillna(0.02)
    cv = np.where(trade, 0.01, kind)
    truth = flows["id"].map(published).to_numpy()
    z = np.random.default_rng(2019).normal(size=len(flows))
    assert flows["amount"].to_numpy() == pytest.approx(truth * (1 + cv * z), rel=5e-5)
    assert flows["sd"].to_numpy() == pytest.approx(truth * cv, rel=5e-3)


def test_the_balance_comes_back_near_the_published_one(published: dict[str, float]) -> None:
    answer = reconciled()
    table = answer.data
    assert answer.test["objective"] == pytest.approx(5.5373, abs=5e-5)
    assert answer.test["dof"] == 10 and answer.test["passed"]
    error = errors(table, published)
    inside = error.abs() <= 1.959964 * table["sd_after"]
    assert inside.sum() == 33
    before = (table["before"] - table["id"].map(published)) / table["sd_before"]
    assert ((error / table["sd_before"]) ** 2).sum() < (before**2).sum()
    assert (table["sd_after"] <= table["sd_before"] * (1 + 1e-9)).all()
    stock = answer.values.set_index("id").loc["stock_change(in_use)"]
    assert stock["low"] < 16_181_250 < stock["high"]


def test_a_slip_of_the_decimal_point_is_named_and_left_out(published: dict[str, float]) -> None:
    found = reconciled("slip")
    assert not found.test["passed"]
    assert found.suspects["id"].iloc[0] == "eaf_steel__eaf__casting"
    held = found.values.set_index("id").loc["loss__bof__landfill"]
    assert held["value"] == 0.0 and held["sd"] == 0.0
    mended = reconciled("slip", eliminate=True)
    assert mended.eliminated == ("eaf_steel__eaf__casting",)
    assert mended.test["objective"] == pytest.approx(3.3133, abs=5e-5)
    row = mended.data.set_index("id").loc["eaf_steel__eaf__casting"]
    assert abs(row["after"] - published["eaf_steel__eaf__casting"]) < 1.96 * row["sd_after"]


def test_the_landfilled_losses_have_the_uncertainty_of_their_covariances() -> None:
    row = uncertain_indicators(reconciled(), "general.solid_waste_landfilled").iloc[0]
    assert row["method"] == "first order"
    answer = reconciled()
    weights = answer.result.system.flows["good"].eq("loss").to_numpy(dtype=float)
    weights = np.append(weights, np.zeros(len(answer.result.x) - len(weights)))
    assert row["sd"] == pytest.approx(float(answer.covariance(weights)[0, 0]) ** 0.5, rel=1e-9)
    assert row["low"] < 11_283_490 < row["high"]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_largest_changes_are_drawn_worst_first_and_suspects_in_another_colour(lang: str) -> None:
    chart = changes(reconciled("slip"), lang)
    boxes = next(mark for mark in chart.panels[0].marks if isinstance(mark, Boxes))
    assert boxes.hover[0] == "scrap__scrap_trade__eaf: −10.3" and boxes.colours[0] == BAD
    assert len(boxes.colours) == 20 and set(boxes.colours) == {BAD, TOTAL}
    assert chart.title == {"en": "largest changes of the data", "zh": "变动最大的数据"}[lang]


def test_a_datum_that_a_bound_holds_at_nothing_is_nothing_and_sure() -> None:
    held = reconciled("slip").data.set_index("id").loc["loss__bof__landfill"]
    assert held["after"] == 0 and held["sd_after"] == 0
