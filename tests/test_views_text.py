"""Numbers, units and tables as people read them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len

import flowsim as fs
from flowsim.views.text import (
    Grid,
    amount,
    change_text,
    comparison_csv,
    comparison_grids,
    comparison_notes,
    handy,
    library_grids,
    number,
    print_grids,
    reason_text,
    rounding,
    run_grids,
    safe_cell,
    trace_grids,
    unit_text,
)

assemble, balance, compare, trace = fs.assemble, fs.balance, fs.compare, fs.trace
NICKEL = Path(__file__).parent.parent / "scenarios" / "nickel_loop.yaml"


@pytest.fixture(scope="module")
def results():
    scenario = fs.read(NICKEL)
    return [balance(assemble(scenario.with_variant(name))) for name in ("as_planned", "all")]


@pytest.fixture(scope="module")
def comparison(results):
    return compare(results)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (np.nan, "–"),
        (np.inf, "–"),
        (1234567, "1,235,000"),
        (12.3456, "12.35"),
        (-0.00012345, "-0.0001234"),
        (99999.6, "100,000"),
        (2.5e13, "2.500e+13"),
        (3e-8, "3.000e-08"),
    ],
)
def test_numbers_have_four_digits_and_a_dash_where_missing(value: float, text: str) -> None:
    assert number(value) == text


def test_a_change_has_its_sign() -> None:
    assert (change_text(12.34), change_text(-0.5), change_text(0)) == ("+12.3", "−0.500", "=")


def test_what_is_left_of_a_balance_is_a_magnitude() -> None:
    assert (rounding(0), rounding(-3.7e-9), rounding(np.nan)) == ("0", "-3.7e-09", "–")


def test_units_are_written_as_the_language_does() -> None:
    assert unit_text("CNY/t", "zh") == "元/t" and unit_text("CNY/t", "en") == "CNY/t"
    assert unit_text("m3/万元", "zh") == "m3/万元" and unit_text("m3/万元", "en") == "m3/10,000 CNY"


@pytest.mark.parametrize(
    ("values", "unit", "lang", "wanted"),
    [
        ([2.5e6, 10], "t/a", "en", (1e6, "Mt/a")),
        ([2.5e3], "t/a", "en", (1e3, "kt/a")),
        ([2.5e6], "m3/a", "en", (1e6, "million m3/a")),
        ([3e10], "CNY/a", "en", (1e9, "billion CNY/a")),
        ([3e10], "CNY/a", "zh", (1e8, "亿元/a")),
        ([-2.5e6], "t/a", "zh", (1e4, "万t/a")),
        ([5.0, np.nan], "t/a", "zh", (1.0, "t/a")),
        ([3e9], "CNY/t", "zh", (1.0, "元/t")),
        ([3e9], "%", "en", (1.0, "%")),
        ([], "t/a", "en", (1.0, "t/a")),
    ],
)
def test_a_handy_scale_is_chosen(
    values: list[float], unit: str, lang: str, wanted: tuple[float, str]
) -> None:
    assert handy(values, unit, lang) == wanted


def test_single_amounts_are_in_wan_in_chinese_only() -> None:
    assert amount(257600, "t/a", "zh") == ["25.76", "万t/a"] and amount(257600, "t/a", "en") == [
        "257,600",
        "t/a",
    ]
    assert amount(9999, "t/a", "zh") == ["9,999", "t/a"] and amount(np.nan, "t/a", "zh") == ["–", "t/a"]


def test_texts_that_look_like_formulas_are_disarmed() -> None:
    assert [safe_cell(text) for text in ("=1+1", "@x", "-x", "+x", "name", "")] == [
        "'=1+1",
        "'@x",
        "'-x",
        "'+x",
        "name",
        "",
    ]


def test_markdown_escapes_what_would_break_a_table() -> None:
    text = print_grids([Grid("title", ["a|b", "n"], [["x\ny", "1"]], (1,))], "markdown")
    assert text == "### title\n\n| a\\|b | n |\n| --- | ---: |\n| x y | 1 |\n"


def test_numbers_are_never_folded_and_no_line_is_too_wide(comparison) -> None:
    for width in (100, 160):
        for lang in ("en", "zh"):
            text = print_grids(comparison_grids(comparison, lang), width=width)
            assert max(cell_len(line) for line in text.splitlines()) <= width
            assert "(+12,400)" in text and "96 (" not in text.split("\n")[0]


def test_lines_have_no_spaces_at_their_end(results) -> None:
    for line in print_grids(run_grids(results[1], "zh"), width=120).splitlines():
        assert line == line.rstrip()


def test_a_table_without_rows_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "plain.yaml"
    path.write_text(
        "flowsim: 1\ngoods: {ware: {name: ware}}\nprocesses: {shop: {kind: trade}}\nflows:\n"
        "  - {good: ware, from: market, to: shop, amount: 1 t/a}\n"
        "  - {id: sold, good: ware, from: shop, to: market}\n",
        encoding="utf-8",
    )
    result = fs.solve(assemble(fs.read(path)))
    assert [grid.title for grid in run_grids(result, "en")] == [
        "flows",
        "what crosses the boundary of the park",
    ]


def test_an_undetermined_flow_shows_its_interval_and_leaves_the_sum_open(tmp_path: Path) -> None:
    path = tmp_path / "open.yaml"
    path.write_text(
        "flowsim: 1\ngoods: {ware: {name: ware}}\nprocesses: {shop: {kind: trade}}\nflows:\n"
        "  - {id: bought, good: ware, from: market, to: shop, amount: 7 t/a}\n"
        "  - {id: sold, good: ware, from: shop, to: market}\n"
        "  - {id: spoilt, good: ware, from: shop, to: landfill}\n",
        encoding="utf-8",
    )
    flows, sums = run_grids(fs.solve(assemble(fs.read(path)), throw=False), "en")
    shown = {(row[1], row[2]): row[3:] for row in flows.rows}
    assert shown["shop", "landfill"] == ["[0, 7.000]", "t/a", "undetermined"]
    assert sums.rows[0][1:5] == ["7.000", "–", "0", "–"]


def test_a_reason_names_the_largest_parts_and_the_rest(comparison) -> None:
    at = [value.indicator.id for value in comparison.values[0]].index("general.solid_waste_landfilled")
    text = reason_text(comparison.parts[1][at], "en", 1e3)
    assert text.startswith("−500 Lithium slag to building material; ") and text.endswith(" the rest")
    assert reason_text(comparison.parts[1][at], "zh", 1e4).startswith("−50.0 锂渣制建材；")


def test_a_drawn_flow_is_named_by_its_good_where_that_is_enough(comparison) -> None:
    at = [value.indicator.id for value in comparison.values[0]].index("general.value_added")
    parts = comparison.parts[1][at]
    assert "nickel sulfate hexahydrate;" in reason_text(parts, "en")
    twice = [part for part in parts if part.good][:1] * 2
    assert "(market → CNGR precursor)" in reason_text(twice, "en")


def test_the_indicator_is_said_once_for_all_its_variants(results) -> None:
    three = compare([*results, results[1]], names=["general.co2"], targets="")
    reasons = comparison_grids(three, "en")[-1]
    assert [row[0] for row in reasons.rows] == [three.values[0][0].indicator.en, ""]


def test_csv_keeps_every_digit(comparison) -> None:
    rows = list(csv.DictReader(io.StringIO(comparison_csv(comparison, "en"))))
    assert len(rows) == 2 * len(comparison.values[0])
    for row, value in zip(rows[::2], comparison.values[0], strict=True):
        assert float(row["value"]) == value.value and row["unit"] == value.indicator.unit


def test_notes_name_what_is_missing_and_what_cannot_be_judged(comparison) -> None:
    english, chinese = comparison_notes(comparison, "en"), comparison_notes(comparison, "zh")
    assert any(note.endswith("needs a base variant (--base)") for note in english)
    assert any("需要指定基准情景" in note for note in chinese)
    assert english[-1].startswith("largest residual") and chinese[-1].startswith("最大残差")


def test_a_missing_value_is_noted_once_for_all_variants(results) -> None:
    notes = comparison_notes(compare(results, names="first", boundary="site:landao", targets=""), "en")
    missing = [note for note in notes if note.startswith("missing: ")]
    assert missing and len(missing) == len(set(missing))
    assert all("(" in note for note in missing)


def test_a_trace_shows_rules_that_leave_flows_out_apart(results) -> None:
    grids = trace_grids(trace(results[1], "cn.main_resource_productivity"), "en")
    assert grids[0].title.startswith("Main resource productivity = ")
    assert all(grid.title.startswith("left out: ") for grid in grids[1:]) and len(grids) > 1


def test_the_library_shows_classes_in_words() -> None:
    good = {
        "id": "x",
        "en": "slag",
        "zh": "渣",
        "class": "solid_waste",
        "unit": "t",
        "recipes": list("abcdefgh"),
    }
    (grid,) = library_grids([], [good], "zh")
    assert grid.rows == [["x", "渣", "一般工业固体废物", "t", "a, b, c, d, e, f (+ 2)"]]
