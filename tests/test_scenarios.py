"""The shipped chains and the whole park: each variant balances, is plausible, and keeps its main figures."""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from pathlib import Path

import pytest

import flowsim as fs
from flowsim.result import Result
from flowsim.schema import OUTSIDE
from flowsim.views.text import comparison_notes

ROOT = Path(__file__).parent.parent
VARIANTS = {
    "oil_fibre": ["as_planned", "aromatics", "symbiosis", "circular"],
    "nickel_loop": ["as_planned", "recycling", "symbiosis", "all"],
    "forest_pulp_paper": ["as_planned", "symbiosis", "recycled_fibre", "all"],
    "construction_waste": ["as_planned", "symbiosis", "cdw_loop", "all"],
    "qinzhou_park": [
        "base_2020",
        "as_planned_2025",
        "symbiosis",
        "circular",
        "stress_cracker_out",
        "stress_cement_slump",
    ],
}
CASES = [(name, variant) for name, variants in VARIANTS.items() for variant in variants]
PARK = "qinzhou_park"
CJK = re.compile(r"[一-鿿]")
BOUGHT_BY_NETWORKS = {"port__naoh", "port__sulfuric_acid"}
"""Networks whose plants make less than the park needs; all others supply themselves."""


@cache
def result(name: str, variant: str) -> Result:
    return fs.balance(fs.assemble(fs.read(str(ROOT / "scenarios" / f"{name}.yaml"), variant)))


@cache
def flows(name: str, variant: str) -> dict[str, float]:
    table = result(name, variant).flows.drop_duplicates("id")
    return dict(zip(table["id"], table["value"], strict=True))


@cache
def activities(name: str, variant: str) -> dict[str, float]:
    table = result(name, variant).processes
    return dict(zip(table["id"], table["activity"], strict=True))


@cache
def indicator(name: str, variant: str, id: str) -> float:
    return float(fs.indicators(result(name, variant), id, "city")["value"].iloc[0])


@pytest.mark.parametrize(("name", "variant"), CASES)
def test_every_row_of_every_variant_closes(name: str, variant: str) -> None:
    assert result(name, variant).largest_residual[0] < 1e-9


@pytest.mark.parametrize(("name", "variant"), CASES)
def test_no_flow_is_negative_or_undetermined(name: str, variant: str) -> None:
    table = result(name, variant).flows
    assert table["value"].notna().all() and (table["how"] != "undetermined").all()
    assert (table["value"] >= -1e-6 * table["value"].max()).all()


@pytest.mark.parametrize(("name", "variant"), CASES)
def test_no_plant_runs_above_its_capacity(name: str, variant: str) -> None:
    load = result(name, variant).processes["load"].dropna()
    assert (load <= 1 + 1e-9).all()


@pytest.mark.parametrize(("name", "variant"), CASES)
def test_every_firm_site_and_chain_has_a_name_in_both_languages(name: str, variant: str) -> None:
    system = result(name, variant).system
    for kind in ("firm", "site", "chain"):
        for id in set(system.processes[kind]) - {""}:
            assert id in system.about["groups"][kind], (kind, id)
            assert CJK.search(system.group_name(kind, id, "zh")), id


@pytest.mark.parametrize("name", VARIANTS)
def test_every_process_has_both_names_and_says_where_its_size_comes_from(name: str) -> None:
    tables = fs.read(str(ROOT / "scenarios" / f"{name}.yaml")).tables
    for row in tables["processes"].to_dict("records"):
        assert row["en"] and CJK.search(row["zh"]), row["id"]
        assert not row["plan"] or row["source"].startswith("plan"), row["id"]
    for row in tables["links"].to_dict("records"):
        assert row["en"] and CJK.search(row["zh"]) and not row["open"], row["id"]


def test_what_is_no_word_of_the_plan_is_marked_as_an_assumption() -> None:
    table = fs.read(str(ROOT / "scenarios" / f"{PARK}.yaml")).tables["processes"]
    unplanned = table[(table["plan"] == "") & table["recipe"].ne("")]
    assert not set(unplanned["quality"]) & {"plan", "official", "standard"}


def test_the_park_has_at_least_25_links_and_each_gives_a_source_or_a_limit() -> None:
    links = fs.read(str(ROOT / "scenarios" / f"{PARK}.yaml")).tables["links"]
    assert len(links) >= 25
    bare = links[(links["source"] == "") & ~links["id"].str.startswith(("salt_to", "effluent_to"))]
    assert bare.empty, list(bare["id"])


# --- plausible


@pytest.mark.parametrize("variant", VARIANTS[PARK])
def test_the_networks_of_the_park_buy_only_what_it_cannot_make(variant: str) -> None:
    table = result(PARK, variant).flows.drop_duplicates("id")
    bought = table[table["from"].isin(OUTSIDE) & table["to"].str.contains("__") & (table["value"] > 1)]
    assert set(bought["to"]) <= BOUGHT_BY_NETWORKS


