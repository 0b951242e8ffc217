"""The starter scenario, the search of the library, and the Chinese of the program's own words."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import flowsim as fs
from flowsim.errors import InputError
from flowsim.indicators.registry import CERTAINTIES
from flowsim.library import search_library
from flowsim.starter import write_starter
from flowsim.words import ZH, say

assemble, balance, compare = fs.assemble, fs.balance, fs.compare
PACKAGE = Path(fs.__file__).parent
HOW = ("given", "solved", "dispatched", "reconciled", "implied", "undetermined")


def test_the_starter_runs_in_every_variant(tmp_path: Path) -> None:
    path = write_starter(tmp_path / "mine")
    scenario = fs.read(path)
    results = [balance(assemble(scenario.with_variant(name))) for name in scenario.variant_names]
    assert [result.largest_residual[0] < 1e-9 for result in results] == [True] * 3


def test_the_starter_shows_what_an_exchange_does(tmp_path: Path) -> None:
    scenario = fs.read(write_starter(tmp_path / "mine"))
    results = [balance(assemble(scenario.with_variant(name))) for name in ("as_planned", "symbiosis")]
    table = compare(results).table.set_index("id")
    assert table.loc["cn.isw_utilisation_rate", "symbiosis_change"] > 10
    assert table.loc["general.solid_waste_landfilled", "symbiosis_change"] == pytest.approx(-200e3)


def test_the_starter_names_its_own_path(tmp_path: Path) -> None:
    path = write_starter(tmp_path / "mine")
    assert path == tmp_path / "mine" / "scenario.yaml"
    assert f"flowsim compare {path}" in path.read_text(encoding="utf-8")


def test_a_starter_never_replaces_a_scenario(tmp_path: Path) -> None:
    path = write_starter(tmp_path)
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="this scenario exists already. Choose another folder."):
        write_starter(tmp_path)
    assert path.read_text(encoding="utf-8") == "mine"


def test_a_starter_needs_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="this is a file, but a folder is wanted. Choose another name."):
        write_starter(tmp_path / "file")


def test_the_library_is_found_by_id_and_by_either_name() -> None:
    for text in ("niso4", "NICKEL SULFATE", "硫酸镍"):
        recipes, goods = search_library(text)
        assert "niso4_6h2o" in {good["id"] for good in goods}
        assert "nisulfate_matte" in {recipe["id"] for recipe in recipes}


def test_a_recipe_is_found_by_the_goods_that_it_takes() -> None:
    recipes, _ = search_library("black_mass_ncm")
    found = {recipe["id"]: recipe for recipe in recipes}
    assert "black_mass_ncm" in found["hydromet_ncm"]["in"] and "niso4_6h2o" in found["hydromet_ncm"]["out"]


def test_a_good_knows_its_recipes_and_unit() -> None:
    (steam,) = [good for good in search_library("steam_lp")[1] if good["id"] == "steam_lp"]
    assert steam["unit"] == "GJ" and steam["class"] == "heat" and "ncm811_precursor" in steam["recipes"]


def test_an_empty_search_gives_all_and_a_strange_one_nothing() -> None:
    recipes, goods = search_library("")
    assert len(recipes) > 50 and len(goods) > 200
    assert search_library("zzzz") == ([], [])


def texts_said() -> set[str]:
    """Every text that the code passes to `say`, as far as it stands there in quotes."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for call in ast.walk(tree):
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Name)
                and call.func.id == "say"
                and len(call.args) == 2
            ):
                inner = ast.walk(call.args[0])
                found |= {
                    node.value
                    for node in inner
                    if isinstance(node, ast.Constant) and isinstance(node.value, str)
                }
    return found


def quoted() -> set[str]:
    """Every quoted text of the package outside the table of words itself."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        if path.name != "words.py":
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found |= {
                node.value
                for node in ast.walk(tree)
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            }
    return found


def test_every_text_that_is_said_has_its_chinese() -> None:
    assert len(texts_said()) > 20
    assert not texts_said() - set(ZH)


def test_every_word_for_how_and_how_sure_has_its_chinese() -> None:
    assert not {*HOW, *CERTAINTIES} - set(ZH)


def test_no_entry_is_left_over() -> None:
    assert not set(ZH) - quoted() - set(HOW)


def test_english_is_said_as_it_stands() -> None:
    assert say("capacity", "en") == "capacity" and say("capacity", "zh") == "产能"
