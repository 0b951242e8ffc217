"""Variants state differences only, refuse to collide, and leave a log."""

from __future__ import annotations

from pathlib import Path

import pytest

import flowsim as fs
from flowsim.errors import InputError
from flowsim.scenario import Scenario

BASE = """\
flowsim: 1
goods:
  ore: {name: ore}
  slag: {name: slag, fate: landfill}
processes:
  kiln: {kind: use}
  yard:
flows:
  - {id: fed, good: ore, from: market, to: kiln, amount: "1,000 t/a", limit: 15 % of slag}
  - {good: slag, from: kiln, to: yard}
prices: {ore: 100 CNY/t}
links:
  swap: {good: slag, from: kiln, to: market}
facts:
  - {limit: fed, max: 9 kt/a}
variants:
"""


def write(folder: Path, variants: str, base: str = BASE) -> Path:
    path = folder / "s.yaml"
    path.write_text(base + variants, encoding="utf-8")
    return path


def applied(folder: Path, body: str) -> Scenario:
    return fs.read(write(folder, f"  v: {body}\n"), "v")


def cell(scenario: Scenario, table: str, row: str, column: str) -> object:
    frame = scenario.tables[table]
    return frame[frame["id"] == row].iloc[0][column]


def refused(folder: Path, variants: str, variant: str | None = None) -> str:
    with pytest.raises(InputError) as error:
        fs.read(write(folder, variants), variant)
    assert all(problem.file and problem.line for problem in error.value.problems)
    return str(error.value)


def test_a_value_is_set_and_the_change_is_logged(tmp_path: Path) -> None:
    scenario = applied(tmp_path, "{processes: {kiln: {kind: treat}}}")
    assert cell(scenario, "processes", "kiln", "kind") == "treat"
    (difference,) = scenario.differences
    assert (difference.variant, difference.path, difference.old, difference.new) == (
        "v",
        "processes.kiln.kind",
        "use",
        "treat",
    )
    assert difference.line == 17 and difference.file.endswith("s.yaml")


@pytest.mark.parametrize(
    ("column", "scale", "value"),
    [
        ("amount", "x 0.8", 800.0),
        ("amount", "×2", 2000.0),
        ("limit", "x 0.5", 0.075),
        ("amount", "x 1e3", 1e6),
    ],
)
def test_a_number_is_scaled_with_its_unit(tmp_path: Path, column: str, scale: str, value: float) -> None:
    scenario = applied(tmp_path, f"{{flows: {{fed: {{{column}: {scale}}}}}}}")
    assert cell(scenario, "flows", "fed", column) == pytest.approx(value, rel=1e-12)


def test_a_price_is_scaled_too(tmp_path: Path) -> None:
    assert applied(tmp_path, "{prices: {ore: x 3}}").tables["prices"]["price"].tolist() == [300.0]


def test_null_takes_a_key_away(tmp_path: Path) -> None:
    assert cell(applied(tmp_path, "{flows: {fed: {limit: null}}}"), "flows", "fed", "limit_of") == ""


def test_links_open_and_close(tmp_path: Path) -> None:
    variants = "  a: {open: swap}\n  b: {base: a, close: [swap]}\n"
    path = write(tmp_path, variants)
    assert [fs.read(path, name).tables["links"]["open"][0] for name in (None, "a", "b")] == [
        False,
        True,
        False,
    ]
    assert [(d.old, d.new) for d in fs.read(path, "b").differences] == [("", "true"), ("true", "false")]


def test_rows_are_added_and_removed(tmp_path: Path) -> None:
    scenario = applied(
        tmp_path, "{add: {processes: {mill: {kind: use}, pit: }}, remove: [facts.limit_fed, flows.fed]}"
    )
    assert set(scenario.tables["processes"]["id"]) == {"kiln", "yard", "mill", "pit"}
    assert len(scenario.tables["facts"]) == 0 and len(scenario.tables["flows"]) == 1
    assert {(d.path, d.new) for d in scenario.differences} == {
        ("processes.mill", "added"),
        ("processes.pit", "added"),
        ("facts.limit_fed", "removed"),
        ("flows.fed", "removed"),
    }


def test_an_empty_process_can_be_changed(tmp_path: Path) -> None:
    assert (
        cell(applied(tmp_path, "{processes: {yard: {kind: store}}}"), "processes", "yard", "kind") == "store"
    )


