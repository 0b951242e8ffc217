"""The symbiosis ledger: what each open link saves against the same scenario without it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from flowsim.errors import InputError
from flowsim.indicators.ledger import ALL, SAVED, Ledger, close, ledger
from flowsim.scenario import Scenario, example, read

ASH = """
flowsim: 1
name: test
year: 2025
goods:
  ore: {name: ore, class: mineral}
  clay: {name: clay, class: mineral}
  metal: {name: metal, class: product}
  brick: {name: brick, class: product}
  ash: {name: ash, class: solid_waste, fate: landfill}
recipes:
  smelting:
    name: smelting
    in: {ore: 1 t}
    out: {metal: 0.6 t, ash: 0.4 t}
    reference: ore
  brickmaking:
    name: brickmaking
    in: {clay: 1 t}
    out: {brick: 1 t}
substitutes:
  - {good: ash, replaces: clay, recipe: brickmaking, ratio: 1, max_share: 50 %}
prices:
  ore: {price: 100 CNY/t, year: 2020}
  clay: {price: 10 CNY/t, year: 2020}
  metal: {price: 1000 CNY/t, year: 2020}
  brick: {price: 50 CNY/t, year: 2020}
  ash: {price: -20 CNY/t, year: 2020}
processes:
  smelter: {recipe: smelting, activity: 100 t/a, firm: a}
  kiln: {recipe: brickmaking, activity: 80 t/a, firm: b}
links:
  ash_to_kiln:
    name: {en: Ash to kiln, zh: 灰渣制砖}
    good: ash
    from: smelter
    to: kiln
    limit: 30 t/a
    cost: 2 CNY/t
    open: true
"""
"""A smelter whose ash a kiln may take instead of clay: by hand, 30 t of clay and of landfill are saved."""


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    path = tmp_path / "ash.yaml"
    path.write_text(ASH, encoding="utf-8")
    return read(path)


@pytest.fixture
def found(scenario: Scenario) -> Ledger:
    return ledger(scenario, ["cn.isw_utilisation_rate", "eu.dmi"])


def test_a_link_saves_what_it_replaces(found: Ledger) -> None:
    (entry,) = found.entries
    assert (entry.link, entry.en, entry.zh, entry.unit) == ("ash_to_kiln", "Ash to kiln", "灰渣制砖", "t/a")
    assert entry.amount == pytest.approx(30)
    assert entry.saved["virgin_material"] == pytest.approx(30)
    assert entry.saved["waste"] == pytest.approx(30)
    assert entry.saved["water"] == pytest.approx(0)


def test_money_is_the_margin_less_the_cost_of_the_link(found: Ledger) -> None:
    # clay and landfill fees saved: 30 x 10 + 30 x 20, less 30 x 2 for the link
    assert found.entries[0].saved["money"] == pytest.approx(300 + 600 - 60)


def test_the_marginal_part_of_a_link_in_each_indicator(found: Ledger) -> None:
    part = found.marginal(found.entries[0])
    assert part["cn.isw_utilisation_rate"] == pytest.approx(75)
    assert part["eu.dmi"] == pytest.approx(-30)


def test_the_table_has_a_row_for_each_link(found: Ledger) -> None:
    table = found.table
    assert list(table["link"]) == ["ash_to_kiln"]
    assert set(SAVED) | {"cn.isw_utilisation_rate", "eu.dmi", "reason"} <= set(table.columns)


def test_at_the_boundary_of_a_firm_only_its_own_side_counts(scenario: Scenario) -> None:
    (entry,) = ledger(scenario, "eu.dmi", "firm:b").entries
    assert entry.saved["virgin_material"] == pytest.approx(30)
    assert entry.saved["waste"] == 0


def test_closing_a_link_leaves_the_scenario_as_it_was(scenario: Scenario) -> None:
    shut = close(scenario, "ash_to_kiln")
    assert not shut.tables["links"]["open"].any() and scenario.tables["links"]["open"].all()


def test_a_link_that_cannot_be_closed_has_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "ash.yaml"
    path.write_text(f"{ASH}facts:\n  - {{given: ash_to_kiln, amount: 20 t/a}}\n", encoding="utf-8")
    (entry,) = ledger(read(path), "eu.dmi").entries
    assert entry.reason and np.isnan(entry.saved["waste"]) and entry.without == ()


def test_an_unknown_link_is_told(scenario: Scenario) -> None:
    with pytest.raises(InputError, match="there is no link `ash_to_kil`. Did you mean `ash_to_kiln`"):
        close(scenario, "ash_to_kil")


def test_a_scenario_without_open_links_has_an_empty_ledger(scenario: Scenario) -> None:
    empty = ledger(close(scenario, "ash_to_kiln"), "eu.dmi")
    assert empty.entries == () and empty.table.empty and "virgin_material" in empty.table


def test_the_nickel_loop_has_a_ledger_with_all_links_together() -> None:
    found = ledger(example("nickel_loop").with_variant("symbiosis"))
    by_link = {entry.link: entry for entry in found.entries}
    assert list(by_link)[-1] == ALL and len(by_link) == 7
    assert by_link["slag_to_landao"].saved["waste"] > 0
    assert by_link["steam_from_power_station"].saved["co2"] != 0
    assert all(np.isfinite(list(entry.saved.values())).all() or entry.reason for entry in found.entries)
