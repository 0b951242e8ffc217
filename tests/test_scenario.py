"""Scenarios are read as a whole or refused with everything that is wrong; nothing else ever escapes."""

from __future__ import annotations

import copy
import importlib.util
import os
import pickle
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

import flowsim as fs
from flowsim import schema
from flowsim.errors import InputError
from flowsim.files import share

ROOT = Path(__file__).parents[1]

WHOLE = """\
flowsim: 1
name: {en: Smelter, zh: 冶炼}
year: 2025
description: {en: one of each, zh: 各一}
library: [lib]
targets: plan
layers: {Cu: {name: copper}}
goods:
  slag: {name: slag, fate: landfill}
  metal: {name: metal}
  steam: {name: steam, kind: energy}
  oil: {name: oil, lhv: 40 GJ/t, density: 0.9 t/m3}
recipes:
  smelting: {in: {ore: 2 t, steam: {amount: 1 GJ, low: 0.5}}, out: {metal: 1 t, slag: {}}, closing: slag}
contents: {ore: {Cu: {value: 3 %, source: EST}}}
prices: {oil: 100 CNY/t, metal: {price: 1000 CNY/t, year: 2020}}
sources: [{key: k, citation: c}]
lifetimes: [{good: metal, distribution: weibull, mean: 9, shape: 2}]
substitutes: [{good: oil, replaces: ore, ratio: 0.5, max_share: 20 %}]
factors: [{factor: tce, good: oil, value: 1.4, unit: tce/t}]
processes:
  smelter: {recipe: smelting, capacity: 80 kt/a, load: 90 %, firm: a, site: s, days: 300}
  sorter: {kind: collect, mixed: true}
  shop:
flows:
  - {good: metal, from: smelter, to: shop, prefer: 1, limit: 15 % of ore}
  - {id: back, good: metal, from: shop, to: sorter, amount: 5 kt/a, cv: 5 %, limit: 10 kt/a}
pools: {s: [steam]}
links:
  swap: {good: slag, from: smelter, to: sorter, distance: 3 km, cost: 30 CNY/t, open: false}
facts:
  - {transfer: metal, at: sorter, layer: Cu, value: 90 %}
  - {share: back, at: shop, of: all, value: 50 %}
  - {given: back, amount: 5 kt/a, low: 1 kt/a, high: 9 kt/a}
  - {limit: smelter, max: 70 kt/a}
variants:
  a: {}
  b: {name: B, base: a, open: swap, flows: {back: {amount: x 0.8}}}
  c: {base: [a], close: [swap], remove: [facts.limit_smelter], add: {processes: {new: {kind: use}}}}
"""
LIBRARY = {
    "goods": "id,en,zh,class\nore,ore,矿石,mineral\noil,library oil,油,fuel\n",
    "prices": "good,price\nore,50 CNY/t\noil,60 CNY/t\n",
    "targets": "set,id,indicator,en,zh,sense,value,unit\nplan,t1,x,a,甲,>=,5,%\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a small library."""
    (tmp_path / "lib").mkdir()
    for name, text in LIBRARY.items():
        (tmp_path / "lib" / f"{name}.csv").write_text(text, encoding="utf-8")
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "s.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(folder: Path, text: str) -> str:
    with pytest.raises(InputError) as error:
        fs.read(write(folder, text))
    assert all(problem.file for problem in error.value.problems)
    return str(error.value)


# ---- reading ----


def test_a_scenario_says_what_its_file_says(folder: Path) -> None:
    scenario = fs.read(write(folder, WHOLE))
    assert scenario.name == {"en": "Smelter", "zh": "冶炼"} and scenario.year == 2025
    assert scenario.description["zh"] == "各一" and scenario.target_set == "plan"
    assert scenario.variant_names["b"] == {"en": "B", "zh": "B"}
    sizes = {name: len(frame) for name, frame in scenario.tables.items() if len(frame)}
    assert sizes == {
        "layers": 1, "goods": 5, "recipes": 4, "substitutes": 1, "contents": 1, "factors": 1, "prices": 3,
        "lifetimes": 1, "targets": 1, "sources": 1, "processes": 3, "flows": 2, "pools": 1, "links": 1,
        "facts": 4,
    }  # fmt: skip


def test_rows_know_their_file_and_line(folder: Path) -> None:
    goods = fs.read(write(folder, WHOLE)).tables["goods"].set_index("id")
    assert Path(goods.at["ore", "file"]).name == "goods.csv" and goods.at["ore", "line"] == 2
    assert Path(goods.at["metal", "file"]).name == "s.yaml" and goods.at["metal", "line"] == 10


def test_a_row_of_the_scenario_replaces_that_of_the_library(folder: Path) -> None:
    tables = fs.read(write(folder, WHOLE)).tables
    assert tables["goods"].set_index("id").at["oil", "en"] == "oil"
    assert tables["prices"].set_index("good")["price"].to_dict() == {
        "ore": 50.0,
        "oil": 100.0,
        "metal": 1000.0,
    }


def test_the_shipped_library_is_called_flowsim(tmp_path: Path) -> None:
    text = (
        "flowsim: 1\nlibrary: [flowsim]\nprocesses: {park: {recipe: ncm811_precursor, activity: 10 kt/a}}\n"
    )
    scenario = fs.read(write(tmp_path, text))
    assert len(scenario.tables["recipes"]) > 1000 and scenario.name["en"] == "s"
    assert fs.read(write(tmp_path, text.replace("[flowsim]", "flowsim"))).digest == scenario.digest


def test_the_order_of_entries_does_not_change_the_digest(folder: Path) -> None:
    one = fs.read(write(folder, WHOLE))
    lines = WHOLE.splitlines(keepends=True)
    at = lines.index("flows:\n") + 1
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    assert fs.read(write(folder, "".join(lines))).digest == one.digest
    assert fs.read(write(folder, WHOLE.replace("80 kt/a", "81 kt/a"))).digest != one.digest
    assert fs.read(write(folder, WHOLE.replace("year: 2025", "year: 2026"))).digest != one.digest


def test_a_changed_csv_file_is_read_again(folder: Path) -> None:
    path = write(folder, "flowsim: 1\nlibrary: lib\nprocesses: {shop: }\nflows: flows.csv\n")
    csv = folder / "flows.csv"
    csv.write_text("good,from,to,amount\nore,market,shop,5 t/a\n", encoding="utf-8")
    one = fs.read(path)
    csv.write_text("good,from,to,amount\nore,market,shop,17 t/a\n", encoding="utf-8")
    two = fs.read(path)
    assert two.tables["flows"]["amount"].tolist() == [17.0] and one.digest != two.digest


def test_a_scenario_can_be_pickled(folder: Path) -> None:
    scenario = fs.read(write(folder, WHOLE))
    again = pickle.loads(pickle.dumps(scenario))
    assert again.with_variant("b").digest == scenario.with_variant("b").digest


def test_a_good_that_flows_through_both_sides_has_its_role_on_the_output_side(tmp_path: Path) -> None:
    goods = "goods: {w: {name: w}, v: {name: v}}"
    text = f"flowsim: 1\n{goods}\nrecipes: {{r: {{in: {{w: 2 t}}, out: {{w: 1 t, v: 1 t}}}}}}\n"
    recipes = fs.read(write(tmp_path, text)).tables["recipes"]
    assert recipes["role"].tolist() == ["", "reference", ""]


# ---- bad files ----


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The file is empty."),
        (
            "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
            + "".join(
                f"{b}: &{b} [{','.join(['*' + a] * 10)}]\n"
                for a, b in zip("abcdefgh", "bcdefghi", strict=True)
            ),
            "The file holds more than",
        ),
        ("- a\n", "The file is a list, not keys with values."),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    assert message in refused(tmp_path, text)


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes(b"\x00\x01\x02")
    with pytest.raises(InputError, match="binary file"):
        fs.read(path)


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    with open(path, "wb") as file:
        file.truncate(200_000_000)
    with pytest.raises(InputError, match="The file has 200 MB"):
        fs.read(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="This is a folder, not a file"):
        fs.read(tmp_path)


@pytest.mark.skipif(
    os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all"
)
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, WHOLE)
    path.chmod(0)
    with pytest.raises(InputError, match="No permission to read this file"):
        fs.read(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("year: 2025", "yaer: 2025", "s.yaml:3: unknown key `yaer`. Did you mean `year`?"),
        ("year: 2025", "zzz: 1", "s.yaml:3: unknown key `zzz`. Known: flowsim, name"),
        ("flowsim: 1\n", "", "s.yaml:1: the version of the language is missing. Begin with `flowsim: 1`."),
        ("flowsim: 1", "flowsim: 2", "s.yaml:1: `flowsim:` `2` is no known version. This flowsim reads 1."),
        ("flowsim: 1", "flowsim: true", "s.yaml:1: `flowsim:` `true` is no known version."),
        ("year: 2025", "year: 25", "s.yaml:3: `25` is no year. Write one from 1900 to 2200."),
        ("year: 2025", "year: [1]", "s.yaml:3: a list is no year."),
        ("{en: Smelter, zh: 冶炼}", "{en: a}", "s.yaml:2: `name`: write a text for both languages"),
        ("[lib]", "[lub]", "s.yaml:5: There is no folder 'lub'. Did you mean 'lib'?"),
        ("[lib]", "[.]", "s.yaml:5: the library `.` holds no table. It may hold goods.csv"),
        ("[lib]", "[5]", "s.yaml:5: `library` must name folders, not `5`. Write `library: [flowsim]`"),
        ("[lib]", "{a: b}", "s.yaml:5: `library` must name folders, not a mapping."),
        ("[lib]", "[/etc]", "s.yaml:5: '/etc' is not a relative path."),
        (
            "targets: plan",
            "targets: plam",
            "s.yaml:6: there is no set of targets `plam`. Did you mean `plan`?",
        ),
        (
            "targets: plan",
            "targets: 5",
            "s.yaml:6: `targets` must hold rows, not `5`. Write one row under each id",
        ),
        ("pools: {s: [steam]}", "pools: []", "`pools` must be a mapping. Write `SITE: [GOODS]`."),
        (
            "pools: {s: [steam]}",
            "pools: {s: steam}",
            "pools: `s` must list goods, not `steam`. Write `SITE: [electricity",
        ),
        (
            "{ore: {Cu: {value: 3 %, source: EST}}}",
            "{ore: 3 %}",
            "contents: `ore` must map layers to shares, not `3 %`.",
        ),
        ("  shop:\n", "  shop: 5\n", "s.yaml:24: processes: `shop` must be a mapping, not `5`."),
        ("  shop:\n", "  shop: {kind: use\n", "Not valid YAML"),
        (
            "out: {metal: 1 t, slag: {}}, ",
            "",
            "recipes: `smelting` puts nothing out. Write `out: {GOOD: 1 t}`.",
        ),
        (
            "closing: slag",
            "closing: slug",
            "recipes: `closing` of `smelting` is `slug`, which is none of its lines. Did you",
        ),
        (
            "closing: slag",
            "closes: slag",
            "recipes: unknown key `closes` in `smelting`. Did you mean `closing`?",
        ),
        (
            "out: {metal: 1 t, slag: {}}",
            "out: [metal]",
            "recipes: `out` of `smelting` must map goods to amounts, not a list.",
        ),
        ("sources: [{key: k, citation: c}]", "recipes: {r: 5}", "The key 'recipes' is also at line"),
        (
            "sources: [{key: k, citation: c}]",
            "sources: [k]",
            "`sources` holds `k` among its rows. Write each as",
        ),
        (
            "  - {id: back,",
            "  - {id: metal__smelter__shop,",
            "`flows`: two rows are both called `metal__smelter__shop`.",
        ),
        (
            "variants:\n",
            "variants: 5\nvariant:\n",
            "`variants` must map names to differences, not `5`. Write `NAME",
        ),
    ],
)
def test_a_wrong_document_is_named_with_the_way_out(folder: Path, old: str, new: str, message: str) -> None:
    assert old in WHOLE
    assert message in refused(folder, WHOLE.replace(old, new, 1))


