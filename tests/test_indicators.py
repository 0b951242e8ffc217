"""Indicators: worked examples, small parks computed by hand, and laws that hold for every indicator."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from parks import balanced, library, reason, value

from flowsim.errors import InputError
from flowsim.indicators import Account, evaluate, get, indicators, known, waste
from flowsim.indicators.change import ELASTICITIES
from flowsim.indicators.chinese import RULES, clause_zh
from flowsim.indicators.registry import CERTAINTIES, FIRST
from flowsim.result import Result
from flowsim.schema import GOOD_CLASSES

Run = Callable[..., Result]

PARK = {
    "goods": {
        "ore": "mineral",
        "clay": "mineral",
        "metal": "product",
        "brick": "product",
        "ash": "solid_waste",
    },
    "processes": {"smelter": "{firm: a, chain: metal}", "kiln": "{firm: b, site: east}"},
    "flows": [
        ("ore", "market", "smelter", 100),
        ("metal", "smelter", "market", 60),
        ("ash", "smelter", "kiln", 30),
        ("ash", "smelter", "landfill", 10),
        ("clay", "market", "kiln", 50),
        ("brick", "kiln", "market", 80),
    ],
    "prices": {"ore": 100, "metal": 1000, "ash": -20, "clay": 10, "brick": 50},
}
"""Two firms; firm b makes bricks of clay and of the ash of firm a. Amounts in t/a."""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A function that writes a scenario of stated flows, balances it and returns the result."""
    return partial(balanced, tmp_path)


# The list


def test_every_indicator_has_both_languages_a_formula_and_a_certainty() -> None:
    for item in known():
        assert item.en and item.formula and item.formula_zh and item.clause and item.unit and item.note
        assert any("\u4e00" <= sign <= "\u9fff" for sign in item.zh), item.id
        assert item.certainty in CERTAINTIES and item.better in ("more", "less", "")
        assert item.set == item.id.split(".")[0]


def test_the_first_set_is_known() -> None:
    assert [item.id for item in known("first")] == list(FIRST)
    sets = {"cn", "eu", "park", "general", "water", "iso59020", "mci", "cti", "metals", "network"}
    assert {item.set for item in known()} == sets


def test_sets_are_known_by_the_names_that_users_know() -> None:
    assert known("ew_mfa") == known("eu") and known("cn_park") == known("park")
    assert known("all") == known()


def test_every_clause_and_every_rule_is_told_in_chinese(run: Run) -> None:
    for clause in [item.clause for item in known()] + [clause for *_, clause in ELASTICITIES.values()]:
        assert not re.search(r"no\. |, mandatory|own def", clause_zh(clause)), clause
    assert clause_zh("HJ 274-2015, no. 26 for its change") == "HJ 274-2015，第 26 项（用于其变化率）"
    rules = {rule for item in evaluate(run(**PARK)) if item.terms for rule, _ in item.terms.left_out}
    sources = "".join(path.read_text(encoding="utf-8") for path in Path(waste.__file__).parent.glob("*.py"))
    assert rules <= set(RULES) and all(sources.count(f'"{rule}"') >= 2 for rule in RULES)


def test_an_unknown_indicator_is_told_with_the_nearest() -> None:
    with pytest.raises(InputError, match="there is no indicator `eu.dmx`. Did you mean `eu.dm[ic]`?"):
        get("eu.dmx")


def test_an_indicator_unlike_any_other_points_to_the_list() -> None:
    with pytest.raises(InputError, match="`flowsim indicators` lists them"):
        get("qqq.zzzzzz")


@pytest.mark.parametrize(
    ("name", "hint"), [("frist", "Did you mean `first`"), ("xyz", "Sets are first, all, ")]
)
def test_an_unknown_set_is_told(name: str, hint: str) -> None:
    with pytest.raises(InputError, match=f"there is no set of indicators `{name}`. {hint}"):
        known(name)


