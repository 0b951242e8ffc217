"""Pages in a real browser without a window: the explorer's ways, and what Sankey pictures look like there.

Skipped, with the reason, where there is no Chromium that starts.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from parks import random_park
from test_explore import SCENARIO, answer

import flowsim as fs
from flowsim.studies.simulate import simulate
from flowsim.views.explore import explore
from flowsim.views.sankey import page as sankey_page
from flowsim.views.sankey import sankey

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SIZES = (20, 100, 500)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM:
        pytest.skip("there is no chromium on the path")
    with playwright.sync_playwright() as driver:
        try:
            found = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        except playwright.Error as error:
            pytest.skip(f"chromium does not start: {str(error).splitlines()[0]}")
        yield found
        found.close()


@contextmanager
def opened(browser: Any, path: Path) -> Iterator[Any]:
    """A page in a browser; errors in it and requests that leave it fail the test."""
    context = browser.new_context(viewport={"width": 1500, "height": 900}, accept_downloads=True)
    shown, faults = context.new_page(), []
    shown.on("pageerror", lambda error: faults.append(str(error)))
    shown.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    shown.on(
        "request", lambda one: None if one.url.startswith(("file:", "blob:")) else faults.append(one.url)
    )
    shown.goto(path.as_uri())
    yield shown
    context.close()
    assert faults == []


@pytest.fixture(scope="module")
def graph_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explore")
    return written(folder, explore([answer(folder), answer(folder, "less")]))


@pytest.fixture
def page(browser: Any, graph_file: Path) -> Iterator[Any]:
    """The page of the small loop."""
    with opened(browser, graph_file) as shown:
        yield shown


@pytest.fixture(scope="module")
def nickel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The nickel loop in two variants."""
    results = [
        fs.balance(fs.assemble(fs.read("scenarios/nickel_loop.yaml", name))) for name in ("as_planned", "all")
    ]
    return written(tmp_path_factory.mktemp("nickel"), explore(results))


@pytest.fixture(scope="module")
def parks(tmp_path_factory: pytest.TempPathFactory) -> dict[int, fs.Result]:
    return {size: random_park(tmp_path_factory.mktemp(f"park{size}"), size) for size in SIZES}


def written(folder: Path, text: str) -> Path:
    path = folder / "graph.html"
    path.write_text(text, encoding="utf-8")
    return path


def shown_edges(page: Any) -> set[str]:
    return set(page.evaluate("edges.getIds()"))


def click_node(page: Any, name: str) -> None:
    spot = page.evaluate("(id) => network.canvasToDOM(network.getPositions([id])[id])", name)
    box = page.locator("#mynetwork").bounding_box()
    page.mouse.click(box["x"] + spot["x"], box["y"] + spot["y"])
    page.locator("#details .id", has_text=name).wait_for()


SMALL = {"ore_in", "metal_flow", "scrap_back", "metal_out", "slag_out"}


def test_the_page_opens_without_circulating_water_and_a_tick_brings_it(page: Any) -> None:
    assert shown_edges(page) == SMALL
    page.check('[data-class="circulating_water"]')
    assert shown_edges(page) == SMALL | {"water_to", "water_back"}
    assert page.text_content("#status") == "7 of 7 flows shown"


def test_search_finds_by_id_and_by_either_name_and_shows_the_balance(page: Any) -> None:
    for wanted in ("smelter", "冶炼"):
        page.fill("#search", wanted)
        assert "<b>Smelter</b>" in page.locator("#found li").first.text_content()
    page.press("#search", "Enter")
    assert page.text_content("#details h3") == "<b>Smelter</b>"
    totals = page.locator("#balance tr.total").all_text_contents()
    assert totals == ["in total5,100", "out total5,100", "stock change0", "difference (must be zero)0"]
    page.fill("#search", "no such thing")
    assert page.text_content("#found") == "nothing found"