def test_a_recipe_that_is_no_mapping_is_named(folder: Path) -> None:
    assert "recipes: `r` must be a mapping with `in` and `out`, not `5`." in refused(
        folder, "flowsim: 1\nrecipes: {r: 5}\n"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("flow.csv", "s.yaml:4: There is no file 'flow.csv'. Did you mean 'flows.csv'?"),
        ("lib", "s.yaml:4: 'lib' is not a file."),
        ("../../x.csv", "leads outside the project."),
        ("flows.csv", "flows.csv:2: flows: `amount: 5` has no unit."),
        ("text.csv", "text.csv:1: unknown column `zzz` in flows."),
    ],
)
def test_a_wrong_csv_file_is_named(folder: Path, name: str, message: str) -> None:
    (folder / "flows.csv").write_text("good,from,to,amount\nore,market,shop,5\n", encoding="utf-8")
    (folder / "text.csv").write_text("good,from,to,zzz\nore,market,shop,5\n", encoding="utf-8")
    text = f"flowsim: 1\nlibrary: lib\nprocesses: {{shop: }}\nflows: {name}\n"
    assert message in refused(folder, text)


def test_all_files_are_checked_at_once_and_sorted(folder: Path) -> None:
    (folder / "lib" / "prices.csv").write_text("good,price\nore,50\nslag,60 t\n", encoding="utf-8")
    with pytest.raises(InputError) as error:
        fs.read(
            write(folder, WHOLE.replace("load: 90 %", "load: 900 %").replace("mixed: true", "mixed: maybe"))
        )
    places = [(problem.file, problem.line) for problem in error.value.problems]
    assert len(places) == 4 and places == sorted(places)


