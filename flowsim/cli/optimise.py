"""Which exchanges to open: `optimise`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from flowsim.cli.base import JSON, LANG, VARIANT, fails_clearly, listed, main, print_json, width_of


@main.command()
@click.argument("file")
@click.option(
    "--objective", default="cost", help="cost, virgin, waste, water, co2, or the id of an indicator."
)
@click.option("--budget", help='The most that opened links may cost in a year, such as "50 M CNY".')
@click.option("--max-links", type=click.IntRange(0), help="The most links that may be opened.")
@click.option("--links", help="Candidates, separated by commas; without it all closed links.")
@click.option("--pareto", help="Two objectives, separated by a comma: their front instead of one answer.")
@click.option("--points", default=12, help="Points of the front.")
@click.option("--free-activities", is_flag=True, help="Let what the base buys, sells and throws away move.")
@click.option("--write", "written", type=click.Path(), help="Write the answer as a variant into this file.")
@click.option("--out", type=click.Path(), help="Write tables and pictures into this folder.")
@click.option("--shares", is_flag=True, help="Also who gains: net benefit of each firm, fair shares.")
@click.option("--seed", default=0, help="Seed of the shares of more than 12 firms, which are sampled.")
@VARIANT
@JSON
@LANG
@fails_clearly
def optimise(
    file: str,
    objective: str,
    budget: str | None,
    max_links: int | None,
    links: str | None,
    pareto: str | None,
    points: int,
    free_activities: bool,
    written: str | None,
    out: str | None,
    shares: bool,
    seed: int,
    variant: str | None,
    as_json: bool,
    lang: str,
) -> None:
    """Which links of FILE to open, how much flows over them, and what one more unit of a limit is worth."""
    from flowsim.scenario import read

    options: dict[str, Any] = {
        "budget": _budget(budget),
        "max_links": max_links,
        "links": listed(links) if links else None,
        "free_activities": free_activities,
    }
    scenario = read(file, variant)
    if pareto:
        _front(scenario, listed(pareto), points, options, out, as_json, lang)
    else:
        _one(scenario, objective, options, written, out, seed if shares else None, as_json, lang)


def _budget(text: str | None) -> float | None:
    """CNY/a of a text such as ``50 M CNY``; a year is understood."""
    from flowsim.errors import InputError, Problem, UnitError
    from flowsim.units import parse

    if text is None:
        return None
    try:
        value, unit = parse(text)
    except UnitError:
        value, unit = float("nan"), ""
    if unit not in ("CNY", "CNY/a") or not value >= 0:
        raise InputError(Problem(f"`--budget {text}` is no amount of money.", hint='Write "50 M CNY".'))
    return float(value)


def _one(
    scenario: Any,
    objective: str,
    options: dict[str, Any],
    written: str | None,
    out: str | None,
    seed: int | None,
    as_json: bool,
    lang: str,
) -> None:
    from flowsim.symbiosis.layout import export, optimum_json
    from flowsim.symbiosis.limits import binding, ranges, what_binds
    from flowsim.symbiosis.optimise import optimise as find
    from flowsim.symbiosis.shares import shares as divide
    from flowsim.symbiosis.variant_file import check_target
    from flowsim.symbiosis.written import write
    from flowsim.views import optimise_text as shown
    from flowsim.views.text import print_grids
    from flowsim.words import say

    if written:
        check_target(scenario, written)
    optimum = find(scenario, objective=objective, **options)
    limits, (found, unseen) = binding(optimum), ranges(optimum)
    grids = shown.optimum_grids(optimum, what_binds(optimum), lang)
    grids += [shown.stated_grid(optimum, lang)] if optimum.balance.stated else []
    grids += [shown.limit_grid(optimum, limits, lang)] if limits else []
    grids += [shown.range_grid(optimum, found, lang)] if found else []
    divided = None if seed is None else divide(optimum, seed=seed)
    grids += shown.share_grids(divided, lang) if divided else []
    made = optimum_json(optimum, limits, found, divided)
    name = write(optimum, written) if written else ""
    if out:
        export(made, out)
    if as_json:
        print_json(made)
        return
    click.echo(print_grids(grids, width=width_of()), nl=False)
    notes = shown.optimum_notes(optimum, unseen, lang)
    for note in [*notes, *(shown.share_notes(divided, lang) if divided else [])]:
        click.echo(f"{say('note', lang)}: {note}")
    if written:
        click.echo(f"{written}: {say('variant', lang)} {name}")


def _front(
    scenario: Any,
    objectives: list[str],
    points: int,
    options: dict[str, Any],
    out: str | None,
    as_json: bool,
    lang: str,
) -> None:
    from flowsim.files import write_text
    from flowsim.symbiosis.layout import export, front_json
    from flowsim.symbiosis.pareto import pareto
    from flowsim.views.optimise_text import front_chart, front_grid
    from flowsim.views.text import print_grids

    front = pareto(scenario, objectives, points=points, **options)
    if out:
        from flowsim.views.chart_print import svg

        export(front_json(front), out)
        write_text(Path(out) / "front.svg", svg(front_chart(front, lang)))
    if as_json:
        print_json(front_json(front))
        return
    click.echo(print_grids([front_grid(front, lang)], width=width_of()), nl=False)
