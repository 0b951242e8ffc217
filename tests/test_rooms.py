"""Imports go downward: the floors of docs/architecture.md, held by reading every import statement."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
FACE = "flowsim"

FLOORS = (
    ("errors", "display", "words", "titles", "units", "schema", "lifetimes", "progress"),
    ("files", "workbook", "sheets", "tables", "cohorts", "library", "starter", "write"),
    (
        *("variants", "checks", "link_checks", "pinch_checks", "scenario", "uncertainty"),
        *("flat", "book", "plain", "document"),
    ),
    (
        *("template", "system", "series", "stocks", "network", "rows"),
        *("links", "ceilings", "assemble", "result", "yearly"),
    ),
    ("studies", "studies.*"),
    ("indicators", "indicators.*", "compare", "trace", "symbiosis", "symbiosis.*"),
    ("views", "views.*"),
    ("report", "report.*"),
    ("cli", "cli.*", "web", "web.*"),
)
SAME_FLOOR = (
    ("units", "errors"),
    ("lifetimes", "errors"),
    ("tables", "files"),
    ("workbook", "files"),
    ("library", "files"),
    ("library", "tables"),
    ("starter", "files"),
    ("book", "flat"),
    ("plain", "book"),
    ("document", "book"),
    ("document", "plain"),
    ("scenario", "document"),
    ("scenario", "flat"),
    ("scenario", "variants"),
    ("scenario", "checks"),
    ("pinch_checks", "checks"),
    ("scenario", "pinch_checks"),
    ("scenario", "link_checks"),
    ("stocks", "series"),
    ("network", "system"),
    ("network", "series"),
    ("rows", "network"),
    ("rows", "stocks"),
    ("rows", "system"),
    ("links", "network"),
    ("links", "rows"),
    ("ceilings", "network"),
    ("ceilings", "rows"),
    ("assemble", "links"),
    ("assemble", "ceilings"),
    ("assemble", "network"),
    ("assemble", "rows"),
    ("assemble", "system"),
    ("assemble", "series"),
    ("assemble", "stocks"),
    ("result", "system"),
    ("yearly", "assemble"),
    ("yearly", "result"),
    ("yearly", "rows"),
    ("yearly", "series"),
    ("yearly", "stocks"),
    ("yearly", "system"),
    ("studies", "studies.*"),
    ("studies.solve", "studies.blends"),
    ("studies.solve", "studies.structure"),
    ("studies.dispatch", "studies.blends"),
    ("studies.dispatch", "studies.structure"),
    ("studies.dispatch", "studies.solve"),
    ("studies.dispatch", "studies.stages"),
    ("studies.stages", "studies.lack"),
    ("studies.lack", "studies.blends"),
    ("studies.stages", "studies.solve"),
    ("studies.stages", "studies.structure"),
    ("studies.inverse", "studies.solve"),
    ("studies.problem", "studies.inverse"),
    ("studies.problem", "studies.structure"),
    ("studies.factor", "studies.inverse"),
    ("studies.factor", "studies.problem"),
    ("studies.adjust", "studies.factor"),
    ("studies.adjust", "studies.problem"),
    ("studies.diagnose", "studies.adjust"),
    ("studies.measure", "studies.reconciliation"),
    ("studies.measure", "studies.solve"),
    ("studies.diagnose", "studies.structure"),
    ("studies.diagnose", "studies.solve"),
    ("studies.reconcile", "studies.adjust"),
    ("studies.reconcile", "studies.minima"),
    ("studies.reconcile", "studies.diagnose"),
    ("studies.reconcile", "studies.reconciliation"),
    ("studies.reconcile", "studies.remarks"),
    ("studies.reconcile", "studies.sample"),
    ("studies.reconcile", "studies.uncertain"),
    ("studies.minima", "studies.adjust"),
    ("studies.minima", "studies.factor"),
    ("studies.minima", "studies.problem"),
    ("studies.minima", "studies.diagnose"),
    ("studies.minima", "studies.reconciliation"),
    ("studies.remarks", "studies.minima"),
    ("studies.remarks", "studies.problem"),
    ("studies.remarks", "studies.uncertain"),
    ("studies.reconciliation", "studies.adjust"),
    ("studies.reconciliation", "studies.factor"),
    ("studies.reconciliation", "studies.problem"),
    ("studies.sample", "studies.adjust"),
    ("studies.sample", "studies.problem"),
    ("studies.sample", "studies.reconciliation"),
    ("studies.uncertain", "studies.problem"),
    ("studies.uncertain", "studies.structure"),
    ("views.reconcile_text", "views.text"),
    ("studies.water_search", "studies.water_arcs"),
    ("studies.water_network", "studies.water_arcs"),
    ("studies.water_network", "studies.water_search"),
    ("studies.pinch", "studies.heat_cascade"),
    ("studies.pinch", "studies.water_arcs"),
    ("studies.pinch", "studies.water_network"),
    ("studies.simulate", "studies"),
    ("studies.simulate", "studies.restate"),
    ("studies.simulate", "studies.years"),
    ("studies.simulate", "studies.solve"),
    ("studies.hold", "studies.dispatch"),
    ("studies.programme", "studies.dispatch"),
    ("symbiosis.*", "indicators.*"),
    ("studies.lack", "studies.conflict"),
    ("studies.conflict", "studies.solve"),
    ("symbiosis.case", "symbiosis.objective"),
    ("symbiosis.rebalance", "symbiosis.case"),
    ("symbiosis.rebalance", "symbiosis.objective"),
    ("symbiosis.optimise", "symbiosis.case"),
    ("symbiosis.optimise", "symbiosis.rebalance"),
    ("symbiosis.pareto", "symbiosis.case"),
    ("symbiosis.shares", "symbiosis.case"),
    ("symbiosis.limits", "symbiosis.case"),
    ("symbiosis.limits", "symbiosis.optimise"),
    ("symbiosis.written", "symbiosis.optimise"),
    ("symbiosis.written", "symbiosis.variant_file"),
    ("symbiosis.match", "symbiosis.candidates"),
    ("symbiosis.match", "symbiosis.money"),
    ("symbiosis.match", "symbiosis.variant_file"),
    ("symbiosis.found_json", "symbiosis.*"),
    ("symbiosis.curve", "symbiosis.money"),
    ("symbiosis.layout", "symbiosis.limits"),
    ("symbiosis.layout", "symbiosis.objective"),
    ("symbiosis.layout", "symbiosis.optimise"),
    ("symbiosis.layout", "symbiosis.pareto"),
    ("symbiosis.layout", "symbiosis.shares"),
    ("symbiosis.shares", "symbiosis.objective"),
    ("symbiosis.shares", "symbiosis.optimise"),
    ("symbiosis.optimise", "symbiosis.objective"),
    ("symbiosis.pareto", "symbiosis.objective"),
    ("symbiosis.pareto", "symbiosis.optimise"),
    ("indicators", "indicators.*"),
    ("indicators.*", "indicators.registry"),
    ("indicators.*", "indicators.account"),
    ("indicators.*", "indicators.inputs"),
    ("indicators.*", "indicators.boundary"),
    ("indicators.*", "indicators.passing"),
    ("indicators.*", "indicators.waste"),
    ("indicators.*", "indicators.water"),
    ("indicators.*", "indicators.energy"),
    ("indicators.carbon_sources", "indicators.carbon"),
    ("indicators.cn", "indicators.city"),
    ("indicators.park", "indicators.cn"),
    ("indicators.cti", "indicators.iso"),
    ("indicators.mci", "indicators.iso"),
    ("indicators.as_json", "indicators.change"),
    ("indicators.as_json", "indicators.ledger"),
    ("indicators.network", "indicators.ecology"),
    ("indicators.ecology", "indicators.inverse"),
    ("trace", "indicators"),
    ("trace", "indicators.*"),
    ("views.indicator_text", "views.text"),
    ("views.geometry", "views.diagram"),
    ("views.geometry", "views.layout"),
    ("views.sankey", "views.diagram"),
    ("views.sankey", "views.geometry"),
    ("views.sankey", "views.svg"),
    ("views.explore", "views.layout"),
    ("views.chart_*", "views.chart"),
    ("views.chart_*", "views.svg"),
    ("views.charts", "views.*"),
    ("views.chart", "views.chart_print"),
    ("views.changes_chart", "views.chart"),
    ("views.changes_chart", "views.colours"),
    ("views.changes_chart", "views.text"),
    ("views.years_chart", "views.chart"),
    ("views.years_chart", "views.colours"),
    ("views.years_chart", "views.text"),
    ("views.notebook", "views.*"),
    ("views.explore", "views.colours"),
    ("views.sankey", "views.colours"),
    ("views.explore", "views.svg"),
    ("views.optimise_text", "views.chart"),
    ("views.optimise_text", "views.charts"),
    ("views.optimise_text", "views.text"),
    ("views.pinch_text", "views.chart"),
    ("views.pinch_text", "views.charts"),
    ("views.pinch_text", "views.text"),
    ("views.stress_text", "views.text"),
    ("views.symbiosis_text", "views.*"),
    ("views.years_text", "views.text"),
    ("report", "report.*"),
    ("report.*", "report.document"),
    ("report.answers", "report.evidence"),
    ("report.grounds", "report.evidence"),
    ("report.sections", "report.evidence"),
    ("report.sections", "report.grounds"),
    ("report.sections", "report.summary"),
    ("report.pdf", "report.page"),
    ("compare", "indicators"),
    ("compare", "indicators.*"),
    ("cli", "cli.*"),
    ("cli.*", "cli.base"),
)
START = ("cli", "cli.*", FACE)
COSTLY = {"networkx", "pandas", "pint", "rich", "scipy"}


def floor_of(room: str) -> int | None:
    """The floor of a room, or nothing if the plan does not have it."""
    return next((n for n, rooms in enumerate(FLOORS) if any(fnmatchcase(room, r) for r in rooms)), None)


def room_of(path: str) -> str:
    """`flowsim/studies/solve.py` is the room `studies.solve`; `flowsim/__init__.py` is the face."""
    parts = Path(path).with_suffix("").parts[1:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts) or FACE


class Import(NamedTuple):
    """`from module import name`; at_start: it runs as soon as the room is imported."""

    line: int
    module: str
    name: str
    at_start: bool


def imports(path: str, node: ast.AST, at_start: bool = True) -> Iterator[Import]:
    """Every import statement of a file, those inside functions too."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(child.lineno, alias.name, "", at_start) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            package = Path(path).parent.parts
            above = package[: len(package) - child.level + 1] if child.level else ()
            module = ".".join((*above, child.module) if child.module else above)
            yield from (Import(child.lineno, module, alias.name, at_start) for alias in child.names)
        else:
            late = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            typing_only = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            yield from imports(path, child, at_start and not late and not typing_only)