@pytest.mark.parametrize(
    ("boundary", "message"),
    [
        ("frim:a", "no boundary `frim:a`. Did you mean `firm`"),
        ("world", "no boundary `world`. Boundaries are park, city, firm:ID"),
        ("firm:", "no boundary `firm:`"),
        ("process:smelte", "there is no process `smelte`. Did you mean `smelter`"),
        ("firm:zz", "there is no firm `zz`. Known: a, b"),
        ("site:zz", "there is no site `zz`. Known: east"),
        ("process:market", "there is no process `market`"),
    ],
)
def test_an_unknown_boundary_is_told(run: Run, boundary: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        evaluate(run(**PARK), "eu.dmi", boundary)


def test_a_tag_that_nobody_has_is_told(run: Run) -> None:
    result = run(
        {"ore": "mineral"}, {"mill": "{}"}, [("ore", "market", "mill", 1), ("ore", "mill", "market", 1)]
    )
    with pytest.raises(InputError, match="No process has a chain"):
        Account(result, "chain:x")


def test_the_table_has_the_columns_of_the_interface(run: Run) -> None:
    table = indicators(run(**PARK), "eu")
    columns = (
        "id en zh value unit numerator numerator_unit denominator denominator_unit boundary clause certainty"
    )
    assert list(table.columns) == [*columns.split(), "reason", "reason_zh", "coverage"]
    assert list(table["id"]) == [item.id for item in known("eu")]


def test_sets_and_ids_can_be_mixed_without_doubles(run: Run) -> None:
    values = evaluate(run(**PARK), ["eu.dmc", "eu"])
    ids = [item.indicator.id for item in values]
    assert ids[0] == "eu.dmc" and sorted(ids) == sorted(item.id for item in known("eu"))


# A park of two firms, by hand


@pytest.mark.parametrize(
    ("id", "park", "firm_a", "firm_b"),
    [
        ("general.value_added", 53300, 49200, 4100),
        ("cn.isw_utilisation_rate", 75, 75, None),
        ("park.isw_utilisation_rate", 75, 75, None),
        ("eu.dmi", 150, 100, 80),
        ("eu.dmc", 10, 10, 0),
        ("eu.resource_productivity", 5330, 4920, None),
        ("eu.productivity_dmi", 53300 / 150, 492, 51.25),
        ("cn.main_resource_productivity", 53300 / 150, 492, 82),
        ("general.recycled_input_rate", 100 * 30 / 180, 0, 37.5),
        ("general.solid_waste_landfilled", 10, 10, 0),
        ("cn.hw_utilisation_disposal_rate", None, None, None),
    ],
)
def test_a_link_between_firms_counts_at_each_boundary_as_it_should(
    run: Run, id: str, park: float | None, firm_a: float | None, firm_b: float | None
) -> None:
    result = run(**PARK)
    for boundary, expected in (("park", park), ("firm:a", firm_a), ("firm:b", firm_b)):
        if expected is None:
            assert reason(result, id, boundary) == "the denominator is 0"
        else:
            assert value(result, id, boundary) == pytest.approx(expected)


def test_where_nothing_stands_outside_the_park_city_and_park_are_one(run: Run) -> None:
    result = run(**PARK)
    for park, city in zip(evaluate(result), evaluate(result, boundary="city"), strict=True):
        assert park.reason == city.reason and np.array_equal(park.value, city.value, equal_nan=True)


def test_the_park_leaves_out_what_stands_elsewhere_in_the_city(run: Run) -> None:
    whole = run(**PARK)
    apart = run(**{**PARK, "processes": {**PARK["processes"], "kiln": "{firm: b, site: east, area: city}"}})
    for boundary, same in (("park", "firm:a"), ("city", "park")):
        pairs = zip(evaluate(apart, boundary=boundary), evaluate(whole, boundary=same), strict=True)
        for mine, other in pairs:
            assert np.array_equal(mine.value, other.value, equal_nan=True), mine.indicator.id


def test_a_site_a_chain_and_a_process_are_boundaries_too(run: Run) -> None:
    result = run(**PARK)
    assert value(result, "eu.dmi", "site:east") == value(result, "eu.dmi", "process:kiln") == 80
    assert value(result, "eu.dmi", "chain:metal") == 100


def test_doubling_all_flows_doubles_sums_and_leaves_rates(run: Run) -> None:
    one, two = (evaluate(run(**PARK, scale=scale)) for scale in (1.0, 2.0))
    for a, b in zip(one, two, strict=True):
        assert a.reason == b.reason
        if not a.reason and a.terms is not None:
            factor = 2 if a.terms.denominator is None else 1
            assert b.value == pytest.approx(a.value * factor), a.indicator.id


def test_contributions_add_up_to_the_value(run: Run) -> None:
    result = run(**PARK)
    for item in evaluate(result):
        if item.terms is None or item.reason:
            continue
        assert len(item.terms.numerator) == len(result.system.flows)
        denominator = 1.0 if item.terms.denominator is None else item.terms.denominator.sum()
        assert item.value == pytest.approx(item.terms.scale * item.terms.numerator.sum() / denominator)
        assert item.numerator == pytest.approx(item.terms.numerator.sum())


def test_a_price_for_the_recipe_at_the_end_inside_holds_first(tmp_path: Path) -> None:
    result = library(
        tmp_path,
        "processes:\n  chp: {recipe: chp_coal, activity: 10 GWh/a}\n"
        "flows:\n  - {good: elec, from: chp, to: market}\n",
    )
    account = Account(result)
    sold = account.of_good("elec") & account.leaves
    prices = result.system.prices
    own = prices[(prices["good"] == "elec") & (prices["recipe"] == "chp_coal")]["price"].iloc[0]
    assert account.price()[sold].sum() == pytest.approx(own * 36_000)


# Missing, with a reason


def test_an_undetermined_flow_makes_only_what_it_touches_missing(run: Run) -> None:
    result = run(**PARK)
    x = result.x.copy()
    x[4] = np.nan
    unknown = replace(result, x=x)
    assert reason(unknown, "eu.dmi") == "undetermined flows: clay__market__kiln"
    assert value(unknown, "cn.isw_utilisation_rate") == 75


def test_a_balance_that_does_not_close_makes_all_missing(run: Run) -> None:
    result = run(**PARK)
    x = result.x.copy()
    x[1] *= 1.01
    for item in evaluate(replace(result, x=x)):
        assert "the balance does not close" in item.reason and "不闭合" in item.reason_zh


def test_missing_prices_are_named(run: Run) -> None:
    result = run(**{**PARK, "prices": {"ore": 100, "metal": 1000, "ash": -20}})
    assert reason(result, "general.value_added") == "no price for brick, clay"
    assert reason(result, "eu.resource_productivity") == "no price for brick, clay"
    assert value(result, "general.value_added", "firm:a") == 49200


def test_air_and_emissions_without_a_price_are_worth_nothing(run: Run) -> None:
    goods = {"gas": "air", "off_gas": "emission", "vapour": "vapour"}
    flows = [("gas", "nature", "vent", 5.0), ("off_gas", "vent", "air", 5.0)]
    assert value(run(goods, {"vent": "{}"}, flows), "general.value_added") == 0


def test_a_share_above_one_hundred_is_not_cut_and_a_sum_may_be_negative(run: Run) -> None:
    goods = {"water": "fresh_water", "ice": "product"}
    flows = [("water", "nature", "plant", 5.0), ("ice", "plant", "market", 5.0)]
    result = run(goods, {"plant": "{}"}, flows, prices={"water": 1, "ice": 2})
    assert value(result, "eu.dmc") == -5
    assert reason(result, "eu.resource_productivity") == "the denominator is negative (-5 t/a)"


# Groups inside a boundary

BY_FIRM = {
    "network.eco_connectance",
    "network.byproduct_connectance",
    "network.byproduct_recycling_rate",
    "park.chain_links",
}
"""Indicators that ask who exchanges with whom, so that firms are their nodes."""


def random_park(run: Run, seed: int) -> Result:
    """Twelve processes of all kinds that exchange goods of many classes at random; the rest comes from the
    market, is sold or goes to the landfill.
    """
    rng = np.random.default_rng(seed)
    kinds = ("transform", "use", "collect", "utilise", "treat", "store", "trade")
    processes = {f"p{at}": f"{{kind: {kind}}}" for at, kind in enumerate(rng.choice(kinds, 12))}
    classes = ("product", "by_product", "recyclable", "solid_waste", "municipal_waste", "agricultural_waste")
    goods = {f"g_{name}": name for name in classes} | {"ore": "mineral"}
    flows, gap = [], dict.fromkeys(processes, 0.0)
    for giver in processes:
        for taker in rng.choice([name for name in processes if name != giver], 3, replace=False):
            amount = float(rng.integers(1, 50))
            flows.append((f"g_{rng.choice(classes)}", giver, str(taker), amount))
            gap[giver] += amount
            gap[str(taker)] -= amount
    for name, lacks in gap.items():
        flows.append(("ore", "market", name, max(lacks, 0.0) + 10))
        flows.append((f"g_{rng.choice(classes)}", name, "market", 6 + max(-lacks, 0.0)))
        flows.append((f"g_{rng.choice(classes)}", name, "landfill", 4.0))
    prices = {good: float(rng.integers(1, 9)) for good in goods}
    contents = "contents:\n" + "".join(f"  {good}: {{Cu: {rng.uniform(0.1, 0.9)}}}\n" for good in goods)
    return run(goods, processes, flows, prices=prices, contents=contents)


def tagged(result: Result, **tags: np.ndarray) -> Result:
    """The same result with processes inside that belong to other firms, sites or chains."""
    processes = result.system.processes.copy()
    inside = ~processes["outside"].to_numpy(dtype=bool)
    for name, values in tags.items():
        processes.loc[inside, name] = values
    return replace(result, system=replace(result.system, processes=processes))


def agree(one: Result, at: str, other: Result, there: str) -> None:
    for a, b in zip(evaluate(one, None, at), evaluate(other, None, there), strict=True):
        if a.indicator.id not in BY_FIRM:
            assert a.reason == b.reason and a.value == pytest.approx(b.value, nan_ok=True), a.indicator.id


@pytest.mark.parametrize("seed", range(4))
def test_no_indicator_depends_on_how_processes_inside_are_grouped(run: Run, seed: int) -> None:
    result, rng = random_park(run, seed), np.random.default_rng(seed)
    size = int((~result.system.processes["outside"].to_numpy(dtype=bool)).sum())
    groups = [rng.choice(list("abc"), size).astype(object) for _ in range(3)]
    mixed = tagged(result, firm=groups[0], site=groups[1], chain=groups[2])
    agree(result, "park", mixed, "park")
    part = rng.choice(["x", "y"], size).astype(object)
    by_firm = tagged(result, firm=part, site=groups[1], chain=groups[2])
    for tag in ("site", "chain"):
        other = tagged(result, **{"firm": groups[0], tag: part})
        agree(by_firm, "firm:x", other, f"{tag}:x")
    agree(result, "park", tagged(result, firm=np.full(size, "all", dtype=object)), "firm:all")


@pytest.mark.parametrize("seed", range(4))
def test_what_leaves_one_part_of_a_park_enters_the_other_or_leaves_the_park(run: Run, seed: int) -> None:
    result, rng = random_park(run, seed), np.random.default_rng(seed)
    size = int((~result.system.processes["outside"].to_numpy(dtype=bool)).sum())
    parts = tagged(result, firm=np.append(["x", "y"], rng.choice(["x", "y"], size - 2)).astype(object))
    inner = Account(parts).internal & ~Account(parts, "firm:x").internal & ~Account(parts, "firm:y").internal
    exchanged = float(Account(parts).mass[inner].sum())
    for id in ("eu.imports", "eu.exports"):
        shares = sum(value(parts, id, f"firm:{name}") for name in "xy")
        assert shares - exchanged == pytest.approx(value(parts, id))
    for id in ("eu.dmc", "eu.ptb", "general.value_added", "eu.nas", "cn.isw_utilised_of_generated"):
        whole, *sides = (evaluate(parts, id, where)[0].numerator for where in ("park", "firm:x", "firm:y"))
        assert sum(sides) == pytest.approx(whole), id


# Waste: worked examples


def test_coal_gangue_of_2018_counts_use_of_old_stock_in_both_terms(run: Run) -> None:
    flows = [
        ("coal", "nature", "mine", 3.5),
        ("gangue", "mine", "road", 1.86192),
        ("gangue", "mine", "landfill", 1.63808),
        ("gangue", "heap", "road", 0.03808),
        ("base", "road", "market", 1.9),
    ]
    goods = {"coal": "mineral", "gangue": "solid_waste", "base": "product"}
    result = run(goods, {"mine": "{}", "road": "{kind: use}", "heap": "{kind: store}"}, flows)
    assert value(result, "cn.isw_utilisation_rate") == pytest.approx(53.70, abs=0.005)


def test_national_hazardous_waste_of_2012(run: Run) -> None:
    prior = 2004.6 + 698.2 + 846.9 + 0.00161 - 3465.2
    flows = [
        ("salt", "nature", "works", 3465.2),
        ("sludge", "works", "reuse", 2004.6 - prior),
        ("sludge", "works", "treatment", 698.2),
        ("sludge", "works", "store", 846.9),
        ("sludge", "works", "water", 0.00161),
        ("sludge", "old_store", "reuse", prior),
        ("metal", "reuse", "market", 2004.6),
    ]
    processes = {
        "works": "{}",
        "reuse": "{kind: utilise}",
        "store": "{kind: store}",
        "old_store": "{kind: store}",
    }
    goods = {"salt": "mineral", "sludge": "hazardous_waste", "metal": "product"}
    result = run(goods, processes, flows)
    assert value(result, "cn.hw_utilisation_disposal_rate") == pytest.approx(76.14, abs=0.01)


def test_waste_is_followed_through_a_collector_and_imports_do_not_count(run: Run) -> None:
    flows = [
        ("ore", "nature", "works", 40),
        ("ash", "works", "yard", 40),
        ("ash", "market", "yard", 60),
        ("ash", "yard", "kiln", 75),
        ("ash", "yard", "landfill", 25),
        ("brick", "kiln", "market", 75),
    ]
    processes = {"works": "{firm: a}", "yard": "{kind: collect, firm: y}", "kiln": "{firm: b}"}
    goods = {"ore": "mineral", "ash": "solid_waste", "brick": "product"}
    result = run(goods, processes, flows)
    found = evaluate(result, "cn.isw_utilisation_rate")[0]
    assert (found.value, found.numerator, found.denominator) == pytest.approx((75, 30, 40))
    assert found.terms is not None
    rule, left_out = found.terms.left_out[0]
    assert rule == "waste brought in from outside" and list(np.flatnonzero(left_out)) == [2]
    assert value(result, "general.external_waste_used") == pytest.approx(45)
    assert value(result, "cn.isw_utilisation_rate", "firm:a") == pytest.approx(75)
    assert value(result, "general.solid_waste_landfilled") == pytest.approx(25)
    assert value(result, "general.solid_waste_landfilled", "firm:a") == pytest.approx(10)
    assert value(result, "general.recycled_input_rate") == pytest.approx(100 * 75 / 115)


def test_waste_that_a_collector_renames_is_counted_once(run: Run) -> None:
    goods = {name: "hazardous_waste" for name in ("tar", "sludge", "mixed")} | {
        "ware": "product",
        "ash": "solid_waste",
    }
    processes = {"works": "{}", "yard": "{kind: collect}", "kiln": "{kind: treat}", "cellar": "{kind: store}"}
    flows = [
        ("ware", "market", "works", 10),
        ("tar", "works", "yard", 7),
        ("sludge", "works", "yard", 3),
        ("mixed", "yard", "kiln", 5),
        ("sludge", "yard", "cellar", 4),
        ("mixed", "yard", "market", 1),
        ("ash", "kiln", "landfill", 5),
    ]
    found = evaluate(run(goods, processes, flows), "cn.hw_utilisation_disposal_rate")[0]
    assert (found.numerator, found.denominator) == pytest.approx((6, 10))


def test_what_a_collector_sorts_out_is_of_its_own_class(run: Run) -> None:
    goods = {"refuse": "municipal_waste", "scrap": "recyclable", "ash": "solid_waste"}
    flows = [("refuse", "market", "yard", 10), ("scrap", "yard", "market", 4), ("ash", "yard", "landfill", 6)]
    found = evaluate(run(goods, {"yard": "{kind: collect}"}, flows), "cn.isw_utilisation_rate")[0]
    assert (found.numerator, found.denominator) == pytest.approx((0, 6))


def test_what_a_store_keeps_is_not_utilised(run: Run) -> None:
    flows = [
        ("ore", "nature", "works", 40),
        ("ash", "works", "heap", 40),
        ("ash", "heap", "kiln", 30),
        ("brick", "kiln", "market", 30),
    ]
    goods = {"ore": "mineral", "ash": "solid_waste", "brick": "product"}
    result = run(goods, {"works": "{}", "heap": "{kind: store}", "kiln": "{}"}, flows)
    assert value(result, "cn.isw_utilisation_rate") == pytest.approx(75)


def test_treatment_is_no_utilisation_but_disposes_of_hazardous_waste(run: Run) -> None:
    goods = {"ore": "mineral", "ash": "solid_waste", "tar": "hazardous_waste", "smoke": "emission"}
    flows = [
        ("ore", "nature", "works", 40),
        ("ash", "works", "burner", 30),
        ("tar", "works", "burner", 10),
        ("smoke", "burner", "air", 40),
    ]
    result = run(goods, {"works": "{}", "burner": "{kind: dispose}"}, flows)
    assert value(result, "cn.isw_utilisation_rate") == 0
    assert value(result, "cn.hw_utilisation_disposal_rate") == 100
    assert value(result, "general.solid_waste_landfilled") == 40


def test_material_recycled_in_two_steps_counts_once(run: Run) -> None:
    goods = {
        "pack": "recyclable",
        "black_mass": "recyclable",
        "salt": "product",
        "cell": "product",
        "ore": "mineral",
    }
    flows = [
        ("pack", "market", "shredder", 10),
        ("black_mass", "shredder", "leach", 10),
        ("salt", "leach", "cells", 10),
        ("ore", "market", "cells", 30),
        ("cell", "cells", "market", 40),
    ]
    processes = {"shredder": "{kind: utilise}", "leach": "{kind: utilise, firm: l}", "cells": "{}"}
    result = run(goods, processes, flows)
    assert value(result, "general.recycled_input_rate") == pytest.approx(25)
    assert value(result, "general.recycled_input_rate", "firm:l") == pytest.approx(100)


# Water: worked examples

LOOP = {"raw": "fresh_water", "cool": "circulating_water", "warm": "circulating_water", "steam": "vapour"}
LOOP |= {"blowdown": "wastewater", "ore": "mineral", "metal": "product"}
LOOP_FLOWS = [
    ("raw", "nature", "tower", 100),
    ("warm", "plant", "tower", 1900),
    ("cool", "tower", "plant", 1900),
    ("steam", "tower", "air", 70),
    ("blowdown", "tower", "treatment", 30),
    ("ore", "market", "plant", 7),
    ("metal", "plant", "market", 7),
]


def test_a_cooling_loop_counts_each_round_once(run: Run) -> None:
    result = run(LOOP, {"tower": "{firm: u}", "plant": "{firm: p}"}, LOOP_FLOWS)
    for id in ("cn.industrial_water_reuse_rate", "park.water_reuse_rate"):
        assert value(result, id) == pytest.approx(95)
    assert value(result, "cn.fresh_water_intake") == 100


def test_one_good_for_both_ways_of_the_loop_gives_the_same(run: Run) -> None:
    flows = [("cool" if good == "warm" else good, *rest) for good, *rest in LOOP_FLOWS]
    assert value(run(LOOP, {"tower": "{}", "plant": "{}"}, flows), "park.water_reuse_rate") == pytest.approx(
        95
    )


def test_water_cooled_by_another_firm_leaves_the_rate_missing(run: Run) -> None:
    result = run(LOOP, {"tower": "{firm: u}", "plant": "{firm: p}"}, LOOP_FLOWS)
    assert "circulating water (cool) is cooled outside" in reason(result, "park.water_reuse_rate", "firm:p")
    assert value(result, "park.water_reuse_rate", "firm:u") == 0


def test_circulation_without_a_cooling_process_leaves_the_rate_missing(run: Run) -> None:
    flows = [("cool", "pump", "plant", 5), ("warm", "plant", "pump", 5), ("ore", "market", "plant", 7)]
    flows.append(("metal", "plant", "market", 7))
    result = run(LOOP, {"pump": "{}", "plant": "{}"}, flows)
    assert reason(result, "park.water_reuse_rate").startswith("no process inside cools")


def test_sea_water_and_bought_reclaimed_water_are_no_intake(run: Run) -> None:
    goods = {"raw": "fresh_water", "sea": "sea_water", "grey": "reclaimed_water", "foul": "wastewater"}
    flows = [("raw", "nature", "plant", 10), ("sea", "nature", "plant", 90), ("grey", "market", "plant", 5)]
    result = run(goods, {"plant": "{}"}, [*flows, ("foul", "plant", "treatment", 105)])
    found = evaluate(result, "cn.fresh_water_intake")[0]
    assert found.value == 10 and found.terms is not None
    assert [(rule, int(mask.sum())) for rule, mask in found.terms.left_out][:2] == [
        ("sea water", 1),
        ("reclaimed water from outside", 1),
    ]


def test_reclaimed_water_and_water_used_in_series_are_reuse(run: Run) -> None:
    goods = {"raw": "fresh_water", "foul": "wastewater", "clean": "reclaimed_water", "steam": "vapour"}
    flows = [
        ("raw", "nature", "mill", 60),
        ("foul", "mill", "wash", 20),
        ("foul", "mill", "plant", 40),
        ("clean", "plant", "mill", 30),
        ("foul", "plant", "treatment", 10),
        ("steam", "wash", "air", 20),
        ("steam", "mill", "air", 30),
    ]
    processes = {"mill": "{}", "wash": "{kind: use}", "plant": "{kind: utilise}"}
    assert value(run(goods, processes, flows), "park.water_reuse_rate") == pytest.approx(100 * 50 / 110)


def test_water_through_a_pool_counts_what_users_take(tmp_path: Path) -> None:
    processes = "  sulfate: {recipe: nisulfate_matte, activity: 1000 t/a, site: port}\n"
    processes += "  tower: {recipe: cooling_tower, site: port}\n"
    result = library(tmp_path, f"processes:\n{processes}pools: {{port: [cw_supply, cw_return]}}\n")
    account = Account(result)
    users = account.of_good("cw_supply") & account.from_kind("pool") & account.internal
    found = evaluate(result, "cn.industrial_water_reuse_rate")[0]
    assert found.numerator == pytest.approx(account.amounts[users].sum()) == pytest.approx(90_000)


# Energy and CO2: worked examples

POWER = {"coal": "fuel", "elec": "power", "hot": "heat", "co2_fossil": "emission", "gas": "air"}
FACTORS = (
    ("tce", "coal", 0.7143, "tce/t"),
    ("tce", "elec", 0.1229 / 3.6, "tce/GJ"),
    ("tce", "hot", 0.03412, "tce/GJ"),
    ("co2_bought", "elec", 0.11, "t/GJ"),
    ("co2_bought", "elec", 0.15, "t/GJ"),
    ("co2_bought", "hot", 0.2, "t/GJ"),
    ("co2_fuel", "coal", 2.0, "t/t"),
)
POWER_FLOWS = [
    ("coal", "market", "boiler", 10_000),
    ("gas", "nature", "boiler", 10_000),
    ("co2_fossil", "boiler", "air", 20_000),
    ("elec", "market", "boiler", 18_000),
    ("hot", "market", "boiler", 25_000),
    ("hot", "boiler", "market", 5_000),
]


def test_comprehensive_energy_of_coal_power_and_heat(run: Run) -> None:
    result = run(POWER, {"boiler": "{}"}, POWER_FLOWS, factors=FACTORS)
    assert value(result, "cn.comprehensive_energy") == pytest.approx(8439.9, abs=0.01)
    assert value(result, "cn.comprehensive_energy_no_feedstock") == pytest.approx(8439.9, abs=0.01)


def test_fuel_of_unknown_use_leaves_energy_without_feedstock_missing(run: Run) -> None:
    flows = [("coal", "market", "works", 10), ("tyre", "works", "market", 10)]
    result = run({"coal": "fuel", "tyre": "product"}, {"works": "{}"}, flows, factors=FACTORS)
    assert reason(result, "cn.comprehensive_energy_no_feedstock") == (
        "nothing says what part of coal is burnt and what part becomes product (`feedstock`)"
    )
    assert value(result, "cn.comprehensive_energy") == pytest.approx(7.143)


def test_a_fuel_without_a_coefficient_is_named(run: Run) -> None:
    result = run(POWER, {"boiler": "{}"}, POWER_FLOWS, factors=FACTORS[1:])
    assert reason(result, "cn.comprehensive_energy") == "no standard coal coefficient for coal"
    assert reason(result, "cn.energy_intensity_equivalent").startswith("no standard coal coefficient for")


def test_co2_is_what_goes_to_air_and_the_net_of_bought_energy(run: Run) -> None:
    result = run(POWER, {"boiler": "{}"}, POWER_FLOWS, factors=FACTORS)
    assert value(result, "general.co2") == pytest.approx(20_000 + 18_000 * 0.11 + 20_000 * 0.2)
    assert reason(run(POWER, {"boiler": "{}"}, POWER_FLOWS, factors=FACTORS[6:]), "general.co2") == (
        "no CO2 factor of bought energy for hot, elec"
    )


def test_a_fuel_user_without_co2_leaves_co2_missing(run: Run) -> None:
    flows = [("coal", "market", "works", 10), ("tyre", "works", "market", 10)]
    result = run({"coal": "fuel", "tyre": "product"}, {"works": "{}"}, flows, factors=FACTORS)
    assert reason(result, "general.co2").startswith(
        "works takes fuel, but gives off no CO2: add an output of"
    )


def test_fuel_gas_let_off_counts_by_its_carbon(run: Run) -> None:
    flows = [("ore", "market", "furnace", 30), ("top_gas", "furnace", "air", 30)]
    goods = {"ore": "mineral", "top_gas": "fuel"}
    result = run(goods, {"furnace": "{}"}, flows, contents="contents:\n  top_gas: {C: 0.3}\n")
    assert value(result, "general.co2") == pytest.approx(30 * 0.3 * 44 / 12)
    assert reason(run(goods, {"furnace": "{}"}, flows), "general.co2") == "no carbon content for top_gas"


def test_intensities_are_per_ten_thousand_yuan(run: Run) -> None:
    goods = {**POWER, "metal": "product", "ore": "mineral", "raw": "fresh_water", "foul": "wastewater"}
    flows = [*POWER_FLOWS, ("ore", "market", "boiler", 10), ("metal", "boiler", "market", 10)]
    flows += [("raw", "nature", "boiler", 50), ("foul", "boiler", "treatment", 50)]
    prices = {"coal": 0, "elec": 0, "hot": 0, "ore": 0, "raw": 0, "metal": 2000}
    result = run(goods, {"boiler": "{}"}, flows, prices=prices, factors=FACTORS)
    assert value(result, "cn.energy_intensity") == pytest.approx(8439.9 / 2, rel=1e-5)
    assert value(result, "cn.industrial_water_intensity") == pytest.approx(25)
    assert value(result, "general.co2_intensity") == pytest.approx(25_980 / 2)


# Main resources and the living world


def test_main_resources_are_net_and_leave_out_straw_and_poor_raw_material(run: Run) -> None:
    goods = {
        "coal": "fuel",
        "coke": "fuel",
        "straw": "biomass",
        "matte": "raw_material",
        "starch": "raw_material",
    }
    goods |= {"goods": "product"}
    flows = [
        ("coal", "nature", "works", 50),
        ("straw", "market", "works", 20),
        ("matte", "market", "works", 10),
        ("starch", "market", "works", 5),
        ("coke", "works", "market", 25),
        ("goods", "works", "market", 60),
    ]
    prices = {"coal": 0, "straw": 0, "matte": 0, "starch": 0, "coke": 0, "goods": 1}
    result = run(goods, {"works": "{}"}, flows, prices, contents="contents:\n  matte: {Ni: 0.7}\n")
    found = evaluate(result, "cn.main_resource_productivity")[0]
    assert (found.numerator, found.denominator) == pytest.approx((60, 50 + 10 - 25))


def test_a_harvest_is_extraction_and_what_plants_take_from_nature_is_not(tmp_path: Path) -> None:
    result = library(tmp_path, "processes:\n  rice: {recipe: rice_crop, activity: 1000 t/a}\n")
    account = Account(result)
    counted = set(result.system.flows["good"][evaluate(result, "eu.dmi")[0].terms.numerator != 0])  # type: ignore[union-attr]
    assert {"paddy", "straw"} <= counted and not counted & {"soil_minerals_rice", "co2_air", "rainwater"}
    irrigation = account.of_good("irrigation_water") & account.enters
    assert irrigation.any() and value(result, "cn.fresh_water_intake") == 0


def test_every_class_of_the_schema_that_is_named_exists() -> None:
    from flowsim.indicators import account, cn, energy, iso, network, waste

    named = {*cn.MAIN_CLASSES, *energy.MATERIAL_CLASSES, *waste.WASTES, *account.UNPRICED}
    named |= {*network.BY_PRODUCTS, *iso.RENEWABLE, *iso.BIOLOGICAL}
    assert named <= set(GOOD_CLASSES)