def test_a_click_on_a_process_shows_its_facts_and_source(page: Any) -> None:
    click_node(page, "smelter")
    text = page.text_content("#details")
    assert "alpha" in text and "KEY-1: A. Author (2020): A book. p. 7" in text


def test_a_flow_shows_amounts_how_and_origin(page: Any) -> None:
    page.fill("#search", "metal_flow")
    page.press("#search", "Enter")
    text = page.text_content("#details")
    assert "80 t/a" in text and "given" in text and re.search(r"loop\.yaml:\d+", text)


def test_filters_by_least_amount_class_and_firm_hide_flows(page: Any) -> None:
    page.fill("#least", "70")
    assert shown_edges(page) == {"metal_flow", "ore_in"}
    page.fill("#least", "0")
    page.uncheck('[data-class="solid_waste"]')
    assert shown_edges(page) == SMALL - {"slag_out"}
    page.select_option("#firm", "beta")
    assert shown_edges(page) == {"metal_flow", "scrap_back", "metal_out"}


def test_variant_layer_and_language_switch(page: Any) -> None:
    page.select_option("#variant", "1")
    page.fill("#search", "metal_out")
    page.press("#search", "Enter")
    assert "50 t/a" in page.text_content("#details")
    page.select_option("#layer", "water")
    assert shown_edges(page) == set()
    page.click("#lang")
    assert page.text_content("#title") == "小循环 · 2025"
    assert page.get_attribute("html", "lang") == "zh"
    assert page.text_content("#classes li") == "产品0"


def test_following_stops_outside_and_dims_the_rest(page: Any) -> None:
    page.fill("#search", "slag_out")
    page.press("#search", "Enter")
    page.select_option("#carrier", "good:slag")
    page.click("text=← upstream")
    pale = page.evaluate("edges.get().filter((edge) => edge.color.opacity < 0.2).map((edge) => edge.id)")
    assert set(pale) == SMALL - {"slag_out"}
    page.click(".follow >> text=clear")
    assert page.evaluate("edges.get().every((edge) => edge.color.opacity > 0.2)")


def test_processes_collapse_by_firm_and_open_again(page: Any) -> None:
    page.select_option("#group", "firm")
    assert {"firm:alpha", "firm:beta"} <= set(page.evaluate("nodes.getIds()"))
    click_node(page, "firm:alpha")
    totals = page.locator("#balance tr.total").all_text_contents()
    assert totals[:2] == ["in total100", "out total100"]
    page.select_option("#group", "none")
    assert "smelter" in page.evaluate("nodes.getIds()")


def test_loops_are_marked(page: Any) -> None:
    page.check("#loops")
    marked = page.evaluate("edges.get().filter((edge) => edge.background.enabled).map((edge) => edge.id)")
    assert set(marked) == {"metal_flow", "scrap_back"}


def test_positions_are_saved_and_loaded(page: Any, tmp_path: Path) -> None:
    with page.expect_download() as download:
        page.click("#save")
    saved = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    saved["positions"]["none"]["smelter"] = [123, 456]
    path = tmp_path / "moved.json"
    path.write_text(json.dumps(saved), encoding="utf-8")
    page.set_input_files("#file", path)
    page.locator("#status", has_text="Positions read.").wait_for()
    assert page.evaluate("network.getPositions(['smelter']).smelter") == {"x": 123, "y": 456}
    path.write_text("[]", encoding="utf-8")
    page.set_input_files("#file", path)
    page.locator("#status", has_text="This file holds no positions").wait_for()


def found_first(page: Any, text: str) -> None:
    """Choose the first find of a search."""
    page.fill("#search", text)
    page.press("#search", "Enter")


def test_flows_closed_by_rule_pools_and_places_outside_fold(browser: Any, nickel: Path) -> None:
    with opened(browser, nickel) as page:
        few = len(shown_edges(page))
        page.check("#implied")
        some = len(shown_edges(page))
        page.set_checked("#pools", not page.is_checked("#pools"))
        assert few < some != len(shown_edges(page))
        page.uncheck("#implied")
        page.check("#outside")
        most = shown_edges(page)
        page.uncheck("#outside")
        ends = page.evaluate("edges.get().flatMap((edge) => [edge.from, edge.to])")
        assert not any(name.startswith(("in:", "out:")) for name in ends)
        assert len(shown_edges(page)) < len(most)