@pytest.mark.parametrize(
    ("process", "low", "high"),
    [
        ("power_station", 47.4e6, 47.6e6),
        ("cooling", 2e9, 4e9),
        ("air_separation", 1.0e6, 2.5e6),
        ("park_boilers", 5e6, 30e6),
        ("mill_boilers", 5e6, 30e6),
        ("wastewater", 25e6, 60e6),
    ],
)
def test_the_utilities_of_the_park_are_of_the_size_of_such_parks(
    process: str, low: float, high: float
) -> None:
    assert low <= activities(PARK, "as_planned_2025")[process] <= high


def test_the_park_as_planned_buys_its_paraxylene_and_most_of_its_benzene() -> None:
    made = flows(PARK, "as_planned_2025")
    assert made["px__market__tongkun_pta"] == pytest.approx(0.655 * 2.7e6)
    local = made["benzene__petrochina_cracker__hengyi_cyclohexanone"]
    assert local < made["benzene__market__hengyi_cyclohexanone"]


def test_closed_links_carry_nothing_and_leave_their_partners_idle() -> None:
    ran = activities(PARK, "as_planned_2025")
    partners = ("reclaim", "co2_plant", "salt_splitting", "lithium_slag_mill", "ash_works", "filler_plant")
    assert [ran[name] for name in partners] == [0.0] * len(partners)


def test_a_cracker_that_stands_still_takes_its_link_flows_with_it() -> None:
    stressed, normal = flows(PARK, "stress_cracker_out"), flows(PARK, "symbiosis")
    assert normal["propylene_to_huayi"] > 0 and stressed["propylene_to_huayi"] == pytest.approx(0, abs=1e-6)
    assert stressed["ethylene__market__huayi_pvc"] == pytest.approx(0.462 * 360e3)


def test_a_cement_slump_sends_more_ash_to_the_landfill() -> None:
    ash = "fly_ash__power_station__landfill"
    assert flows(PARK, "stress_cement_slump")[ash] > flows(PARK, "symbiosis")[ash]


def test_symbiosis_and_loops_meet_the_waste_target_that_the_plan_alone_misses() -> None:
    rates = [
        indicator(PARK, variant, "cn.isw_utilisation_rate")
        for variant in ("as_planned_2025", "symbiosis", "circular")
    ]
    assert rates[0] < 65 < min(rates[1:])


# --- headline figures


@pytest.mark.parametrize(
    ("name", "variant", "flow", "value"),
    [
        ("oil_fibre", "as_planned", "naphtha__market__petrochina_cracker", 1026000),
        ("oil_fibre", "as_planned", "propylene__market__huayi_propylene", 30587.76),
        ("oil_fibre", "as_planned", "propylene_oxide__tongkun_propylene_oxide__tongkun_polyether", 131395.77),
        ("oil_fibre", "symbiosis", "hydrogen_huayi_to_ammonia", 23700),
        ("oil_fibre", "circular", "caprolactam__depolymerisation__hengyi_polyamide", 15176.47059),
        ("nickel_loop", "as_planned", "li2co3__market__lfp_cathode_plant", 10001.660817),
        ("nickel_loop", "recycling", "li2co3__recycler__lfp_cathode_plant", 7269.898531),
        ("nickel_loop", "recycling", "pack_lfp_second__second_life__market", 6000),
        ("forest_pulp_paper", "as_planned", "pulp_kraft__kraft__market", 717432),
        ("forest_pulp_paper", "all", "steam_to_mill", 8e6),
        ("construction_waste", "as_planned", "cdw_mixed__demolition__landfill", 768749.99983),
        ("construction_waste", "all", "aggregate_to_concrete", 467250),
        (PARK, "symbiosis", "lithium_slag_to_mill", 517081.71184),
        (PARK, "symbiosis", "effluent_to_reclaim", 37830240.51858),
        (PARK, "symbiosis", "gypsum_to_calcining", 207922.0381),
        (PARK, "symbiosis", "furnace_gas_to_lithium", 61000),
    ],
)
def test_a_headline_flow_keeps_its_amount(name: str, variant: str, flow: str, value: float) -> None:
    assert flows(name, variant)[flow] == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "variant", "id", "value"),
    [
        ("oil_fibre", "as_planned", "general.value_added", 28216644664),
        ("oil_fibre", "as_planned", "general.co2", 19173463.3),
        ("nickel_loop", "symbiosis", "cn.isw_utilisation_rate", 73.46432),
        ("forest_pulp_paper", "as_planned", "general.value_added", 11003505870),
        ("forest_pulp_paper", "all", "cn.isw_utilisation_rate", 19.9934036),
        ("construction_waste", "as_planned", "cn.isw_utilisation_rate", 27.0966907),
        ("construction_waste", "all", "cn.isw_utilisation_rate", 81.8694811),
        (PARK, "as_planned_2025", "cn.isw_utilisation_rate", 18.2778294),
        (PARK, "symbiosis", "cn.isw_utilisation_rate", 70.2204697),
        (PARK, "as_planned_2025", "general.value_added", 64292520012),
        (PARK, "symbiosis", "general.co2", 25655663.13),
    ],
)
def test_a_headline_indicator_keeps_its_value(name: str, variant: str, id: str, value: float) -> None:
    assert indicator(name, variant, id) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize(
    ("id", "park", "city"),
    [
        ("cn.isw_utilisation_rate", 18.94, 18.28),
        ("general.value_added", 54.93e9, 64.29e9),
        ("cn.industrial_water_intensity", 35.64, 30.73),
    ],
)
def test_the_park_is_told_from_its_city(id: str, park: float, city: float) -> None:
    planned = result(PARK, "as_planned_2025")
    for boundary, expected in (("park", park), ("city", city)):
        found = fs.indicators(planned, id, boundary)["value"].iloc[0]
        assert found == pytest.approx(expected, rel=1e-3)


