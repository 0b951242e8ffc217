"""Exchanges: `match` finds those that are not drawn, `curve` orders those that are by their cost."""

from __future__ import annotations

from pathlib import Path

import click

from flowsim.cli.base import (
    BOUNDARY,
    CHARTS,
    JSON,
    LANG,
    STUDY,
    VARIANT,
    fails_clearly,
    form_of,
    listed,
    main,
    print_json,
    width_of,
    write_chart,
)


@main.command()
@click.argument("file")
@click.option("--top", type=click.IntRange(1), default=10, help="How many of the best are shown.")
@click.option("--by", default="money", help="Ranked by money, waste, virgin, water, energy or co2.")
@click.option("--good", help="Only this residue.")
@click.option("--process", help="Only this giver or taker.")
@click.option("--freight", type=click.FloatRange(0), help="CNY per unit and km of transport.")
@click.option("--quick", is_flag=True, help="Estimates only: nothing is balanced.")
@click.option("--all", "every", is_flag=True, help="Show the takers that were rejected too.")
@click.option("--write", "written", type=click.Path(), help="Write them as a variant into this file.")
@click.option("--out", type=click.Path(), help="Write the tables as CSV and JSON into this folder.")
@VARIANT
@STUDY
@JSON
@LANG
@fails_clearly
def match(
    file: str,
    top: int,
    by: str,
    good: str | None,
    process: str | None,
    freight: float | None,
    quick: bool,
    every: bool,
    written: str | None,
    out: str | None,
    variant: str | None,
    study: str,
    as_json: bool,
    lang: str,
) -> None:
    """Exchanges that FILE has not drawn: what each would save, what limits it, and who else could take it."""
    from flowsim.result import export_answer
    from flowsim.scenario import read
    from flowsim.symbiosis.found_json import matches_json
    from flowsim.symbiosis.match import match as find
    from flowsim.symbiosis.match import write
    from flowsim.symbiosis.variant_file import check_target
    from flowsim.views.symbiosis_text import match_grids, match_notes
    from flowsim.views.text import print_grids
    from flowsim.words import say

    rate = float("nan") if freight is None else freight
    scenario = read(file, variant)
    if written:
        check_target(scenario, written)
    found = find(
        scenario,
        top=top,
        by=by,
        good=good,
        process=process,
        freight=rate,
        quick=quick,
        study=study,  # type: ignore[arg-type]
    )
    name = write(found, written, rate) if written else ""
    if out:
        export_answer(matches_json(found), out)
    if as_json:
        print_json(matches_json(found))
        return
    click.echo(print_grids(match_grids(found, lang, every), width=width_of()), nl=False)
    for note in match_notes(found, lang):
        click.echo(f"{say('note', lang)}: {note}")
    if written:
        click.echo(f"{written}: {say('variant', lang)} {name}")


@main.command()
@click.argument("file")
@click.option("--per", default="waste", help="waste, water, co2 or virgin: whose tonnes are counted.")
@click.option("--links", help="Links to put in order, separated by commas; without it all of them.")
@click.option("-o", "--output", help="Picture to write: .svg, .png, .pdf or .html.")
@click.option("--out", type=click.Path(), help="Write the table as CSV and JSON into this folder.")
@VARIANT
@BOUNDARY
@STUDY
@JSON
@LANG
@fails_clearly
def curve(
    file: str,
    per: str,
    links: str | None,
    output: str | None,
    out: str | None,
    variant: str | None,
    boundary: str,
    study: str,
    as_json: bool,
    lang: str,
) -> None:
    """Links of FILE, open or not, by what a tonne of waste, water or CO2 avoided costs."""
    from flowsim.files import check_writable
    from flowsim.result import export_answer
    from flowsim.scenario import read
    from flowsim.symbiosis.curve import curve as in_order
    from flowsim.symbiosis.found_json import curve_json
    from flowsim.views.symbiosis_text import METHOD, curve_chart, curve_grid
    from flowsim.views.text import print_grids
    from flowsim.words import say

    if output:
        form_of(output, CHARTS)
        check_writable(output)
    names = listed(links) if links else None
    made = in_order(read(file, variant), per, links=names, boundary=boundary, study=study)  # type: ignore[arg-type]
    if output:
        write_chart(curve_chart(made, lang), output)
    if out:
        export_answer(curve_json(made), Path(out))
    if as_json:
        print_json(curve_json(made))
        return
    click.echo(print_grids([curve_grid(made, lang)], width=width_of()), nl=False)
    click.echo(f"{say('note', lang)}: {METHOD[lang == 'zh']}")
    if output:
        click.echo(output)