def test_what_was_unfolded_by_hand_stays_in_its_variant(browser: Any, nickel: Path) -> None:
    with opened(browser, nickel) as page:
        before = shown_edges(page)
        found_first(page, "boilers")
        page.click("text=show its folded flows")
        assert shown_edges(page) > before
        page.select_option("#variant", "1")
        page.select_option("#variant", "0")
        assert shown_edges(page) == before
        assert page.locator("#details >> text=show its folded flows").count() == 1


def test_a_choice_that_the_other_variant_lacks_is_dropped(browser: Any, tmp_path: Path) -> None:
    more = "  bigger: {add: {processes: {extra: {name: {en: extra, zh: 新厂}}}}}\n"
    text = SCENARIO.replace("  less: {", f"{more}  less: {{")
    results = [answer(tmp_path, name, text) for name in ("bigger", "less")]
    with opened(browser, written(tmp_path, explore(results))) as page:
        found_first(page, "extra")
        assert page.text_content("#details h3") == "extra"
        page.select_option("#variant", "1")
        assert page.text_content("#details h3") == "Loop </script><script>alert(1)</script>"
        assert "extra" not in page.evaluate("nodes.getIds()")


def test_another_layer_has_another_unit_and_forgets_the_least_amount(page: Any) -> None:
    page.fill("#least", "70")
    page.select_option("#layer", "water")
    assert page.input_value("#least") == "0" and page.text_content("#unit") == "m3/a"
    page.select_option("#layer", "mass")
    assert shown_edges(page) == SMALL


def test_years_switch_and_a_variant_keeps_the_year(browser: Any, tmp_path: Path) -> None:
    text = (
        SCENARIO.replace(
            "variants:", "series:\n  flows.metal_out.amount: {2025: 60 t/a, 2030: 75 t/a}\nvariants:"
        )
        .replace(", amount: 60 t/a", "")
        .replace("metal_out: {amount: 50 t/a}", "slag_out: {amount: 15 t/a}")
    )
    path = tmp_path / "years.yaml"
    path.write_text(text, encoding="utf-8")
    results = [
        result
        for name in (None, "less")
        for result in simulate(fs.read(path, name), years=[2025, 2030], study="auto").results
    ]
    with opened(browser, written(tmp_path, explore(results))) as page:
        assert page.locator("#variant option").count() == 2
        assert page.locator("#year option").all_text_contents() == ["2025", "2030"]
        found_first(page, "metal_out")
        assert "60 t/a" in page.text_content("#details")
        page.select_option("#year", label="2030")
        assert "75 t/a" in page.text_content("#details")
        assert page.text_content("#title").endswith("2030")
        page.select_option("#variant", label="less")
        assert page.text_content("#title").endswith("2030")
        found_first(page, "slag_out")
        assert "15 t/a" in page.text_content("#details")


def test_one_year_needs_no_switch(page: Any) -> None:
    assert not page.is_visible("#years") and page.is_visible("#variant")


def test_uncertainty_of_a_reconciled_flow_is_told_in_each_layer(browser: Any, tmp_path: Path) -> None:
    result = fs.reconcile(fs.assemble(fs.read("scenarios/japan_steel_measured.yaml"))).result
    flow = int(np.argmax(result.layer("mass")))
    name, value, sd = (
        each[flow] for each in (result.system.flows["id"], result.amounts, result.layer_sd("mass"))
    )
    with opened(browser, written(tmp_path, explore(result))) as page:
        found_first(page, name)
        shown = page.text_content("#details").replace(",", "")
        assert f"({float(f'{100 * sd / value:.4g}'):g} %)" in shown
        low, high = (float(f"{value + side * 1.96 * sd:.4g}") for side in (-1, 1))
        assert f"95 % interval{low:.0f} t/a – {high:.0f} t/a" in shown
        assert "reconciled" in shown
        found_first(page, "casting")
        panel = page.locator("#details")
        assert panel.evaluate("(each) => each.scrollWidth <= each.clientWidth")
        assert "reconciled · japan_steel_measured.yaml:" in panel.text_content()


