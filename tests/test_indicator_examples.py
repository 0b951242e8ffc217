"""Indicators against worked examples: published figures where there are any, else worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from parks import balanced, library, reason, value

from flowsim.assemble import assemble
from flowsim.errors import InputError
from flowsim.indicators import Account, change, changes, evaluate, factor_sets, indicators, known, sample
from flowsim.indicators.change import elasticity, joined_cuts, productivity_uplift, yearly_growth
from flowsim.indicators.cn import main_waste_mean
from flowsim.indicators.ledger import avoided, symbiosis_indicator
from flowsim.indicators.mci import Product, circularity
from flowsim.result import Result
from flowsim.scenario import read
from flowsim.studies import balance

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A function that writes a scenario of stated flows, balances it and returns the result."""
    return partial(balanced, tmp_path)


def plant(run: Run, put_in: dict[str, tuple[str, float]], price: float = 0.0, **kwargs: object) -> Result:
    """One plant that takes goods (good: class and amount) and gives a product worth ``price`` in all."""
    mass = {name: 0.0 if class_ in ("power", "heat") else amount for name, (class_, amount) in put_in.items()}
    total = sum(mass.values())
    goods = {name: class_ for name, (class_, _) in put_in.items()} | {"cake": "product"}
    flows = [(name, "market", "plant", amount) for name, (_, amount) in put_in.items()]
    prices = dict.fromkeys(put_in, 0.0) | {"cake": price / total}
    return run(goods, {"plant": "{}"}, [*flows, ("cake", "plant", "market", total)], prices=prices, **kwargs)


# A1: the system of 2017


def test_main_resource_productivity_rises_by_22_percent(run: Run) -> None:
    base = plant(run, {"ore": ("mineral", 2000e4)}, 1000e8)
    target = plant(run, {"ore": ("mineral", 2295e4)}, 1400e8)
    assert value(base, "cn.main_resource_productivity") == pytest.approx(5000)
    assert value(target, "cn.main_resource_productivity") == pytest.approx(6100.2, abs=0.05)
    for id in ("cn.main_resource_productivity", "cn.main_resource_productivity_change"):
        assert change(id, base, target).value == pytest.approx(22.0, abs=0.01)


def test_the_published_mean_of_five_waste_rates() -> None:
    assert main_waste_mean([85, 73, 82, 20, 13]) == pytest.approx(54.6)
    with pytest.raises(InputError, match="the mean of 5 rates, but 4 were given"):
        main_waste_mean([85, 73, 82, 20])


def test_energy_productivity(run: Run) -> None:
    factors = tuple((name, "coal", 0.7, "tce/t") for name in ("tce", "tce_equivalent"))
    result = plant(run, {"coal": ("fuel", 1000e4)}, 1400e8, factors=factors)
    for id in ("cn.energy_productivity", "cn.energy_productivity_calorific", "park.energy_productivity"):
        assert value(result, id) == pytest.approx(2.0)


def test_water_and_land_productivity(run: Run) -> None:
    result = plant(run, {"raw": ("fresh_water", 14e8)}, 1400e8)
    assert (
        value(result, "cn.water_productivity")
        == value(result, "park.water_productivity")
        == pytest.approx(100)
    )
    assert value(result, "cn.construction_land_productivity", construction_land=70_000) == pytest.approx(200)
    assert value(result, "park.land_productivity", industrial_land=70_000) == pytest.approx(2)
    assert value(result, "park.value_added_per_head", employees=140_000) == pytest.approx(100)
    assert reason(result, "cn.construction_land_productivity") == (
        "needs the construction land (ha), which no flow carries: give the input `construction_land`"
    )


def rated(
    run: Run, class_: str, good: str, parts: dict[str, float], kinds: dict[str, str], source: str = "works"
) -> Result:
    """A waste of which parts go to places or to processes of a kind."""
    flows = [(good, source, where, amount) for where, amount in parts.items()]
    total = sum(parts.values())
    if source == "works":
        flows.append(("ore", "nature", "works", total))
    flows += [("brick", where, "market", parts[where]) for where in kinds if kinds[where] not in ("store",)]
    processes = {where: f"{{kind: {kind}}}" for where, kind in kinds.items()}
    processes |= {"works": "{}"} if source == "works" else {}
    return run({good: class_, "ore": "mineral", "brick": "product"}, processes, flows)


def test_straw(run: Run) -> None:
    result = rated(run, "biomass", "straw", {"board": 0.69e6, "air": 0.11e6}, {"board": "transform"})
    assert value(result, "cn.straw_utilisation_rate") == pytest.approx(86.25)


@pytest.mark.parametrize(
    ("generated", "used", "prior", "published", "tolerance"),
    [
        (3.5, 1.9, 0.03808, 53.7, 0.05),
        (5.3, 4.0, 0.03205, 74.9, 0.5),
        (8.8, 2.4, 0.11516, 27.1, 0.5),
        (3.7, 3.3, 0.04919, 88.7, 1.0),
    ],
)
def test_published_rates_of_key_enterprises_in_2018(
    run: Run, generated: float, used: float, prior: float, published: float, tolerance: float
) -> None:
    flows = [
        ("ore", "nature", "works", generated),
        ("waste", "works", "road", used - prior),
        ("waste", "works", "landfill", generated - used + prior),
        ("waste", "heap", "road", prior),
        ("base", "road", "market", used),
    ]
    goods = {"ore": "mineral", "waste": "solid_waste", "base": "product"}
    result = run(goods, {"works": "{}", "road": "{kind: use}", "heap": "{kind: store}"}, flows)
    assert value(result, "cn.isw_utilisation_rate") == pytest.approx(published, abs=tolerance)
    assert value(result, "cn.isw_utilised_of_generated") == pytest.approx(100 * used / generated)


def test_the_national_table_of_2003_leaves_old_stock_out_of_the_denominator(run: Run) -> None:
    result = rated(run, "solid_waste", "waste", {"reuse": 56040, "landfill": 44388}, {"reuse": "utilise"})
    assert value(result, "cn.isw_utilised_of_generated") == pytest.approx(55.8, abs=0.005)


