"""Systems through the years: published loop, stocks in the balance, cohorts, levels, messages."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import flowsim as fs
from flowsim.cli import main
from flowsim.cohorts import ENTRIES, Initial, Steps, stock_model
from flowsim.errors import InputError
from flowsim.files import share
from flowsim.lifetimes import Lifetime
from flowsim.scenario import Scenario
from flowsim.series import all_series, in_year
from flowsim.stocks import ledgers
from flowsim.studies.restate import only_right_hand, restated
from flowsim.studies.years import Simulation
from flowsim.views.years_text import simulation_grids, variant_grid

BATTERIES = """
flowsim: 1
year: 2020
goods:
  pack: {name: {en: battery pack, zh: 电池包}}
  spent: {name: {en: spent pack, zh: 废旧电池包}}
  lost: {name: {en: lost pack, zh: 流失电池包}}
processes:
  in_use: {kind: store}
  collection: {kind: collect}
flows:
  - {id: sold, good: pack, from: market, to: in_use}
  - {id: worn_out, good: spent, from: in_use, to: collection}
  - {id: recycled, good: spent, from: collection, to: market}
  - {id: stray, good: lost, from: collection, to: landfill}
facts:
  collected: {transfer: recycled, at: collection, value: 60 %}
stocks:
  packs: {at: in_use, good: pack, becomes: spent, distribution: weibull, mean: 9, shape: 3.5}
series:
  flows.sold.amount: {2020: 10 t/a, 2030: 110 t/a}
"""


def scenario(folder: Path, text: str = BATTERIES, *changes: tuple[str, str]) -> Scenario:
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path = folder / "scenario.yaml"
    path.write_text(text, encoding="utf-8")
    return fs.read(path)


def flow(made: object, name: str, layer: str = "mass") -> np.ndarray:
    table = made.flows  # type: ignore[attr-defined]
    return table[(table["id"] == name) & (table["layer"] == layer)]["value"].to_numpy()


# ---- published: flodym example 1 and ODYM tutorial 1 (P4) ----


LOOP = """
flowsim: 1
year: 1980
goods: {good: {name: {en: good, zh: 物料}}}
processes: {first: , second: }
flows:
  - {id: a, good: good, from: market, to: first}
  - {id: b, good: good, from: first, to: second}
  - {id: c, good: good, from: second, to: market}
  - {id: d, good: good, from: second, to: first}
facts:
  back: {transfer: d, at: second}
series:
  flows.a.amount: {1980: 0 t/a, 2010: 30 t/a}
  facts.back.value: {1980: 0.058823529411764705, 2010: 0.9411764705882353}