def test_groups_have_their_names_and_open_alone(browser: Any, tmp_path: Path) -> None:
    names = "groups:\n  - {id: alpha, kind: firm, name: {en: Alpha Metals, zh: 阿尔法金属}}\n"
    result = answer(tmp_path, text=SCENARIO.replace("flows:\n", names + "flows:\n", 1))
    with opened(browser, written(tmp_path, explore(result, lang="zh"))) as page:
        assert "阿尔法金属" in page.locator("#firm option").all_text_contents()
        page.select_option("#group", "firm")
        click_node(page, "firm:alpha")
        assert page.text_content("#details h3") == "阿尔法金属"
        page.click("text=只显示其过程")
        assert page.input_value("#firm") == "alpha" and page.input_value("#group") == "none"
        assert "smelter" in page.evaluate("nodes.getIds()")
        assert shown_edges(page) == {"ore_in", "metal_flow", "scrap_back", "slag_out"}


def test_a_filter_closes_wide_gaps_and_its_positions_are_its_own(
    browser: Any, parks: dict[int, fs.Result], tmp_path: Path
) -> None:
    with opened(browser, written(tmp_path, explore(parks[100]))) as page:
        page.select_option("#group", "none")
        whole = page.evaluate("network.getPositions(['p30'])")
        size = page.evaluate("network.getScale()")
        page.select_option("#chain", "chain_2")
        assert page.evaluate("network.getScale()") > 1.5 * size and page.evaluate(OVERLAPS) == 0
        spot = page.evaluate("network.canvasToDOM(network.getPositions(['p30']).p30)")
        box = page.locator("#mynetwork").bounding_box()
        page.mouse.move(box["x"] + spot["x"], box["y"] + spot["y"])
        page.mouse.down()
        page.mouse.move(box["x"] + spot["x"] + 60, box["y"] + spot["y"] + 40, steps=3)
        page.mouse.up()
        with page.expect_download() as download:
            page.click("#save")
        saved = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))["positions"]
        assert [*saved["none/chain:chain_2"]] == ["p30"]
        page.select_option("#chain", "")
        assert page.evaluate("network.getPositions(['p30'])") == whole


def test_a_click_on_a_loop_lights_it(page: Any) -> None:
    page.click("#details >> text=loop 1")
    bright = page.evaluate("edges.get().filter((edge) => edge.color.opacity > 0.2).map((edge) => edge.id)")
    assert set(bright) == {"metal_flow", "scrap_back"}
    page.click("#details >> text=loop 1")
    assert page.evaluate("edges.get().every((edge) => edge.color.opacity > 0.2)")


def test_the_search_works_with_keys_alone(page: Any) -> None:
    page.focus("#search")
    page.keyboard.type("metal_")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.text_content("#details .id").startswith("metal_out")
    page.focus("#search")
    page.keyboard.press("Escape")
    assert page.input_value("#search") == "" and page.locator("#found li").count() == 0


def test_a_key_on_a_link_of_the_panel_keeps_the_focus_in_it(page: Any) -> None:
    found_first(page, "smelter")
    page.focus("#balance button >> nth=0")
    page.keyboard.press("Enter")
    assert page.evaluate("document.getElementById('details').contains(document.activeElement)")