@pytest.mark.parametrize(
    ("class_", "short", "routes", "published"),
    [
        ("solid_waste", "isw", (8.6, 3.8, 5.5, 11.7e-4), (48.0, 21.2, 30.7)),
        ("hazardous_waste", "hw", (1587.3, 1535.4, 380.6, 0.0), (45.3, 43.8, 10.9)),
    ],
)
def test_published_routes_of_214_cities_in_2016(
    run: Run, class_: str, short: str, routes: tuple[float, ...], published: tuple[float, ...]
) -> None:
    parts = dict(zip(("reuse", "landfill", "heap", "water"), routes, strict=True))
    parts = {where: amount for where, amount in parts.items() if amount}
    result = rated(run, class_, "waste", parts, {"reuse": "utilise", "heap": "store"})
    names = ("utilised", "disposed", "stored", "discharged")
    shares = [value(result, f"cn.{short}_{route}_share") for route in names]
    assert shares[:3] == pytest.approx(published, abs=0.05) and sum(shares) == pytest.approx(100)


def test_recyclables_food_construction_and_household_waste(run: Run) -> None:
    kinds = {"taker": "utilise"}
    scrap = rated(run, "recyclable", "scrap", {"taker": 410, "landfill": 90}, kinds)
    assert value(scrap, "cn.renewable_resource_recovery_rate") == pytest.approx(82)
    food = rated(
        run, "municipal_waste", "kitchen_waste", {"taker": 50 * 365 * 0.8, "landfill": 58_400}, kinds
    )
    assert value(food, "cn.food_waste_resource_rate") == pytest.approx(20)
    rubble = rated(run, "construction_waste", "rubble", {"taker": 0.45, "landfill": 1.05}, kinds)
    assert value(rubble, "cn.cdw_resource_rate") == pytest.approx(30)
    slurry = rated(run, "agricultural_waste", "manure_solid", {"taker": 82, "treatment": 18}, kinds)
    assert value(slurry, "cn.manure_utilisation_rate") == pytest.approx(82)
    bark = rated(run, "agricultural_waste", "bark", {"taker": 9, "landfill": 1}, kinds)
    assert value(bark, "cn.forestry_residue_utilisation_rate") == pytest.approx(90)


def test_household_waste_with_resource_factors(run: Run) -> None:
    flows = [
        ("msw", "market", "sorting", 10),
        ("msw", "market", "burner", 60),
        ("msw", "market", "yard", 20),
        ("msw", "yard", "landfill", 20),
        ("kitchen_waste", "market", "digester", 10),
        ("flakes", "sorting", "market", 10),
        ("compost", "digester", "market", 10),
        ("smoke", "burner", "air", 60),
        ("elec", "burner", "market", 5),
    ]
    goods = {
        "msw": "municipal_waste",
        "kitchen_waste": "municipal_waste",
        "flakes": "product",
        "compost": "product",
    }
    goods |= {"smoke": "emission", "elec": "power"}
    processes = {
        "sorting": "{kind: utilise}",
        "burner": "{kind: treat}",
        "yard": "{kind: collect}",
        "digester": "{kind: utilise}",
    }
    result = run(goods, processes, flows)
    assert value(result, "cn.msw_resource_rate", k_incineration=50, k_kitchen=80) == pytest.approx(48)
    assert (
        value(result, "cn.msw_recovery_rate") == value(result, "eu.msw_recycling_rate") == pytest.approx(20)
    )
    assert value(result, "cn.msw_landfilled") == pytest.approx(20)
    assert "give the input `k_incineration`" in reason(result, "cn.msw_resource_rate")


def test_the_mean_of_waste_rates_is_missing_where_one_of_them_is(run: Run) -> None:
    result = rated(run, "solid_waste", "ash", {"kiln": 73, "landfill": 27}, {"kiln": "utilise"})
    assert reason(result, "cn.main_waste_recycling_rate") == (
        "no rate of straw, main recyclables, construction waste, food waste"
    )


def test_the_mean_of_waste_rates_is_that_of_five(run: Run) -> None:
    wanted = {
        "straw": ("biomass", 85),
        "ash": ("solid_waste", 73),
        "scrap": ("recyclable", 82),
        "kitchen_waste": ("municipal_waste", 20),
        "rubble": ("construction_waste", 13),
    }
    flows = [("ore", "nature", "works", 500)]
    for good, (_, used) in wanted.items():
        flows += [(good, "works", "taker", used), (good, "works", "landfill", 100 - used)]
    flows.append(("brick", "taker", "market", sum(used for _, used in wanted.values())))
    goods = {good: class_ for good, (class_, _) in wanted.items()} | {"ore": "mineral", "brick": "product"}
    found = evaluate(
        run(goods, {"works": "{}", "taker": "{kind: utilise}"}, flows), "cn.main_waste_recycling_rate"
    )[0]
    assert found.value == pytest.approx(54.6) and found.terms is None and found.figure is not None
    assert [item.value for item in found.figure.items] == pytest.approx([85, 73, 82, 13, 20])


def test_reclaimed_water_of_treated_sewage(run: Run) -> None:
    goods = {
        "foul": "wastewater",
        "clean": "wastewater",
        "grey": "reclaimed_water",
        "raw": "fresh_water",
        "steam": "vapour",
    }
    flows = [
        ("raw", "nature", "town", 60),
        ("foul", "town", "works", 60),
        ("clean", "works", "water", 48),
        ("clean", "works", "filter", 12),
        ("grey", "filter", "mill", 12),
        ("steam", "mill", "air", 12),
    ]
    processes = {"town": "{kind: use}", "works": "{kind: treat}", "filter": "{kind: utilise}", "mill": "{}"}
    result = run(goods, processes, flows)
    assert (
        value(result, "cn.reclaimed_water_rate") == value(result, "park.reclaimed_reuse") == pytest.approx(20)
    )
    assert value(result, "cn.industrial_wastewater") == pytest.approx(48)
    assert value(result, "water.wastewater_reuse_rate") == pytest.approx(20)