def target_of(statement: Import, rooms: set[str]) -> str:
    """The room that an import reaches: the name that it takes, where that is a room itself."""
    inside = statement.module.removeprefix(FACE).removeprefix(".")
    named = f"{inside}.{statement.name}".removeprefix(".")
    if named in rooms or (not inside and floor_of(named) is not None):
        return named
    return inside or FACE


def against_the_floors(room: str, target: str) -> str:
    """Why this room may not import that one, or nothing."""
    if room in (FACE, target) or (room, target) == ("cli.base", FACE):
        return ""
    here, there = floor_of(room), floor_of(target)
    if here is None or there is None:
        return f"{room} imports {target}; {room if here is None else target} is on no floor of the plan"
    allowed = any(fnmatchcase(room, a) and fnmatchcase(target, b) for a, b in SAME_FLOOR)
    if there > here or (there == here and not allowed):
        return f"{room} (floor {here}) imports {target} (floor {there})"
    return ""


def fault_of(room: str, statement: Import, rooms: set[str]) -> str:
    """Why this import may not be, or nothing."""
    top = statement.module.split(".")[0]
    if top == FACE:
        return against_the_floors(room, target_of(statement, rooms))
    if top == "pint" and room != "units":
        return f"{room} imports pint; only units may"
    if top in COSTLY and any(fnmatchcase(room, r) for r in START) and statement.at_start:
        return f"{room} imports {top} at start-up; import it in the function that needs it"
    return ""


