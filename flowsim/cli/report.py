"""A document to hand over: `report`."""

from __future__ import annotations

import shlex

import click

from flowsim.cli.base import (
    BOUNDARY,
    FACTORS,
    INPUTS,
    STUDY,
    answered,
    fails_clearly,
    inputs_of,
    listed,
    main,
    scenarios_of,
)


@main.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("-o", "--output", default="report.html", help="Document to write: .html, .docx, .xlsx or .pdf.")
@click.option("--variants", help="Variants to report on, separated by commas; without it all of them.")
@click.option("--targets", help="Target set; without it the scenario's own.")
@click.option("--base", help="Variant that targets stated as a change are counted from.")
@click.option("--set", "names", default="first", help="Indicator sets or ids, separated by commas.")
@click.option(
    "--ledger/--no-ledger",
    default=None,
    help="Close each open link in turn to see what it saves; without it where few are open.",
)
@click.option("--date", default="", help="Date for the title page; no clock is read.")
@BOUNDARY
@INPUTS
@FACTORS
@STUDY
@click.option(
    "--lang", type=click.Choice(["en", "zh", "both"]), default="en", help="Language of the document."
)
@click.pass_context
@fails_clearly
def report(
    context: click.Context,
    files: tuple[str, ...],
    output: str,
    variants: str | None,
    targets: str | None,
    base: str | None,
    names: str,
    ledger: bool | None,
    date: str,
    boundary: str,
    given: tuple[str, ...],
    factors: tuple[str, ...],
    study: str,
    lang: str,
) -> None:
    """Write a report on FILE: summary, targets, pictures, balances, symbiosis, data quality, full tables."""
    from flowsim.indicators import factor_sets
    from flowsim.progress import track
    from flowsim.report import check
    from flowsim.report import report as write_report

    check(output, lang)
    scenarios = [said for file in files for said in scenarios_of(file, variants)]
    results = [answered(said, study) for said in track(scenarios, "variants")]
    write_report(
        results,
        output,
        lang=lang,  # type: ignore[arg-type]
        targets=targets,
        names=listed(names),
        boundary=boundary,
        base=base,
        inputs=inputs_of(given),
        sets=factor_sets(results[0], factors),
        ledger=ledger,
        date=date,
        command=_command(context),
    )
    click.echo(output)


def _command(context: click.Context) -> str:
    """The command that made the report, without where it was written: equal reports have equal bytes."""
    said = ["flowsim", "report", *context.params["files"]]
    for option in context.command.params:
        source = context.get_parameter_source(str(option.name))
        if source is not click.core.ParameterSource.COMMANDLINE or option.name in ("files", "output"):
            continue
        value = context.params[str(option.name)]
        if isinstance(value, bool):
            said.append(option.opts[0] if value else option.secondary_opts[0])
        else:
            for one in value if isinstance(value, tuple) else (value,):
                said += [option.opts[-1], str(one)]
    return shlex.join(said)
