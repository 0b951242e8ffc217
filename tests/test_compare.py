"""Comparison: changes explained flow by flow without a remainder, targets, names."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import flowsim as fs
from flowsim.errors import InputError
from flowsim.indicators import evaluate
from flowsim.result import Result

assemble, balance, compare = fs.assemble, fs.balance, fs.compare
NICKEL = Path(__file__).parent.parent / "scenarios" / "nickel_loop.yaml"
KILN = """
flowsim: 1
name: {en: NAME, zh: 窑}
year: 2025
goods:
  limestone: {name: {en: limestone, zh: 石灰石}, class: mineral, origin: nature}
  slag: {name: {en: slag, zh: 炉渣}, class: solid_waste, fate: landfill}
  metal: {name: {en: metal, zh: 金属}}
  brick: {name: {en: brick, zh: 砖}}
recipes:
  smelting: {in: {limestone: 1.2 t}, out: {metal: 1 t, slag: 0.2 t}}
  burning: {kind: utilise, in: {limestone: 1 t}, out: {brick: 1 t}}
substitutes:
  - {good: slag, replaces: limestone, recipe: burning, max_share: 50 %}
processes:
  smelter: {recipe: smelting, activity: 100 t/a}
  kiln: {recipe: burning, activity: 60 t/a}
links:
  slag_to_kiln: {name: {en: Slag to kiln, zh: 渣入窑}, good: slag, from: smelter, to: kiln, limit: 15 t/a}
variants:
  plan: {name: {en: Plan, zh: 规划}}
  exchange: {name: {en: Exchange, zh: 共生}, open: [slag_to_kiln]}
targets:
  - set: aims
    id: a1
    indicator: general.solid_waste_landfilled
    name: {en: little waste, zh: 少填埋}
    sense: <=
    value: 10
    unit: t/a
  - set: aims
    id: a2
    indicator: cn.isw_utilisation_rate
    name: {en: use it, zh: 利用}
    sense: ">="
    value: 90
    unit: "%"
  - set: aims
    id: a3
    indicator: general.solid_waste_landfilled_change
    name: {en: halve it, zh: 减半}
    sense: change
    value: -50
    unit: "%"
  - {set: aims, id: a4, indicator: joy, name: {en: joy, zh: 喜}, sense: ">=", value: 1, unit: "1"}