"""


def test_the_recycling_loop_over_years_gives_the_published_flows(tmp_path: Path) -> None:
    made = fs.simulate(scenario(tmp_path, LOOP), years=range(1980, 2011))
    b = flow(made, "b")
    assert b[[1, 15, 30]] == pytest.approx([1.09677419, 30, 510], abs=5e-9)
    sums = [flow(made, name).sum() for name in "abcd"]
    assert sums == pytest.approx([465, 2273.642773, 465, 1808.642773], abs=5e-7)


# ---- stocks in the balance ----


@pytest.mark.parametrize("entry", ["start", "middle", "end", "spread"])
@pytest.mark.parametrize(
    ("years", "first"), [(range(2020, 2041), 1.0), ([2020, 2020.5, 2022, 2027, 2040], 1.0)]
)
def test_the_system_has_the_stock_of_the_bare_kernel(
    tmp_path: Path, entry: str, years: list[float], first: float
) -> None:
    said = scenario(tmp_path, BATTERIES, ("shape: 3.5", f"shape: 3.5, entry: {entry}, initial: 40 t, age: 2"))
    made = fs.simulate(said, years=years, first=first)
    inflow = np.interp(years, [2020, 2030], [10, 110])
    life, start = Lifetime("weibull", 9, 3.5), Initial(40.0, ages=2)
    bare = stock_model(years, life, inflow=inflow, entry=entry, initial=start, first=first)
    stocks = made.stocks
    assert stocks["level"].to_numpy() == pytest.approx(bare.stock, rel=1e-12)
    assert stocks["outflow"].to_numpy() == pytest.approx(bare.outflow, rel=1e-9, abs=1e-12)
    assert flow(made, "worn_out") == pytest.approx(bare.outflow, rel=1e-9, abs=1e-12)
    assert flow(made, "recycled") == pytest.approx(0.6 * bare.outflow, rel=1e-9, abs=1e-12)
    assert set(stocks["entry"]) == {entry} and entry.split()[0] in made.notes()[0] or entry == "spread"


def test_cohorts_add_up_to_the_stock_and_the_years_close(tmp_path: Path) -> None:
    made = fs.simulate(scenario(tmp_path), years=range(2020, 2041))
    of_cohorts = made.cohorts.groupby("year")["amount"].sum()
    assert of_cohorts.to_numpy() == pytest.approx(made.stocks["level"].to_numpy(), rel=1e-13)
    assert made.checks["share"].abs().max() < 1e-13
    assert made.checks["change"][0] == pytest.approx(made.stocks["level"].iloc[-1])


def test_one_year_alone_is_the_first_of_many(tmp_path: Path) -> None:
    said = scenario(tmp_path, BATTERIES, ("shape: 3.5", "shape: 3.5, initial: 40 t, age: 2"))
    alone = fs.balance(fs.assemble(said))
    many = fs.simulate(said, years=range(2020, 2025)).results[0]
    assert alone.amounts == pytest.approx(many.amounts, rel=1e-14)


def test_the_library_says_how_long_things_last_where_the_stock_does_not(tmp_path: Path) -> None:
    life = "lifetimes:\n  pack: {distribution: weibull, mean: 9, shape: 3.5}\nstocks:"
    said = scenario(
        tmp_path, BATTERIES, ("distribution: weibull, mean: 9, shape: 3.5", ""), ("stocks:", life)
    )
    plain = fs.simulate(scenario(tmp_path), years=range(2020, 2031))
    made = fs.simulate(said, years=range(2020, 2031))
    assert flow(made, "worn_out") == pytest.approx(flow(plain, "worn_out"))


def test_what_was_sold_before_is_a_stock_of_known_ages(tmp_path: Path) -> None:
    text = BATTERIES.replace("2020: 10 t/a", "2010: 1 t/a, 2020: 10 t/a")
    text = text.replace("year: 2020", "year: 2010")
    whole = fs.simulate(scenario(tmp_path, text), years=range(2010, 2031))
    series = "stocks.packs.entered: {2010: 1 t/a, 2020: 10 t/a}\n"
    later = fs.simulate(scenario(tmp_path, BATTERIES + f"  {series}"), years=range(2021, 2031))
    assert flow(later, "worn_out") == pytest.approx(flow(whole, "worn_out")[11:], rel=1e-12)


def test_a_life_may_change_with_the_year_of_sale(tmp_path: Path) -> None:
    series = "  stocks.packs.mean: {2020: 5, 2030: 12}\n"
    said = scenario(tmp_path, BATTERIES + series, ("mean: 9, ", ""))
    made = fs.simulate(said, years=range(2020, 2041))
    years = np.arange(2020, 2041)
    life = Lifetime("weibull", np.interp(years, [2020, 2030], [5, 12]), 3.5, by_cohort=True)
    bare = stock_model(years, life, inflow=np.interp(years, [2020, 2030], [10, 110]))
    assert made.stocks["level"].to_numpy() == pytest.approx(bare.stock, rel=1e-12)
    assert "by cohort" in made.notes()[0]


def test_a_survival_table_may_be_stated(tmp_path: Path) -> None:
    said = scenario(
        tmp_path,
        BATTERIES,
        ("weibull, mean: 9, shape: 3.5", "table, survival: [1, 90%, 0.5, 0], entry: end"),
    )
    made = fs.simulate(said, years=range(2020, 2025))
    assert flow(made, "worn_out")[:3] == pytest.approx([0, 1, 4 + 2])


def test_a_hazard_table_says_the_same_as_its_survival_table(tmp_path: Path) -> None:
    tables = ("table, survival: [1, 90%, 0.45, 0]", "table, hazard: [10%, 0.5, 1]")
    by_survival, by_hazard = (
        fs.simulate(
            scenario(tmp_path, BATTERIES, ("weibull, mean: 9, shape: 3.5", said)), years=range(2020, 2030)
        )
        for said in tables
    )
    assert flow(by_hazard, "worn_out") == pytest.approx(flow(by_survival, "worn_out"))
    assert by_hazard.cohorts["entry"].unique().tolist() == ["middle"]


def test_a_part_with_a_life_of_its_own_is_replaced_while_its_product_stays(tmp_path: Path) -> None:
    """Vehicles last 15 years, packs 9: packs for new vehicles and for those whose pack is worn out."""
    text = BATTERIES.replace(
        "flows.sold.amount: {2020: 10 t/a, 2030: 110 t/a}",
        "stocks.packs.level: {2020: 40 t, 2030: 140 t}",
    )
    text = text.replace("processes:", "processes:\n  road: {kind: store}")
    text = text.replace("  pack: {name", "  car: {name: {en: car, zh: 车}}\n  pack: {name")
    text = text.replace(
        "flows:\n",
        "flows:\n  - {id: cars_sold, good: car, from: market, to: road}\n"
        "  - {id: cars_scrapped, good: car, from: road, to: market}\n",
        1,
    )
    text = text.replace(
        "stocks:\n", "stocks:\n  cars: {at: road, good: car, distribution: weibull, mean: 15, shape: 3.5}\n"
    )
    text += "  stocks.cars.level: {2020: 40 t, 2030: 140 t}\n"
    made = fs.simulate(scenario(tmp_path, text), years=range(2020, 2041))
    level = np.interp(range(2020, 2041), [2020, 2030], [40, 140])
    for name, life in (("cars_sold", 15), ("sold", 9)):
        bare = stock_model(range(2020, 2041), Lifetime("weibull", life, 3.5), stock=level)
        assert flow(made, name) == pytest.approx(bare.inflow, rel=1e-9)
    assert (flow(made, "sold")[5:] > flow(made, "cars_sold")[5:]).all()


@pytest.mark.parametrize("driver", ["sold", "level"])
def test_a_restated_year_is_the_assembled_one(tmp_path: Path, driver: str) -> None:
    said = scenario(tmp_path, BATTERIES, *([LEVEL] if driver == "level" else []))
    made = fs.simulate(said, years=range(2020, 2031))
    series = all_series(said)
    assert only_right_hand(series)
    steps = Steps.ending(range(2020, 2031))
    (book,) = ledgers(said, steps)
    level = said.tables["stocks"]["level"][0] if driver == "sold" else 120.0
    leaving = {"packs": book.leaving(5, level)}
    quick = restated(made.results[0].system, 2025, series, leaving)
    slow = fs.assemble(in_year(said, 2025), leaving)
    assert (quick.matrix != slow.matrix).nnz == 0
    assert quick.rhs == pytest.approx(slow.rhs, rel=1e-15)
    assert quick.rows.line.tolist() == slow.rows.line.tolist()
    assert quick.about == slow.about


# ---- levels ----

LEVEL = ("flows.sold.amount: {2020: 10 t/a, 2030: 110 t/a}", "stocks.packs.level: {2020: 40 t, 2030: 140 t}")


def test_a_level_says_what_must_be_sold_and_selling_it_gives_the_level(tmp_path: Path) -> None:
    driven = fs.simulate(scenario(tmp_path, BATTERIES, LEVEL), years=range(2020, 2031))
    assert driven.stocks["level"].to_numpy() == pytest.approx(np.linspace(40, 140, 11))
    sold = ", ".join(
        f"{year}: {value:.17g} t/a"
        for year, value in zip(range(2020, 2031), flow(driven, "sold"), strict=True)
    )
    back = scenario(tmp_path, BATTERIES, ("{2020: 10 t/a, 2030: 110 t/a}", f"{{{sold}}}"))
    made = fs.simulate(back, years=range(2020, 2031))
    assert made.stocks["level"].to_numpy() == pytest.approx(np.linspace(40, 140, 11), rel=1e-12)


FALL = ("flows.sold.amount: {2020: 10 t/a, 2030: 110 t/a}", "stocks.packs.level: {2020: 40 t, 2022: 4 t}")


def test_a_level_that_falls_too_fast_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        fs.simulate(scenario(tmp_path, BATTERIES, FALL), years=range(2020, 2025))
    assert "stock `packs`: the level of 22 at the end of 2021 is below the 39." in str(error.value)
    assert "say `early: true` to let the excess leave early." in str(error.value)
    assert "scenario.yaml:19: " in str(error.value)


def test_the_excess_may_leave_early_and_flows_through_the_system(tmp_path: Path) -> None:
    said = scenario(tmp_path, BATTERIES, FALL, ("shape: 3.5", "shape: 3.5, early: true"))
    made = fs.simulate(said, years=range(2020, 2025))
    assert made.stocks["level"].to_numpy() == pytest.approx([40, 22, 4, 4, 4])
    assert flow(made, "sold")[1:3] == pytest.approx([0, 0])
    assert flow(made, "worn_out")[1:3] == pytest.approx([18, 18])


# ---- contents by cohort ----

NICKEL = (
    "goods:",
    "layers: {Ni: }\ncontents:\n  pack: {Ni: 5 %}\ngoods:",
)
RICHER = "  contents.pack.Ni.value: {curve: step, 2020: 5 %, 2028: 12 %}\n"


def test_what_is_recycled_holds_what_was_sold_then(tmp_path: Path) -> None:
    mixed = (
        "facts:\n",
        "facts:\n  nickel: {transfer: recycled, at: collection, layer: Ni, value: 60 %}\n",
    )
    said = scenario(tmp_path, BATTERIES + RICHER, NICKEL, mixed)
    made = fs.simulate(said, years=range(2020, 2051))
    content = flow(made, "worn_out", "Ni") / flow(made, "worn_out")
    assert content[:8] == pytest.approx(0.05)
    assert content[8] < 0.0501 and 0.05 < content[12] < content[20] < 0.12
    assert content[30] == pytest.approx(0.12, abs=1e-3)
    years, inflow = np.arange(2020, 2051), flow(made, "sold")
    nickel = stock_model(
        years, Lifetime("weibull", 9, 3.5), inflow=inflow * np.where(years < 2028, 0.05, 0.12)
    )
    assert flow(made, "worn_out", "Ni") == pytest.approx(nickel.outflow, rel=1e-9, abs=1e-12)
    stock = made.stocks[made.stocks["layer"] == "Ni"]["level"].to_numpy()
    assert stock == pytest.approx(nickel.stock, rel=1e-12)
    assert made.checks["share"].abs().max() < 1e-12


def test_an_initial_stock_of_unknown_content_is_an_error(tmp_path: Path) -> None:
    said = ("layers: {Ni: }\ncontents:\n  spent: {Ni: 5 %}\ngoods:",)
    with pytest.raises(
        InputError, match="nothing says how much Ni the initial stock holds. State it: `contents: {pack"
    ):
        fs.simulate(
            scenario(tmp_path, BATTERIES, ("goods:", *said), ("shape: 3.5", "shape: 3.5, initial: 9 t")),
            years=[2020],
        )


# ---- mining, space ----

LANDFILL = """
flowsim: 1
year: 2020
goods: {slag: {name: {en: slag, zh: 矿渣}}}
processes: {dump: {kind: dispose}}
flows:
  - {id: dumped, good: slag, from: market, to: dump, amount: 10 t/a}
  - {id: mined, good: slag, from: dump, to: market, amount: 4 t/a}