def faults(sources: dict[str, str]) -> list[str]:
    """What these files (path → source) do against the plan, with the place of each."""
    rooms = {room_of(path) for path in sources}
    found = [
        f"{room} is on no floor of the plan" for room in sorted(rooms - {FACE}) if floor_of(room) is None
    ]
    for path, source in sources.items():
        for statement in imports(path, ast.parse(source)):
            if fault := fault_of(room_of(path), statement, rooms):
                found.append(f"{path}:{statement.line}: {fault}")
    return found


def test_imports_of_the_package_go_downward() -> None:
    files = sorted((ROOT / "flowsim").rglob("*.py"))
    assert files
    assert faults({path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in files}) == []


@pytest.mark.parametrize(
    ("room", "source", "fault"),
    [
        ("files", "from flowsim.scenario import Scenario", "files (floor 1) imports scenario (floor 2)"),
        ("files", "from flowsim import scenario", "files (floor 1) imports scenario (floor 2)"),
        ("files", "from .scenario import Scenario", "files (floor 1) imports scenario (floor 2)"),
        ("files", "from . import scenario", "files (floor 1) imports scenario (floor 2)"),
        ("files", "import flowsim.scenario as s", "files (floor 1) imports scenario (floor 2)"),
        (
            "files",
            "def f():\n    import flowsim.scenario",
            "py:2: files (floor 1) imports scenario (floor 2)",
        ),
        ("files", "import flowsim", "flowsim is on no floor"),
        ("files", "import flowsim.utils", "utils is on no floor"),
        ("schema", "import flowsim.units", "schema (floor 0) imports units (floor 0)"),
        ("system", "import flowsim.assemble", "system (floor 3) imports assemble (floor 3)"),
        ("studies/solve", "from . import dispatch", "studies.solve (floor 4) imports studies (floor 4)"),
        ("studies/solve", "from .dispatch import f", "imports studies.dispatch (floor 4)"),
        ("studies/solve", "from ..report import html", "imports report (floor 7)"),
        ("indicators/cn", "import flowsim.indicators.eu", "imports indicators.eu (floor 5)"),
        ("indicators/cn", "import flowsim.compare", "imports compare (floor 5)"),
        ("scenario", "def f():\n    import pint", "scenario imports pint; only units may"),
        ("cli", "try:\n    import pandas as pd\nfinally:\n    pass", "cli imports pandas at start-up"),
        ("cli", "from rich.table import Table", "cli imports rich at start-up"),
        ("__init__", "import scipy.sparse", "flowsim imports scipy at start-up"),
    ],
)
def test_an_import_against_the_plan_is_named(room: str, source: str, fault: str) -> None:
    (found,) = faults({f"flowsim/{room}.py": source})
    assert fault in found