def test_a_variant_may_change_what_its_base_set(tmp_path: Path) -> None:
    variants = "  a: {flows: {fed: {amount: x 0.5}}}\n  b: {base: a, flows: {fed: {amount: x 0.5}}}\n"
    scenario = fs.read(write(tmp_path, variants), "b")
    assert cell(scenario, "flows", "fed", "amount") == 250.0
    assert [(d.variant, d.old, d.new) for d in scenario.differences] == [
        ("a", "1,000 t/a", "500 t/a"),
        ("b", "500 t/a", "250 t/a"),
    ]


def test_several_bases_join_their_differences(tmp_path: Path) -> None:
    variants = "  a: {open: swap}\n  b: {prices: {ore: 7 CNY/t}}\n  c: {base: [a, b]}\n"
    path = write(
        tmp_path, variants.replace("c: {base: [a, b]}", "c: {base: [a, b], remove: facts.limit_fed}")
    )
    scenario = fs.read(path, "c")
    assert [d.variant for d in scenario.differences] == ["a", "b", "c"]
    assert scenario.tables["links"]["open"][0] and scenario.tables["prices"]["price"][0] == 7


def test_a_base_that_two_variants_share_is_applied_once(tmp_path: Path) -> None:
    variants = (
        "  a: {flows: {fed: {amount: x 0.5}}}\n  b: {base: a, open: swap}\n"
        "  c: {base: a, prices: {ore: 7 CNY/t}}\n  d: {base: [b, c]}\n"
    )
    assert cell(fs.read(write(tmp_path, variants), "d"), "flows", "fed", "amount") == 500.0


def test_the_scenario_itself_is_left_as_it_was(tmp_path: Path) -> None:
    scenario = fs.read(
        write(
            tmp_path,
            "  v: {flows: {fed: {amount: x 0.5}}, remove: [processes.yard, flows.slag__kiln__yard]}\n",
        )
    )
    changed = scenario.with_variant("v")
    assert cell(scenario, "flows", "fed", "amount") == 1000.0 and changed.digest != scenario.digest
    assert scenario.with_variant("v").digest == changed.digest
    assert scenario.variant_names == {"v": {"en": "v", "zh": "v"}} and changed.variant == "v"


def test_rows_of_a_csv_file_can_be_changed(tmp_path: Path) -> None:
    flows = "id,en,zh,good,from,to,amount\nfed,fed,喂料,ore,market,kiln,10 t/a\ngone,,,slag,kiln,yard,\n"
    (tmp_path / "flows.csv").write_text(flows, encoding="utf-8")
    base = BASE[: BASE.index("flows:")] + "flows: flows.csv\nvariants:\n"
    scenario = fs.read(write(tmp_path, "  v: {flows: {fed: {amount: x 3}}, remove: flows.gone}\n", base), "v")
    assert scenario.tables["flows"]["amount"].tolist() == [30.0]
    assert scenario.tables["flows"]["zh"].tolist() == ["喂料"] and scenario.tables["flows"]["line"][0] == 2


