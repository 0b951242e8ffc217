"""The plan's own arithmetic, against the shipped recipes and the capacities of the shipped park.

The plan rounds, and recipes have losses that stoichiometry has not: each test says what its wording allows.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import pytest

import flowsim as fs
from flowsim.units import parse

ROOT = Path(__file__).parent.parent
KWH = 0.0036
NI, FORMALDEHYDE_C = 58.693, 12.011 / 30.026


@cache
def rows(table: str) -> list[dict[str, str]]:
    with open(ROOT / "data" / f"{table}.csv", encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def line(recipe: str, direction: str, good: str) -> float:
    """Amount of one line of a library recipe, per unit of its reference line."""
    lines = [row for row in rows("recipes") if row["recipe"] == recipe]
    reference = next(parse(row["amount"]).value for row in lines if row["role"] == "reference")
    found = next(row for row in lines if row["direction"] == direction and row["good"] == good)
    return parse(found["amount"]).value / reference


def content(good: str, layer: str) -> float:
    return next(float(r["value"]) for r in rows("contents") if r["good"] == good and r["layer"] == layer)


@cache
def capacities() -> dict[str, float]:
    table = fs.read(str(ROOT / "scenarios" / "qinzhou_park.yaml")).tables["processes"]
    return dict(zip(table["id"], table["capacity"], strict=True))


def test_the_nickel_of_the_nickel_sulfate_says_that_it_is_the_hexahydrate() -> None:
    nickel = content("niso4_6h2o", "Ni")
    assert nickel == pytest.approx(NI / 262.84, rel=1e-3)
    assert 180 * nickel == pytest.approx(40, abs=0.5)
    assert 70 * nickel == pytest.approx(15, abs=1)
    assert capacities()["gepai_matte"] == pytest.approx(180e3)
    assert capacities()["gepai_sulfate"] == pytest.approx(70e3)


def test_concentrating_formaldehyde_loses_less_than_one_percent_of_it() -> None:
    before, after = 120 * 0.37, 88 * 0.50
    assert after == pytest.approx(before, rel=0.01)
    with_methanol = 0.04
    assert content("formaldehyde37", "C") == pytest.approx(0.37 * FORMALDEHYDE_C, rel=with_methanol)
    assert capacities()["formaldehyde_plant"] == pytest.approx(120e3)


def test_the_power_station_runs_5000_hours_at_full_power() -> None:
    kwh = capacities()["power_station"] / KWH
    assert kwh == pytest.approx(132e8)
    assert kwh / 2.64e6 == pytest.approx(5000)


def test_its_power_in_standard_coal_is_1_622_280_tonnes() -> None:
    factor = next(
        float(r["value"])
        for r in rows("factors")
        if (r["factor"], r["good"], r["set"]) == ("tce", "elec", "gb_t_2589_2008")
    )
    assert capacities()["power_station"] * factor == pytest.approx(1622280, rel=1e-4)


def test_its_steam_is_2400_tonnes_an_hour() -> None:
    steam = line("chp_coal", "out", "steam_mp") + line("chp_coal", "out", "steam_lp")
    heat = capacities()["power_station"] * steam
    assert 2.6 < heat / (2400 * 5000) < 3.2


def test_the_two_entries_of_lithium_hydroxide_are_one_expansion_to_75_kt() -> None:
    assert capacities()["tianyuan_lithium"] == pytest.approx(25e3 + 50e3)


def test_caprolactam_and_polyamide_are_one_chain_and_not_240_kt() -> None:
    assert line("pa6_fibre", "in", "caprolactam") == pytest.approx(1, abs=0.01)
    assert capacities()["hengyi_caprolactam"] == capacities()["hengyi_polyamide"] == pytest.approx(1200e3)


def test_the_3000_kt_of_the_mill_add_pulp_and_board() -> None:
    parts = [capacities()[name] for name in ("kraft", "mechanical_pulp", "board_phase3")]
    assert sum(parts) == pytest.approx(3000e3)


def test_the_propylene_of_huayi_is_fully_used() -> None:
    used = sum(
        capacities()[process] * line(recipe, "in", "propylene")
        for process, recipe in (
            ("huayi_butanol", "n_butanol"),
            ("huayi_acrylic_acid", "acrylic_acid"),
            ("huayi_phenol", "phenol_acetone"),
            ("hongyi_polypropylene", "pp"),
        )
    )
    assert used / capacities()["huayi_pdh"] == pytest.approx(1.04, abs=0.02)


def test_phenol_suffices_for_bisphenol_and_acetone_is_left_over() -> None:
    phenol, bisphenol = capacities()["huayi_phenol"], capacities()["huayi_bisphenol"]
    acetone = phenol * line("phenol_acetone", "out", "acetone")
    assert phenol + acetone == pytest.approx(280e3, rel=1e-3)
    assert bisphenol * line("bpa", "in", "phenol") == pytest.approx(165e3, rel=0.05)
    assert bisphenol * line("bpa", "in", "phenol") < phenol
    assert acetone - bisphenol * line("bpa", "in", "acetone") == pytest.approx(56e3, rel=0.1)


def test_the_propylene_of_tongkun_is_used_up_by_polymer_and_oxide() -> None:
    used = capacities()["tongkun_polypropylene"] * line("pp", "in", "propylene")
    used += capacities()["tongkun_propylene_oxide"] * line("po_hppo", "in", "propylene")
    assert used / capacities()["tongkun_pdh"] == pytest.approx(1.03, abs=0.03)


def test_the_peroxide_of_tongkun_fits_its_propylene_oxide() -> None:
    used = capacities()["tongkun_propylene_oxide"] * line("po_hppo", "in", "h2o2")
    share = used / capacities()["tongkun_peroxide"]
    assert 0.88 <= share <= 1, "not under the stoichiometric 88 %, and not over the plant"


def test_85_percent_of_the_chlorine_goes_to_pvc() -> None:
    made = capacities()["huayi_chlor_alkali"] * line("chlor_alkali", "out", "chlorine")
    used = capacities()["huayi_pvc"] * line("pvc_ethylene", "in", "chlorine")
    assert made == pytest.approx(266e3, rel=0.01)
    assert used / made == pytest.approx(0.85, abs=0.05)


def test_the_construction_waste_lines_need_333_days() -> None:
    assert capacities()["cdw_plant"] / (1000 + 500) == pytest.approx(333, abs=1)


def test_the_furnace_gas_of_the_plan_is_less_than_the_furnaces_give() -> None:
    recovered = 48.78e6 * 1.25e-3
    assert recovered < 70e3 * line("simn_smelting", "out", "eaf_gas")
