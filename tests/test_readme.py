"""What the README says works: its commands exist, its Python runs, its links lead somewhere."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from click.testing import CliRunner

from flowsim.cli import main

ROOT = Path(__file__).parents[1]
PICTURES = runpy.run_path(str(ROOT / "docs" / "generate.py"))["PICTURES"]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", sorted(set(re.findall(r"(?:`|bin/)flowsim ([a-z]+)", README))))
def test_every_command_that_the_readme_names_is_there(command: str) -> None:
    assert command in main.commands


def test_every_command_is_in_the_readme() -> None:
    assert set(main.commands) <= set(re.findall(r"flowsim ([a-z]+)", README))


def test_every_option_in_the_table_is_there() -> None:
    for command, options in re.findall(r"^\| `flowsim ([a-z]+)([^`]*)`", README, re.MULTILINE):
        known = {name for option in main.commands[command].params for name in option.opts}
        assert set(re.findall(r"--[a-z-]+", options)) <= known, command


def test_the_python_of_the_readme_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert len(names["result"].flows) > 200


def test_every_link_of_the_readme_leads_to_a_file() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README):
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize(("picture", "command"), PICTURES.items())
def test_every_picture_that_a_page_shows_is_made_by_its_command(
    picture: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    made = tmp_path / Path(picture).name
    done = CliRunner().invoke(main, [*command.split(), "-o", str(made)])
    assert done.exit_code == 0, done.output
    assert "<svg" in made.read_text(encoding="utf-8")
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    assert any(picture in page.read_text(encoding="utf-8") for page in pages)


def test_every_picture_of_the_readme_has_a_command() -> None:
    shown = re.findall(r"!\[[^]]*\]\(docs/([^)]+)\)", README)
    assert shown and set(shown) <= set(PICTURES)


@pytest.mark.parametrize("target", ["demo", "test"])
def test_the_two_commands_of_the_readme_are_in_the_makefile(target: str) -> None:
    assert f"make {target}" in README
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
