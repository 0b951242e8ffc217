"""What a scenario says of its stocks: parts of products, tables by cohort, space that several goods share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import flowsim as fs
from flowsim.cohorts import Initial, stock_model
from flowsim.errors import InputError
from flowsim.lifetimes import Lifetime, hazard_table, left_at, mean_life
from flowsim.scenario import Scenario


def scenario(folder: Path, text: str, *changes: tuple[str, str]) -> Scenario:
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path = folder / "scenario.yaml"
    path.write_text(text, encoding="utf-8")
    return fs.read(path)


def flow(made: object, name: str) -> np.ndarray:
    table = made.flows  # type: ignore[attr-defined]
    return table[(table["id"] == name) & (table["layer"] == "mass")]["value"].to_numpy()


# ---- parts leave with their product ----

CARS = """
flowsim: 1
year: 2020
goods:
  car: {name: {en: car, zh: 车}}
  pack: {name: {en: battery pack, zh: 电池包}}
processes:
  road: {kind: store}
flows:
  - {id: cars_sold, good: car, from: market, to: road}
  - {id: cars_scrapped, good: car, from: road, to: market}
  - {id: packs_sold, good: pack, from: market, to: road}
  - {id: packs_out, good: pack, from: road, to: market}
stocks:
  cars: {at: road,
    good: car, distribution: weibull, mean: 15, shape: 1, initial: 45 t, level: 45 t, entry: spread}
  packs: {at: road,
    good: pack, within: cars, distribution: weibull, mean: 9, shape: 1, initial: 45 t, level: 45 t,
    entry: spread}
