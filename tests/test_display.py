"""What a notebook shows: every noun as tables and a picture, in both languages, its texts only texts."""

from __future__ import annotations

import pickle
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

import flowsim as fs
from flowsim.errors import InputError
from flowsim.views.notebook import MOST_ROWS, html

ROOT = Path(__file__).parents[1]
HOSTILE = """flowsim: 1
name: {en: "<script>bad()</script>", zh: "<b>x"}
goods: {ware: {name: {en: "<img src=x onerror=bad()>", zh: 物}}}
processes: {shop: {kind: trade, name: {en: "a & b", zh: 店}}}
flows:
  - {good: ware, from: market, to: shop, amount: 7 t/a}
  - {id: sold, good: ware, from: shop, to: market}
"""


@pytest.fixture(scope="module")
def values() -> list[Any]:
    scenario = fs.example("nickel_loop").with_variant("symbiosis")
    system = fs.assemble(scenario)
    result = fs.balance(system)
    simulation = fs.simulate(fs.example("battery_stocks"), years=range(2020, 2024))
    reconciled = fs.reconcile(fs.assemble(fs.example("seven_flows")))
    return [scenario, system, result, fs.compare([result, result]), simulation, reconciled]


def tables(page: str) -> int:
    return page.count("<table>")


def test_everything_shows_itself_as_tables_and_a_picture(values: list[Any]) -> None:
    for value, count, picture in zip(
        values, (3, 1, 3, 3, 3, 3), ("", "", "<svg", "<img", "<img", "<svg"), strict=True
    ):
        page = value._repr_html_()
        assert tables(page) == count and picture in page, value
        assert page.count("<tr>") <= count * (MOST_ROWS + 1)


def test_a_page_is_well_formed_in_both_languages(values: list[Any]) -> None:
    for value in values:
        for lang in ("en", "zh"):
            page = fs.show(value, lang)._repr_html_()
            assert ET.fromstring(page).get("lang") == lang
    assert "锂渣" in fs.show(values[2], lang="zh")._repr_html_()


def test_on_a_terminal_a_value_is_one_line(values: list[Any]) -> None:
    for value in values:
        assert repr(value).startswith("<") and "\n" not in repr(value) and len(repr(value)) < 140


def test_texts_of_data_are_only_texts(tmp_path: Path) -> None:
    file = tmp_path / "hostile.yaml"
    file.write_text(HOSTILE, encoding="utf-8")
    scenario = fs.read(file)
    result = fs.solve(fs.assemble(scenario))
    for value in (scenario, result.system, result, fs.compare([result])):
        for lang in ("en", "zh"):
            page = html(value, lang)
            assert "<script" not in page and "<img src=x" not in page and "<b>x" not in page


def test_what_is_shown_survives_a_pickle(values: list[Any]) -> None:
    assert pickle.loads(pickle.dumps(values[1]))._repr_html_() == values[1]._repr_html_()


def test_without_matplotlib_the_tables_stay() -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None; import flowsim as fs;"
        "result = fs.balance(fs.assemble(fs.example('construction_waste')));"
        "page = fs.compare([result])._repr_html_(); assert '<table' in page;"
        "assert 'needs the package matplotlib' in page and '<img' not in page"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_what_cannot_be_shown_is_said(values: list[Any]) -> None:
    with pytest.raises(InputError, match="there is no language `de`. Known: en, zh."):
        fs.show(values[0], "de")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="nothing shows a int. Known: Scenario, System"):
        fs.show(3)


def test_reading_a_scenario_loads_nothing_that_draws() -> None:
    code = (
        "import sys, flowsim as fs; fs.balance(fs.assemble(fs.example('construction_waste')));"
        "drawing = ('flowsim.views', 'matplotlib', 'plotly');"
        "assert not [name for name in sys.modules if name.startswith(drawing)]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