"""
SETS = ("first", "cn", "eu", "general")


@pytest.fixture(scope="module")
def nickel() -> list[Result]:
    scenario = fs.read(NICKEL)
    return [balance(assemble(scenario.with_variant(name))) for name in scenario.variant_names]


@pytest.fixture(scope="module")
def kiln(tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    return variants_of(tmp_path_factory.mktemp("kiln") / "kiln.yaml", "Kiln")


def variants_of(path: Path, name: str) -> list[Result]:
    path.write_text(KILN.replace("NAME", name), encoding="utf-8")
    return [balance(assemble(fs.read(path, variant))) for variant in ("plan", "exchange")]


def test_the_parts_of_every_change_add_up_to_it(nickel: list[Result]) -> None:
    comparison = compare(nickel, names=SETS)
    explained = 0
    for position in range(1, len(nickel)):
        for at, first in enumerate(comparison.values[0]):
            value = comparison.values[position][at]
            if np.isfinite(value.value) and np.isfinite(first.value):
                parts = sum(part.contribution for part in comparison.parts[position][at])
                size = max(abs(value.value), abs(first.value), 1e-12)
                assert parts == pytest.approx(value.value - first.value, abs=1e-9 * size), value.indicator.id
                explained += 1
    assert explained > 30


def test_the_parts_add_up_at_a_smaller_boundary_too(nickel: list[Result]) -> None:
    comparison = compare(nickel[:2], boundary="firm:cngr", names="general")
    for at, first in enumerate(comparison.values[0]):
        change = comparison.values[1][at].value - first.value
        if np.isfinite(change):
            parts = sum(part.contribution for part in comparison.parts[1][at])
            assert parts == pytest.approx(change, abs=1e-9 * max(abs(first.value), 1e-12))


def test_the_first_result_has_nothing_to_explain(nickel: list[Result]) -> None:
    comparison = compare(nickel[:1])
    assert comparison.parts == (tuple(() for _ in comparison.values[0]),)


def test_a_link_is_credited_with_what_it_displaces(kiln: list[Result]) -> None:
    comparison = compare(kiln, names=["general.solid_waste_landfilled"], targets="")
    (part,) = comparison.parts[1][0]
    assert (part.id, part.en, part.zh) == ("slag_to_kiln", "Slag to kiln", "渣入窑")
    assert part.contribution == pytest.approx(-15)


def test_the_largest_part_comes_first(nickel: list[Result]) -> None:
    for parts in compare(nickel).parts[-1]:
        sizes = [abs(part.contribution) for part in parts]
        assert sizes == sorted(sizes, reverse=True)


def test_the_table_has_the_change_against_the_first(kiln: list[Result]) -> None:
    table = compare(kiln, names=["general.solid_waste_landfilled"], targets="").table
    row = table.iloc[0]
    assert (row["plan"], row["exchange"], row["exchange_change"]) == pytest.approx((20, 5, -15))
    assert "plan_change" not in table.columns


def test_targets_pass_or_fail(kiln: list[Result]) -> None:
    verdicts = {(one.target["id"], one.variant): one for one in compare(kiln, targets="aims").verdicts}
    assert verdicts["a1", "plan"].passed is False and verdicts["a1", "exchange"].passed is True
    assert verdicts["a2", "exchange"].passed is False and verdicts["a2", "exchange"].value == pytest.approx(
        75
    )


def test_a_target_of_a_change_needs_a_base(kiln: list[Result]) -> None:
    without = {one.variant: one for one in compare(kiln, targets="aims").verdicts if one.target["id"] == "a3"}
    assert (
        without["exchange"].passed is None and without["exchange"].reason == "needs a base variant (--base)"
    )
    assert "基准" in without["exchange"].reason_zh
    found = compare(kiln, targets="aims", base="plan").verdicts
    based = {one.variant: one for one in found if one.target["id"] == "a3"}
    assert based["exchange"].passed is True and based["exchange"].value == pytest.approx(-75)
    assert based["plan"].passed is None and based["plan"].reason == "changes are counted from this variant"


def test_a_change_from_zero_cannot_be_judged(kiln: list[Result]) -> None:
    rate = compare(kiln, targets="aims", base="plan")
    target = {
        **rate.verdicts[0].target,
        "id": "a5",
        "indicator": "cn.isw_utilisation_rate_change",
        "sense": "change",
    }
    changed = []
    for result in kiln:
        system = result.system
        targets = system.targets.iloc[:1].assign(
            **{key: [target[key]] for key in ("id", "indicator", "sense")}
        )
        changed.append(dataclasses.replace(result, system=dataclasses.replace(system, targets=targets)))
    verdict = compare(changed, targets="aims", base="plan").verdicts[1]
    assert verdict.passed is None and verdict.reason == "the value of the base is zero"


def test_targets_that_no_flow_defines_are_listed_beside(kiln: list[Result]) -> None:
    comparison = compare(kiln, targets="aims")
    assert [target["id"] for target in comparison.beyond] == ["a4"]
    assert "a4" not in {one.target["id"] for one in comparison.verdicts}


def test_the_scenario_names_its_own_target_set(nickel: list[Result]) -> None:
    assert compare(nickel[:1]).target_set == "qinzhou_2025"
    assert compare(nickel[:1], targets="").verdicts == ()


def test_an_unknown_target_set_is_an_error(nickel: list[Result]) -> None:
    with pytest.raises(InputError, match="there is no target set `qinzhou_2052`.*qinzhou_2025"):
        compare(nickel[:1], targets="qinzhou_2052")


def test_an_unknown_base_is_an_error(kiln: list[Result]) -> None:
    with pytest.raises(InputError, match="there is no variant `plann` to count changes from"):
        compare(kiln, base="plann", targets="")


def test_unknown_indicators_and_boundaries_are_errors(kiln: list[Result]) -> None:
    with pytest.raises(InputError, match="cn.isw_utilisation_rat"):
        compare(kiln, names=["cn.isw_utilisation_rat"])
    with pytest.raises(InputError, match="there is no boundary `galaxy`"):
        compare(kiln, boundary="galaxy")


def test_nothing_to_compare_is_an_error() -> None:
    with pytest.raises(InputError, match="there is nothing to compare"):
        compare([])


def test_results_are_named_by_variant_then_by_file(kiln: list[Result], tmp_path: Path) -> None:
    assert compare(kiln).names == ("plan", "exchange")
    other = variants_of(tmp_path / "other.yaml", "Other kiln")
    both = compare([*kiln, *other], targets="")
    assert both.names == ("kiln.plan", "kiln.exchange", "other.plan", "other.exchange")
    assert [label["en"] for label in both.labels] == [
        "Kiln: Plan", "Kiln: Exchange", "Other kiln: Plan", "Other kiln: Exchange",
    ]  # fmt: skip


def test_the_same_result_twice_is_numbered_and_does_not_change(kiln: list[Result]) -> None:
    twice = compare([kiln[0], kiln[0]], targets="")
    assert len(set(twice.names)) == 2
    assert not any(part.contribution for parts in twice.parts[1] for part in parts)


def test_a_missing_indicator_has_its_reason_and_no_parts(kiln: list[Result]) -> None:
    comparison = compare(kiln, names=["general.value_added"], targets="")
    value = comparison.values[1][0]
    assert np.isnan(value.value) and "price" in value.reason and value.reason_zh
    assert comparison.parts[1][0] == ()
    assert comparison.as_json()["indicators"][0]["values"]["exchange"]["value"] is None


def test_values_are_those_of_the_indicators(nickel: list[Result]) -> None:
    comparison = compare(nickel, names="general")
    for result, values in zip(nickel, comparison.values, strict=True):
        assert [one.value for one in values] == pytest.approx(
            [one.value for one in evaluate(result, "general")], nan_ok=True
        )
