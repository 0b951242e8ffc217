"""Charts: the numbers that they show, both languages, the same bytes, nothing loaded from outside."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import flowsim as fs
from flowsim.cli import main
from flowsim.errors import InputError
from flowsim.views.chart import Area, Axis, Boxes, Chart, Line, Panel, Points, Texts
from flowsim.views.chart_page import interactive
from flowsim.views.chart_print import tick
from flowsim.views.charts import bars, composite, curve, figure, front, page, pdf, png, svg, waterfall, years

SCENARIOS = Path(__file__).parents[1] / "scenarios"
CO2 = {"en": "CO2", "zh": "二氧化碳", "unit": "t/a"}
COST = {"en": "cost", "zh": "成本", "unit": "CNY/a"}


def made_of(kind: type, panel: Panel) -> list[Any]:
    return [mark for mark in panel.marks if isinstance(mark, kind)]


@pytest.fixture(scope="module")
def comparison() -> Any:
    scenario = fs.read(SCENARIOS / "nickel_loop.yaml")
    results = [fs.balance(fs.assemble(scenario.with_variant(name))) for name in ("as_planned", "all")]
    return fs.compare(results)


@pytest.fixture(scope="module")
def simulations() -> Any:
    scenario = fs.read(SCENARIOS / "battery_stocks.yaml")
    names = ("as_assumed", "long_life")
    return [fs.simulate(scenario.with_variant(name), years=range(2020, 2031)) for name in names]


@pytest.fixture(scope="module")
def charts(comparison: Any, simulations: Any) -> list[Chart]:
    """One chart of each kind in each language."""
    made = []
    for lang in ("en", "zh"):
        made += [
            bars(comparison, lang),
            waterfall(comparison, "general.co2", lang=lang),
            years(simulations, lang=lang),
            years(simulations, ["ni_metal", "co_metal"], lang=lang),
            years(simulations, part=["ni_recycled"], whole=["ni_metal"], lang=lang),
            front([(2e6, 1e8), (1e6, 3e8)], CO2, COST, names=["a", "b"], others=[(2e6, 4e8)], lang=lang),
            curve([("a", 1e5, -20.0), ("b", 2e5, 60.0)], lang=lang),
            composite(
                [(0, 40), (9, 80)], [(2, 30), (11, 70)], [(2, 80), (0, 50), (3, 30)], pinch=50, lang=lang
            ),
        ]
    return made


# --- the numbers ---------------------------------------------------------------------------------------


def test_bars_show_each_judged_target_with_its_values_and_verdicts(comparison: Any) -> None:
    chart = bars(comparison)
    judged = {one.target["id"] for one in comparison.verdicts if one.passed is not None}
    assert [panel.title.split()[0] for panel in chart.panels] == sorted(judged)
    for panel in chart.panels:
        mine = [one for one in comparison.verdicts if one.target["id"] == panel.title.split()[0]]
        (boxes,) = made_of(Boxes, panel)
        assert boxes.right == pytest.approx([one.value for one in mine])
        passed = next(mark for mark in made_of(Points, panel) if mark.name == "pass")
        assert len(passed.x) == sum(one.passed is True for one in mine)
        (line,) = made_of(Line, panel)
        assert set(line.x) == {mine[0].target["value"]} and panel.x.label == mine[0].target["unit"]


def test_bars_without_a_target_show_the_indicators(comparison: Any) -> None:
    assert len(bars(replace(comparison, verdicts=())).panels) == len(comparison.values[0])
    (panel,) = bars(comparison, indicator="general.co2").panels
    assert made_of(Boxes, panel)[0].right[0] == pytest.approx(comparison.values[0][9].value / 1e6)
    assert panel.x.label == "Mt/a"


@pytest.mark.parametrize("name", ["general.co2", "cn.isw_utilisation_rate", "general.value_added"])
def test_a_waterfall_adds_up_to_the_change(comparison: Any, name: str) -> None:
    (panel,) = waterfall(comparison, name).panels
    (boxes,) = made_of(Boxes, panel)
    (texts,) = made_of(Texts, panel)
    ends = np.asarray(texts.x)
    assert ends[-2] == pytest.approx(ends[-1], rel=1e-9)  # the last step ends where the last value stands
    assert len(boxes.left) == len(panel.y.ticks[1]) and panel.y.ticks[1][0] == "As planned"


def test_a_waterfall_sums_up_what_it_does_not_name(comparison: Any) -> None:
    (panel,) = waterfall(comparison, "general.value_added").panels
    at = [value.indicator.id for value in comparison.values[0]].index("general.value_added")
    assert panel.y.ticks[1][-2] == f"the rest ({len(comparison.parts[1][at]) - 8})"


def test_an_axis_that_leaves_out_zero_says_so(comparison: Any) -> None:
    assert waterfall(comparison, "general.value_added").notes == ("The axis does not begin at zero.",)
    assert waterfall(comparison, "cn.isw_utilisation_rate").notes == ()


def test_stocks_are_one_panel_each_and_lines_are_variants(simulations: Any) -> None:
    chart = years(simulations)
    assert len(chart.panels) == len(simulations[0].books)
    lines = made_of(Line, chart.panels[0])
    assert [line.name for line in lines] == ["As assumed", "Longer life"]
    stocks = simulations[0].stocks
    name = chart.panels[0].title.split("(")[1].split(")")[0]
    mine = stocks[(stocks["stock"] == name) & (stocks["layer"] == "")]["level"].to_numpy()
    assert lines[0].y == pytest.approx(mine / 1e3) and lines[0].x == list(range(2020, 2031))


def test_stacked_flows_end_at_their_sum(simulations: Any) -> None:
    goods = ["ni_metal", "co_metal", "li_metal"]
    chart = years(simulations, goods, layer="mass")
    assert [panel.title for panel in chart.panels] == ["As assumed", "Longer life"]
    for panel, made in zip(chart.panels, simulations, strict=True):
        total = made.ratio(goods, goods)["part"].to_numpy()
        areas = made_of(Area, panel)
        assert len(areas) == 3 and areas[-1].high == pytest.approx(total / 1e3)
        assert areas[1].low == pytest.approx(areas[0].high)
    assert len(years(simulations, ["ni_metal"]).panels) == 1


def test_a_share_is_in_percent(simulations: Any) -> None:
    (panel,) = years(simulations, part=["ni_recycled"], whole=["ni_metal"]).panels
    share = simulations[1].ratio(["ni_recycled"], ["ni_metal"])["share"].to_numpy()
    assert made_of(Line, panel)[1].y == pytest.approx(100 * share) and panel.y.label == "%"


def test_the_years_in_which_a_share_passes_a_tenth_or_half_are_marked(simulations: Any) -> None:
    (panel,) = years(simulations, part=["ni_recycled"], whole=["ni_metal"]).panels
    for made, line, points in zip(simulations, made_of(Line, panel), made_of(Points, panel), strict=True):
        share = made.ratio(["ni_recycled"], ["ni_metal"])
        reached = {level: year for level, year in made.passes(share).items() if year is not None}
        assert points.x == list(reached.values()) and (points.y >= 100 * np.array(list(reached))).all()
        assert line.name.split(", ")[1:] == [f"{level:.0%}: {year:g}" for level, year in reached.items()]
    assert not made_of(Texts, panel)
    (alone,) = years(simulations[:1], part=["ni_recycled"], whole=["ni_metal"]).panels
    assert made_of(Texts, alone)[0].texts == made_of(Line, alone)[0].name.split(", ")[1:] != []


def test_cohorts_stack_up_to_their_stock_in_the_same_colours_everywhere(simulations: Any) -> None:
    chart = years(simulations, view="cohorts", lang="zh")
    assert len(chart.panels) == 2 * len(simulations[0].books)
    tables = [made.stocks[made.stocks["layer"] == ""] for made in simulations]
    levels = [part["level"].to_numpy() for table in tables for _, part in table.groupby("stock", sort=False)]
    for panel, level in zip(chart.panels, levels, strict=True):
        areas = made_of(Area, panel)
        assert areas[-1].high / areas[-1].high.max() == pytest.approx(level / level.max(), rel=1e-9)
        assert {area.name: area.colour for area in areas} == {
            area.name: area.colour for area in made_of(Area, chart.panels[0])
        }
    assert [area.name for area in made_of(Area, chart.panels[0])][-2:] == ["2028–2029", "2030"]


def test_a_landfill_that_fills_up_is_drawn_in_percent_of_its_space() -> None:
    made = fs.simulate(fs.example("building_stocks"), years=range(2020, 2061, 10), first=1)
    (panel,) = years([made], view="filling", lang="zh").panels
    assert panel.title == "建筑垃圾填埋场 (waste), 库容占用率 (2,000 万t)"
    assert made_of(Line, panel)[0].y == pytest.approx(100 * made.filling["share"].to_numpy())
    (first, *_, last) = made_of(Area, years([made], view="cohorts", lang="zh").panels[0])
    assert first.name == "期初存量" and (np.diff(first.high) < 0).all() and last.name == "2060"


def test_without_a_space_there_is_no_filling_to_draw(simulations: Any) -> None:
    with pytest.raises(InputError, match="no stock of the scenario has a space. Give a landfill a `space`"):
        years(simulations, view="filling")


def test_a_front_is_sorted_and_in_handy_units() -> None:
    (panel,) = front([(2e6, 1e8), (1e6, 3e8)], CO2, COST, names=["late", "early"], lang="zh").panels
    points = made_of(Points, panel)[0]
    assert list(points.x) == [100, 200] and list(points.y) == [3, 1]
    assert made_of(Texts, panel)[0].texts == ["early", "late"]
    assert (panel.x.label, panel.y.label) == ("二氧化碳, 万t/a", "成本, 亿元/a")


def test_a_curve_goes_from_the_cheapest_on_and_its_widths_add_up() -> None:
    (panel,) = curve([("dear", 3e5, 90.0), ("saves", 1e5, -20.0)]).panels
    boxes = made_of(Boxes, panel)
    assert [(box.left[0], box.right[0]) for box in boxes] == [(0, 100), (100, 400)]
    assert [(box.bottom[0], box.top[0]) for box in boxes] == [(-20, 0), (0, 90)]
    assert boxes[0].hover == ["1  saves (100 kt/a, −20.0 CNY/t)"]


def test_measures_at_no_cost_are_seen_in_the_order_given() -> None:
    (panel,) = curve([("z", 1e5, 0.0), ("a", 1e5, 0.0), ("dear", 1e5, 50.0)]).panels
    boxes = made_of(Boxes, panel)
    assert [box.hover[0][:4] for box in boxes] == ["1  z", "2  a", "3  d"]
    assert all(box.bottom[0] < 0 < box.top[0] < 1 for box in boxes[:2])


def test_numbers_of_narrow_measures_do_not_cover_each_other() -> None:
    (panel,) = curve([("wide", 1e6, 1.0), ("thin", 1e3, 2.0), ("thinner", 1e2, 3.0), ("w", 1e6, 4.0)]).panels
    assert [list(mark.texts) for mark in made_of(Texts, panel)] == [["1", "2", "", "4"]]


def test_composite_curves_keep_the_numbers_given() -> None:
    both, grand = composite(
        [(0, 40), (9, 80)], [(2, 30), (11, 70)], [(2, 80), (0, 50), (3, 30)], pinch=50
    ).panels
    hot, cold = made_of(Line, both)
    assert list(hot.x) == [0, 9] and list(cold.y) == [30, 70] and both.x.label == "heat flow, kW"
    assert made_of(Line, grand)[1].name == "pinch, 50.00 °C"
    assert len(composite([(0, 40), (9, 80)], [(2, 30), (11, 70)]).panels) == 1


# --- what is refused -----------------------------------------------------------------------------------


def test_what_cannot_be_drawn_is_named(comparison: Any, simulations: Any) -> None:
    with pytest.raises(InputError, match="no compared indicator `general.co3`.*general.co2"):
        waterfall(comparison, "general.co3")
    with pytest.raises(InputError, match="no variant `al` to explain.*all"):
        waterfall(comparison, "general.co2", "al")
    with pytest.raises(InputError, match="needs two variants"):
        waterfall(fs.compare(comparison.results[:1]), "general.co2")
    with pytest.raises(InputError, match="no flow or good `gold`"):
        years(simulations, ["gold"])
    with pytest.raises(InputError, match="needs measures that avoid something"):
        curve([("worse", -1.0, 5.0)])
    nickel = fs.simulate(fs.read(SCENARIOS / "nickel_loop.yaml"), years=[2025])
    with pytest.raises(InputError, match=r"nickel_loop\.yaml: the scenario has no stocks"):
        years([nickel])


def test_a_missing_value_is_no_waterfall(comparison: Any) -> None:
    other = fs.compare(comparison.results, names=["general.co2"], boundary="site:landao", targets="")
    (value,) = other.values[0]
    if not value.reason:
        other = replace(other, values=((replace(value, value=np.nan, reason="no data"),), other.values[1]))
    with pytest.raises(InputError, match="is missing: "):
        waterfall(other, "general.co2")


@pytest.mark.parametrize(("package", "form"), [("matplotlib", "svg"), ("plotly", "page")])
def test_a_missing_package_is_one_sentence(package: str, form: str) -> None:
    code = (
        f"import sys; sys.modules['{package}'] = None; from flowsim.views import charts;"
        f"charts.{form}(charts.curve([('a', 1.0, 1.0)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    last = done.stderr.strip().splitlines()[-1]
    assert f'needs the package {package}. Install it with `pip install "flowsim[viz]"`.' in last


# --- the command ---------------------------------------------------------------------------------------


def plotted(*options: str) -> Any:
    return CliRunner().invoke(main, ["plot", *options])


@pytest.mark.parametrize("form", ["svg", "png", "pdf", "html"])
def test_plot_writes_every_form(form: str, tmp_path: Path) -> None:
    file = tmp_path / f"x.{form}"
    done = plotted(str(SCENARIOS / "nickel_loop.yaml"), "bars", "--variants", "all", "-o", str(file))
    begins = {"svg": b"<svg ", "png": b"\x89PNG", "pdf": b"%PDF", "html": b"<!DOCTYPE"}
    assert done.exit_code == 0 and done.output.strip() == str(file)
    assert file.read_bytes().startswith(begins[form])


def test_plot_draws_changes_and_years(tmp_path: Path) -> None:
    file = tmp_path / "x.html"
    change = ("--variants", "as_planned,all", "--indicator", "general.co2", "--lang", "zh")
    assert not plotted(str(SCENARIOS / "nickel_loop.yaml"), "waterfall", *change, "-o", str(file)).exit_code
    assert "二氧化碳" in file.read_text(encoding="utf-8")
    flows = (
        "--years",
        "2020:2030:5",
        "--variants",
        "long_life",
        "--part",
        "ni_recycled",
        "--whole",
        "ni_metal",
    )
    assert not plotted(str(SCENARIOS / "battery_stocks.yaml"), "years", *flows, "-o", str(file)).exit_code
    assert "Longer life" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("waterfall",), "a waterfall needs an indicator. Name it: --indicator general.co2"),
        (("waterfall", "--years", "2030"), "`--years` says nothing to waterfall. It belongs to years."),
        (
            ("years", "--indicator", "x"),
            "`--indicator` says nothing to years. It belongs to bars and waterfall.",
        ),
        (("years",), "which years? Name them: --years 2020:2060."),
        (("years", "--years", "2025", "--part", "x"), "a share needs `--part` and `--whole`."),
        (("bars", "-o", "x.bmp"), "`x.bmp` is no picture. End it in .svg, .png, .pdf or .html."),
        (("bars", "--indicator", "general.co9"), "no indicator `general.co9`. Did you mean"),
    ],
)
def test_plot_says_what_it_cannot_draw(options: tuple[str, ...], message: str) -> None:
    done = plotted(str(SCENARIOS / "battery_stocks.yaml"), *options)
    assert done.exit_code == 2 and message in done.output and "Traceback" not in done.output


# --- the files -----------------------------------------------------------------------------------------


def test_every_chart_is_drawn_without_a_missing_glyph(charts: list[Chart]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for chart in charts:
            assert svg(chart).startswith("<svg ") and png(chart, 600)[:4] == b"\x89PNG"
            assert pdf(chart)[:4] == b"%PDF"


def test_texts_stay_inside_of_the_picture_and_off_each_other(charts: list[Chart]) -> None:
    for chart in charts:
        made = figure(chart)
        made.draw_without_rendering()
        box = made.get_tightbbox()
        assert box.x0 >= 0 and box.y0 >= 0, chart.title
        assert box.x1 <= made.get_figwidth() and box.y1 <= made.get_figheight(), chart.title
        for axes in made.axes:
            rows = [text.get_window_extent() for text in axes.get_yticklabels()]
            assert not any(one.overlaps(two) for one, two in zip(rows, rows[1:], strict=False))


def test_the_same_chart_gives_the_same_bytes(charts: list[Chart]) -> None:
    for form in (svg, pdf, page):
        assert form(charts[0]) == form(charts[0])
    code = (
        "import hashlib; from flowsim.views.charts import curve, page, pdf, png, svg;"
        "chart = curve([('渣 a', 1e5, -20.0), ('b', 2e5, 60.0)], lang='zh');"
        "parts = [svg(chart).encode(), page(chart).encode(), pdf(chart), png(chart)];"
        "print([hashlib.sha256(part).hexdigest() for part in parts])"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env={**_env(), **seed})
        for seed in ({"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2"})
    ]
    assert runs[0].stdout == runs[1].stdout


def _env() -> dict[str, str]:
    import os

    return dict(os.environ)


def test_drawing_leaves_the_settings_and_figures_of_others_alone(charts: list[Chart]) -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    svg(charts[0])
    assert dict(matplotlib.rcParams) == before
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_names_are_only_names_in_print_and_page() -> None:
    chart = curve(
        [("<script>alert(1)</script> $x^2$", 1.0, 1.0), ('<a href="https://x.org">b</a>', 1.0, 2.0)]
    )
    whole = page(replace(chart, title="</title><script>bad()</script>"))
    own = whole.partition("<body>")[0] + whole.rpartition("<script")[2]  # without the program of plotly
    for text in (own, svg(chart)):
        assert "<script>alert" not in text and "<script>bad" not in text and "<a href" not in text
    texts = str(interactive(chart).to_dict())
    assert "&lt;script&gt;" in texts and "<a " not in texts


def test_a_page_loads_nothing_and_has_no_tool_that_sends(charts: list[Chart]) -> None:
    text = page(charts[0])
    assert not re.search(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=", text)
    assert "default-src 'none'" in text and '"modeBarButtons": [["toImage"' in text


def test_the_page_holds_the_numbers_of_the_print(charts: list[Chart]) -> None:
    for chart in charts:
        traces = interactive(chart).to_dict()["data"]
        boxes = [mark for panel in chart.panels for mark in panel.marks if isinstance(mark, Boxes)]
        heights = [value for trace in traces if trace["type"] == "bar" for value in trace["y"]]
        assert heights == pytest.approx([v for box in boxes for v in np.subtract(box.top, box.bottom)])


def test_missing_values_leave_a_gap() -> None:
    panel = Panel("", Axis(), Axis(), (Line("a", [1, 2, 3], [1, np.nan, 2], "#000000"),))
    chart = Chart("", (panel,), "en")
    assert interactive(chart).to_dict()["data"][0]["y"] == [1.0, None, 2.0] and svg(chart)


def test_numbers_at_an_axis() -> None:
    assert [tick(value) for value in (12000, -0.5, 0)] == ["12,000", "−0.5", "0"]
    assert tick(2030, is_plain=True) == "2030"