def test_a_room_that_is_not_on_the_plan_is_named() -> None:
    assert faults({"flowsim/utils.py": ""}) == ["utils is on no floor of the plan"]


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("scenario", "from flowsim import files, units\nfrom .errors import InputError"),
        ("units", "from flowsim.errors import UnitError\ndef f():\n    import pint"),
        ("assemble", "from flowsim.system import System\nimport pandas, scipy.sparse"),
        ("studies/__init__", "from flowsim.studies.solve import solve"),
        ("studies/dispatch", "from .solve import solve\nfrom .structure import loops"),
        ("indicators/cn", "from flowsim.indicators.registry import indicator"),
        ("compare", "from flowsim.indicators import cn\nfrom flowsim import indicators"),
        ("cli", "from __future__ import annotations\nimport click\ndef f():\n    import pandas"),
        ("cli", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pandas"),
        ("__init__", "def __getattr__(name):\n    from flowsim import studies, report"),
    ],
)
def test_an_import_of_the_plan_is_let_through(room: str, source: str) -> None:
    assert faults({f"flowsim/{room}.py": source}) == []


def test_a_name_taken_from_a_package_is_its_room_where_that_exists() -> None:
    sources = {
        "flowsim/studies/solve.py": "from flowsim.studies import structure",
        "flowsim/studies/structure.py": "",
    }
    assert faults(sources) == []


@pytest.mark.parametrize("module", [FACE, "flowsim.cli"])
def test_starting_loads_nothing_costly(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert COSTLY & set(done.stdout.split()) == set()
