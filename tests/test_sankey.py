"""Sankey pictures: to scale, loops round below, safe texts, both languages, nothing lost."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from parks import random_park

import flowsim as fs
from flowsim.errors import InputError
from flowsim.result import Result
from flowsim.schema import GOOD_CLASSES
from flowsim.units import pretty
from flowsim.views.colours import CLASSES, LESS, MORE, RETURN, SYMBIOSIS
from flowsim.views.diagram import Diagram, diagram
from flowsim.views.geometry import BAR, Geometry, geometry
from flowsim.views.layout import columns
from flowsim.views.sankey import page, png, sankey
from flowsim.views.svg import FONT_FILE, Labels, safe, text_width, wrap
from flowsim.views.text import comparison_grids

SVG = "{http://www.w3.org/2000/svg}"
GOODS = {
    "ore": "mineral",
    "metal": "product",
    "scrap": "recyclable",
    "slag": "solid_waste",
    "dust": "solid_waste",
}
FLOWS = [
    ("ore", "market", "smelter", 1000.0),
    ("metal", "smelter", "factory", 950.0),
    ("scrap", "factory", "recycler", 300.0),
    ("metal", "recycler", "smelter", 240.0),
    ("slag", "smelter", "landfill", 287.0),
    ("dust", "smelter", "landfill", 3.0),
    ("metal", "factory", "market", 650.0),
    ("slag", "recycler", "landfill", 59.0),
    ("dust", "recycler", "landfill", 1.0),
]
KINDS = {"smelter": "transform", "factory": "transform", "recycler": "utilise"}


def balanced(flows: list[tuple[str, str, str, float]] = FLOWS, names: dict[str, str] | None = None) -> Result:
    """A result whose flows are all given."""
    goods = sorted({flow[0] for flow in flows})
    inside = sorted({end for flow in flows for end in flow[1:3]} - {"market", "landfill"})
    tables = {
        "goods": pd.DataFrame({"id": goods, "class": [GOODS[good] for good in goods]}),
        "processes": pd.DataFrame(
            {
                "id": inside,
                "kind": [KINDS.get(name, "transform") for name in inside],
                "firm": ["works" if name != "recycler" else "" for name in inside],
            }
        ),
        "flows": pd.DataFrame(flows, columns=["good", "from", "to", "amount"]).assign(
            id=["_".join(flow[:3]) for flow in flows]
        ),
    }
    for key, value in (names or {}).items():
        at = tables["processes"]["id"] == key
        tables["processes"].loc[at, ["en", "zh"]] = value
    return fs.solve(fs.assemble(fs.from_tables(year=2025, name="Loop", **tables)))


@pytest.fixture(scope="module")
def loop() -> Result:
    return balanced()


@pytest.fixture(scope="module")
def park() -> Result:
    return fs.balance(fs.assemble(fs.read("scenarios/nickel_loop.yaml", "all")))


@pytest.fixture(scope="module")
def planned() -> Result:
    return fs.balance(fs.assemble(fs.read("scenarios/nickel_loop.yaml", "as_planned")))


def texts(svg: str) -> list[str]:
    return [each.text or "" for each in ET.fromstring(svg).iter(f"{SVG}text")]


def laid_out(shown: Diagram) -> Geometry:
    return geometry(shown, np.full(len(shown.nodes), 48.0))


def strokes(svg: str, kind: str) -> list[ET.Element]:
    return [group for group in ET.fromstring(svg).iter(f"{SVG}g") if group.get("class") == kind]


# --- the same, whatever the order ------------------------------------------------------------------------


def test_the_same_result_gives_the_same_bytes(loop: Result) -> None:
    assert sankey(loop) == sankey(balanced())


def test_the_order_of_entries_does_not_matter(loop: Result) -> None:
    assert sankey(balanced(FLOWS[::-1])) == sankey(loop)


def test_another_run_of_python_gives_the_same_bytes() -> None:
    code = (
        "import hashlib, flowsim as fs; from flowsim.views.sankey import sankey;"
        "result = fs.balance(fs.assemble(fs.read('scenarios/japan_steel_2019.yaml')));"
        "print(hashlib.sha256(sankey(result).encode()).hexdigest())"
    )
    made = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(made) == 1


# --- to scale --------------------------------------------------------------------------------------------


def test_widths_are_to_scale_and_fill_the_bars(park: Result) -> None:
    shown = diagram(park, "mass")
    at = laid_out(shown)
    into = np.bincount(at.head, at.width, len(shown.nodes))
    out = np.bincount(at.tail, at.width, len(shown.nodes))
    np.testing.assert_allclose(at.width, [abs(link.value) * at.scale for link in shown.links])
    np.testing.assert_allclose(np.maximum(into, out), shown.throughput * at.scale)
    np.testing.assert_allclose(at.size, np.maximum(shown.throughput * at.scale, 1.5))


def test_links_meet_a_bar_side_by_side_and_within_it(park: Result) -> None:
    at = laid_out(diagram(park, "mass"))
    for ends, heights in ((at.tail, at.leaves), (at.head, at.arrives)):
        for node in range(len(at.top)):
            mine = np.flatnonzero(ends == node)
            mine = mine[np.argsort(heights[mine])]
            upper, lower = heights[mine] - at.width[mine] / 2, heights[mine] + at.width[mine] / 2
            assert (upper[1:] >= lower[:-1] - 1e-6).all()
            assert not len(mine) or upper[0] >= at.top[node] - 1e-6
            assert not len(mine) or lower[-1] <= at.top[node] + at.size[node] + 1e-6


def test_strokes_in_the_picture_are_as_thick_as_the_scale_bar_says(loop: Result) -> None:
    svg = sankey(loop)
    width = {group[0].text: float(group[1].get("stroke-width", 0)) for group in strokes(svg, "flow")}
    ore = next(value for text, value in width.items() if text and text.startswith("ore: 1.00"))
    metal = next(value for text, value in width.items() if text and text.startswith("metal: 950"))
    assert metal / ore == pytest.approx(0.95, abs=0.001)


def test_bars_of_one_column_do_not_overlap(park: Result) -> None:
    at = laid_out(diagram(park, "mass"))
    for column in range(len(at.x)):
        mine = np.flatnonzero(at.column == column)
        mine = mine[np.argsort(at.top[mine])]
        assert (at.top[mine][1:] >= (at.top + at.size)[mine][:-1]).all()


# --- loops -----------------------------------------------------------------------------------------------


def test_a_loop_is_opened_where_recovered_goods_return_even_if_less_flows_elsewhere() -> None:
    flows = [
        ("scrap", "market", "recycler", 800.0),
        ("metal", "recycler", "smelter", 850.0),
        ("metal", "smelter", "factory", 850.0),
        ("scrap", "factory", "recycler", 50.0),
        ("metal", "factory", "market", 800.0),
    ]
    shown = diagram(balanced(flows), "mass")
    back = [shown.links[number] for number in laid_out(shown).returns]
    ends = [(shown.nodes[link.tail].en, shown.nodes[link.head].en) for link in back]
    assert ends == [("recycler", "smelter")]


def test_return_flows_run_below_everything_else(park: Result) -> None:
    shown = diagram(park, "mass")
    at = laid_out(shown)
    lowest_bar, lowest_link = (at.top + at.size).max(), at.y.max()
    assert len(at.returns) >= 3
    assert (at.lane - at.width[at.returns] / 2 > max(lowest_bar, lowest_link)).all()
    assert (at.left < at.x[at.column[at.head[at.returns]]]).all()
    assert (at.right > at.x[at.column[at.tail[at.returns]]] + BAR).all()


def test_all_other_links_run_to_a_later_column(park: Result) -> None:
    at = laid_out(diagram(park, "mass"))
    assert (at.column[at.tail[at.forward]] < at.column[at.head[at.forward]]).all()


def test_lanes_of_return_flows_do_not_overlap(park: Result) -> None:
    at = laid_out(diagram(park, "mass", group="firm"))
    width = at.width[at.returns]
    for a in range(len(width)):
        for b in range(a):
            beside = at.left[a] >= at.right[b] or at.left[b] >= at.right[a]
            assert beside or abs(at.lane[a] - at.lane[b]) >= (width[a] + width[b]) / 2


def test_return_flows_have_a_colour_of_their_own_and_are_named(loop: Result) -> None:
    svg = sankey(loop)
    (group,) = strokes(svg, "return")
    assert group[1].get("stroke") == RETURN
    assert RETURN not in CLASSES.values()
    assert "metal 240\u00a0t/a" in texts(svg)


def test_loops_are_opened_so_that_none_is_left() -> None:
    rng = np.random.default_rng(7)
    tail, head = rng.integers(0, 40, 300), rng.integers(0, 40, 300)
    none = np.zeros(40, dtype=bool)
    column, back = columns(40, tail, head, rng.uniform(1, 9, 300), none, none)
    assert (column[tail[~back]] < column[head[~back]]).all()
    assert (column[tail[back]] >= column[head[back]]).all()


def test_places_outside_stand_at_the_borders(park: Result) -> None:
    shown = diagram(park, "mass")
    at = laid_out(shown)
    side = np.array([node.side for node in shown.nodes])
    assert (at.column[side < 0] == 0).all()
    assert (at.column[side > 0] == at.column.max()).all()
    assert {node.en for node in shown.nodes if node.side < 0} == {"market", "nature"}


# --- small flows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", ["mass", "Ni", "energy"])
@pytest.mark.parametrize("threshold", [0.0, 0.005, 0.2])
def test_merging_small_flows_conserves_the_totals_of_every_process(
    park: Result, layer: str, threshold: float
) -> None:
    def totals(shown: Diagram) -> dict[tuple[str, str, int], float]:
        sums: dict[tuple[str, str, int], float] = defaultdict(float)
        for link in shown.links:
            sums[shown.nodes[link.tail].en, link.good_class, 0] += link.value
            sums[shown.nodes[link.head].en, link.good_class, 1] += link.value
        return sums

    whole, merged = diagram(park, layer, threshold=0.0), diagram(park, layer, threshold=threshold)
    assert totals(merged) == pytest.approx(totals(whole))
    assert len(merged.links) <= len(whole.links)


def test_what_is_drawn_is_what_the_result_says(loop: Result) -> None:
    shown = diagram(loop, "mass", threshold=0.0)
    assert sorted(link.value for link in shown.links) == sorted(flow[3] for flow in FLOWS)


def test_small_flows_of_one_class_are_merged_and_drawn_as_stubs() -> None:
    small = [("slag", "smelter", "landfill", 1.0), ("dust", "smelter", "landfill", 3.0)]
    result = balanced([("ore", "market", "smelter", 1000.0), ("metal", "smelter", "market", 996.0), *small])
    svg = sankey(result)
    (stub,) = strokes(svg, "stub")
    assert "solid waste (2 goods): 4.00" in (stub[0].text or "")
    assert any("are merged by class of good" in text for text in texts(svg))


def test_the_threshold_can_be_switched_off(loop: Result) -> None:
    assert strokes(sankey(loop), "stub")
    assert not strokes(sankey(loop, threshold=0.0), "stub")


def test_top_merges_the_smaller_processes_and_keeps_what_enters(park: Result) -> None:
    def entering(shown: Diagram) -> float:
        return sum(link.value for link in shown.links if shown.nodes[link.tail].side < 0)

    whole, few = diagram(park, "mass"), diagram(park, "mass", top=5)
    assert sum(node.side == 0 for node in few.nodes) == 6
    assert any(node.en.startswith("other processes (") for node in few.nodes)
    assert entering(few) == pytest.approx(entering(whole))


# --- groups, networks, what is left out ------------------------------------------------------------------


def test_groups_merge_processes_and_drop_what_flows_within(loop: Result) -> None:
    shown = diagram(loop, "mass", group="firm")
    assert {node.en for node in shown.nodes if node.side == 0} == {"works", "recycler"}
    assert shown.grouped == 1
    assert sum(link.value for link in shown.links if link.good_class == "solid_waste") == pytest.approx(350.0)


@pytest.mark.parametrize("group", ["chain", "firm", "site"])
def test_every_group_can_be_drawn(park: Result, group: str) -> None:
    assert strokes(sankey(park, group=group), "flow")


def test_a_network_with_one_supplier_is_drawn_as_direct_links(park: Result) -> None:
    shown = diagram(park, "mass")
    assert shown.joined == 3
    water = park.system.flows["from"] == "port__water_demin"
    fed = sum(
        link.value
        for link in shown.links
        if shown.nodes[link.tail].en == "Demineralisation" and link.good_class == "process_water"
    )
    assert fed == pytest.approx(park.layer("mass")[water.to_numpy()].sum())


def test_circulating_water_is_left_out_and_the_footer_says_so(park: Result) -> None:
    svg = sankey(park)
    assert not any(link.good_class == "circulating_water" for link in diagram(park, "mass").links)
    assert any(text.startswith("Not drawn:") and "circulating water" in text for text in texts(svg))


def test_all_classes_can_be_drawn(park: Result) -> None:
    shown = diagram(park, "mass", exclude=())
    assert any(link.good_class == "circulating_water" for link in shown.links)
    assert shown.excluded == ()


def test_every_class_of_goods_has_a_colour() -> None:
    assert set(CLASSES) == set(GOOD_CLASSES)


def test_flows_that_nothing_determines_are_counted_in_the_footer(loop: Result) -> None:
    x = loop.x.copy()
    x[0] = np.nan
    open_result = Result(loop.system, x, loop.low, loop.high, loop.study, loop.decided)
    assert any("Undetermined flows that are not drawn: 1." in text for text in texts(sankey(open_result)))


def test_a_negative_flow_is_counted_in_the_footer(loop: Result) -> None:
    x = loop.x.copy()
    x[0] = -5.0
    turned = Result(loop.system, x, loop.low, loop.high, loop.study, loop.decided)
    assert any("against their direction that are not drawn: 1." in text for text in texts(sankey(turned)))


def test_a_layer_without_flows_gives_a_picture_that_says_so(loop: Result) -> None:
    assert "No flow to show." in texts(sankey(loop, "energy"))
    assert "没有可显示的流。" in texts(sankey(loop, "energy", lang="zh"))


def test_symbiosis_links_have_a_casing_and_implied_flows_are_paler(park: Result) -> None:
    svg = sankey(park)
    opacity = {path.get("stroke-opacity") for group in strokes(svg, "flow") for path in group}
    assert SYMBIOSIS in {path.get("stroke") for group in strokes(svg, "flow") for path in group}
    assert {"0.3", "0.62"} <= opacity
    assert {"symbiosis link", "paler: closed by rule"} <= set(texts(svg))


# --- differences -----------------------------------------------------------------------------------------


def test_a_difference_has_the_sign_of_the_second_result(loop: Result) -> None:
    changed = {("ore", "market", "smelter"): 1010.0, ("slag", "smelter", "landfill"): 297.0}
    more = balanced([(*flow[:3], changed.get(flow[:3], flow[3])) for flow in FLOWS])
    forth = {link.en: link.value for link in diagram(loop, "mass", other=more).links}
    back = {link.en: link.value for link in diagram(more, "mass", other=loop).links}
    assert forth == pytest.approx({"ore": 10.0, "slag": 10.0})
    assert back == pytest.approx({"ore": -10.0, "slag": -10.0})


def test_differences_are_coloured_by_sign(planned: Result, park: Result) -> None:
    svg = sankey(planned, other=park)
    for kind in ("flow", "return", "stub"):
        for group in strokes(svg, kind):
            sign = re.search(r": ([+−])", group[0].text or "")
            assert sign and group[-1].get("stroke") == (MORE if sign[1] == "+" else LESS)
    assert {"more", "less"} <= set(texts(svg))


def test_the_sum_of_differences_is_the_difference_of_the_sums(planned: Result, park: Result) -> None:
    def raw_water(shown: Diagram) -> float:
        return sum(link.value for link in shown.links if link.en == "raw surface water")

    change = raw_water(diagram(planned, "mass", other=park))
    assert change == pytest.approx(raw_water(diagram(park, "mass")) - raw_water(diagram(planned, "mass")))
    assert change < 0


def test_a_result_does_not_differ_from_itself(loop: Result) -> None:
    assert not diagram(loop, "mass", other=loop).links
    assert "No flow to show." in texts(sankey(loop, other=loop))


def test_the_title_of_a_difference_names_both_variants(planned: Result, park: Result) -> None:
    assert any("As planned → Recycling and symb" in text for text in texts(sankey(planned, other=park)))


# --- texts -----------------------------------------------------------------------------------------------


def test_names_are_only_text() -> None:
    evil = "<script>alert('1')</script> & \"x\"\x00\x1b"
    svg = sankey(balanced(names={"smelter": evil}))
    root = ET.fromstring(svg)
    assert not list(root.iter(f"{SVG}script"))
    assert "<script" not in svg
    assert any("<script>" in (each.text or "") for each in root.iter(f"{SVG}title"))


def test_both_languages_name_goods_processes_and_units(park: Result) -> None:
    english, chinese = texts(sankey(park)), texts(sankey(park, lang="zh"))
    assert "Cooling towers" in english and "循环水场" in chinese
    assert any("Mt/a" in text for text in english) and any("万吨/年" in text for text in chinese)
    assert any("entering from outside" in text for text in english)
    assert any("外部输入合计" in text for text in chinese)


def test_labels_of_nodes_and_links_do_not_overlap(park: Result, planned: Result) -> None:
    for pictured in (
        sankey(park),
        sankey(park, lang="zh"),
        sankey(planned, other=park),
        sankey(park, "water"),
    ):
        boxes = sorted(_boxes(pictured), key=lambda box: box[1])
        for number, (left, top, right, bottom) in enumerate(boxes):
            for other in boxes[number + 1 :]:
                if other[1] >= bottom:
                    break
                assert not (left < other[2] and other[0] < right and top < other[3]), (left, top, other)


def _boxes(svg: str) -> list[tuple[float, float, float, float]]:
    """Box of the letters of each text, without the room between lines."""
    made = []
    for each in ET.fromstring(svg).iter(f"{SVG}text"):
        if not each.get("fill"):
            continue
        size, x, y = (float(each.get(key, 0)) for key in ("font-size", "x", "y"))
        width = text_width(each.text or "", size)
        left = x - {"start": 0.0, "middle": width / 2, "end": width}[each.get("text-anchor", "start")]
        made.append((left, y - 0.75 * size, left + width, y + 0.2 * size))
    return made


def test_no_text_leaves_the_picture(park: Result) -> None:
    for pictured in (sankey(park), sankey(park, lang="zh"), sankey(park, group="firm"), sankey(park, "Ni")):
        root = ET.fromstring(pictured)
        begin, upper, width, height = map(float, root.get("viewBox", "").split())
        for left, top, right, bottom in _boxes(pictured):
            assert left >= begin and top >= upper
            assert right <= begin + width and bottom <= upper + height


def test_long_names_are_broken_and_cut() -> None:
    assert wrap("nickel sulfate plant", 90, 12) == ["nickel sulfate", "plant"]
    assert wrap("a name that is far too long to stand on two lines", 80, 12)[-1].endswith("...")
    assert wrap("硫酸镍精炼装置一期工程扩建", 60, 12)[-1].endswith("…")
    assert all(text_width(line, 12) <= 80 for line in wrap("unbreakable" * 9, 80, 12))


def test_brackets_stay_with_what_they_enclose() -> None:
    assert wrap("硫酸管网（port）", 75, 12) == ["硫酸管网", "（port）"]


def test_a_label_that_must_be_free_gives_way() -> None:
    labels = Labels()
    assert labels.write(["first"], 10, 10, 12)
    assert not labels.write(["second"], 12, 12, 12, if_free=True)
    assert labels.write(["third"], 10, 90, 12, if_free=True)


def test_safe_drops_what_xml_does_not_know() -> None:
    assert safe("a\x00<b>\ud800\ufffe") == "a&lt;b&gt;"


# --- page and PNG ----------------------------------------------------------------------------------------


class _References(HTMLParser):
    """Everything in a page that could load or run something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect tags and attributes that reach out of the file."""
        if tag in ("script", "link", "img", "iframe", "object", "image", "use"):
            self.found.append(tag)
        reaching = ("src", "href", "xlink:href", "action", "data")
        self.found += [name for name, _ in attrs if name in reaching or name.startswith("on")]


def test_a_page_loads_and_runs_nothing(park: Result) -> None:
    made = page(sankey(park))
    reader = _References()
    reader.feed(made)
    assert reader.found == []
    assert "default-src 'none'" in made and "url(" not in made and "@import" not in made
    assert set(re.findall(r"https?://[^\"' <]+", made)) == {"http://www.w3.org/2000/svg"}


def test_a_page_has_the_title_and_language_of_its_picture(park: Result) -> None:
    made = page(sankey(park, lang="zh"))
    assert '<html lang="zh">' in made
    assert "<title>镍钴锂电池循环产业链 · 回收与共生</title>" in made


def test_a_png_is_as_wide_as_asked(loop: Result) -> None:
    pytest.importorskip("resvg_py")
    made = png(sankey(loop, lang="zh"), width=640)
    assert made[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(made[16:20], "big") == 640


def test_the_shipped_font_draws_chinese_without_fonts_of_the_machine() -> None:
    resvg = pytest.importorskip("resvg_py")

    def drawn(text: str) -> bytes:
        picture = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="60" height="30"><text y="20">{text}</text></svg>'
        )
        fonts = {"font_files": [str(FONT_FILE)], "skip_system_fonts": True, "font_family": "Flowsim Sans"}
        return bytes(resvg.svg_to_bytes(svg_string=picture, **fonts))

    assert len({drawn("镍"), drawn("钴"), drawn("锍"), drawn(" ")}) == 4


def test_the_licence_stands_beside_the_font() -> None:
    text = FONT_FILE.with_name("OFL.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in text and "Adobe" in text
    assert FONT_FILE.stat().st_size < 1.6e6


def test_a_png_of_something_else_is_an_error() -> None:
    pytest.importorskip("resvg_py")
    with pytest.raises(InputError, match="this is no SVG"):
        png("no picture")


def test_a_png_without_its_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(InputError, match=r"pip install flowsim\[viz\]"):
        png("<svg/>")


# --- wrong arguments -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layer": "Xx"}, "there is no layer `Xx`"),
        ({"group": "town"}, "processes cannot be grouped by `town`.*Known: chain, firm, site"),
        ({"lang": "de"}, "there is no language `de`"),
        ({"top": 0}, "top is 0, but one process at least is drawn"),
        ({"threshold": 1.5}, "the threshold 1.5 is no share"),
        ({"exclude": ["steam"]}, "there is no class of goods `steam`"),
        ({"exclude": "air"}, "`air` is one text"),
    ],
)
def test_a_wrong_argument_is_named(loop: Result, arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        sankey(loop, **arguments)


def test_all_wrong_arguments_are_named_at_once(loop: Result) -> None:
    with pytest.raises(InputError, match="2 problems"):
        sankey(loop, group="town", top=0)


def test_groups_bear_the_names_that_the_scenario_gives_them() -> None:
    tables = {
        "goods": [{"id": "ore", "en": "ore", "zh": "矿石"}],
        "processes": [{"id": "pit", "firm": "mine_a"}, {"id": "mill", "firm": "mill_b"}],
        "groups": [
            {"id": "mine_a", "kind": "", "en": "Mine A", "zh": "甲矿"},
            {"id": "mine_a", "kind": "site", "en": "Hill", "zh": "山"},
        ],
        "flows": [
            {"good": "ore", "from": "nature", "to": "pit", "amount": 5.0},
            {"good": "ore", "from": "pit", "to": "mill"},
            {"good": "ore", "from": "mill", "to": "market"},
        ],
    }
    frames = {name: pd.DataFrame(rows) for name, rows in tables.items()}
    result = fs.balance(fs.assemble(fs.from_tables(year=2025, name="Names", **frames)))
    names = {(node.en, node.zh) for node in diagram(result, "mass", group="firm").nodes}
    assert {("Mine A", "甲矿"), ("mill b", "mill b")} <= names
    system = result.system
    assert system.boundary_name("site:mine_a", "zh") == "山 (site:mine_a)"
    assert system.boundary_name("firm:mill_b") == "firm:mill_b" and system.boundary_name("park") == "park"
    title = comparison_grids(fs.compare([result], boundary="firm:mine_a"), "zh")[0].title
    assert "甲矿 (firm:mine_a)" in title


def test_the_uncertainty_of_a_reconciled_flow_is_a_halo_and_stands_in_its_text() -> None:
    result = fs.reconcile(fs.assemble(fs.read("scenarios/japan_steel_measured.yaml"))).result
    shown = diagram(result, "mass")
    drawn = sankey(result)
    place = laid_out(shown)
    known = [link for link in shown.links if link.sd > 0]
    assert known and all(link.goods == 1 for link in known)
    link = max(known, key=lambda each: each.sd)
    spread, unit = pretty(1.96 * link.sd, "t/a", "en")
    assert f"± {spread}\u00a0{unit} (95\u00a0%)" in drawn
    halos = [float(each.get("stroke-width", 0)) for each in _paths(drawn, "halo")]
    assert min(abs(width - (link.value + 1.96 * link.sd) * place.scale) for width in halos) < 0.02
    assert "95\u00a0% interval" in drawn and "光晕" in sankey(result, lang="zh")


def test_without_uncertainty_there_is_no_halo(loop: Result, planned: Result, park: Result) -> None:
    assert not _paths(sankey(loop), "halo") and "halo" not in sankey(loop)
    measured = replace(park, sd=0.05 * np.abs(park.x))
    assert _paths(sankey(measured), "halo")
    assert not _paths(sankey(planned, other=measured), "halo")


def test_a_sum_of_several_flows_has_no_uncertainty_since_they_are_correlated(park: Result) -> None:
    links = diagram(replace(park, sd=np.full(len(park.x), 1.0)), "mass", "chain").links
    sums = [link for link in links if link.goods > 1]
    assert sums and all(np.isnan(link.sd) for link in sums)


def _paths(svg: str, kind: str) -> list[ET.Element]:
    return [each for each in ET.fromstring(svg).iter(f"{SVG}path") if each.get("class") == kind]


def test_title_and_legend_of_a_wide_picture_grow_with_it(tmp_path: Path) -> None:
    sizes = []
    for count in (20, 150):
        root = ET.fromstring(sankey(random_park(tmp_path, count)))
        width = float(root.get("width", 0))
        title = max(float(each.get("font-size", 0)) for each in root.iter(f"{SVG}text"))
        sizes.append((width, title))
    assert sizes[1][0] > 1.5 * sizes[0][0]
    for width, title in sizes:
        assert title == pytest.approx(20 * min(max(width / 2000, 1), 3), rel=0.01)
