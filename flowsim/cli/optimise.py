"""Which exchanges to open: `optimise`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from flowsim.cli.base import (
    CHARTS,
    JSON,
    LANG,
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
@click.option(
    "--objective", default="cost", help="cost, virgin, waste, water, co2, or the id of an indicator."
)
@click.option(
    "--budget", help='The most that opened links may cost in a year, such as "50 MCNY" or "5000 万元".'
)
@click.option("--max-links", type=click.IntRange(0), help="The most links that may be opened.")
@click.option("--links", help="Candidates, separated by commas; without it all closed links.")
@click.option("--pareto", help="Two objectives, separated by a comma: their front instead of one answer.")
@click.option("--points", default=12, help="Points of the front.")
@click.option("-o", "--output", help="Picture of the front to write: .svg, .png, .pdf or .html.")
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
    output: str | None,
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
    _check_together(pareto, output, written, shares)
    scenario = read(file, variant)
    if pareto:
        _front(scenario, listed(pareto), points, options, output, out, as_json, lang)
    else:
        _one(scenario, objective, options, written, out, seed if shares else None, as_json, lang)


def _check_together(pareto: str | None, output: str | None, written: str | None, shares: bool) -> None:
    """A picture is that of a front; a variant and shares are those of one answer."""
    from flowsim.errors import InputError, Problem

    if output:
        form_of(output, CHARTS)
        if not pareto:
            hint = "Add `--pareto cost,waste`, or leave `-o` out: tables go into a folder with `--out`."
            raise InputError(Problem("`-o` draws a front, and no front is asked for.", hint=hint))
    if pareto and (written or shares):
        hint = "Choose a point first: `--objective`, and `--budget` or `--max-links`."
        message = "`--write` and `--shares` are about one answer, and `--pareto` gives several."
        raise InputError(Problem(message, hint=hint))


def _budget(text: str | None) -> float | None:
    """CNY/a of a text such as ``50 MCNY``, ``50 M CNY`` or ``5000 万元``; a year is understood."""
    from flowsim.errors import InputError, Problem, UnitError
    from flowsim.units import parse

    if text is None:
        return None
    try:
        value, unit = parse(text.replace(" CNY", "CNY"))
    except UnitError:
        value, unit = float("nan"), ""
    if unit not in ("CNY", "CNY/a") or not value >= 0:
        hint = 'Write what opened links may cost in a year, such as "50 MCNY" or "5000 万元".'
        raise InputError(Problem(f"`--budget {text}` is no amount of money.", hint=hint))
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
    from flowsim.result import export_answer
    from flowsim.symbiosis.layout import optimum_json
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
        export_answer(made, out)
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
    output: str | None,
    out: str | None,
    as_json: bool,
    lang: str,
) -> None:
    from flowsim.files import write_text
    from flowsim.result import export_answer
    from flowsim.symbiosis.layout import front_json
    from flowsim.symbiosis.pareto import pareto
    from flowsim.views.optimise_text import front_chart, front_grids
    from flowsim.views.text import print_grids

    front = pareto(scenario, objectives, points=points, **options)
    if out:
        from flowsim.views.chart_print import svg

        export_answer(front_json(front), out)
        write_text(Path(out) / "front.svg", svg(front_chart(front, lang)))
    if output:
        write_chart(front_chart(front, lang), output)
    if as_json:
        print_json(front_json(front))
        return
    click.echo(print_grids(front_grids(front, lang), width=width_of()), nl=False)
    if output:
        click.echo(output)
