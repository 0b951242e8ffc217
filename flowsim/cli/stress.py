"""What happens when a partner leaves: `stress`."""

from __future__ import annotations

import click

from flowsim.cli.base import (
    BOUNDARY,
    JSON,
    LANG,
    STUDY,
    VARIANT,
    fails_clearly,
    listed,
    main,
    print_json,
    width_of,
)


@main.command()
@click.argument("file")
@click.option("--remove", help="Processes, or firm:ID, separated by commas; each is lost in turn.")
@click.option("--each", is_flag=True, help="Every process at an end of an open link; the default.")
@click.option("--cut", default="100 %", help="The share of a partner that is lost.")
@click.option("--set", "names", default="first", help="Indicator sets or ids, separated by commas.")
@click.option("--out", type=click.Path(), help="Write the table as CSV and all as JSON into this folder.")
@VARIANT
@BOUNDARY
@STUDY
@JSON
@LANG
@fails_clearly
def stress(
    file: str,
    remove: str | None,
    each: bool,
    cut: str,
    names: str,
    out: str | None,
    variant: str | None,
    boundary: str,
    study: str,
    as_json: bool,
    lang: str,
) -> None:
    """Lose every partner of FILE in turn: who suffers, what steps in, and what nobody can take over."""
    from flowsim.assemble import assemble
    from flowsim.errors import InputError, Problem
    from flowsim.result import export_answer
    from flowsim.scenario import read
    from flowsim.symbiosis.stress import stress as lose
    from flowsim.views.stress_text import stress_grids, stress_notes
    from flowsim.views.text import print_grids
    from flowsim.words import say

    if remove and each:
        raise InputError(Problem("`--remove` and `--each` exclude each other.", hint="Leave one out."))
    found = lose(
        assemble(read(file, variant)),
        remove=listed(remove) if remove else None,
        cut=_share(cut),
        names=listed(names),
        boundary=boundary,
        study=study,  # type: ignore[arg-type]
    )
    if out:
        export_answer(found.as_json(), out)
    if as_json:
        print_json(found.as_json())
        return
    click.echo(print_grids(stress_grids(found, lang), width=width_of()), nl=False)
    for note in stress_notes(found, lang):
        click.echo(f"{say('note', lang)}: {note}")


def _share(text: str) -> float:
    """``50 %`` or ``0.5``."""
    from flowsim.errors import InputError, Problem, UnitError
    from flowsim.units import parse

    try:
        value, unit = parse(text)
    except UnitError:
        value, unit = 0.0, "?"
    if unit not in ("", "1"):
        raise InputError(Problem(f"`--cut {text}` is no share.", hint='Write "50 %".'))
    return float(value)
