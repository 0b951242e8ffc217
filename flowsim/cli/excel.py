"""Workbooks in and out: `excel template`, `excel yaml`."""

from __future__ import annotations

from pathlib import Path

import click

from flowsim.cli.base import LANG, fails_clearly, main


@main.group()
def excel() -> None:
    """Scenarios as workbooks to fill in; every command takes them as FILE."""


@excel.command()
@click.option("-o", "--output", default="scenario.xlsx", help="Workbook to write.")
@click.option("--from", "source", metavar="FILE", help="Scenario that it holds; without it a starter.")
@LANG
@fails_clearly
def template(output: str, source: str | None, lang: str) -> None:
    """Write a workbook with a sheet for each table: headings, notes and drop-downs in both languages."""
    from tempfile import TemporaryDirectory

    from flowsim.errors import InputError, Problem
    from flowsim.files import write_bytes
    from flowsim.scenario import read
    from flowsim.starter import write_starter
    from flowsim.template import template as workbook_of

    if not output.lower().endswith(".xlsx"):
        raise InputError(Problem(f"`{output}` is no workbook.", hint="End it in .xlsx."))
    with TemporaryDirectory() as folder:
        scenario = read(source or write_starter(folder))
        data = workbook_of(scenario, lang, Path(output).resolve().parent)
    write_bytes(output, data)
    click.echo(output)


@excel.command()
@click.argument("file")
@click.option("-o", "--output", help="File to write; without it the text is printed.")
@fails_clearly
def yaml(file: str, output: str | None) -> None:
    """Write the workbook or plain table FILE as a scenario in YAML."""
    from flowsim.files import write_text
    from flowsim.scenario import read
    from flowsim.template import relocated
    from flowsim.write import scenario_yaml

    document = dict(read(file).document)
    if "library" in document:
        folder = Path(output).resolve().parent if output else Path.cwd()
        document["library"] = relocated(read(file).document, folder)
    text = scenario_yaml(document)
    if output:
        write_text(output, text)
    click.echo(output or text, nl=bool(output))
