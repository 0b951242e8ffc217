"""The page in which a flow graph is explored: its text and its data. test_browser.py has its ways."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import flowsim as fs
from flowsim.errors import FlowsimError, InputError
from flowsim.result import Result
from flowsim.views import explore as room
from flowsim.views.explore import explore

SCENARIO = """
flowsim: 1
name: {en: "Loop </script><script>alert(1)</script>", zh: 小循环}
year: 2025
sources:
  - {key: KEY-1, status: seen, citation: "A. Author (2020): A book", locator: p. 7}
goods:
  ore: {name: {en: ore, zh: 矿石}, class: mineral}
  metal: {name: {en: metal, zh: 金属}}
  scrap: {name: {en: scrap, zh: 废料}, class: recyclable}
  slag: {name: {en: slag, zh: 炉渣}, class: solid_waste, fate: landfill}
  cooling: {name: {en: cooling water, zh: 循环冷却水}, class: circulating_water, kind: water}
processes:
  smelter:
    name: {en: "<b>Smelter</b>", zh: 冶炼厂}
    firm: alpha
    site: port
    chain: metals
    source: "REF:KEY-1 annex"
  maker: {name: {en: maker, zh: 加工厂}, firm: beta, site: port, chain: metals}
  tower: {name: {en: tower, zh: 冷却塔}, firm: alpha, site: port, chain: utilities}
flows:
  ore_in: {good: ore, from: market, to: smelter}
  metal_flow: {good: metal, from: smelter, to: maker, amount: 80 t/a, source: KEY-1}
  scrap_back: {good: scrap, from: maker, to: smelter}
  metal_out: {good: metal, from: maker, to: market, amount: 60 t/a}
  slag_out: {good: slag, from: smelter, to: landfill, amount: 20 t/a}
  water_to: {good: cooling, from: tower, to: smelter, amount: 5000 m3/a}
  water_back: {good: cooling, from: smelter, to: tower}
variants:
  less: {flows: {metal_out: {amount: 50 t/a}}}