"""


def test_of_two_exponential_lives_the_rates_add_up(tmp_path: Path) -> None:
    """A steady stock of L loses L/15 cars, and L/15 + L/9 packs: those of scrapped cars and the worn out."""
    made = fs.simulate(scenario(tmp_path, CARS), years=range(2020, 2041))
    level, length = 45.0, 1.0
    for name, rate in (("cars_scrapped", 1 / 15), ("packs_out", 1 / 15 + 1 / 9)):
        assert flow(made, name) == pytest.approx(level * rate * length, rel=1e-9)
    assert "stock packs: weibull (9, 1) within weibull (15, 1), things enter" in "\n".join(made.notes())
    assert "韦布尔 (9, 1)，至多与所属产品同寿：韦布尔 (15, 1)" in "\n".join(made.notes("zh"))


def test_parts_that_are_never_replaced_follow_the_product_of_both_survivals(tmp_path: Path) -> None:
    sold = "series:\n  flows.cars_sold.amount: {2020: 10 t/a, 2030: 40 t/a}\n"
    sold += "  flows.packs_sold.amount: {2020: 10 t/a, 2030: 40 t/a}\n"
    plain = (
        (", initial: 45 t, level: 45 t", ""),
        ("mean: 15, shape: 1", "mean: 15, shape: 3"),
        ("mean: 9, shape: 1", "mean: 9, shape: 2"),
    )
    made = fs.simulate(scenario(tmp_path, CARS + sold, *plain), years=range(2020, 2060))
    both = Lifetime("weibull", 9, 2, within=Lifetime("weibull", 15, 3))
    bare = stock_model(range(2020, 2060), both, inflow=flow(made, "packs_sold"), entry="spread")
    assert flow(made, "packs_out") == pytest.approx(bare.outflow, rel=1e-9, abs=1e-12)
    levels = made.stocks.pivot(index="year", columns="stock", values="level")
    assert (levels["packs"] <= levels["cars"]).all()


def test_a_part_without_end_of_its_own_goes_with_its_product(tmp_path: Path) -> None:
    whole = (", level: 45 t,", ", age: 3,")
    sold = "series:\n  flows.cars_sold.amount: {2020: 5 t/a}\n  flows.packs_sold.amount: {2020: 5 t/a}\n"
    own = ("within: cars, distribution: weibull, mean: 9, shape: 1", "within: cars, distribution: unlimited")
    made = fs.simulate(scenario(tmp_path, CARS + sold, whole, own), years=range(2020, 2040))
    assert flow(made, "packs_out") == pytest.approx(flow(made, "cars_scrapped"), rel=1e-12)


@pytest.mark.parametrize(
    ("life", "mean"),
    [
        (Lifetime("weibull", 9, 1, within=Lifetime("gamma", 15, 15)), 1 / (1 / 9 + 1 / 15)),
        (Lifetime("fixed", 5, within=Lifetime("weibull", 7, 1)), 7 * (1 - np.exp(-5 / 7))),
        (Lifetime("weibull", 7, 1, within=Lifetime("fixed", 5)), 7 * (1 - np.exp(-5 / 7))),
        (Lifetime("fixed", 0.3, within=Lifetime("fixed", 12)), 0.3),
        (
            Lifetime("weibull", 6, 1, within=Lifetime("weibull", 9, 1, within=Lifetime("weibull", 15, 1))),
            1 / (1 / 6 + 1 / 9 + 1 / 15),
        ),
        (Lifetime("table", survival=(1, 0.5, 0.5), within=Lifetime("weibull", 1e-2, 1)), 0.00995),
    ],
)
def test_the_mean_life_of_a_part(life: Lifetime, mean: float) -> None:
    assert float(mean_life(life)) == pytest.approx(mean, rel=1e-8)


def test_series_with_own_lives_have_parts_too() -> None:
    life = Lifetime("weibull", np.array([9.0, 4]), 1, within=Lifetime("weibull", np.array([15.0, 6]), 1))
    steady = 3 * mean_life(life)
    made = stock_model(range(30), life, inflow=np.full((30, 2), 3.0), entry="spread", initial=Initial(steady))
    assert made.stock == pytest.approx(np.tile(steady, (30, 1)), rel=1e-9)


def test_a_product_whose_life_changes_takes_its_parts_along(tmp_path: Path) -> None:
    series = "series:\n  stocks.cars.mean: {2020: 5, 2030: 20}\n  flows.packs_sold.amount: {2020: 5 t/a}\n"
    series += "  flows.cars_sold.amount: {2020: 5 t/a}\n"
    changes = ((", initial: 45 t, level: 45 t", ""), ("mean: 15, ", ""))
    made = fs.simulate(scenario(tmp_path, CARS + series, *changes), years=range(2020, 2040))
    mean = np.interp(range(2020, 2040), [2020, 2030], [5, 20])
    within = Lifetime("weibull", mean, 1, by_cohort=True)
    life = Lifetime("weibull", 9, 1, within=within)
    bare = stock_model(range(2020, 2040), life, inflow=np.full(20, 5.0), entry="spread")
    assert flow(made, "packs_out") == pytest.approx(bare.outflow, rel=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("within: cars", "within: car"), "`within`: there is no stock `car`. Did you mean `cars`?"),
        (("within: cars", "within: packs"), "it is a part of itself. Leave out one `within`."),
        (("good: car, dist", "good: car, within: packs, dist"), "it is a part of itself"),
    ],
)
def test_what_a_part_may_not_be(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    with pytest.raises(InputError) as error:
        scenario(tmp_path, CARS, change)
    assert message in str(error.value)


# ---- tables by cohort ----


def test_a_survival_table_may_change_with_the_year_of_sale(tmp_path: Path) -> None:
    plain = (
        (", initial: 45 t, level: 45 t, entry: spread}\n  packs", "}\n  packs"),
        ("within: cars, distribution: weibull, mean: 9, shape: 1", "distribution: table, entry: end"),
        (", initial: 45 t, level: 45 t,\n    entry: spread", ""),
    )
    series = "series:\n  stocks.packs.survival: {2020: [1, 50%, 0], 2022: [1, 1, 0.5, 0]}\n"
    series += "  flows.packs_sold.amount: {2020: 8 t/a}\n  flows.cars_sold.amount: {2020: 1 t/a}\n"
    made = fs.simulate(scenario(tmp_path, CARS + series, *plain), years=range(2020, 2026))
    tables = np.array([[1, 0.5, 0, 0], [1, 0.75, 0.25, 0], *[[1, 1, 0.5, 0]] * 4])
    left = np.zeros((6, 6))
    for cohort in range(6):
        left[cohort:, cohort] = 8 * np.append(tables[cohort], [0, 0])[: 6 - cohort]
    of_packs = made.stocks[made.stocks["stock"] == "packs"]
    assert of_packs["level"].to_numpy() == pytest.approx(left.sum(axis=1))
    assert set(of_packs["lifetime"]) == {"table of 4 ages by cohort"}
    assert made.checks["share"].abs().max() < 1e-13
    hazards = series.replace(
        "survival: {2020: [1, 50%, 0], 2022: [1, 1, 0.5, 0]}", "hazard: {2020: [0.5, 1]}"
    )
    by_hazard = fs.simulate(scenario(tmp_path, CARS + hazards, *plain), years=range(2020, 2023))
    assert flow(by_hazard, "packs_out") == pytest.approx([0, 4, 8])


def test_hazards_by_cohort_are_survival_by_cohort() -> None:
    hazards = np.array([[0.1, 0.5, 1.0], [0.2, 0.2, 1.0]])
    life = hazard_table(hazards)
    for cohort, mine in enumerate(hazards):
        assert left_at(life.of(cohort), np.arange(4.0)) == pytest.approx(hazard_table(mine).survival)
    with pytest.raises(InputError, match="there are 2 survival tables for 3 steps. Give one row for each"):
        stock_model(range(3), life, inflow=[1, 1, 1])


@pytest.mark.parametrize(
    ("series", "message"),
    [
        ("[1, half]", "`survival` holds something that is no share. Write `survival: [1, 0.9"),
        ("[1, 0.5, 0.6]", "a survival table is no share that falls with age"),
    ],
)
def test_a_table_by_cohort_that_cannot_be_is_refused(tmp_path: Path, series: str, message: str) -> None:
    text = CARS + f"series:\n  stocks.cars.survival: {{2020: {series}}}\n"
    with pytest.raises(InputError) as error:
        fs.simulate(
            scenario(tmp_path, text, ("good: car, distribution: weibull", "good: car, distribution: table")),
            years=[2020],
        )
    assert message in str(error.value) and "scenario.yaml" in str(error.value)


# ---- space that several goods share ----

LANDFILL = """
flowsim: 1
year: 2020
goods:
  slag: {name: {en: slag, zh: 矿渣}, density: 2 t/m3, fate: landfill}
  ash: {name: {en: ash, zh: 灰}, density: 0.8 t/m3, fate: landfill}
  ore: {name: {en: ore, zh: 矿石}}
  metal: {name: {en: metal, zh: 金属}}