@pytest.mark.parametrize(
    ("variants", "message"),
    [
        ("  v: 5\n", "17: variant `v` must be a mapping of differences, not `5`. Write its keys below it."),
        ("  v: {opn: swap}\n", "17: variant `v`: unknown key `opn`. Did you mean `open`?"),
        ("  v: {zz: swap}\n", "17: variant `v`: unknown key `zz`. Known: name, note, base"),
        ("  v: {base: 5}\n", "17: variant `v`: `base` must be a name or a list of names, not `5`."),
        ("  v: {open: [{a: 1}]}\n", "17: variant `v`: `open` must be a name or a list of names, not a list."),
        ("  v: {add: 5}\n", "17: variant `v`: `add` must be a mapping, not `5`."),
        ("  v: {add: {proceses: {}}}\n", "there is no table `proceses` to add to. Did you mean `processes`?"),
        ("  v: {add: {flows: 5}}\n", "17: `flows` must hold rows, not `5`. Write one row under each id"),
        ("  v: {flows: [1]}\n", "17: variant `v`: `flows` must map ids to what changes, not a list."),
        ("  v: {base: w}\n", "17: there is no variant `w`. Known: v."),
        ("  vee: {base: vie}\n", "17: there is no variant `vie`. Did you mean `vee`?"),
        ("  v: {base: v}\n", "17: variant `v` is its own base (v → v). Name another base."),
        ("  v: {base: w}\n  w: {base: v}\n", "variant `v` is its own base (v → w → v). Name another base."),
        (
            "  v: {open: swap}\n  w: {open: swap}\n",
            "18: variants `v` and `w` state the same differences. Drop one",
        ),
        ("  v: {}\n  w: {base: v}\n", "18: variants `v` and `w` state the same differences."),
        ("  v: {name: {en: a}}\n", "17: `name`: write a text for both languages"),
        (
            "  v: {processes: {kil: {kind: use}}}\n",
            "there is no `kil` in `processes` of this scenario. Did you mean `kiln`?",
        ),
        (
            "  v: {processes: {zz: {kind: use}}}\n",
            "New rows, and library rows that are stated anew, go under `add:`.",
        ),
        ("  v: {open: zz}\n", "17: variant `v`: there is no `zz` in `links` of this scenario."),
        ("  v: {remove: flows.zz}\n", "17: variant `v`: there is no `zz` in `flows` of this scenario."),
        ("  v: {remove: fed}\n", "17: variant `v`: `fed.` names no row."),
        (
            "  v: {remove: flows}\n",
            "17: variant `v`: `flows.` names no row. Write TABLE.ID, for example processes.kiln.",
        ),
        (
            "  v: {add: {processes: {kiln: {}}}}\n",
            "17: variant `v`: `processes.kiln` exists already. Change it without `add`.",
        ),
        ("  v: {processes: {kiln: 5}}\n", "17: variant `v`: `processes.kiln` stands for a row, not for `5`."),
        (
            "  v: {processes: {kiln: {kind: {a: 1}}}}\n",
            "`processes.kiln.kind.a`: there is nothing below `kind`.",
        ),
        (
            "  v: {flows: {fed: {good: x 2}}}\n",
            "`flows.fed.good` has no number to scale by `x 2`. Set a value instead.",
        ),
        ("  v: {flows: {fed: {prefer: x 2}}}\n", "`flows.fed.prefer` has no number to scale by `x 2`."),
        (
            "  v: {flows: {fed: {amount: x 1e308}}}\n",
            "`flows.fed.amount` times 1e308 is out of range. Use a smaller factor.",
        ),
        (
            "  v: {flows: {fed: {amount: x 1.2.3}}}\n",
            "17: flows: `amount`: 'x 1.2.3' is no number with a unit.",
        ),
    ],
)
def test_a_wrong_variant_is_named_with_the_way_out(tmp_path: Path, variants: str, message: str) -> None:
    variant = "v" if "1.2.3" in variants else None
    assert message in refused(tmp_path, variants, variant)


@pytest.mark.parametrize(
    ("variants", "key"),
    [
        ("  v: {open: swap, close: swap}\n", "links.swap.open"),
        ("  v: {open: swap, remove: links.swap}\n", "links.swap"),
        ("  v: {open: swap}\n  w: {close: swap}\n  c: {base: [v, w]}\n", "links.swap.open"),
        ("  v: {open: swap}\n  w: {remove: links.swap}\n  c: {base: [v, w]}\n", "links.swap"),
        ("  v: {remove: links.swap}\n  w: {open: swap}\n  c: {base: [v, w]}\n", "links.swap.open"),
    ],
)
def test_two_differences_on_one_key_are_refused(tmp_path: Path, variants: str, key: str) -> None:
    message = refused(tmp_path, variants)
    assert f"`{key}` is set twice: by `v` (line 17)" in message
    assert "Say it in one of them, or let one be the base of the other." in message


def test_all_variants_are_tried_when_a_scenario_is_read(tmp_path: Path) -> None:
    message = refused(tmp_path, "  v: {open: zz}\n  w: {close: yy}\n")
    assert "variant `v`" in message and "variant `w`" in message


def test_an_unknown_variant_is_named(tmp_path: Path) -> None:
    assert "there is no variant `zz`. Known: v." in refused(tmp_path, "  v: {open: swap}\n", "zz")


def test_many_differences_cost_little(tmp_path: Path) -> None:
    goods = "".join(f"  g{n}: {{name: g}}\n" for n in range(3000))
    changes = "".join(f"      g{n}: {{class: fuel}}\n" for n in range(3000))
    path = write(tmp_path, f"variants:\n  v:\n    goods:\n{changes}", f"flowsim: 1\ngoods:\n{goods}")
    assert len(fs.read(path, "v").differences) == 3000