# A4: water balance of one cooling loop


def test_the_water_balance_of_a_loop(run: Run) -> None:
    goods = {"raw": "fresh_water", "cool": "circulating_water", "steam": "vapour", "blowdown": "wastewater"}
    goods |= {"water_leak": "wastewater", "ore": "mineral", "metal": "product"}
    flows = [
        ("raw", "nature", "tower", 100),
        ("cool", "plant", "tower", 1900),
        ("cool", "tower", "plant", 1900),
        ("steam", "tower", "air", 70),
        ("blowdown", "tower", "treatment", 28),
        ("water_leak", "tower", "water", 2),
        ("ore", "market", "plant", 8),
        ("metal", "plant", "market", 8),
    ]
    result = run(goods, {"tower": "{}", "plant": "{}"}, flows)
    expected = {
        "water.reuse_rate": 95,
        "water.indirect_cooling_rate": 95,
        "water.discharge_rate": 28,
        "water.consumption_rate": 70,
        "water.leakage_rate": 2,
        "water.concentration_ratio": 100 / 28,
        "water.intake_per_product": 12.5,
        "iso59020.onsite_water": 20,
        "cti.water_onsite": 19,
    }
    for id, number in expected.items():
        assert value(result, id) == pytest.approx(number), id
    assert reason(result, "water.direct_cooling_rate").startswith("the flows do not tell direct")


def test_leaks_and_unlike_products_are_missing_with_a_reason(run: Run) -> None:
    flows = [("raw", "nature", "mill", 9), ("a", "mill", "market", 4), ("b", "mill", "market", 5)]
    result = run({"raw": "fresh_water", "a": "product", "b": "product"}, {"mill": "{}"}, flows)
    assert reason(result, "water.leakage_rate") == "no flow carries leaked water (good water_leak)"
    assert reason(result, "water.intake_per_product").startswith("the boundary gives several products (b, a)")


# A5, A6: energy and CO2

COAL = (
    ("tce", "coal", 0.7143, "tce/t"),
    ("tce", "elec", 0.1229 / 3.6, "tce/GJ"),
    ("tce_equivalent", "coal", 0.7143, "tce/t"),
    ("tce_equivalent", "elec", 0.30 / 3.6, "tce/GJ"),
    ("co2_fuel", "coal", 1.741750, "t/t"),
    ("co2_bought", "elec", 0.4044 / 3.6, "t/GJ"),
    ("co2_bought", "elec", 0.5366 / 3.6, "t/GJ"),
    ("co2_fuel", "coal", 2.071509, "t/t"),
)
"""Factors of several sets: set_0, set_1 and so on in this order."""


def boiler(run: Run) -> Result:
    """A boiler that burns 100 t of coal, takes 3600 GJ of power and gives heat, which nobody buys."""
    goods = {"coal": "fuel", "elec": "power", "hot": "heat", "co2_fossil": "emission", "gas": "air"}
    flows = [
        ("coal", "market", "boiler", 100),
        ("gas", "nature", "boiler", 74.175),
        ("elec", "market", "boiler", 3600),
    ]
    flows += [
        ("co2_fossil", "boiler", "air", 174.175),
        ("hot", "boiler", "mill", 1),
        ("gas", "nature", "mill", 1),
        ("gas", "mill", "air", 1),
    ]
    return run(goods, {"boiler": "{}", "mill": "{}"}, flows, factors=COAL)


def test_a_set_of_factors_is_named_alone_or_for_one_factor(run: Run) -> None:
    result = boiler(run)
    assert factor_sets(result, ["set_6"]) == {"co2_bought": "set_6"}
    assert factor_sets(result, ["co2_fuel=set_7"]) == {"co2_fuel": "set_7"}
    with pytest.raises(InputError, match="no factor has a set `set_99`. (Did you mean|Sets: )"):
        factor_sets(result, ["set_99"])


def test_co2_by_source(run: Run) -> None:
    result = boiler(run)
    assert value(result, "general.co2_fuel") == pytest.approx(174.175)
    assert value(result, "general.co2_electricity") == pytest.approx(404.4)
    assert value(result, "general.co2_heat") == 0
    found = evaluate(result, "general.co2_fuel", sets={"co2_fuel": "set_7"})[0]
    assert found.value == pytest.approx(207.1509)


def test_the_fossil_co2_of_waste_that_is_burnt(run: Run) -> None:
    goods = {"msw": "municipal_waste", "tar": "hazardous_waste", "sludge": "hazardous_waste"}
    goods |= {"co2_bio": "emission", "slag": "solid_waste"}
    flows = [
        ("msw", "market", "burner", 1000),
        ("tar", "market", "kiln", 100),
        ("sludge", "market", "kiln", 1),
    ]
    flows += [("msw", "market", "yard", 50), ("msw", "yard", "burner", 50), ("tar", "market", "lime", 7)]
    flows += [
        ("co2_bio", "burner", "air", 1050),
        ("co2_bio", "kiln", "air", 101),
        ("slag", "lime", "landfill", 7),
    ]
    factors = (("co2_fuel", "msw", 0.557333, "t/t"), ("co2_fuel", "tar", 1.641750, "t/t"))
    processes = {"burner": "{kind: treat}", "kiln": "{kind: treat}", "yard": "{kind: collect}"}
    result = run(goods, processes | {"lime": "{kind: treat}"}, flows, factors=factors)
    found = evaluate(result, "general.co2_waste")[0]
    assert found.value == pytest.approx(0.557333 * 1050 + 1.641750 * 100)
    assert found.terms is not None and found.terms.left_out[0][1].sum() == 1


def test_energy_per_unit_of_one_product(run: Run) -> None:
    result = plant(run, {"coal": ("fuel", 100)}, factors=COAL)
    assert value(result, "cn.energy_per_product") == pytest.approx(0.7143)


