"""Water and heat used again: `water`, `heat`."""

from __future__ import annotations

from typing import Any

import click

from flowsim.cli.base import (
    JSON,
    LANG,
    STUDY,
    VARIANT,
    balanced,
    fails_clearly,
    main,
    print_json,
    width_of,
    write_chart,
)

OUT = click.option("--out", type=click.Path(), help="Write tables as CSV and all as JSON into this folder.")


@main.command()
@click.argument("file")
@VARIANT
@click.option("--once", is_flag=True, help="Treated water does not return to where it was used before.")
@click.option("--seed", default=0, help="Seed of the starts, with several substances.")
@OUT
@STUDY
@JSON
@LANG
@fails_clearly
def water(
    file: str,
    variant: str | None,
    once: bool,
    seed: int,
    out: str | None,
    study: str,
    as_json: bool,
    lang: str,
) -> None:
    """The least fresh water for FILE's water uses: who sends what to whom, with reuse and treatment."""
    from flowsim.scenario import read
    from flowsim.studies.pinch import needs_result, network_json
    from flowsim.studies.pinch import water as least_water
    from flowsim.views.pinch_text import water_grids

    scenario = read(file, variant)
    result = balanced(file, variant, study) if needs_result(scenario, "waters") else None
    made = least_water(scenario, result, recycle=not once, seed=seed)
    _show(network_json(scenario, made), water_grids(scenario, made, lang), out, as_json)


@main.command()
@click.argument("file")
@VARIANT
@click.option("--dtmin", default=10.0, help="Smallest temperature difference, K.")
@click.option("-o", "--output", help="Draw the composite curves: .svg, .png, .pdf or .html.")
@OUT
@STUDY
@JSON
@LANG
@fails_clearly
def heat(
    file: str,
    variant: str | None,
    dtmin: float,
    output: str | None,
    out: str | None,
    study: str,
    as_json: bool,
    lang: str,
) -> None:
    """The least heating and cooling for FILE's streams: pinch, utilities, who heats whom."""
    from flowsim.scenario import read
    from flowsim.studies.pinch import cascade_json, needs_result
    from flowsim.studies.pinch import heat as least_heat
    from flowsim.views.pinch_text import heat_chart, heat_grids

    scenario = read(file, variant)
    result = balanced(file, variant, study) if needs_result(scenario, "heats") else None
    made = least_heat(scenario, result, dtmin=dtmin)
    if output:
        write_chart(heat_chart(made, lang), output)
    _show(cascade_json(scenario, made), heat_grids(scenario, made, lang), out, as_json)


def _show(data: dict[str, Any], grids: Any, out: str | None, as_json: bool) -> None:
    from flowsim.result import export_answer
    from flowsim.views.text import print_grids

    if out:
        export_answer(data, out)
    if as_json:
        print_json(data)
        return
    click.echo(print_grids(grids, width=width_of()), nl=False)
