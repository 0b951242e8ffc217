"""Every notebook runs from top to bottom, and its page holds the same cells as its script."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.py"))


def cells(script: Path) -> list[tuple[str, str]]:
    """Kind and text of each cell of a script in the percent format."""
    parts = re.split(r"^# %%(.*)\n", script.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    made = []
    for head, body in zip(parts[::2], parts[1::2], strict=True):
        if "[markdown]" in head:
            made.append(("markdown", re.sub(r"^# ?", "", body, flags=re.MULTILINE).strip()))
        else:
            made.append(("code", body.strip()))
    return made


@pytest.mark.parametrize("script", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_its_assertions_hold(script: Path) -> None:
    assert "\nassert " in cells(script)[-1][1]
    runpy.run_path(str(script))


@pytest.mark.parametrize("script", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_page_of_a_notebook_holds_the_cells_of_its_script(script: Path) -> None:
    page = json.loads(script.with_suffix(".ipynb").read_text(encoding="utf-8"))
    assert [(cell["cell_type"], "".join(cell["source"]).strip()) for cell in page["cells"]] == cells(script)
    assert all(not cell.get("outputs") for cell in page["cells"])