stocks:
  heap: {at: dump, good: slag, distribution: unlimited, initial: 20 t, space: 50 t}
"""


def test_a_landfill_is_mined_and_the_year_in_which_it_is_full_is_found(tmp_path: Path) -> None:
    made = fs.simulate(scenario(tmp_path, LANDFILL), years=range(2020, 2025))
    assert made.stocks["level"].to_numpy() == pytest.approx(20 + 6 * np.arange(1, 6))
    assert made.full() == {"heap": 2024}
    assert "stock heap is full in 2024" in made.notes() and "存量 heap 于2024年用尽库容" in made.notes("zh")


def test_what_finds_no_room_and_no_other_place_stops_the_run_in_that_year(tmp_path: Path) -> None:
    message = "in 2025: `dump` is full: 6 t/a of `slag` find no room there. Raise its `space`, draw another"
    with pytest.raises(fs.FlowsimError, match=message):
        fs.simulate(scenario(tmp_path, LANDFILL), years=range(2020, 2030))


def test_a_dump_may_not_hold_more_than_its_space_at_first(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="`initial` is more than its `space` holds. Raise `space`."):
        scenario(tmp_path, LANDFILL, ("space: 50 t", "space: 15 t"))


SMELTER = """
flowsim: 1
year: 2020
goods:
  ore: {name: {en: ore, zh: 矿石}}
  metal: {name: {en: metal, zh: 金属}}
  slag: {name: {en: slag, zh: 矿渣}, fate: landfill}
  brick: {name: {en: brick, zh: 砖}}