# ---- fuzz ----

JUNK: list[Any] = [
    5, -1, 0, 1.5, float("nan"), float("inf"), 10**60, 2.5e300, True, False, None, "", "x", "中文",
    "a.b.c", "x 2", "-5 t/a", "5", "120 %", "NaN", "1e999 t", [], ["a"], [[1]], [None], {}, {"a": 1},
    {"en": "x"}, {"中": {"a": [1]}}, [{"a": 1}], "a" * 5000, "../x.csv", "smelter",
]  # fmt: skip


def places_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places_of(item, (*path, key))


def mutated(document: Any, path: tuple[Any, ...], junk: Any, action: str) -> str:
    """The document with junk at one place, beside it, or with the place gone."""
    made = copy.deepcopy(document)
    parent = made
    for key in path[:-1]:
        parent = parent[key]
    if action == "delete":
        del parent[path[-1]]
    elif action == "add" and isinstance(parent, dict):
        parent["zzz"] = junk
    else:
        parent[path[-1]] = junk
    return yaml.safe_dump(made, allow_unicode=True, sort_keys=False)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_written_the_only_error_is_an_input_error_with_its_place(folder: Path, seed: int) -> None:
    document = yaml.safe_load(WHOLE)
    places = list(places_of(document))
    chance = random.Random(seed)
    refusals = 0
    for _ in range(40):
        action = chance.choice(["set", "set", "set", "add", "delete"])
        text = mutated(document, chance.choice(places), chance.choice(JUNK), action)
        try:
            fs.read(write(folder, text), chance.choice([None, "b"]))
        except InputError as error:
            refusals += 1
            assert all(problem.file and problem.message for problem in error.problems), text
    assert refusals > 15


