"""The shipped library: it closes, points at nothing that is missing, and says where its numbers come from."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowsim.schema import (
    FATES,
    GOOD_CLASSES,
    GOOD_KINDS,
    LIBRARY,
    ORIGINS,
    PROCESS_KINDS,
    QUALITIES,
    TABLES,
)
from flowsim.units import parse

DATA = Path(__file__).parent.parent / "data"
CJK = re.compile(r"[一-鿿]")
KEY = re.compile(r"\b(?:REF|RECALL):([A-Za-z0-9/.-]*[A-Za-z0-9])")
TAG = re.compile(r"\b(?:EST|STOICH|BAL|PLAN)\b|\b(?:REF|RECALL):")
MASS = {"material": 1.0, "water": 1.0, "energy": 0.0}
NOT_ADDITIVE = {"free_H2O"}
CIRCULATING = {"cw_supply", "cw_return", "seawater_in", "seawater_out"}
CLOSURE = 1e-6

Row = dict[str, str]


def rows_of(table: str) -> list[Row]:
    with open(DATA / f"{table}.csv", encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


SHIPPED = [table for table in LIBRARY if (DATA / f"{table}.csv").exists()]
LIBRARY_ROWS = {table: rows_of(table) for table in SHIPPED}
GOODS = {row["id"]: row for row in LIBRARY_ROWS["goods"]}
CONTENTS: dict[str, dict[str, float]] = defaultdict(dict)
for content in LIBRARY_ROWS["contents"]:
    CONTENTS[content["good"]][content["layer"]] = float(content["value"])
RECIPES: dict[str, list[Row]] = defaultdict(list)
for line in LIBRARY_ROWS["recipes"]:
    RECIPES[line["recipe"]].append(line)


def every_row() -> Iterator[tuple[str, Row]]:
    for table, rows in LIBRARY_ROWS.items():
        for row in rows:
            yield table, row


def tonnes(row: Row) -> float:
    return parse(row["amount"]).value * MASS[GOODS[row["good"]]["kind"]]


def sides(recipe: str, layer: str = "") -> tuple[float, float]:
    """What goes in and what comes out, in t: of mass, or of one substance."""
    total = {"in": 0.0, "out": 0.0}
    for row in RECIPES[recipe]:
        share = CONTENTS[row["good"]].get(layer, 0.0) if layer else 1.0
        total[row["direction"]] += tonnes(row) * share
    return total["in"], total["out"]


def passing_through(recipe: str) -> float:
    """Cooling water goes in and out unchanged and would hide a gap, so it is left out of the size."""
    return sum(tonnes(r) for r in RECIPES[recipe] if r["direction"] == "in" and r["good"] in CIRCULATING)


# --- balances


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_closes_in_mass(recipe: str) -> None:
    taken, yielded = sides(recipe)
    assert abs(taken - yielded) <= CLOSURE * (taken - passing_through(recipe))


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_closes_in_each_substance(recipe: str) -> None:
    traces = 1e-9 * sides(recipe)[0]
    substances = {s for row in RECIPES[recipe] for s in CONTENTS[row["good"]]} - NOT_ADDITIVE
    gaps = {s: sides(recipe, s) for s in substances}
    assert not {s: (i, o) for s, (i, o) in gaps.items() if abs(i - o) > CLOSURE * max(i, o) + traces}


def test_the_elements_of_each_material_and_water_add_up_to_one() -> None:
    sums = {
        good: sum(v for s, v in CONTENTS[good].items() if s not in NOT_ADDITIVE)
        for good, row in GOODS.items()
        if row["kind"] != "energy"
    }
    assert not {good: total for good, total in sums.items() if abs(total - 1) > CLOSURE}


def test_a_content_is_a_share_and_stands_once() -> None:
    assert all(0 <= float(row["value"]) <= 1 for row in LIBRARY_ROWS["contents"])
    counts = Counter((row["good"], row["layer"]) for row in LIBRARY_ROWS["contents"])
    assert not [pair for pair, count in counts.items() if count > 1]


def test_the_chains_are_complete() -> None:
    chains = Counter(row["chain"] for row in LIBRARY_ROWS["recipes"] if row["role"] == "reference")
    assert chains == {
        "oil_fibre": 39,
        "battery": 25,
        "forest_paper": 15,
        "forest_board": 8,
        "building_materials": 20,
        "utilities": 17,
        "agri_loop": 7,
        "metal_recovery": 1,
    }


# --- the form of the rows


@pytest.mark.parametrize("table", SHIPPED)
def test_the_columns_are_those_of_the_schema(table: str) -> None:
    known = {column.name for column in TABLES[table]} - {"name"} | {"en", "zh"}
    needed = {c.name for c in TABLES[table] if c.required and c.kind != "label"}
    assert needed <= set(LIBRARY_ROWS[table][0]) <= known


@pytest.mark.parametrize("table", ["goods", "targets"])
def test_an_id_is_snake_case_and_stands_once(table: str) -> None:
    ids = [row["id"] for row in LIBRARY_ROWS[table]]
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in ids)
    assert len(set(ids)) == len(ids)


def test_every_label_is_in_english_and_chinese() -> None:
    labelled = [*LIBRARY_ROWS["goods"], *LIBRARY_ROWS["targets"], *LIBRARY_ROWS["groups"]]
    labelled += [row for row in LIBRARY_ROWS["recipes"] if row["role"] == "reference"]
    assert not [row for row in labelled if not row["en"] or not CJK.search(row["zh"])]
    assert not [row["en"] for row in labelled if CJK.search(row["en"])]


def test_name_chain_and_kind_stand_on_the_reference_line_only() -> None:
    for row in LIBRARY_ROWS["recipes"]:
        said = [bool(row[column]) for column in ("en", "zh", "chain", "kind")]
        assert said == [row["role"] == "reference"] * 4, row


def test_choices_are_those_of_the_schema() -> None:
    for row in GOODS.values():
        assert row["kind"] in GOOD_KINDS and row["class"] in GOOD_CLASSES, row
        assert row["origin"] in ORIGINS and row["fate"] in FATES, row
    for row in LIBRARY_ROWS["recipes"]:
        assert row["role"] in ("", "reference", "closing") and row["direction"] in ("in", "out"), row
        assert row["kind"] in ("", *PROCESS_KINDS), row
    for row in LIBRARY_ROWS["targets"]:
        assert row["sense"] in (">=", "<=", "change"), row


def test_an_amount_is_in_the_unit_of_its_good() -> None:
    for row in LIBRARY_ROWS["recipes"]:
        amount = parse(row["amount"])
        assert amount.value > 0 and amount.unit == GOOD_KINDS[GOODS[row["good"]]["kind"]], row


def test_each_input_of_energy_says_what_part_of_it_is_feedstock() -> None:
    coal = {row["good"] for row in LIBRARY_ROWS["factors"] if row["factor"] == "tce"}
    for row in LIBRARY_ROWS["recipes"]:
        good = GOODS[row["good"]]
        energy = good["kind"] == "material" and (good["class"] == "fuel" or row["good"] in coal)
        if row["direction"] == "in" and energy:
            assert row["feedstock"] and 0 <= float(row["feedstock"]) <= 1, row
        else:
            assert not row["feedstock"] or row["direction"] == "in", row


@pytest.mark.parametrize(
    "recipe", ["steam_cracker", "aromatics_px", "pdh", "h2_coal", "syngas_coal", "maleic_anhydride"]
)
def test_feedstock_is_the_carbon_that_is_neither_burnt_nor_made_into_fuel(recipe: str) -> None:
    lines = [row for row in RECIPES[recipe] if GOODS[row["good"]]["kind"] == "material"]
    carbon = {id(row): tonnes(row) * CONTENTS[row["good"]].get("C", 0.0) for row in lines}
    fed = [row for row in lines if float(row["feedstock"] or 0) > 0]
    fuel = [row for row in lines if row["feedstock"] == "0"]
    burnt = [
        row
        for row in lines
        if row["direction"] == "out"
        and (row["good"] == "co2_fossil" or GOODS[row["good"]]["class"] == "fuel")
    ]
    total = sum(carbon[id(row)] for row in fed)
    lost = sum(carbon[id(row)] for row in burnt) - sum(carbon[id(row)] for row in fuel)
    assert [float(row["feedstock"]) for row in fed] == pytest.approx([1 - lost / total], abs=5e-5)


def test_a_price_is_per_unit_of_its_good() -> None:
    for row in LIBRARY_ROWS["prices"]:
        assert parse(row["price"]).unit == f"CNY/{GOOD_KINDS[GOODS[row['good']]['kind']]}", row


def test_a_factor_is_per_unit_of_its_good() -> None:
    numerator = {"tce": "tce", "tce_equivalent": "tce", "co2_fuel": "t", "co2_bought": "t"}
    for row in LIBRARY_ROWS["factors"]:
        assert row["unit"] == f"{numerator[row['factor']]}/{GOOD_KINDS[GOODS[row['good']]['kind']]}", row


def test_heating_values_and_densities_are_per_tonne_and_cubic_metre() -> None:
    for row in GOODS.values():
        assert not row["lhv"] or parse(row["lhv"]).unit == "GJ/t", row
        assert not row["density"] or parse(row["density"]).unit == "t/m3", row


def test_a_range_holds_its_value() -> None:
    value_of = {"recipes": "amount", "prices": "price", "lifetimes": "mean", "substitutes": "max_share"}
    for table, column in value_of.items():
        for row in LIBRARY_ROWS[table]:
            assert bool(row["low"]) == bool(row["high"]), row
            if row["low"]:
                value = float(row[column].split()[0])
                assert float(row["low"]) <= value <= float(row["high"]), row


# --- references


def test_every_good_and_recipe_that_a_row_names_exists() -> None:
    for table, row in every_row():
        for column in ("good", "replaces"):
            assert not row.get(column) or row[column] in GOODS, (table, row)
        assert not row.get("recipe") or row["recipe"] in RECIPES, (table, row)


def test_every_good_is_used_by_a_recipe() -> None:
    assert set(GOODS) == {row["good"] for row in LIBRARY_ROWS["recipes"]}


def test_every_source_key_exists_and_stands_once() -> None:
    keys = [row["key"] for row in LIBRARY_ROWS["sources"]]
    assert len(set(keys)) == len(keys)
    cited = {
        key for _, row in every_row() for key in KEY.findall(f"{row.get('source', '')} {row.get('note', '')}")
    }
    assert cited <= set(keys), cited - set(keys)


def test_every_number_has_a_source_with_a_tag_and_a_quality() -> None:
    for table, row in every_row():
        stated = table not in ("sources", "groups") and (table != "goods" or row["lhv"] or row["density"])
        if stated:
            assert TAG.search(row["source"]) and row["quality"] in QUALITIES, (table, row)


def test_what_was_not_read_again_is_no_better_than_an_estimate() -> None:
    status = {row["key"]: row["status"] for row in LIBRARY_ROWS["sources"]}
    assert set(status.values()) == {"seen", "abstract", "recall"}
    for table, row in every_row():
        keys = KEY.findall(row.get("source", ""))
        if keys and all(status[key] == "recall" for key in keys):
            assert row["quality"] not in ("standard", "official", "literature"), (table, row)


# --- roles and substitutes


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_has_one_reference_and_at_most_one_closing_output(recipe: str) -> None:
    roles = Counter(row["role"] for row in RECIPES[recipe])
    assert roles["reference"] == 1 and roles["closing"] <= 1
    assert all(row["direction"] == "out" for row in RECIPES[recipe] if row["role"] == "closing")


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_good_stands_once_on_a_side_of_a_recipe(recipe: str) -> None:
    counts = Counter((row["direction"], row["good"]) for row in RECIPES[recipe])
    assert max(counts.values()) == 1


def test_plants_that_treat_waste_count_the_waste_that_they_take() -> None:
    reference = {row["recipe"]: row for row in LIBRARY_ROWS["recipes"] if row["role"] == "reference"}
    taken = {name: row["good"] for name, row in reference.items() if row["kind"] in ("treat", "collect")}
    assert all(reference[name]["direction"] == "in" for name in taken)
    assert taken["waste_to_energy"] == "msw" and taken["ind_wwtp"] == "ww_industrial"


def test_a_substitute_fills_an_input_of_its_recipe_with_another_good() -> None:
    inputs = {(row["recipe"], row["good"]) for row in LIBRARY_ROWS["recipes"] if row["direction"] == "in"}
    for row in LIBRARY_ROWS["substitutes"]:
        assert (row["recipe"], row["replaces"]) in inputs and row["good"] != row["replaces"], row
        assert float(row["ratio"]) > 0 and 0 < float(row["max_share"]) <= 1, row
    triples = Counter((r["good"], r["replaces"], r["recipe"]) for r in LIBRARY_ROWS["substitutes"])
    assert max(triples.values()) == 1


def test_a_substitute_never_outweighs_the_closing_line_unless_its_note_says_so() -> None:
    short = set()
    for row in LIBRARY_ROWS["substitutes"]:
        if GOODS[row["good"]]["kind"] == "energy" or float(row["ratio"]) == 1:
            continue
        lines = RECIPES[row["recipe"]]
        replaced = next(r for r in lines if r["direction"] == "in" and r["good"] == row["replaces"])
        displaced = tonnes(replaced) * float(row["max_share"])
        room = sum(tonnes(r) for r in lines if r["role"] == "closing")
        has_closing = any(r["role"] == "closing" for r in lines)
        if not has_closing or room + displaced / float(row["ratio"]) - displaced < 0:
            short.add(row["recipe"])
            assert "no line that could take the difference" in row["note"], row
    assert short == {"ready_mix", "textile_use", "recycled_block"}


# --- classes, lives, targets


@pytest.mark.parametrize(
    ("good", "kind", "class_", "origin", "fate"),
    [
        ("lithium_slag", "material", "solid_waste", "market", "landfill"),
        ("fly_ash", "material", "solid_waste", "market", "landfill"),
        ("gypsum_fgd", "material", "solid_waste", "market", "landfill"),
        ("residue_ni_matte", "material", "hazardous_waste", "market", "treatment"),
        ("na2so4", "material", "by_product", "market", "market"),
        ("ww_precursor", "water", "wastewater", "market", "treatment"),
        ("effluent_treated", "water", "wastewater", "market", "water"),
        ("cw_return", "water", "circulating_water", "market", "water"),
        ("water_fresh", "water", "fresh_water", "market", "market"),
        ("water_raw", "water", "fresh_water", "nature", "market"),
        ("water_demin", "water", "process_water", "market", "market"),
        ("water_reclaimed", "water", "reclaimed_water", "market", "market"),
        ("seawater_out", "water", "sea_water", "market", "water"),
        ("water_vapour", "water", "vapour", "market", "air"),
        ("rainwater", "water", "vapour", "nature", "air"),
        ("steam_mp", "energy", "heat", "market", "market"),
        ("elec", "energy", "power", "market", "market"),
        ("co2_fossil", "material", "emission", "market", "air"),
        ("co2_conc", "material", "by_product", "market", "air"),
        ("oxygen_air", "material", "air", "nature", "air"),
        ("limestone", "material", "mineral", "market", "market"),
        ("coal", "material", "fuel", "market", "market"),
        ("euc_log", "material", "biomass", "market", "market"),
        ("steel_scrap", "material", "recyclable", "market", "market"),
        ("msw", "material", "municipal_waste", "market", "treatment"),
        ("cdw_mixed", "material", "construction_waste", "market", "landfill"),
        ("manure_solid", "material", "agricultural_waste", "market", "treatment"),
        ("niso4_6h2o", "material", "product", "market", "market"),
    ],
)
def test_a_good_has_the_class_that_the_statistics_give_it(
    good: str, kind: str, class_: str, origin: str, fate: str
) -> None:
    row = GOODS[good]
    assert (row["kind"], row["class"], row["origin"], row["fate"]) == (kind, class_, origin, fate)


def test_the_electricity_factors_are_those_of_the_sources() -> None:
    values = {
        (r["factor"], r["set"]): float(r["value"]) for r in LIBRARY_ROWS["factors"] if r["good"] == "elec"
    }
    per_kwh = 0.0036
    assert values["tce", "gb_t_2589_2008"] * per_kwh * 1000 == pytest.approx(0.1229, rel=1e-4)
    assert values["tce_equivalent", "coal_equivalent_030"] * per_kwh * 1000 == pytest.approx(0.30, rel=1e-4)
    assert values["co2_bought", "guangxi_2022"] * per_kwh * 1000 == pytest.approx(0.4044, rel=1e-4)
    assert values["co2_bought", "national_2022"] * per_kwh * 1000 == pytest.approx(0.5366, rel=1e-4)


def test_the_natural_gas_factors_follow_from_its_heating_value() -> None:
    lhv = parse(GOODS["natural_gas"]["lhv"]).value
    values = {
        (r["factor"], r["set"]): float(r["value"])
        for r in LIBRARY_ROWS["factors"]
        if r["good"] == "natural_gas"
    }
    assert values["tce", "lhv"] == pytest.approx(lhv / 29.3076, rel=1e-4)
    assert values["co2_fuel", "provincial_2025"] == pytest.approx(lhv * 15.3e-3 * 0.99 * 44 / 12, rel=1e-6)


def test_a_lifetime_belongs_to_the_good_that_a_use_process_takes() -> None:
    uses = {row["recipe"] for row in LIBRARY_ROWS["recipes"] if row["kind"] == "use"}
    assert {row["recipe"] for row in LIBRARY_ROWS["lifetimes"]} == uses
    for row in LIBRARY_ROWS["lifetimes"]:
        assert row["good"] in {r["good"] for r in RECIPES[row["recipe"]] if r["direction"] == "in"}
        assert float(row["mean"]) > 0 and float(row["shape"]) > 0
        assert 0 < parse(row["collection"]).value <= 1


def test_the_plan_keeps_its_two_straw_targets_and_says_that_they_conflict() -> None:
    straw = {r["id"]: r for r in LIBRARY_ROWS["targets"] if r["indicator"] == "cn.straw_utilisation_rate"}
    assert {name: row["value"] for name, row in straw.items()} == {"t27": "86", "t48": "86", "t60": "87"}
    assert "CONFLICT" in straw["t60"]["note"]


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    local = re.compile(r"(?<![\w.])/(?:home|root|tmp|work|Users)/")
    texts = [path for path in DATA.iterdir() if path.suffix in (".csv", ".md")]
    assert not [path.name for path in texts if local.search(path.read_text(encoding="utf-8"))]