def test_13_2_billion_kwh_in_standard_coal(run: Run) -> None:
    result = plant(run, {"ore": ("mineral", 1), "elec": ("power", 132e8 * 0.0036)}, factors=COAL)
    assert value(result, "cn.comprehensive_energy") == pytest.approx(1_622_280)
    assert value(result, "cn.comprehensive_energy_equivalent") == pytest.approx(3_960_000)


def test_co2_by_flows_and_by_factors_agree_for_one_set(run: Run) -> None:
    result = boiler(run)
    assert value(result, "general.co2") == pytest.approx(174.175 + 404.4)
    assert value(result, "general.co2_by_factors") == pytest.approx(174.175 + 404.4)


def test_a_named_set_of_factors_holds_before_the_first(run: Run) -> None:
    result = boiler(run)
    sets = {"co2_bought": "set_6", "co2_fuel": "set_7"}
    assert evaluate(result, "general.co2_by_factors", sets=sets)[0].value == pytest.approx(207.1509 + 536.6)
    table = indicators(result, ["general.co2"], sets={"co2_bought": "set_6"})
    assert table["value"].iloc[0] == pytest.approx(174.175 + 536.6)


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ({"co2_bought": "set_9"}, "no set `set_9` of the factor `co2_bought`"),
        ({"magic": "set_1"}, "no set `set_1` of the factor `magic`. Sets of `magic`: none"),
    ],
)
def test_an_unknown_set_of_factors_is_told(run: Run, sets: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        evaluate(boiler(run), "general.co2", sets=sets)


def test_an_unknown_input_is_told(run: Run) -> None:
    with pytest.raises(InputError, match="takes an input `employes`. Did you mean `employees`"):
        evaluate(boiler(run), "general.co2", inputs={"employes": 3})


def test_added_renewable_power_is_taken_off_the_assessed_energy(run: Run) -> None:
    result = boiler(run)
    assert value(result, "cn.comprehensive_energy_equivalent_no_feedstock") == pytest.approx(71.43 + 300)
    assert value(result, "cn.assessed_energy", renewable_power_added=1200) == pytest.approx(71.43 + 200)
    assert value(result, "cn.nonfossil_share", nonfossil_share_of_power=50) == pytest.approx(
        100 * 150 / 371.43
    )
    assert value(result, "park.renewable_share", renewable_share_of_power=50) == pytest.approx(
        100 * 61.45 / 194.33
    )
    assert value(result, "park.carbon_per_energy") == pytest.approx((174.175 + 404.4) / 194.33)


# Feedstock (NDRC and NBS, 803 of 2022)

CRACKER = """
processes:
  refinery: {recipe: refinery, firm: oil}
  cracker: {recipe: steam_cracker, activity: 1000 t/a, firm: olefins}
flows:
  - {good: naphtha, from: refinery, to: cracker}
"""


def test_naphtha_that_becomes_olefins_is_feedstock_and_what_the_furnaces_burn_is_not(tmp_path: Path) -> None:
    result = library(tmp_path, CRACKER)
    naphtha, power = 3200 * 1.5013, 360 * 0.034139
    assert value(result, "cn.comprehensive_energy", "firm:olefins") == pytest.approx(
        naphtha + power, rel=1e-6
    )
    left = naphtha * (1 - 0.8756) + power
    assert value(result, "cn.comprehensive_energy_no_feedstock", "firm:olefins") == pytest.approx(
        left, rel=1e-6
    )
    assert value(result, "cn.feedstock_energy", "firm:oil") == 0


def test_feedstock_made_inside_counts_where_it_is_used(tmp_path: Path) -> None:
    result = library(tmp_path, CRACKER)
    parts = [
        value(result, "cn.comprehensive_energy_no_feedstock", f"firm:{firm}") for firm in ("oil", "olefins")
    ]
    assert value(result, "cn.comprehensive_energy_no_feedstock") == pytest.approx(sum(parts), rel=1e-12)
    assert value(result, "cn.feedstock_energy") == pytest.approx(3200 * 1.5013 * 0.8756, rel=1e-6)


def test_carbon_that_stays_in_olefins_is_not_emitted(tmp_path: Path) -> None:
    result = library(tmp_path, CRACKER)
    power = 360 * 0.4044 / 3.6
    burnt = 3200 * 0.8525 * 44 / 12 * (1 - 0.8756)
    assert value(result, "general.co2_by_factors", "firm:olefins") == pytest.approx(burnt + power, rel=1e-4)
    assert value(result, "general.co2", "firm:olefins") == pytest.approx(1243.815345 + power, rel=1e-4)


USED = """flowsim: 1
name: test
year: 2025
goods:
  coal: {name: coal, class: fuel}
  tyre: {name: tyre}
  co2_process: {name: CO2, class: emission, fate: air}
processes: {yard: {kind: store}, works: {}}
flows:
  - {good: coal, from: market, to: yard, amount: 110 t/a}
  - {good: coal, from: yard, to: works, amount: 100 t/a, feedstock: 40 %}
  - {good: tyre, from: works, to: market, amount: 60 t/a}
  - {good: co2_process, from: works, to: air, amount: 40 t/a}
factors:
  - {factor: tce, good: coal, value: 0.7, unit: tce/t}
  - {factor: co2_fuel, good: coal, value: 2, unit: t/t}
"""


def test_a_flow_may_say_what_part_is_feedstock(tmp_path: Path) -> None:
    (tmp_path / "used.yaml").write_text(USED, encoding="utf-8")
    result = balance(assemble(read(tmp_path / "used.yaml")))
    assert value(result, "cn.comprehensive_energy") == pytest.approx(77)
    assert value(result, "cn.feedstock_energy") == pytest.approx(28)
    assert value(result, "cn.comprehensive_energy_no_feedstock") == pytest.approx(77 - 28)
    assert value(result, "general.co2_by_factors") == pytest.approx((110 - 40) * 2 + 40)


def test_more_added_renewable_power_than_power_bought_is_told(run: Run) -> None:
    text = "the renewable power added (3601 GJ/a) is more than the power bought"
    assert reason(boiler(run), "cn.assessed_energy", renewable_power_added=3601) == text


# B: economy-wide accounts, ISO 59020, CTI, MCI, metals


def test_material_flow_accounts_of_a_region(run: Run) -> None:
    flows = [
        ("ore", "nature", "works", 800),
        ("scrap", "market", "works", 300),
        ("metal", "works", "market", 150),
    ]
    flows += [("gas", "works", "air", 50), ("ash", "works", "landfill", 900)]
    goods = {
        "ore": "mineral",
        "scrap": "recyclable",
        "metal": "product",
        "gas": "emission",
        "ash": "solid_waste",
    }
    prices = {"ore": 0, "scrap": 0, "ash": 0, "metal": 19_000 / 150}
    result = run(goods, {"works": "{}"}, flows, prices=prices)
    expected = {
        "de": 800,
        "imports": 300,
        "exports": 150,
        "dmi": 1100,
        "dmc": 950,
        "ptb": 150,
        "dpo": 50,
        "nas": 900,
    }
    for name, number in expected.items():
        assert value(result, f"eu.{name}") == pytest.approx(number), name
    assert value(result, "eu.resource_productivity") == pytest.approx(20)
    assert reason(result, "eu.rmc").startswith("needs raw-material equivalents")


def test_the_material_consumption_of_the_union_in_2019_per_head(run: Run) -> None:
    flows = [
        ("ore", "nature", "union", 12.0),
        ("oil", "market", "union", 3.8),
        ("car", "union", "market", 1.7),
    ]
    flows.append(("ash", "union", "landfill", 14.1))
    goods = {"ore": "mineral", "oil": "fuel", "car": "product", "ash": "municipal_waste"}
    result = run(goods, {"union": "{kind: use}"}, flows)
    assert value(result, "eu.dmc_per_head", population=1) == pytest.approx(14.1)
    assert value(result, "eu.ptb") == pytest.approx(2.1)
    assert reason(result, "eu.dmc_per_head", population=0) == "there are no inhabitants"


def test_productivities_of_china_in_2010(run: Run) -> None:
    flows = [("ore", "nature", "china", 11.9e9), ("cars", "china", "market", 1.2e9)]
    flows.append(("ash", "china", "landfill", 10.7e9))
    goods = {"ore": "mineral", "cars": "product", "ash": "solid_waste"}
    result = run(goods, {"china": "{}"}, flows, prices={"ore": 0, "ash": 0, "cars": 2260 * 11.9 / 1.2})
    assert value(result, "eu.productivity_dmi") == pytest.approx(2260)
    assert value(result, "eu.resource_productivity") == pytest.approx(2512, abs=2)


def test_the_circular_material_use_rate_counts_trade_in_waste(run: Run) -> None:
    flows = [
        ("ore", "nature", "works", 803),
        ("scrap", "works", "recycler", 95),
        ("scrap", "market", "recycler", 5),
        ("scrap", "works", "market", 8),
        ("metal", "recycler", "works", 100),
        ("goods", "works", "city", 800),
        ("ash", "city", "landfill", 800),
    ]
    classes = {
        "ore": "mineral",
        "scrap": "recyclable",
        "metal": "product",
        "goods": "product",
        "ash": "municipal_waste",
    }
    result = run(classes, {"works": "{}", "recycler": "{kind: utilise}", "city": "{kind: use}"}, flows)
    assert value(result, "eu.dmc") == pytest.approx(800)
    assert value(result, "eu.cmur") == pytest.approx(11.406, abs=5e-4)
    assert value(result, "eu.cmur_recycler_view") == pytest.approx(100 * 100 / 900)
    assert value(result, "cn.circulation_rate_input") == pytest.approx(100 * 95 / (95 + 808))


def test_iso_59020_splits_the_inflow(run: Run) -> None:
    put_in = {
        "textile_reuse": ("recyclable", 10),
        "scrap": ("recyclable", 30),
        "wood": ("biomass", 20),
        "ore": ("mineral", 40),
    }
    result = plant(run, put_in, 2e6)
    assert value(result, "iso59020.reused_inflow") == pytest.approx(10)
    assert value(result, "iso59020.recycled_inflow") == pytest.approx(30)
    assert value(result, "iso59020.renewable_inflow") == pytest.approx(20)
    assert value(result, "iso59020.material_productivity") == pytest.approx(50_000)
    assert value(result, "cti.inflow") == pytest.approx(60)
    assert value(result, "cti.material") == pytest.approx(30)
    assert value(result, "cti.revenue") == pytest.approx(2e6 * 0.6 / 2)
    assert value(result, "iso59020.lifetime", lifetime_ratio=1.2) == 1.2


def test_outflow_is_circular_where_it_is_recovered(run: Run) -> None:
    flows = [
        ("ore", "market", "works", 100),
        ("metal", "works", "market", 50),
        ("scrap", "works", "market", 20),
    ]
    flows += [("bark", "works", "market", 10), ("ash", "works", "landfill", 20)]
    goods = {
        "ore": "mineral",
        "metal": "product",
        "scrap": "recyclable",
        "bark": "agricultural_waste",
        "ash": "solid_waste",
    }
    result = run(goods, {"works": "{}"}, flows)
    assert value(result, "iso59020.recycled_outflow") == pytest.approx(20)
    assert value(result, "iso59020.biological_outflow") == pytest.approx(10)
    assert value(result, "cti.outflow") == pytest.approx(30)


def test_circular_transition_of_an_example(run: Run) -> None:
    flows = [("ore", "market", "works", 40), ("scrap", "market", "works", 60)]
    flows += [("pack_lfp_second", "works", "market", 10), ("old", "works", "market", 20)]
    flows += [("bark", "works", "market", 10), ("old", "works", "landfill", 40)]
    flows += [("ash", "works", "market", 18), ("ash", "works", "landfill", 2)]
    goods = {"ore": "mineral", "scrap": "recyclable", "pack_lfp_second": "recyclable", "old": "recyclable"}
    goods |= {"bark": "agricultural_waste", "ash": "solid_waste"}
    result = run(goods, {"works": "{}"}, flows)
    for name, expected in {"inflow": 60, "outflow": 58, "material": 59}.items():
        assert value(result, f"cti.{name}") == pytest.approx(expected), name
    ways = [value(result, f"cti.recovery_{way}") for way in ("reuse", "recycling", "biological")]
    assert ways == pytest.approx([100 * 10 / 58, 100 * 38 / 58, 100 * 10 / 58])


def test_circular_water_in_and_out(run: Run) -> None:
    goods = {"raw": "fresh_water", "grey": "reclaimed_water", "foul": "wastewater", "clean": "wastewater"}
    flows = [("raw", "nature", "mill", 75), ("grey", "market", "mill", 25), ("foul", "mill", "works", 60)]
    flows += [("foul", "mill", "treatment", 40), ("clean", "works", "water", 60)]
    result = run(goods, {"mill": "{}", "works": "{kind: treat}"}, flows)
    assert value(result, "iso59020.circular_water_in") == value(result, "cti.water_in") == pytest.approx(25)
    assert value(result, "iso59020.treated_water_out") == pytest.approx(60)
    assert value(result, "cti.water_out") == pytest.approx(60)
    assert value(result, "water.unconventional_rate") == pytest.approx(25)


EXAMPLE = Product(10, 0.25, 0.05, to_recycling=0.4, to_reuse=0.1, feed_efficiency=0.8, end_efficiency=0.9)


def test_the_material_circularity_indicator_of_an_example() -> None:
    found = circularity(EXAMPLE, 1.2)
    assert found.virgin == pytest.approx(7.0)
    assert found.not_recovered == pytest.approx(5.0)
    assert (found.feed_waste, found.end_waste, found.waste) == pytest.approx((0.625, 0.4, 5.5125))
    assert found.linear_flow_index == pytest.approx(0.6221255, abs=5e-8)
    assert found.value == pytest.approx(0.5334058, abs=5e-8)
    assert circularity(EXAMPLE).value == pytest.approx(0.4400870, abs=5e-8)
    assert circularity([EXAMPLE, EXAMPLE], 1.2).value == pytest.approx(found.value)


@pytest.mark.parametrize(
    ("product", "lifetime", "uncut", "cut"),
    [
        (Product(1), 1.0, 0.1, 0.1),
        (Product(1), 0.5, -0.8, 0.0),
        (Product(1, recycled=1, to_recycling=1), 1.0, 1.0, 1.0),
        (Product(100, recycled=0.3, to_recycling=0.5), 1.0, 0.46, 0.46),
    ],
)
def test_the_limits_of_the_material_circularity_indicator(
    product: Product, lifetime: float, uncut: float, cut: float
) -> None:
    found = circularity(product, lifetime)
    assert (found.uncut, found.value) == pytest.approx((uncut, cut))


@pytest.mark.parametrize(
    ("product", "lifetime", "message"),
    [
        (Product(0), 1, "the mass must be greater than 0"),
        (Product(1), 0, "lifetime and use must be greater than 0"),
        (Product(1, recycled=1.2), 1, "`recycled` is 1.2. It is a share, 0 to 1"),
        (Product(1, 0.6, 0.6), 1, "shares of the feed add up to more than 1"),
        (Product(1, to_recycling=0.6, to_reuse=0.6), 1, "shares collected add up to more than 1"),
        (Product(1, 0.5, feed_efficiency=0), 1, "needs a recycling efficiency above 0"),
    ],
)
def test_a_product_that_cannot_be_is_told(product: Product, lifetime: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        circularity(product, lifetime)


def test_the_portfolio_takes_its_feed_from_flows_and_its_end_from_inputs(run: Run) -> None:
    result = plant(run, {"scrap": ("recyclable", 30), "ore": ("mineral", 70)})
    inputs = {"collected_for_recycling": 50, "collected_for_reuse": 0, "feed_recycling_efficiency": 100}
    inputs |= {"recycling_efficiency": 100, "lifetime_ratio": 1}
    assert value(result, "mci.portfolio", **inputs) == pytest.approx(0.46)
    assert "give the input `collected_for_recycling`" in reason(result, "mci.portfolio")


def metal_cycle(run: Run) -> Result:
    """100 t leave use, 70 are collected, 56 recovered, 24 are new scrap, 200 are primary."""
    flows = [
        ("ore", "market", "smelter", 200),
        ("sheet", "smelter", "use", 232),
        ("sheet", "smelter", "market", 24),
        ("cut", "smelter", "smelter_2", 24),
        ("sheet", "smelter_2", "market", 24),
        ("old", "use", "recycler", 70),
        ("old", "use", "landfill", 30),
        ("stock", "use", "store", 132),
        ("ingot", "recycler", "smelter", 56),
        ("slag", "recycler", "landfill", 14),
    ]
    flows[2] = ("sheet", "smelter", "market", 0)
    goods = {
        "ore": "raw_material",
        "sheet": "product",
        "cut": "recyclable",
        "old": "recyclable",
        "stock": "product",
    }
    goods |= {"ingot": "product", "slag": "solid_waste"}
    processes = {
        "smelter": "{}",
        "smelter_2": "{}",
        "use": "{kind: use}",
        "recycler": "{kind: utilise}",
        "store": "{kind: store}",
    }
    contents = "contents:\n" + "".join(f"  {good}: {{Cu: 1.0}}\n" for good in goods)
    return run(goods, processes, [flow for flow in flows if flow[3]], contents=contents)


def test_the_recycling_rates_of_a_metal(run: Run) -> None:
    result = metal_cycle(run)
    expected = {
        "recycled_content": 100 * 80 / 280,
        "eol_collection_rate": 70,
        "eol_process_efficiency": 80,
        "eol_recycling_rate": 56,
        "old_scrap_ratio": 70,
        "eol_input_rate": 100 * 56 / 280,
        "eol_nonfunctional_rate": 0,
    }
    for name, number in expected.items():
        assert value(result, f"metals.cu_{name}") == pytest.approx(number), name
    assert evaluate(result, "metals.cu_recycled_content")[0].terms.coverage == 1  # type: ignore[union-attr]
    assert reason(result, "metals.co_recycled_content") == "no content of cobalt is known"


def test_old_and_new_scrap_that_are_recycled_together_share_what_comes_out(run: Run) -> None:
    flows = [
        ("ore", "market", "smelter", 50),
        ("sheet", "smelter", "use", 80),
        ("cut", "smelter", "yard", 20),
        ("old", "use", "yard", 60),
        ("old", "use", "landfill", 20),
        ("mixed", "yard", "recycler", 80),
        ("black", "recycler", "refinery", 64),
        ("slag", "recycler", "road", 12),
        ("slag", "recycler", "landfill", 4),
        ("ingot", "refinery", "smelter", 50),
        ("ingot", "refinery", "market", 14),
        ("base", "road", "market", 12),
    ]
    goods = dict.fromkeys(("cut", "old", "mixed", "black"), "recyclable")
    goods |= {"ore": "raw_material", "sheet": "product", "ingot": "product", "slag": "solid_waste"}
    goods |= {"base": "product"}
    processes = {"smelter": "{}", "use": "{kind: use}", "yard": "{kind: collect}"}
    processes |= {"recycler": "{kind: utilise}", "refinery": "{kind: utilise}", "road": "{kind: use}"}
    contents = "contents:\n" + "".join(f"  {good}: {{Cu: 1.0}}\n" for good in goods)
    result = run(goods, processes, flows, contents=contents)
    assert value(result, "metals.cu_old_scrap_ratio") == pytest.approx(100 * 60 / 80)
    assert value(result, "metals.cu_recycled_content") == pytest.approx(50)
    assert value(result, "metals.cu_eol_input_rate") == pytest.approx(50 * 60 / 80)
    taken = value(result, "metals.cu_eol_collection_rate") / 100
    assert value(result, "metals.cu_eol_nonfunctional_rate") == pytest.approx(100 * taken * 12 / 80)


def test_coverage_tells_what_part_of_the_mass_has_contents(run: Run) -> None:
    contents = "contents:\n  ore: {Co: 0.5}\n"
    result = plant(run, {"ore": ("mineral", 30), "salt": ("mineral", 10)}, contents=contents)
    table = indicators(result, ["cti.critical"])
    assert table["value"].iloc[0] == pytest.approx(37.5) and table["coverage"].iloc[0] == pytest.approx(0.75)


# C: exchanges


def test_what_an_exchange_of_ash_avoids() -> None:
    found = avoided(
        100_000,
        replaced=0.9,
        virgin_factor=0.80,
        disposal_factor=0.01,
        treatment_energy=20,
        energy_factor=0.4044e-3,
        distance=30,
        transport_factor=1e-4,
    )
    assert found == pytest.approx({"virgin_material": 90_000, "disposal": 100_000, "co2": 71_891}, abs=0.5)


def test_the_symbiosis_indicator_of_an_example() -> None:
    assert symbiosis_indicator([(500, 2), (300, 1)], [(200, 2)]) == pytest.approx(3.242, abs=5e-4)


def test_exchanges_inside_as_shares(run: Run) -> None:
    flows = [
        ("ore", "market", "smelter", 100),
        ("ash", "smelter", "kiln", 30),
        ("ash", "smelter", "landfill", 10),
    ]
    flows += [
        ("metal", "smelter", "market", 60),
        ("clay", "market", "kiln", 50),
        ("brick", "kiln", "market", 80),
    ]
    goods = {
        "ore": "mineral",
        "clay": "mineral",
        "metal": "product",
        "brick": "product",
        "ash": "solid_waste",
    }
    result = run(
        goods,
        {"smelter": "{}", "kiln": "{}"},
        flows,
        prices={"ore": 1, "clay": 1, "metal": 5, "brick": 2, "ash": -1},
    )
    assert (
        value(result, "network.symbiosis_share")
        == value(result, "cn.circulation_rate_waste")
        == pytest.approx(75)
    )
    assert value(result, "network.input_exchange_share") == pytest.approx(20)
    assert value(result, "network.byproduct_recycling_rate") == pytest.approx(0.75)
    assert value(result, "park.chain_links") == 1
    assert value(result, "general.virgin_input") == 150
    assert value(result, "cn.isw_disposal") == 10
    assert value(result, "cn.recycling_industry_output") == 0


def test_the_recycling_industry_in_value_added(run: Run) -> None:
    flows = [
        ("ore", "market", "smelter", 10),
        ("ash", "smelter", "kiln", 4),
        ("metal", "smelter", "market", 6),
        ("brick", "kiln", "market", 4),
    ]
    goods = {"ore": "mineral", "metal": "product", "brick": "product", "ash": "solid_waste"}
    prices = {"ore": 1, "metal": 10, "brick": 2, "ash": -3}
    result = run(goods, {"smelter": "{}", "kiln": "{kind: utilise}"}, flows, prices=prices)
    assert value(result, "general.value_added") == pytest.approx(60 + 8 - 10)
    assert value(result, "park.recycling_value_share") == pytest.approx(100 * (8 + 12) / 58)
    assert value(result, "cn.recycling_industry_output") == pytest.approx(8 + 12)


# Changes


def test_cuts_and_growth_over_years() -> None:
    assert joined_cuts([0.02635] * 5) == pytest.approx(0.125, abs=5e-5)
    assert yearly_growth(1, 0.875, 5) == pytest.approx(-0.02635, abs=5e-6)
    with pytest.raises(InputError, match="needs positive amounts and years"):
        yearly_growth(0, 1, 5)


def test_uplift_of_resource_productivity() -> None:
    uplift, money, material = productivity_uplift((500, 500), (1000, 900))
    assert uplift == pytest.approx(1 / 9) and money + material == pytest.approx(np.log(1 + uplift))
    with pytest.raises(InputError, match="positive value added and inputs"):
        productivity_uplift((500, 500), (0, 900))


def test_the_change_of_an_intensity_and_its_elasticity(run: Run) -> None:
    base = plant(run, {"coal": ("fuel", 100)}, 1e6, factors=COAL)
    target = plant(run, {"coal": ("fuel", 110)}, 1.21e6, factors=COAL)
    assert change("cn.energy_intensity_change", base, target).value == pytest.approx(100 * (1.1 / 1.21 - 1))
    for name in ("energy", "cn.comprehensive_energy"):
        found = elasticity(name, base, target, 2)
        assert found.value == pytest.approx((1.1**0.5 - 1) / 0.1) and found.growth == pytest.approx(0.1)
    with pytest.raises(InputError, match="0 years were given"):
        elasticity("energy", base, target, 0)


def test_the_mean_yearly_cut_of_an_intensity(run: Run) -> None:
    base = plant(run, {"coal": ("fuel", 100)}, 1e6, factors=COAL)
    target = plant(run, {"coal": ("fuel", 87.5)}, 1e6, factors=COAL)
    found = changes("change", base, target)
    by_id = {one.id: one for one in found}
    assert list(by_id) == [item.id for item in known("change")]
    assert by_id["cn.energy_intensity"].value == pytest.approx(-12.5)
    assert by_id["cn.energy_intensity"].yearly(5) == pytest.approx(-2.635, abs=5e-4)
    assert np.isnan(by_id["cn.energy_intensity"].yearly(0))


def test_a_change_that_cannot_be_said_has_a_reason(run: Run) -> None:
    base = plant(run, {"ore": ("mineral", 100)}, 1e6)
    missing = change("cn.straw_utilisation_rate", base, base)
    assert (
        np.isnan(missing.value) and missing.reason.startswith("no flow carries straw") and missing.reason_zh
    )
    zero = change("cn.fresh_water_intake", base, base)
    assert zero.reason == "the base is 0" and zero.reason_zh
    still = elasticity("eu.dmi", base, base, 5)
    assert still.reason == "value added did not change" and still.reason_zh
    none = elasticity("water", base, base, 5)
    assert none.reason == "Fresh water intake: the base is 0" and "基期为零" in none.reason_zh


def test_a_negative_base_has_no_change_in_percent(run: Run) -> None:
    flows = [("water", "nature", "plant", 5.0), ("ice", "plant", "market", 5.0)]
    result = run({"water": "fresh_water", "ice": "product"}, {"plant": "{}"}, flows)
    assert change("eu.dmc", result, result).reason == "the base is negative"


def test_prices_of_different_years_are_not_compared(run: Run) -> None:
    base = plant(run, {"ore": ("mineral", 100)}, 1e6)
    prices = base.system.prices.assign(year=2025.0)
    later = replace(base, system=replace(base.system, prices=prices))
    assert change("eu.productivity_dmi", base, later).reason == "prices of 2020 and 2025 differ"
    assert change("eu.dmi", base, later).value == 0


# Many answers at once


def test_a_sample_gives_what_each_answer_gives_alone(run: Run) -> None:
    result = metal_cycle(run)
    scales = (1.0, 2.0, 0.5)
    draws = np.outer(scales, result.x)
    ids = [item.id for item in known() if item.set not in ("network",)] + ["network.fci"]
    table = sample(result, draws, ids)
    assert table.shape == (3, len(ids))
    for row, x, scale in zip(table, draws, scales, strict=True):
        system = replace(result.system, rhs=scale * result.system.rhs)
        alone = [found.value for found in evaluate(replace(result, system=system, x=x), ids)]
        assert row == pytest.approx(alone, nan_ok=True)


def test_an_undetermined_draw_is_missing_alone(run: Run) -> None:
    result = metal_cycle(run)
    draws = np.vstack([result.x, result.x])
    draws[1, 0] = np.nan
    found = sample(result, draws, ["eu.dmi", "metals.cu_eol_collection_rate"])
    assert np.isnan(found[1, 0]) and found[0, 0] == 200 and found[1, 1] == 70


def test_ten_thousand_draws_take_a_moment(run: Run) -> None:
    result = metal_cycle(run)
    draws = np.repeat(result.x[None, :], 10_000, axis=0)
    assert sample(result, draws, "first").shape == (10_000, 12)


# Laws


def test_numerators_of_firms_add_up_to_those_of_the_park(run: Run) -> None:
    flows = [
        ("ore", "market", "a", 10),
        ("ash", "a", "b", 4),
        ("metal", "a", "market", 6),
        ("ash", "b", "landfill", 4),
    ]
    result = run(
        {"ore": "mineral", "metal": "product", "ash": "solid_waste"},
        {"a": "{firm: a}", "b": "{firm: b}"},
        flows,
    )
    for id in ("cn.isw_utilisation_rate", "cn.isw_disposal"):
        park, *firms = (evaluate(result, id, where)[0].numerator for where in ("park", "firm:a", "firm:b"))
        assert park == pytest.approx(sum(firms))


def test_how_processes_are_grouped_inside_a_boundary_does_not_matter(run: Run) -> None:
    flows = [
        ("ore", "market", "a", 10),
        ("ash", "a", "b", 4),
        ("metal", "a", "market", 6),
        ("brick", "b", "market", 4),
    ]
    goods = {"ore": "mineral", "metal": "product", "ash": "solid_waste", "brick": "product"}
    one = run(goods, {"a": "{firm: x}", "b": "{firm: x}"}, flows)
    two = run(goods, {"a": "{firm: x}", "b": "{firm: y}"}, flows)
    by_firm = {
        "network.eco_connectance",
        "network.byproduct_connectance",
        "network.byproduct_recycling_rate",
        "park.chain_links",
    }
    for a, b in zip(evaluate(one), evaluate(two), strict=True):
        if a.indicator.id not in by_firm:
            assert (a.value, a.reason) == (pytest.approx(b.value, nan_ok=True), b.reason)


def test_an_account_of_draws_keeps_masks_by_flow(run: Run) -> None:
    result = metal_cycle(run)
    account = Account(result, x=np.vstack([result.x, 2 * result.x]))
    assert account.amounts.shape == account.mass.shape == (2, len(result.system.flows))
    assert account.enters.shape == (len(result.system.flows),)