recipes:
  smelting: {reference: metal, in: {ore: 3 t}, out: {metal: 1 t, slag: 2 t}}
  bricks: {reference: slag, in: {slag: 1 t}, out: {brick: 1 t}}
processes:
  smelter: {recipe: smelting, activity: 10 t/a}
  brickyard: {recipe: bricks}
  dump: {kind: dispose}
flows:
  - {id: used, good: slag, from: smelter, to: brickyard}
  - {id: dumped, good: slag, from: smelter, to: dump}
stocks:
  heap: {at: dump, good: slag, distribution: unlimited, initial: 20 t, space: 50 t}
series:
  processes.brickyard.capacity: {2020: 8 t/a, 2024: 16 t/a}
"""


def test_a_plant_is_fed_before_a_dump_and_what_finds_no_room_goes_where_its_good_goes(tmp_path: Path) -> None:
    """No share is stated: plant, dump and the fate of the good come one after the other."""
    made = fs.simulate(scenario(tmp_path, SMELTER), years=range(2020, 2026))
    assert flow(made, "used") == pytest.approx([8, 10, 12, 14, 16, 16])
    assert flow(made, "dumped") == pytest.approx([12, 10, 8, 0, 0, 0], abs=1e-9)
    assert flow(made, "slag__smelter__landfill") == pytest.approx([0, 0, 0, 6, 4, 4], abs=1e-9)
    assert made.full() == {"heap": 2022}
    assert made.spilt()["amount"].tolist() == pytest.approx([6, 4, 4])
    said = "stock heap is full in 2022; from then on 14 t of slag find no room and go to landfill"
    assert said in made.notes()
    assert made.checks["share"].abs().max() < 1e-12


def test_mining_makes_room(tmp_path: Path) -> None:
    mined = (
        "stocks:\n",
        "  - {id: mined, good: slag, from: dump, to: market, amount: 3 t/a}\nstocks:\n",
    )
    made = fs.simulate(scenario(tmp_path, SMELTER, mined), years=range(2020, 2026))
    assert made.stocks["level"].to_numpy() == pytest.approx([29, 36, 41, 44, 45, 46])
    assert made.spilt().empty and made.full() == {"heap": None}


def test_a_sale_is_no_way_out_before_the_dump_is_full(tmp_path: Path) -> None:
    sold = ("fate: landfill", "fate: market")
    made = fs.simulate(scenario(tmp_path, SMELTER, sold), years=range(2020, 2026))
    assert flow(made, "dumped") == pytest.approx([12, 10, 8, 0, 0, 0], abs=1e-9)


def test_a_plant_that_finds_no_room_may_have_another_dump(tmp_path: Path) -> None:
    other = (
        ("  dump: {kind: dispose}", "  dump: {kind: dispose}\n  second: {kind: store}"),
        ("stocks:\n", "  - {id: far, good: slag, from: smelter, to: second, prefer: 6.8}\nstocks:\n"),
        ("series:\n", "  far: {at: second, good: slag, distribution: unlimited, space: 10 t}\nseries:\n"),
    )
    made = fs.simulate(scenario(tmp_path, SMELTER, *other), years=range(2020, 2026))
    assert flow(made, "far") == pytest.approx([0, 0, 0, 6, 4, 0], abs=1e-9)
    assert flow(made, "slag__smelter__landfill") == pytest.approx([0, 0, 0, 0, 0, 4], abs=1e-9)


def test_a_legacy_stock_is_mined_before_anything_is_bought(tmp_path: Path) -> None:
    text = SMELTER.replace("smelter, to: dump}", "dump, to: brickyard}").replace(", space: 50 t", "")
    text = text.replace("smelter, to: brickyard}", "market, to: brickyard}")
    text = text.replace("  smelter: {recipe: smelting, activity: 10 t/a}\n", "")
    text = text.replace("brickyard: {recipe: bricks}", "brickyard: {recipe: bricks, activity: 8 t/a}")
    text = text[: text.index("series:")]
    made = fs.simulate(scenario(tmp_path, text), years=range(2020, 2024))
    assert flow(made, "dumped") == pytest.approx([8, 8, 4, 0], abs=1e-9)
    assert flow(made, "used") == pytest.approx([0, 0, 4, 8], abs=1e-9)


def test_a_use_with_a_level_asks_its_suppliers_and_one_without_takes_what_it_is_given(tmp_path: Path) -> None:
    """A store that wants a level chooses; the maker of a good chooses where the store wants none."""
    made = fs.simulate(
        scenario(
            tmp_path,
            BATTERIES,
            (
                "flows.sold.amount: {2020: 10 t/a, 2030: 110 t/a}",
                "stocks.packs.level: {2020: 40 t, 2030: 140 t}",
            ),
            (
                "to: in_use}\n",
                "to: in_use}\n  - {id: own, good: pack, from: plant, to: in_use, limit: 12 t/a}\n",
            ),
            ("  collection: {kind", "  plant: {recipe: making}\n  collection: {kind"),
            ("facts:", "recipes:\n  making: {reference: pack, in: {lost: 1 t}, out: {pack: 1 t}}\nfacts:"),
        ),
        years=range(2020, 2031),
    )
    asked = np.diff(np.linspace(40, 140, 11), prepend=0) + flow(made, "worn_out")
    assert flow(made, "own") == pytest.approx(np.minimum(asked, 12), rel=1e-9)
    assert flow(made, "sold") == pytest.approx(np.maximum(asked - 12, 0), abs=1e-9)


def test_what_is_mined_holds_what_was_dumped(tmp_path: Path) -> None:
    nickel = "layers: {Ni: }\ncontents:\n  slag: {Ni: 2 %}\ngoods:"
    richer = "series:\n  contents.slag.Ni.value: {2020: 4 %}\n"
    wide = ("space: 50 t", "space: 500 t")
    made = fs.simulate(
        scenario(tmp_path, LANDFILL + richer, ("goods:", nickel), wide), years=range(2020, 2030)
    )
    content = flow(made, "mined", "Ni") / flow(made, "mined")
    assert content[0] == pytest.approx(0.02) and 0.03 < content[9] < 0.04
    assert (np.diff(content) > 0).all() and made.checks["share"].abs().max() < 1e-13


def test_a_legacy_stock_may_be_emptied(tmp_path: Path) -> None:
    old = "  - {id: dumped, good: slag, from: market, to: dump, amount: 10 t/a}\n"
    made = fs.simulate(scenario(tmp_path, LANDFILL, (old, "")), years=range(2020, 2025))
    assert made.stocks["level"].to_numpy() == pytest.approx([16, 12, 8, 4, 0], abs=1e-12)


def test_no_more_is_mined_than_is_there(tmp_path: Path) -> None:
    said = scenario(tmp_path, LANDFILL, ("amount: 4 t/a", "amount: 40 t/a"))
    with pytest.raises(fs.FlowsimError, match="in 2020: a limit is passed by 20"):
        fs.simulate(said, years=range(2020, 2030))


def test_things_may_have_a_second_life(tmp_path: Path) -> None:
    second = (
        ("  collection: {kind: collect}", "  collection: {kind: collect}\n  storage: {kind: store}"),
        (
            "from: collection, to: market}",
            "from: collection, to: storage}\n  - {id: done, good: spent, from: storage, to: market}",
        ),
        (
            "stocks:\n",
            "stocks:\n  second: {at: storage, good: spent, distribution: normal, mean: 6, shape: 1.5}\n",
        ),
    )
    made = fs.simulate(scenario(tmp_path, BATTERIES, *second), years=range(2020, 2061))
    bare = stock_model(range(2020, 2061), Lifetime("normal", 6, 1.5), inflow=flow(made, "recycled"))
    assert flow(made, "done") == pytest.approx(bare.outflow, rel=1e-9, abs=1e-12)
    assert made.checks["share"].abs().max() < 1e-13


def test_a_second_life_hands_on_what_the_first_one_held(tmp_path: Path) -> None:
    """Nickel of packs sold by year goes through both lives; each store keeps it by its own cohorts."""
    second = (
        (
            "from: collection, to: market}",
            "from: collection, to: storage}\n  - {id: done, good: spent, from: storage, to: market}",
        ),
        (
            "  collection: {kind: collect}",
            "  collection: {kind: collect, mixed: true}\n  storage: {kind: store}",
        ),
        (
            "stocks:\n",
            "stocks:\n  second: {at: storage, good: spent, distribution: normal, mean: 6, shape: 1.5}\n",
        ),
    )
    made = fs.simulate(scenario(tmp_path, BATTERIES + RICHER, NICKEL, *second), years=range(2020, 2051))
    life = Lifetime("normal", 6, 1.5)
    bare = stock_model(range(2020, 2051), life, inflow=flow(made, "recycled", "Ni"))
    assert flow(made, "done", "Ni") == pytest.approx(bare.outflow, rel=1e-9, abs=1e-12)
    content = [flow(made, name, "Ni")[20] / flow(made, name)[20] for name in ("done", "recycled", "sold")]
    assert 0.05 < content[0] < content[1] < content[2] == pytest.approx(0.12)
    assert made.checks["share"].abs().max() < 1e-12


# ---- what is read off ----


def test_the_year_in_which_recycled_supply_passes_a_share_of_demand(tmp_path: Path) -> None:
    made = fs.simulate(scenario(tmp_path), years=range(2020, 2061))
    share = made.ratio(["recycled"], ["sold"])
    years = made.passes(share)
    for level, year in years.items():
        above = share[share["share"] >= level]["year"]
        assert year == above.iloc[0]
    assert made.passes(share, [0.7]) == {0.7: None}


def test_a_ratio_of_what_is_not_there_is_refused(tmp_path: Path) -> None:
    made = fs.simulate(scenario(tmp_path), years=[2020])
    with pytest.raises(InputError, match="there is no flow or good `gold`. Name flows by id, or goods."):
        made.ratio(["gold"], ["sold"])
    with pytest.raises(InputError, match="no flow is named"):
        made.ratio([], ["sold"])


def test_tables_have_a_year_column_and_the_result_names_itself(tmp_path: Path) -> None:
    made = fs.simulate(scenario(tmp_path), years=[2020, 2025])
    for table in (made.flows, made.stocks, made.cohorts):
        assert set(table["year"]) <= {2020, 2025}
    assert made.stocks["length"].tolist() == [5, 5]
    assert "steps of 5 years; each ends with the year it is called by" in made.notes()
    assert "2020 to 2025, 1 stocks" in repr(made)


def test_variants_differ_over_time(tmp_path: Path) -> None:
    text = (
        BATTERIES
        + "variants:\n  more: {series: {flows.sold.amount: {2030: x 2}}}\n"
        + "  wear: {stocks: {packs: {mean: 5}}}\n"
    )
    base = scenario(tmp_path, text)
    sold = {
        name: flow(fs.simulate(base.with_variant(name), years=[2020, 2030]), "sold")
        for name in ("more", "wear")
    }
    assert sold["more"].tolist() == [10, 220] and sold["wear"].tolist() == [10, 110]


# ---- series ----


@pytest.mark.parametrize(("curve", "middle"), [("linear", 35.0), ("step", 10.0), ("s_curve", 17.010372)])
def test_a_number_goes_from_year_to_year_by_its_curve(tmp_path: Path, curve: str, middle: float) -> None:
    said = scenario(tmp_path, BATTERIES, ("{2020: 10", f"{{curve: {curve}, 2020: 10"))
    (one,) = all_series(said)
    assert [one.at(year) for year in (2000, 2020, 2030, 2050)] == pytest.approx([10, 10, 110, 110])
    assert one.at(2022.5) == pytest.approx(middle, rel=1e-6)
    assert one.at(2025) == pytest.approx(10 if curve == "step" else 60)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("flows.sold.amount", "flows.sol.amount"), "there is no row that can change, `flows.sol`. Did you"),
        (
            ("flows.sold.amount: {2020: 10 t/a, 2030: 110 t/a}", "stocks.packs.amount: {2020: 3 t/a}"),
            "`stocks.packs` has no `amount`. Over the years stocks may change level",
        ),
        (("flows.sold.amount", "flows.sold.colour"), "unknown key `colour` in series"),
        (("{2020: 10 t/a, 2030: 110 t/a}", "3 t/a"), "`flows.sold.amount` must map years to numbers"),
        (("2030: 110 t/a", "later: 110 t/a"), "`later` is not a plain number"),
        (("2030: 110 t/a", "2030: 110 m3/a"), "`amount` is in m3/a: `pack` is counted in t/a"),
        (("to: in_use}", "to: in_use, amount: 3 t/a}"), "`flows.sold` states its own `amount`. Leave it out"),
        (("  packs: {at: in_use", "  packs: {at: collection"), "`at`: there is no store `collection`."),
        (
            ("distribution: weibull, mean: 9, shape: 3.5", ""),
            "nothing says how long the good lasts. Write `distribution:` and",
        ),
        (("distribution: weibull, mean: 9, shape: 3.5", "mean: 9"), "nothing says how long the good lasts"),
        (("shape: 3.5", "shape: 3.5, age: 3"), "`age` goes with `initial`"),
        (
            ("series:", "  again: {at: in_use, good: pack, distribution: unlimited}\nseries:"),
            "another stock keeps the same good there",
        ),
    ],
)
def test_what_a_scenario_may_not_say_of_years(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    with pytest.raises(InputError) as error:
        scenario(tmp_path, BATTERIES, change)
    assert message in str(error.value)


def test_initial_and_entered_both_say_what_was_there(tmp_path: Path) -> None:
    text = BATTERIES + "  stocks.packs.entered: {2010: 1 t/a}\n"
    with pytest.raises(InputError, match="`initial` and its `entered` both say what stands at first"):
        scenario(tmp_path, text, ("shape: 3.5", "shape: 3.5, initial: 3 t"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("mean: 9, ", ""),
            "scenario.yaml:19: stock `packs`: the lifetime distribution `weibull` needs a mean",
        ),
        (
            ("weibull, mean: 9, shape: 3.5", "table, survival: [1, half]"),
            "`survival` holds something that is no share. Write `survival: [1",
        ),
        (
            ("weibull, mean: 9, shape: 3.5", "table, survival: [1, 0], hazard: [1]"),
            "`survival` and `hazard` both say how long things last. Keep one",
        ),
        (("weibull, mean: 9, shape: 3.5", "table, hazard: [2]"), "a hazard table holds shares from 0 to 1"),
        (
            ("good: pack, from: market, to: in_use", "good: spent, from: market, to: in_use"),
            "enters `in_use`",
        ),
        (("becomes: spent, ", ""), "stock `packs`: no `pack` leaves `in_use`. Draw the flow"),
    ],
)
def test_what_a_stock_may_not_say(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    with pytest.raises(InputError) as error:
        fs.simulate(scenario(tmp_path, BATTERIES, change), years=[2020])
    assert message in str(error.value)


def test_a_system_goes_through_the_years_like_its_scenario(tmp_path: Path) -> None:
    said = scenario(tmp_path)
    system = pickle.loads(pickle.dumps(fs.assemble(said)))
    of_system, of_scenario = (fs.simulate(each, years=range(2020, 2031)) for each in (system, said))
    pd.testing.assert_frame_equal(of_system.flows, of_scenario.flows)
    again = fs.simulate(of_system.results[7].system, years=range(2020, 2031))
    pd.testing.assert_frame_equal(again.stocks, of_scenario.stocks)


def test_a_system_that_was_loaded_has_lost_the_other_years(tmp_path: Path) -> None:
    fs.save(fs.balance(fs.assemble(scenario(tmp_path))), tmp_path / "one.flowsim")
    system = fs.load(tmp_path / "one.flowsim").system
    with pytest.raises(InputError, match="a system that was loaded does not say what changes"):
        fs.simulate(system, years=[2020])


def test_an_error_names_its_year(tmp_path: Path) -> None:
    said = scenario(tmp_path, BATTERIES, ("landfill}", "landfill, limit: 1 t/a}"))
    with pytest.raises(fs.FlowsimError, match="in 20[0-9][0-9]: stray would be"):
        fs.simulate(said, years=range(2020, 2041))


# ---- capacity: dispatch in every year ----

CAPACITY = (
    (
        "  collection: {kind: collect}",
        "  collection: {kind: collect}\n  plant: {recipe: melting, capacity: 20 t/a}",
    ),
    (
        "  - {id: recycled, good: spent, from: collection, to: market}\n",
        "  - {id: recycled, good: spent, from: collection, to: plant}\n"
        "  - {id: exported, good: spent, from: collection, to: market}\n"
        "  - {id: made, good: metal, from: plant, to: market}\n",
    ),
    ("  - {id: stray, good: lost, from: collection, to: landfill}\n", ""),
    ("  lost: {name: {en: lost pack, zh: 流失电池包}}", "  metal: {name: {en: metal, zh: 金属}}"),
    (
        "facts:\n  collected: {transfer: recycled, at: collection, value: 60 %}\n",
        "recipes:\n  melting: {reference: spent, in: {spent: 1 t}, out: {metal: 1 t}}\n",
    ),
)


def test_recyclers_take_what_they_can_and_the_rest_is_sold(tmp_path: Path) -> None:
    made = fs.simulate(scenario(tmp_path, BATTERIES, *CAPACITY), years=range(2020, 2041))
    assert {result.study for result in made.results} == {"dispatch"}
    worn_out, recycled, exported = (flow(made, name) for name in ("worn_out", "recycled", "exported"))
    assert recycled == pytest.approx(np.minimum(worn_out, 20), abs=1e-9)
    assert exported == pytest.approx(worn_out - recycled, abs=1e-9)


# ---- the scenarios that come with flowsim ----


@pytest.fixture(scope="module")
def batteries() -> Simulation:
    return fs.simulate(fs.example("battery_stocks"), years=range(2018, 2051))


def test_the_battery_loop_closes_in_every_metal(batteries: Simulation) -> None:
    checks = batteries.checks
    assert list(checks["layer"]) == ["mass", "Ni", "Co", "Li"]
    assert checks["share"].abs().max() < 1e-12


@pytest.mark.parametrize(
    ("metal", "layer", "years"),
    [("ni", "Ni", [2028, 2031, 2035]), ("co", "Co", [2026, 2029, 2031]), ("li", "Li", [2028, 2033, 2038])],
)
def test_recycled_metal_passes_10_30_and_50_percent_of_demand(
    batteries: Simulation, metal: str, layer: str, years: list[int]
) -> None:
    share = batteries.ratio([f"{metal}_recycled"], [f"{metal}_recycled", f"{metal}_bought"], layer)
    assert list(batteries.passes(share).values()) == years


def test_cobalt_comes_back_of_packs_that_held_more_of_it(batteries: Simulation) -> None:
    back = flow(batteries, "ncm_worn_out", "Co") / flow(batteries, "ncm_worn_out")
    sold = flow(batteries, "ncm_sold", "Co") / flow(batteries, "ncm_sold")
    assert (back >= sold - 1e-12).all() and back[10] > 1.5 * sold[10]


def test_the_city_builds_for_its_people_and_its_landfill_fills_up() -> None:
    made = fs.simulate(fs.example("building_stocks"), years=range(2020, 2061, 5), first=1)
    stock = made.stocks[made.stocks["stock"] == "houses"]
    assert stock["level"].to_numpy()[[0, 4, 8]] == pytest.approx([73.5e6, 114e6, 113.4e6])
    assert made.full() == {"waste": 2040}
    recycled, torn_down = flow(made, "to_recycling"), flow(made, "torn_down")
    assert made.spilt()["year"].iloc[0] == 2040 and recycled[-1] == pytest.approx(2.2e6)
    assert (recycled[:-1] <= recycled[1:] + 1e-3).all() and (recycled < torn_down).all()
    assert made.checks["share"].abs().max() < 1e-12


def test_the_park_takes_back_its_packs_and_its_landfill_fills_up() -> None:
    made = fs.simulate(fs.example("qinzhou_park").with_variant("loops_to_2060"), years=[2030, 2040, 2050])
    sold, worn_out, collected = (flow(made, f"packs_{name}") for name in ("sold", "worn_out", "collected"))
    assert sold == pytest.approx(39100) and (np.diff(worn_out) > 0).all()
    assert collected / worn_out == pytest.approx([0.5875, 0.7625, 0.85])
    assert made.full() == {"waste": 2040} and made.spilt()["year"].tolist() == [2040, 2050]
    assert made.checks["share"].abs().max() < 1e-12


def test_indicators_of_every_year_are_those_of_its_result() -> None:
    made = fs.simulate(fs.example("building_stocks"), years=[2020, 2030, 2040])
    table = fs.indicators_by_year(made, ["general.solid_waste_landfilled", "general.recycled_input_rate"])
    assert table["year"].tolist() == [2020, 2020, 2030, 2030, 2040, 2040]
    for year, result in zip(made.years, made.results, strict=True):
        own = fs.indicators(result, ["general.solid_waste_landfilled", "general.recycled_input_rate"])
        assert table[table["year"] == year]["value"].tolist() == own["value"].tolist()
    buried = table[table["id"] == "general.solid_waste_landfilled"]["value"].to_numpy()
    dumped = flow(made, "to_landfill") + flow(made, "cdw_mixed__demolition__landfill")
    assert (buried >= dumped * (1 - 1e-9)).all() and dumped[0] > 1e6


def test_packaging_of_months_and_cloth_of_years_stay_where_their_inflow_is_steady() -> None:
    made = fs.simulate(fs.example("textile_paper_stocks"), years=[2020, 2020.25, 2020.5, 2021], first=1)
    level = made.stocks.set_index(["stock", "year"])["level"]
    assert level["textiles", 2020] == pytest.approx(140e3) and level["packaging", 2020] == pytest.approx(24e3)
    assert made.checks["share"].abs().max() < 1e-13


# ---- random systems ----


def random_text(rng: np.random.Generator) -> str:
    """A chain of stores with splits between them, a loop back to the first, and two layers."""
    kinds = (
        "weibull, mean: 4, shape: 2",
        "normal, mean: 6, shape: 2",
        "gamma, mean: 3, shape: 2",
        "fixed, mean: 2.5",
    )
    goods = "".join(f"  g{n}: {{name: {{en: g{n}, zh: g{n}}}}}\n" for n in range(4))
    lines = [
        f"flowsim: 1\nyear: 2000\nlayers: {{Cu: }}\ncontents: {{g0: {{Cu: 3 %}}}}\ngoods:\n{goods}processes:"
    ]
    lines += ["  first: {mixed: true}"]
    lines += [f"  s{n}: {{kind: store}}\n  p{n}: {{mixed: true}}" for n in range(3)]
    lines += [
        "flows:",
        "  - {id: feed, good: g0, from: market, to: first}",
        "  - {good: g1, from: first, to: s0}",
    ]
    facts, stocks = ["facts:"], ["stocks:"]
    for n in range(3):
        name = f"g{n + 1}"
        life, entry = rng.choice(kinds), rng.choice(ENTRIES)
        stocks.append(f"  k{n}: {{at: s{n}, good: {name}, distribution: {life}, entry: {entry}}}")
        lines.append(f"  - {{good: {name}, from: s{n}, to: p{n}}}")
        lines.append(f"  - {{id: x{n}, good: {name}, from: p{n}, to: landfill}}")
        lines.append(f"  - {{id: b{n}, good: g1, from: p{n}, to: first}}")
        facts.append(f"  - {{transfer: x{n}, at: p{n}, value: {rng.uniform(0.2, 0.4)}}}")
        if n < 2:
            lines.append(f"  - {{id: f{n}, good: g{n + 2}, from: p{n}, to: s{n + 1}}}")
            facts.append(f"  - {{transfer: f{n}, at: p{n}, value: {rng.uniform(0.2, 0.4)}}}")
    series = (
        f"series:\n  flows.feed.amount: {{2000: {rng.uniform(1, 9)} t/a, 2020: {rng.uniform(1, 9)} t/a}}\n"
    )
    return "\n".join([*lines, *facts, *stocks, series])


@pytest.mark.parametrize("seed", range(4))
def test_random_systems_with_loops_through_stores_conserve_all_layers(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    years = 2000 + np.cumsum(rng.choice([0.5, 1.0, 3.0], 12))
    made = fs.simulate(scenario(tmp_path, random_text(rng)), years=years)
    assert list(made.checks["layer"]) == ["mass", "Cu"]
    assert made.checks["share"].abs().max() < 1e-12
    level = made.stocks.groupby(["year", "layer"])["level"].sum()
    cohorts = made.cohorts.groupby(["year", "layer"])["amount"].sum()
    assert cohorts[level.index].to_numpy() == pytest.approx(level.to_numpy(), rel=1e-12)


def test_the_first_step_may_be_shorter_on_the_command_line_too() -> None:
    file = str(share() / "scenarios" / "building_stocks.yaml")
    done = CliRunner().invoke(main, ["simulate", file, "--years", "2020:2030:5", "--first", "1", "--json"])
    (variant,) = json.loads(done.output)["variants"]
    assert [row["length"] for row in variant["stocks"] if row["stock"] == "houses"] == [1, 5, 5]
    assert [row["of"] for row in variant["filling"]] == ["waste"] * 3


# ---- tables for people ----


def test_tables_of_a_simulation_name_stocks_flows_and_balance(batteries: Simulation) -> None:
    stocks, flows, balance = simulation_grids(batteries, "zh")
    assert stocks.rows[0][0] == "在用三元电池 (ncm)" and stocks.rows[0][-1] == "41.40"
    assert stocks.columns[2] == "2018" and stocks.columns[-1] == "2050" and len(stocks.columns) == 11
    assert len(flows.rows) == 25 and flows.title == "流, 质量"
    assert [row[0] for row in balance.rows] == ["质量", "Ni", "Co", "Li"]


def test_variants_stand_side_by_side_over_time(tmp_path: Path) -> None:
    said = scenario(tmp_path, BATTERIES + "variants:\n  plain: {}\n  wear: {stocks: {packs: {mean: 30}}}\n")
    both = [fs.simulate(said.with_variant(name), years=range(2020, 2041)) for name in ("plain", "wear")]
    grid = variant_grid(both, ["recycled"], ["sold"], "en")
    assert grid.columns[-3:] == ["first year from 10%", "first year from 30%", "first year from 50%"]
    assert [row[0] for row in grid.rows] == ["plain", "wear"]
    assert grid.rows[0][-3] == "2029" and grid.rows[1][-2:] == ["never", "never"]


# ---- other ways in ----


def test_a_scenario_from_tables_has_stocks_too() -> None:
    import pandas as pd

    said = fs.from_tables(
        year=2020,
        goods=pd.DataFrame({"id": ["pack"]}),
        processes=pd.DataFrame({"id": ["in_use"], "kind": ["store"]}),
        flows=pd.DataFrame(
            {
                "id": ["sold", "worn_out"],
                "good": ["pack"] * 2,
                "from": ["market", "in_use"],
                "to": ["in_use", "market"],
            }
        ),
        stocks=pd.DataFrame(
            {"id": ["packs"], "at": ["in_use"], "good": ["pack"], "distribution": ["fixed"], "mean": [5.0]}
        ),
        series=pd.DataFrame({"of": ["flows.sold"] * 2, "year": [2001.0, 2010.0], "amount": [1.0, 10.0]}),
    )
    made = fs.simulate(said, years=range(2001, 2011))
    assert flow(made, "worn_out").tolist() == pytest.approx([0, 0, 0, 0, 0, 1, 2, 3, 4, 5])


def test_the_page_on_stocks_shows_a_scenario_that_runs(tmp_path: Path) -> None:
    page = (Path(__file__).parents[1] / "docs" / "stocks.md").read_text(encoding="utf-8")
    whole = page.split("```yaml\n")[1].split("```")[0]
    variants = page.split("```yaml\n")[2].split("```")[0]
    said = scenario(tmp_path, whole + variants)
    made = fs.simulate(said.with_variant("more"), years=range(2020, 2051))
    assert flow(made, "sold")[-1] == pytest.approx(60e3)
    assert "41.45873561" in page