recipes:
  smelting: {reference: metal, in: {ore: 13 t}, out: {metal: 1 t, slag: 8 t, ash: 4 t}}
processes:
  smelter: {recipe: smelting, activity: 1 t/a}
  dump: {name: {en: Old quarry, zh: 老采石场}, kind: dispose, space: 50 m3}
flows:
  - {id: slag_dumped, good: slag, from: smelter, to: dump}
  - {id: ash_dumped, good: ash, from: smelter, to: dump}
stocks:
  heap: {at: dump, good: slag, distribution: unlimited, initial: 10 t}
  ashes: {at: dump, good: ash, distribution: unlimited}
"""


def test_goods_of_one_landfill_share_its_space_by_their_densities(tmp_path: Path) -> None:
    """9 m3 a year from 5 m3 on: full with the fifth year, when both go elsewhere."""
    made = fs.simulate(scenario(tmp_path, LANDFILL), years=range(2020, 2027))
    assert made.filling["filled"].tolist() == pytest.approx([14, 23, 32, 41, 50, 50, 50])
    assert set(made.filling["unit"]) == {"m3"} and made.full() == {"dump": 2024}
    assert made.spilt().groupby("good")["amount"].sum().to_dict() == pytest.approx({"slag": 16, "ash": 8})
    said = "Old quarry is full in 2024; from then on 16 t of slag find no room and go to landfill"
    assert said + "; from then on 8 t of ash find no room and go to landfill" in made.notes()
    assert "老采石场于2024年用尽库容；此后共有 16 t 矿渣无处容纳，去往填埋" in "".join(made.notes("zh"))
    assert made.checks["share"].abs().max() < 1e-12


def test_or_by_their_mass(tmp_path: Path) -> None:
    made = fs.simulate(
        scenario(tmp_path, LANDFILL, ("space: 50 m3", "tonnage: 46 t")), years=range(2020, 2024)
    )
    assert made.filling["filled"].tolist() == pytest.approx([22, 34, 46, 46])
    assert set(made.filling["unit"]) == {"t"} and made.full() == {"dump": 2022}


def test_mining_one_good_makes_room_for_the_other(tmp_path: Path) -> None:
    mined = ("stocks:\n", "  - {id: mined, good: slag, from: dump, to: market, amount: 3 t/a}\nstocks:\n")
    made = fs.simulate(scenario(tmp_path, LANDFILL, mined), years=range(2020, 2024))
    assert made.filling["filled"].tolist() == pytest.approx(5 + 7.5 * np.arange(1, 5))


@pytest.mark.parametrize("unit", ["space: 50 m3", "tonnage: 46 t"])
def test_a_landfill_that_is_full_with_no_other_way_out_stops_the_run(tmp_path: Path, unit: str) -> None:
    given = (
        ("smelter, to: dump}\n  - {id: ash", "market, to: dump, amount: 8 t/a}\n  - {id: ash"),
        ("smelter, to: dump}\n", "market, to: dump, amount: 4 t/a}\n"),
        ("space: 50 m3", unit),
    )
    with pytest.raises(fs.FlowsimError, match=r"in 202\d: `dump` is full: (9 m3|12 t)/a find no room there"):
        fs.simulate(scenario(tmp_path, LANDFILL, *given), years=range(2020, 2030))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            (", density: 0.8 t/m3", ""),
            "nothing says how much of the space its good takes. State the `density`",
        ),
        (("50 m3}", "50 m3, tonnage: 9 t}"), "`space` and `tonnage` both say how much it holds. Keep one"),
        (("initial: 10 t}", "space: 10 t}"), "its store states the space of all its stocks. Leave one"),
        (
            ("activity: 1 t/a", "activity: 1 t/a, tonnage: 3 t"),
            "it keeps no stock that could fill it. Give it",
        ),
        (("initial: 10 t", "initial: 101 t"), "what stands there at first is more than its 50 m3 hold"),
        (("space: 50 m3", "space: 50 t"), "`space`"),
    ],
)
def test_what_a_landfill_may_not_say(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    with pytest.raises(InputError) as error:
        fs.simulate(scenario(tmp_path, LANDFILL, change), years=[2020])
    assert message in str(error.value)