@pytest.mark.parametrize(("place", "name"), list(enumerate(schema.TABLES)))
def test_junk_as_a_whole_table_is_taken_or_refused(folder: Path, place: int, name: str) -> None:
    for junk in JUNK[place % 4 :: 4]:
        path = write(folder, yaml.safe_dump({"flowsim": 1, name: junk}, allow_unicode=True))
        try:
            fs.read(path)
        except InputError as error:
            assert all(problem.file for problem in error.problems)


# ---- from tables ----


def tables() -> dict[str, pd.DataFrame]:
    return {
        "goods": pd.DataFrame({"id": ["ore", "metal"]}),
        "processes": pd.DataFrame({"id": ["kiln"]}),
        "flows": pd.DataFrame(
            {"good": ["ore", "metal"], "from": ["market", "kiln"], "to": ["kiln", "market"]}
        ),
        "facts": pd.DataFrame({"transfer": ["metal"], "at": ["kiln"], "value": [1.0]}),
    }


def test_tables_are_filled_with_defaults() -> None:
    scenario = fs.from_tables(2030, "park", **tables())
    assert (scenario.year, scenario.name["zh"]) == (2030, "park")
    assert scenario.tables["flows"]["id"].tolist() == ["ore__market__kiln", "metal__kiln__market"]
    assert scenario.tables["goods"][["en", "kind", "fate"]].iloc[0].tolist() == ["ore", "material", "market"]
    assert scenario.tables["facts"]["layer"].tolist() == ["mass"] and np.isnan(
        scenario.tables["flows"]["amount"][0]
    )
    assert fs.from_tables(2030, "other", **tables()).digest == scenario.digest
    assert fs.from_tables(2031, "park", **tables()).digest != scenario.digest


