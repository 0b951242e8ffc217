"""Where to begin: `init`, `library`."""

from __future__ import annotations

import click

from flowsim.cli.base import JSON, LANG, fails_clearly, main, print_json, width_of


@main.command()
@click.argument("folder", type=click.Path())
@fails_clearly
def init(folder: str) -> None:
    """Make FOLDER with a starter scenario that runs."""
    from flowsim.starter import write_starter

    path = write_starter(folder)
    click.echo(f"{path} is there. Try: flowsim compare {path}")


@main.command()
@click.argument("search", default="")
@LANG
@JSON
@fails_clearly
def library(search: str, lang: str, as_json: bool) -> None:
    """Recipes and goods of the shipped library whose id or name contains SEARCH."""
    from flowsim.library import search_library
    from flowsim.views.text import library_grids, print_grids
    from flowsim.words import say

    recipes, goods = search_library(search)
    if as_json:
        print_json({"flowsim_json": 1, "kind": "library", "recipes": recipes, "goods": goods})
        return
    if not recipes and not goods:
        click.echo(f"{say('nothing in the library matches', lang)} `{search}`")
    click.echo(print_grids(library_grids(recipes, goods, lang), width=width_of()), nl=False)