"""


def answer(tmp_path: Path, variant: str | None = None, text: str = SCENARIO) -> Result:
    path = tmp_path / "loop.yaml"
    path.write_text(text, encoding="utf-8")
    return fs.balance(fs.assemble(fs.read(path, variant)))


def scripts() -> str:
    return "".join((room.HERE / f"explore_{part}.js").read_text(encoding="utf-8") for part in room.SCRIPTS)


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="flowsim-data">(.*?)</script>', page, re.DOTALL)
    assert found
    data = json.loads(found[1])
    for variant in data["variants"]:
        for key in ("flows", "amounts", "sds", "processes", "recipes", "balance"):
            variant[key] = data["shared"][variant[key]]
    return data


def flow_of(data: dict[str, Any], name: str, variant: int = 0) -> dict[str, Any]:
    return next(flow for flow in data["variants"][variant]["flows"] if flow["id"] == name)


@pytest.fixture
def data(tmp_path: Path) -> dict[str, Any]:
    return data_of(explore([answer(tmp_path), answer(tmp_path, "less")]))


# --- the text of the page ---


def test_the_page_loads_nothing_from_anywhere(tmp_path: Path) -> None:
    page = explore(answer(tmp_path))
    assert not re.search(r"<(link|script|img|iframe|object|embed)\b[^>]*\b(src|href|data)\s*=", page)
    assert "@import" not in page
    assert not re.search(r"url\(\s*[\"']?(?!data:)[\w/.]", page.split("</style>")[0])
    assert "jsdelivr" not in page and "cdnjs" not in page and "unpkg" not in page


def test_the_own_parts_of_the_page_name_no_host() -> None:
    parts = sorted(room.HERE.glob("explore*.[hcj]*"))
    assert len(parts) == 2 + len(room.SCRIPTS)
    for part in parts:
        found = re.findall(r"https?://[^\"'\s]+", part.read_text(encoding="utf-8"))
        assert found in ([], ["http://www.w3.org/2000/svg"])


def test_the_page_forbids_itself_to_load_anything(tmp_path: Path) -> None:
    page = explore(answer(tmp_path))
    rule = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert rule and rule[1].startswith("default-src 'none';")
    assert "http:" not in rule[1] and "https:" not in rule[1] and "*" not in rule[1]
    assert page.index("Content-Security-Policy") < page.index("<script")


def test_the_page_is_html_with_its_language_and_one_title(tmp_path: Path) -> None:
    page = explore(answer(tmp_path), lang="zh")
    assert page.startswith('<!DOCTYPE html>\n<html lang="zh">')
    assert "<title>小循环</title>" in page
    assert "<center>" not in page


def test_names_are_text_and_end_no_script(tmp_path: Path) -> None:
    page = explore(answer(tmp_path))
    assert "alert(1)</script>" not in page
    assert "&lt;/script&gt;" in page.split("</title>")[0]
    data = data_of(page)
    assert data["name"]["en"] == "Loop </script><script>alert(1)</script>"
    assert data["nodes"][0]["en"] == "<b>Smelter</b>"


def test_the_script_never_takes_data_for_html() -> None:
    script = scripts()
    for danger in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "fetch(",
    ):
        assert danger not in script


def test_every_text_of_the_page_is_in_both_languages() -> None:
    script = scripts()
    table = script[script.index("const TEXT = {") : script.index("};", script.index("const TEXT = {"))]
    known = dict(re.findall(r'(\w+): \[\s*"([^"]*)",\s*"[^"]+",?\s*\]', table))
    page = (room.HERE / "explore.html").read_text(encoding="utf-8")
    used = {*re.findall(r'data-text="(\w+)"', page), *re.findall(r'\bsay\("(\w+)"\)', script)}
    assert used <= set(known), used - set(known)
    assert len(re.findall(r"\w+: \[", table)) == len(known)
    hows = {"given", "solved", "dispatched", "reconciled", "undetermined"}
    assert hows <= set(known)


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    assert explore(answer(tmp_path)) == explore(answer(tmp_path))


# --- the data of the page ---


def test_amounts_are_those_of_the_result(data: dict[str, Any], tmp_path: Path) -> None:
    result = answer(tmp_path)
    for layer in ("mass", "water"):
        assert np.allclose(data["variants"][0]["amounts"][layer], result.layer(layer), rtol=1e-9)
    assert [layer["unit"] for layer in data["layers"]] == ["t/a", "m3/a"]


def test_each_result_is_a_variant(data: dict[str, Any]) -> None:
    assert [variant["id"] for variant in data["variants"]] == ["", "less"]
    at = [flow["id"] for flow in data["variants"][1]["flows"]].index("metal_out")
    assert data["variants"][1]["amounts"]["mass"][at] == 50


def test_a_flow_tells_how_it_is_known_and_where_it_comes_from(data: dict[str, Any]) -> None:
    flow = flow_of(data, "metal_flow")
    assert flow["how"] == "given" and flow["kind"] == "drawn"
    assert re.search(r"loop\.yaml:\d+$", flow["place"])
    assert flow["source"] == "KEY-1"
    assert data["citations"] == {"KEY-1": "A. Author (2020): A book. p. 7"}
    assert flow_of(data, "scrap_back")["how"] == "solved"


def test_a_place_outside_is_one_node_that_gives_and_one_that_takes(data: dict[str, Any]) -> None:
    sides = {node["id"]: node["side"] for node in data["nodes"] if "side" in node}
    assert sides == {"in:market": -1, "out:market": 1, "out:landfill": 1}
    assert flow_of(data, "ore_in")["from"] == "in:market"


def test_flows_of_a_loop_are_marked_and_circulating_water_is_no_loop(data: dict[str, Any]) -> None:
    loops = {flow["id"]: flow.get("loop") for flow in data["variants"][0]["flows"]}
    assert loops["metal_flow"] == loops["scrap_back"] == 1
    assert loops["ore_in"] is None and loops["water_to"] is None
    assert data["classes"]["circulating_water"]["hidden"]


def test_uncertainty_is_shown_where_the_study_found_one(tmp_path: Path) -> None:
    result = answer(tmp_path)
    sd = np.full(len(result.x), np.nan)
    at = list(result.system.flows["id"]).index("metal_flow")
    sd[at] = 2.5
    data = data_of(explore(dataclasses.replace(result, sd=sd)))
    assert data["variants"][0]["sds"]["mass"] == [2.5 if flow == at else None for flow in range(7)]
    assert flow_of(data, "metal_flow")["how"] == "reconciled"
    assert data_of(explore(result))["variants"][0]["sds"] == {}


def test_a_missing_amount_is_null_and_its_interval_is_told(tmp_path: Path) -> None:
    result = answer(tmp_path)
    at = list(result.system.flows["id"]).index("scrap_back")
    x, low = result.x.copy(), result.low.copy()
    x[at], low[at] = np.nan, 3.0
    data = data_of(explore(dataclasses.replace(result, x=x, low=low)))
    assert data["variants"][0]["amounts"]["mass"][at] is None
    assert data["variants"][0]["amounts"]["water"][at] == 0
    flow = flow_of(data, "scrap_back")
    assert flow["how"] == "undetermined" and flow["low"] == 3 and "high" not in flow


def test_a_difference_of_a_balance_is_told(tmp_path: Path) -> None:
    result = answer(tmp_path)
    assert data_of(explore(result))["variants"][0]["balance"]["mass"] == {}
    x = result.x.copy()
    x[list(result.system.flows["id"]).index("slag_out")] += 1.5
    left = data_of(explore(dataclasses.replace(result, x=x)))["variants"][0]["balance"]["mass"]
    assert left == {"smelter": [0.0, -1.5]}


def test_processes_of_the_nickel_loop_have_their_facts_and_recipe() -> None:
    scenario = fs.read("scenarios/nickel_loop.yaml", "all")
    data = data_of(explore(fs.balance(fs.assemble(scenario)), layer="Ni"))
    facts = data["variants"][0]["processes"]["recycler"]
    assert facts["recipe"] == "hydromet_ncm" and facts["capacity"] == 60000 and 0 < facts["load"] < 1
    good, per_unit, place, source = data["variants"][0]["recipes"]["recycler"][0]
    assert good in data["goods"] and per_unit > 0 and source
    assert place.startswith("data/recipes.csv:")
    assert data["layer"] == "Ni" and "Ni" in [layer["id"] for layer in data["layers"]]
    assert {flow["kind"] for flow in data["variants"][0]["flows"]} == {"drawn", "pool", "link", "implied"}


def test_what_variants_have_in_common_is_written_once(tmp_path: Path) -> None:
    page = explore([answer(tmp_path), answer(tmp_path, "less")])
    raw = json.loads(page.split('id="flowsim-data">')[1].split("</script>")[0])
    first, second = raw["variants"]
    assert first["flows"] == second["flows"] and first["amounts"] != second["amounts"]
    assert len(raw["shared"]) < 2 * 6


def test_groups_without_a_name_keep_their_id(tmp_path: Path) -> None:
    names = "groups:\n  - {id: alpha, kind: firm, name: {en: Alpha Metals, zh: 阿尔法金属}}\n"
    result = answer(tmp_path, text=SCENARIO.replace("flows:\n", names + "flows:\n", 1))
    groups = data_of(explore(result))["groups"]
    assert groups == {"firm": {"alpha": {"en": "Alpha Metals", "zh": "阿尔法金属"}}, "site": {}, "chain": {}}


def test_a_graph_with_many_flows_opens_without_pools_and_without_what_crosses_its_border(
    tmp_path: Path,
) -> None:
    few, many = (data_of(explore(answer(tmp_path, text=chain(count)))) for count in (20, 200))
    assert (few["fold_pools"], few["fold_outside"]) == (False, False)
    assert (many["fold_pools"], many["fold_outside"]) == (True, True)


# --- positions ---


def test_every_node_has_a_place_in_every_way_to_collapse(data: dict[str, Any]) -> None:
    ids = {node["id"] for node in data["nodes"]}
    assert set(data["positions"]["none"]) == ids
    outside = {node["id"] for node in data["nodes"] if node["kind"] == "outside"}
    assert set(data["positions"]["firm"]) == {"firm:alpha", "firm:beta", *outside}
    assert set(data["positions"]["site"]) == {"site:port", *outside}
    assert set(data["positions"]["chain"]) == {"chain:metals", "chain:utilities", *outside}


def test_boxes_do_not_lie_on_each_other() -> None:
    result = fs.balance(fs.assemble(fs.read("scenarios/nickel_loop.yaml", "all")))
    for spots in data_of(explore(result))["positions"].values():
        place = np.array(list(spots.values()))
        apart = np.abs(place[:, None] - place[None])
        close = (apart[..., 0] < 0.75 * room.STEP) & (apart[..., 1] < 0.9 * room.BOX)
        assert close.sum() == len(place)


def test_flows_run_from_left_to_right_and_givers_stand_above(data: dict[str, Any]) -> None:
    spots = data["positions"]["none"]
    assert spots["smelter"][0] < spots["maker"][0]
    assert spots["in:market"][1] < spots["smelter"][1] < spots["out:market"][1]


def chain(count: int) -> str:
    processes = "".join(f"  p{at}: {{name: p{at}, chain: c{at // 20}}}\n" for at in range(count))
    flows = "".join(f"  - {{good: g, from: p{at}, to: p{at + 1}}}\n" for at in range(count - 1))
    return (
        f"flowsim: 1\nname: long\ngoods: {{g: {{name: g}}}}\nprocesses:\n{processes}flows:\n{flows}"
        f"  - {{id: first, good: g, from: market, to: p0, amount: 9 t/a}}\n"
        f"  - {{good: g, from: p{count - 1}, to: market}}\n"
    )


def test_a_long_chain_is_cut_into_bands(tmp_path: Path) -> None:
    spots = data_of(explore(answer(tmp_path, text=chain(60))))["positions"]["none"]
    width, height = np.ptp(np.array(list(spots.values())), axis=0)
    assert width < 4 * height


def test_a_large_graph_opens_collapsed_and_a_small_one_does_not(tmp_path: Path) -> None:
    assert data_of(explore(answer(tmp_path)))["group"] == "none"
    assert data_of(explore(answer(tmp_path, text=chain(200))))["group"] == "chain"


# --- errors ---


def test_no_result_is_an_error() -> None:
    with pytest.raises(InputError, match="there is no result to explore. Give one result, or several."):
        explore([])


def test_an_unknown_layer_or_language_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no layer `Xx`"):
        explore(answer(tmp_path), layer="Xx")
    with pytest.raises(InputError, match="there is no language `de`. Known: en, zh."):
        explore(answer(tmp_path), lang="de")


def test_a_page_of_another_form_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(room, "_network", lambda data: "<p>something else</p>")
    with pytest.raises(FlowsimError, match="pages of another form.*pip install"):
        explore(answer(tmp_path))