def test_a_scenario_from_tables_has_no_variants() -> None:
    with pytest.raises(InputError, match="was made from tables and has no variants"):
        fs.from_tables(**tables()).with_variant("a")


@pytest.mark.parametrize(
    ("table", "columns", "message"),
    [
        ("flow", {"good": ["ore"]}, "unknown table `flow`. Did you mean `flows`?"),
        (
            "processes",
            {"id": ["kiln"], "recipy": [""]},
            "processes: unknown column `recipy`. Did you mean `recipe`?",
        ),
        (
            "processes",
            {"id": ["kiln"], "activity": ["5 t"]},
            "processes: `activity` must hold numbers. Convert",
        ),
        (
            "processes",
            {"id": ["kiln"], "activity": [np.inf]},
            "processes: `activity` holds an infinite number.",
        ),
        ("processes", {"id": ["kiln"], "mixed": [1.0]}, "processes: `mixed` must hold true or false."),
        ("processes", {"id": [5]}, "processes: `id` must hold texts. Convert the column first."),
        ("processes", {"kind": ["use"]}, "processes: `id` is missing (process). Fill the column."),
        ("processes", {"id": ["kilm"]}, "flows: `to`: there is no process `kiln`. Did you mean `kilm`?"),
        ("processes", {"id": ["kiln", "kiln"]}, "processes: `kiln` is stated twice. The first is at row 1"),
        ("facts", {"transfer": ["ore", "metal"], "at": "kiln", "value": [0.7, 0.7]}, "add up to 140 %"),
        (
            "recipes",
            {
                "recipe": "r",
                "direction": ["in", "out"],
                "good": ["ore", "metal"],
                "amount": [1.0, 2.0],
                "role": ["", "reference"],
            },
            "recipes: `r` does not close: 1 t more go out than in.",
        ),
    ],
)
def test_tables_that_do_not_fit_are_refused(table: str, columns: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as error:
        fs.from_tables(**{**tables(), table: pd.DataFrame(columns)})
    assert message in str(error.value)


# ---- examples and docs ----


def test_every_example_can_be_read_with_all_its_variants() -> None:
    names = sorted(path.stem for path in (share() / "scenarios").glob("*.yaml"))
    assert names
    for name in names:
        scenario = fs.example(name)
        assert all(scenario.with_variant(variant).variant == variant for variant in scenario.variant_names)


@pytest.mark.parametrize(
    ("name", "hint"), [("nickel_lop", "Did you mean `nickel_loop`?"), ("../secret", "Known: ")]
)
def test_an_unknown_example_is_named(name: str, hint: str) -> None:
    with pytest.raises(InputError) as error:
        fs.example(name)
    assert f"there is no example `{name}`. {hint}" in str(error.value)


def test_the_page_of_the_language_is_what_the_schema_gives() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec and spec.loader
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    for page, text in generate.PAGES.items():
        assert (ROOT / "docs" / page).read_text(encoding="utf-8") == text(), (
            f"run `make docs` to renew {page}"
        )


def test_the_scenarios_of_the_guide_can_be_read(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "_guide.md").read_text(encoding="utf-8")
    blocks = [block.split("```")[0] for block in guide.split("```yaml\n")[1:]]
    whole = [block for block in blocks if block.startswith("flowsim: 1")]
    assert len(whole) == 2
    for block in whole:
        fs.assemble(fs.read(write(tmp_path, block)))
