"""Tables of indicators and the page of docs/, in both languages."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from parks import balanced

from flowsim.indicators import evaluate, get, known, ledger
from flowsim.scenario import example
from flowsim.views.indicator_text import (
    CERTAINTY,
    LABELS,
    explain_grid,
    figure_grid,
    indicator_grids,
    ledger_grids,
    list_grid,
)
from flowsim.views.text import print_grids

DOCS = Path(__file__).parents[1] / "docs"


def chinese(text: str) -> bool:
    return any("\u4e00" <= sign <= "\u9fff" for sign in text)


@pytest.fixture
def values(tmp_path: Path) -> list:
    flows = [("ore", "market", "mill", 10), ("cake", "mill", "market", 8), ("ash", "mill", "landfill", 2)]
    result = balanced(
        tmp_path, {"ore": "mineral", "cake": "product", "ash": "solid_waste"}, {"mill": "{}"}, flows
    )
    return evaluate(result, ["cn.isw_utilisation_rate", "eu.dmc", "network.tst", "general.value_added"])


def test_values_and_missing_ones_stand_in_two_tables(values: list) -> None:
    shown, missing = indicator_grids(values, "en")
    assert [row[0] for row in shown.rows] == ["cn.isw_utilisation_rate", "eu.dmc", "network.tst"]
    assert missing.rows == [
        ["general.value_added", "Value added (gross margin)", "no price for ore, cake, ash"]
    ]
    assert shown.rows[0][2:6] == ["0", "%", "0 t/a", "2.000 t/a"]


def test_chinese_tables_have_chinese_headings_and_reasons(values: list) -> None:
    for grid in indicator_grids(values, "zh"):
        assert chinese(grid.title) and all(chinese(column) for column in grid.columns[1:])
    assert chinese(indicator_grids(values, "zh")[1].rows[0][2])


def test_a_figure_shows_what_it_was_worked_out_from(values: list) -> None:
    grid = figure_grid(values[2], "zh")
    assert grid is not None and ["边界输入", "10.00", "t/a"] in grid.rows
    assert figure_grid(values[0], "en") is None


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_definition_can_be_listed_and_explained(lang: str) -> None:
    grid = list_grid(known(), lang)
    assert len(grid.rows) == len(known())
    assert all(all(row) for row in grid.rows)
    text = print_grids([explain_grid(get("network.fci"), lang)], "markdown")
    assert "Finn" in text and ("已核实" if lang == "zh" else "confirmed") in text


def test_every_certainty_has_a_chinese_text() -> None:
    assert {item.certainty for item in known()} == set(CERTAINTY)
    assert all(chinese(text) for text in (*LABELS.values(), *CERTAINTY.values()))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_ledger_prints(lang: str) -> None:
    found = ledger(example("nickel_loop").with_variant("symbiosis"), ["cn.isw_utilisation_rate"])
    saved, added = ledger_grids(found, lang)
    assert len(saved.rows) == len(added.rows) == 7
    assert chinese(saved.title) == (lang == "zh")


def test_the_page_of_the_docs_is_current() -> None:
    spec = importlib.util.spec_from_file_location("generate_indicators", DOCS / "generate_indicators.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    written = (DOCS / "indicators.md").read_text(encoding="utf-8")
    assert module.page() == written, "run docs/generate_indicators.py"
    assert all(f"`{item.id}`" in written for item in known())