CONTRASTS = """() => {
  const light = (colour) => {
    const part = colour.match(/[\\d.]+/g).slice(0, 3).map((each) => each / 255)
      .map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
    return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
  };
  const ground = (element) => {
    const colour = getComputedStyle(element).backgroundColor;
    return /, 0\\)$/.test(colour) && element.parentElement ? ground(element.parentElement) : colour;
  };
  return [...document.querySelectorAll("header *, aside *, section *, footer *")]
    .filter((each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()))
    .filter((each) => each.getClientRects().length)
    .map((each) => {
      const [a, b] = [light(getComputedStyle(each).color), light(ground(each))];
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), each.textContent];
    })
    .filter(([contrast]) => contrast < 4.5);
}"""
"""Visible texts below the contrast that WCAG 2.1, criterion 1.4.3, asks for."""


def test_texts_stand_out_from_their_ground(page: Any) -> None:
    found_first(page, "smelter")
    assert page.evaluate(CONTRASTS) == []


def test_every_field_has_a_name(page: Any) -> None:
    for field in page.locator("input:visible, select:visible").all():
        named = field.evaluate("(each) => each.labels.length > 0 || each.getAttribute('aria-label')")
        assert named, field.get_attribute("id")


OVERLAPS = """() => {
  const boxes = nodes.getIds().map((id) => network.getBoundingBox(id));
  const clash = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  return boxes.filter((a, at) => boxes.slice(at + 1).some((b) => clash(a, b))).length;
}"""


OUT_OF_SIGHT = """() => nodes.getIds().filter((id) => {
  const box = network.getBoundingBox(id), room = document.getElementById("mynetwork");
  const begin = network.canvasToDOM({ x: box.left, y: box.top });
  const end = network.canvasToDOM({ x: box.right, y: box.bottom });
  return begin.x < 0 || begin.y < 0 || end.x > room.clientWidth || end.y > room.clientHeight;
})"""
SOON_IN_SIGHT = f"""() => new Promise((done) => {{
  const outside = {OUT_OF_SIGHT};
  let frames = 300;
  const look = () => (frames-- && outside().length ? requestAnimationFrame(look) : done(outside()));
  look();
}})"""


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("size", SIZES)
def test_a_graph_opens_legible(
    browser: Any, parks: dict[int, fs.Result], size: int, lang: str, tmp_path: Path
) -> None:
    with opened(browser, written(tmp_path, explore(parks[size], lang=lang))) as page:
        assert page.evaluate(OVERLAPS) == 0
        letters = page.evaluate("network.getScale() * Math.min(...nodes.get().map((node) => node.font.size))")
        assert letters >= 8
        assert page.evaluate(OUT_OF_SIGHT) == []
        page.set_viewport_size({"width": 1200, "height": 700})
        assert page.evaluate(SOON_IN_SIGHT) == []
        for group in ("none", "firm", "site"):
            page.select_option("#group", group)
            assert page.evaluate(OVERLAPS) == 0, group
            assert page.evaluate(OUT_OF_SIGHT) == [], group


CLASHES = """() => {
  const all = [...document.querySelectorAll("svg text[fill]")]
    .map((each) => [each, each.getBoundingClientRect()]);
  const whole = document.querySelector("svg").getBoundingClientRect();
  const cut = all.filter(([, box]) => box.left < whole.left || box.right > whole.right || box.top < whole.top
    || box.bottom > whole.bottom).map(([each]) => each.textContent);
  const clash = ([, a], [, b]) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 0.3 * Math.min(a.height, b.height);
  const found = all.flatMap((a, at) => all.slice(at + 1).filter((b) => clash(a, b))
    .map((b) => [a[0].textContent, b[0].textContent]));
  return [cut, found];
}"""


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("size", SIZES)
def test_no_label_of_a_sankey_is_cut_or_covers_another(
    browser: Any, parks: dict[int, fs.Result], size: int, lang: str, tmp_path: Path
) -> None:
    picture = sankey(parks[size], lang=lang)  # type: ignore[arg-type]
    with opened(browser, written(tmp_path, sankey_page(picture))) as page:
        page.check("#full")
        assert page.evaluate(CLASHES) == [[], []]
