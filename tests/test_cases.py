"""Published cases: scenarios whose answers are printed in a source (see the head of each file)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import flowsim as fs
from flowsim.errors import Contradiction
from flowsim.result import Result

GOLDEN = Path(__file__).parent / "golden"
JAPAN = Path(__file__).parent.parent / "scenarios" / "japan_steel_2019.yaml"


def solved(path: Path) -> pd.Series:
    """Mass of every flow by id, t/a."""
    flows = fs.solve(fs.assemble(fs.read(path))).flows
    return flows[flows["layer"] == "mass"].set_index("id")["value"]


def recycling_loop(demand: float, recycled: float) -> pd.Series:
    """The flows a, b, c, d of golden/recycling_loop.yaml for another year."""
    scenario = fs.from_tables(
        goods=pd.DataFrame({"id": ["material"]}),
        processes=pd.DataFrame({"id": ["production", "recycling"]}),
        flows=pd.DataFrame(
            {
                "id": ["a", "b", "c", "d"],
                "good": "material",
                "from": ["market", "production", "recycling", "recycling"],
                "to": ["production", "recycling", "landfill", "production"],
                "amount": [demand, np.nan, np.nan, np.nan],
            }
        ),
        facts=pd.DataFrame({"transfer": ["d"], "at": ["recycling"], "value": [recycled]}),
    )
    return fs.solve(fs.assemble(scenario)).flows.set_index("id")["value"]


def test_a_recycling_loop_is_said_by_one_transfer_coefficient() -> None:
    # ODYM tutorial 1: b = D / (1 - alpha) = 30 in 1995.
    assert solved(GOLDEN / "recycling_loop.yaml").to_dict() == pytest.approx(
        {"a": 15, "b": 30, "c": 15, "d": 15}
    )


def test_the_recycling_loop_gives_the_printed_sums_over_31_years() -> None:
    # ODYM tutorial 1 and flodym example 1, years 1980 to 2010.
    years = pd.DataFrame({1980 + t: recycling_loop(t, (t + 2) / 34) for t in range(31)})
    assert years.loc["b", [1981, 1995, 2010]].tolist() == pytest.approx([1.09677419, 30, 510], abs=1e-8)
    sums = years.sum(axis=1)
    printed = {"a": 465, "b": 2273.642773, "c": 465, "d": 1808.642773}
    assert sums[list(printed)].to_dict() == pytest.approx(printed, abs=1e-6)


def test_two_recipes_give_the_activities_of_the_leontief_model() -> None:
    # Miller and Blair as tested by pymrio; the source prints one decimal.
    result = fs.solve(fs.assemble(fs.read(GOLDEN / "two_sectors.yaml")))
    assert result.processes["activity"].tolist() == pytest.approx([1247.5, 1841.6], abs=0.05)
    matrix = np.array([[0.15, 0.25], [0.20, 0.05]])
    exact = np.linalg.solve(np.eye(2) - matrix, [600, 1500])
    np.testing.assert_allclose(result.processes["activity"], exact, rtol=1e-12)


@pytest.mark.parametrize(
    ("demand", "output"),
    [
        ((350, 1700), (1000, 2000)),
        ((1, 0), (1.25412541, 0.2640264)),
        ((0, 1), (0.330033, 1.12211221)),
    ],
)
def test_two_recipes_give_the_printed_table_and_leontief_inverse(
    demand: tuple[float, float], output: tuple[float, float], tmp_path: Path
) -> None:
    text = (GOLDEN / "two_sectors.yaml").read_text(encoding="utf-8")
    path = tmp_path / "two_sectors.yaml"
    path.write_text(
        text.replace("600 t/a", f"{demand[0]} t/a").replace("1500 t/a", f"{demand[1]} t/a"), encoding="utf-8"
    )
    activity = fs.solve(fs.assemble(fs.read(path))).processes["activity"]
    assert activity.tolist() == pytest.approx(output, abs=1e-7)


def test_a_contradiction_names_the_four_facts_and_the_gap() -> None:
    with pytest.raises(Contradiction) as caught:
        solved(GOLDEN / "contradiction.yaml")
    head, *rows = caught.value.problems
    assert "4 facts cannot all hold; the gap is 30." in head.message
    facts = {row.message.split(": ")[1].split(" = ")[0] for row in rows if row.message.startswith("given")}
    assert facts == {"f1", "f2", "f3", "f4"}
    assert [row.line for row in rows[:4]] == [11, 12, 16, 17]


@pytest.fixture(scope="module")
def steel() -> Result:
    return fs.solve(fs.assemble(fs.read(JAPAN)))


@pytest.fixture(scope="module")
def japan(steel: Result) -> pd.DataFrame:
    """Flows of the Japanese steel cycle, in kt."""
    return steel.flows.assign(value=steel.flows["value"] / 1000)


def total(flows: pd.DataFrame, **wanted: str) -> float:
    """Sum of the flows whose columns ``from_``, ``to`` and ``good`` are as wanted."""
    for column, value in wanted.items():
        flows = flows[flows[column.rstrip("_")] == value]
    return float(flows["value"].sum())


def test_japan_has_35_flows_each_with_a_source_and_bilingual_goods() -> None:
    scenario = fs.read(JAPAN)
    assert len(scenario.tables["flows"]) == 35
    assert set(scenario.tables["flows"]["source"]) == set(scenario.tables["sources"]["key"])
    assert (scenario.tables["goods"]["en"] != scenario.tables["goods"]["zh"]).all()


def test_japan_agrees_with_every_number_of_the_published_table(japan: pd.DataFrame) -> None:
    with (GOLDEN / "japan_steel_2019.csv").open(encoding="utf-8", newline="") as file:
        published = sorted(float(row["kt"]) for row in csv.DictReader(file))
    assert sorted(japan["value"]) == pytest.approx(published, abs=1e-5)


def test_japan_trades_and_loses_what_is_printed(japan: pd.DataFrame) -> None:
    # floweaver cookbook, data after Watari et al., kt.
    assert total(japan, from_="market") == pytest.approx(84153.20, abs=0.005)
    assert total(japan, to="market") == pytest.approx(56688.46, abs=0.005)
    assert total(japan, to="landfill") == pytest.approx(11283.49, abs=0.005)


def test_japan_adds_to_its_stock_what_is_printed(steel: Result) -> None:
    assert steel.stocks["process"].tolist() == ["in_use"]
    assert steel.stocks["change"].iloc[0] / 1000 == pytest.approx(16181.25, abs=0.005)


def test_japan_makes_its_crude_steel_from_the_printed_share_of_scrap(japan: pd.DataFrame) -> None:
    furnaces = japan[japan["to"].isin(["bof", "eaf"])]
    assert total(japan, good="bof_steel") + total(japan, good="eaf_steel") == pytest.approx(
        97298.32, abs=0.005
    )
    assert total(furnaces) == pytest.approx(103225.48, abs=0.005)
    assert total(furnaces, good="scrap") == pytest.approx(32307.49, abs=0.005)
    assert total(furnaces, good="scrap") / total(furnaces) == pytest.approx(0.312980, abs=5e-7)


def test_japan_collects_exports_and_loses_the_printed_shares_of_scrap(japan: pd.DataFrame) -> None:
    supply = total(japan, to="scrap_trade")
    assert supply == pytest.approx(44718.89, abs=0.005)
    assert total(japan, good="old_scrap") == pytest.approx(28136.77, abs=0.005)
    assert total(japan, good="old_scrap") / supply == pytest.approx(0.629192, abs=5e-7)
    assert total(japan, from_="scrap_trade", to="market") / supply == pytest.approx(0.1678, abs=5e-5)
    assert total(japan, from_="scrap_trade", to="landfill") / supply == pytest.approx(0.1097, abs=5e-5)


def test_japan_closes_at_every_process(steel: Result) -> None:
    closure = steel.closure()
    assert len(closure) == 11
    assert closure["share"].abs().max() < 1e-12
