"""Several years as one system: against the simulation, against dense least squares, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import flowsim as fs
from flowsim.errors import InputError
from flowsim.scenario import Scenario
from flowsim.studies.reconcile import reconcile
from flowsim.yearly import all_years, each_year

ROOT = Path(__file__).parents[1]
DEPOT = ROOT / "tests" / "golden" / "depot_years.yaml"


@pytest.mark.parametrize("name", ["battery_stocks", "textile_paper_stocks"])
def test_all_years_at_once_are_the_years_one_after_the_other(name: str) -> None:
    """Cohorts, lifetimes, contents that change, and recycling: simulate goes step by step, this does not."""
    scenario = fs.read(ROOT / "scenarios" / f"{name}.yaml")
    years = [scenario.year + step for step in (0, 2, 4, 9)]
    walked = fs.simulate(scenario, years=years)
    found = each_year(fs.solve(all_years(scenario, years)), scenario)
    for year, result in zip(years, walked.results, strict=True):
        assert found[year].x == pytest.approx(result.x, rel=1e-9, abs=1e-9 * np.abs(result.x).max())
        assert found[year].largest_residual[0] < 1e-9


def test_years_that_a_stock_ties_follow_generalised_least_squares() -> None:
    """The depot alone, without the bend: inflow less outflow is what its measured levels gain."""
    answer = reconcile(all_years(_without_plant(), [2021, 2022, 2023]))
    value = np.array([80.0, 90, 80, 95, 80, 110, 500, 525, 560])
    sd = np.array([4.0, 4, 4, 4, 4, 4, 10, 10, 10])
    relation = np.eye(9)
    relation[6, 7] = relation[7, 6] = 0.5
    for into, out in ((0, 1), (2, 3), (4, 5)):
        relation[into, out] = relation[out, into] = 0.3
    covariance = relation * np.outer(sd, sd)
    rows = np.array([[-1.0, 1, -1, 1, 0, 0, 1, -1, 0], [0, 0, 0, 0, -1, 1, 0, 1, -1]])
    gain = covariance @ rows.T @ np.linalg.inv(rows @ covariance @ rows.T)
    assert answer.data["after"].to_numpy() == pytest.approx(value - gain @ rows @ value, rel=1e-10)
    left = np.sqrt(np.diag(covariance - gain @ rows @ covariance))
    assert answer.data["sd_after"].to_numpy() == pytest.approx(left, rel=1e-9)
    assert answer.test["dof"] == 2


def _without_plant() -> Scenario:
    """The depot with a measured inflow in each year."""

    def fact(identity: str, given: str, **cells: object) -> dict[str, object]:
        return {"id": identity, "given": given, **cells}

    facts = [
        *(fact(f"made_{year}", "made", amount=amount, sd=4.0, year=float(year))
          for year, amount in ((2021, 90.0), (2022, 95.0), (2023, 110.0))),
        *(fact(f"held_{year}", "depot", stock=stock, sd=10.0, year=float(year))
          for year, stock in ((2020, 500.0), (2022, 525.0), (2023, 560.0))),
    ]  # fmt: skip
    pairs = [("held_2020", "held_2022", 0.5), *((f"made_{y}", f"sold@{y}", 0.3) for y in (2021, 2022, 2023))]
    scenario = fs.from_tables(
        year=2021,
        goods=pd.DataFrame({"id": ["m"]}),
        processes=pd.DataFrame({"id": ["depot"], "kind": ["store"]}),
        flows=pd.DataFrame({"id": ["made", "sold"], "good": "m", "from": ["market", "depot"],
                            "to": ["depot", "market"], "amount": [np.nan, 80.0], "sd": [np.nan, 4.0]}),
        facts=pd.DataFrame(facts),
    )  # fmt: skip
    correlations = scenario.tables["correlations"].reindex(range(4))
    correlations[["one", "other", "value"]] = pairs
    return _with(scenario, correlations=correlations)


def _with(scenario: Scenario, **tables: object) -> Scenario:
    return replace(scenario, tables={**scenario.tables, **tables})


def test_a_coefficient_is_one_number_and_an_amount_is_one_of_each_year() -> None:
    answer = reconcile(all_years(fs.read(DEPOT), [2021, 2022, 2023]))
    assert answer.data["id"].tolist() == [
        "feed@2021", "sold@2021", "transfer:made@p", "sold@2022", "waste@2022", "feed@2023", "sold@2023",
        "stock(depot@2020)", "stock(depot@2022)", "stock(depot@2023)",
    ]  # fmt: skip
    assert answer.test["objective"] == pytest.approx(1.88543, abs=1e-5)
    held = answer.values.set_index("id").loc["stock(depot@2021)"]
    assert (held["class"], held["unit"], held["zh"]) == ("deduced", "t", "仓库的存量")
    years = each_year(answer.result, fs.read(DEPOT))
    gained = [float(years[year].stocks["change"].iloc[0]) for year in (2021, 2022, 2023)]
    levels = answer.values.set_index("id")["value"].loc[
        [f"stock(depot@{year})" for year in range(2020, 2024)]
    ]
    assert np.diff(levels) == pytest.approx(gained, rel=1e-9)
    assert max(result.largest_residual[0] for result in years.values()) < 1e-12


def test_one_year_alone_takes_the_facts_of_that_year() -> None:
    answer = reconcile(fs.assemble(fs.read(DEPOT)))
    assert "waste" not in set(answer.data["id"])
    assert not answer.data["id"].str.startswith("stock").any()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (", sd: 10 t, year: 2020", ", sd: 10 t", "a stock has no year"),
        ("stock: 525 t, sd: 10 t", "stock: 525 t/a, sd: 10 t", "`stock` is in t/a"),
        ("stock: 525 t, sd: 10 t", "stock: 525 t, sd: 10 t/a", "`sd` is in t/a"),
        ("{given: depot, stock: 525", "{given: sold, stock: 525", "a flow has an `amount` only"),
        ("stock: 525 t", "stock: 525 t, amount: 3 t/a", "has more than one value"),
    ],
)
def test_a_stock_that_cannot_be_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = DEPOT.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "s.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        fs.read(path)


def test_a_process_that_keeps_nothing_has_no_stock(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    text = DEPOT.read_text(encoding="utf-8").replace(
        "given: depot, stock: 525", "id: given_depot_2022, given: p, stock: 525"
    )
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="`p` keeps no stock of mass"):
        all_years(fs.read(path), [2021, 2022])


def test_a_stock_without_end_of_life_or_with_a_level_is_refused_with_the_way_out() -> None:
    scenario = fs.read(ROOT / "scenarios" / "building_stocks.yaml")
    with pytest.raises(InputError, match="stock `waste` has no end of life") as caught:
        all_years(scenario, [scenario.year, scenario.year + 1])
    assert "state what `cdw_landfill` holds as facts" in caught.value.problems[0].hint
    battery = fs.read(ROOT / "scenarios" / "battery_stocks.yaml")
    stocks = battery.tables["stocks"].assign(level=5.0)
    with pytest.raises(InputError, match="stock `ncm` states a level"):
        all_years(_with(battery, stocks=stocks), [2018, 2019])