def test_each_target_is_judged_at_its_own_scope() -> None:
    comparison = fs.compare([result(PARK, "as_planned_2025")], targets="qinzhou_2025")
    scope = {one.target["id"]: one.boundary for one in comparison.verdicts}
    assert {id for id, where in scope.items() if where == "park"} == {"t07", "t08", "t47", "t58", "t59"}
    by_firm = fs.compare([result(PARK, "as_planned_2025")], targets="qinzhou_2025", boundary="firm:jingui")
    assert {one.boundary for one in by_firm.verdicts} == {"firm:jingui"}


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        (
            "en",
            "targets that want different values of one indicator (cn.straw_utilisation_rate): "
            "t27, t48: 86 %; t60: 87 %",
        ),
        ("zh", "对同一指标要求不同的目标（cn.straw_utilisation_rate）：t27、t48：86 %；t60：87 %"),
    ],
)
def test_targets_that_conflict_are_all_judged_and_named(lang: str, said: str) -> None:
    comparison = fs.compare([result(PARK, "as_planned_2025")], targets="qinzhou_2025")
    assert {"t27", "t48", "t60"} <= {one.target["id"] for one in comparison.verdicts}
    notes = comparison_notes(comparison, lang)
    assert said in notes
    assert any("t03" in note and "t63" in note for note in notes)


def test_energy_per_value_added_is_judged_by_the_rule_of_the_plan() -> None:
    results = [result(PARK, variant) for variant in ("base_2020", "as_planned_2025")]
    with_feedstock = [
        indicator(PARK, v, "cn.energy_intensity_equivalent") for v in ("base_2020", "as_planned_2025")
    ]
    assert with_feedstock[1] / with_feedstock[0] > 1.6
    for power, change in ((0.0, -15.196), (2e6, -16.89)):
        found = fs.compare(
            results, targets="qinzhou_2025", base="base_2020", inputs={"renewable_power_added": power}
        )
        (verdict,) = [v for v in found.verdicts if v.target["id"] == "t01" and v.variant == "as_planned_2025"]
        assert verdict.indicator == "cn.assessed_energy_intensity" and verdict.passed is True
        assert verdict.value == pytest.approx(change, abs=0.01)


def test_every_target_is_judged_or_listed_as_beyond_the_flows() -> None:
    results = [result(PARK, "base_2020"), result(PARK, "as_planned_2025")]
    comparison = fs.compare(results, targets="qinzhou_2025").as_json()
    judged = {verdict["target"] for verdict in comparison["targets"]}
    beyond = set(comparison["targets_beyond_flows"])
    known = set(result(PARK, "base_2020").system.targets["id"])
    assert judged | beyond == known and not judged & beyond
    assert {"t46", "t47", "t58", "t59"} <= judged and {"t21", "t36", "t63"} <= beyond


def test_the_tables_of_the_page_on_the_chains_are_those_of_the_scenarios() -> None:
    spec = importlib.util.spec_from_file_location("generate_chains", ROOT / "docs" / "generate_chains.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    written = module.PAGE.read_text(encoding="utf-8")
    assert len(module.BLOCK.findall(written)) == 14
    assert module.page(written, result) == written, "run docs/generate_chains.py"


def test_the_page_on_the_chains_names_every_project_of_the_plan_and_every_link() -> None:
    page = (ROOT / "docs" / "chains.md").read_text(encoding="utf-8")
    english, _, chinese = page.partition("# 产业链与园区")
    tables = fs.read(str(ROOT / "scenarios" / f"{PARK}.yaml")).tables
    planned = tables["processes"][tables["processes"]["plan"] != ""]
    assert not [row["en"] for row in planned.to_dict("records") if row["en"] not in english]
    assert not [row["zh"] for row in planned.to_dict("records") if row["zh"] not in chinese]
    assert not [row["en"] for row in tables["links"].to_dict("records") if row["en"] not in english]
    assert not [row["zh"] for row in tables["links"].to_dict("records") if row["zh"] not in chinese]
