"""The shipped library, searched: which recipes and goods there are."""

from __future__ import annotations

from typing import Any

from flowsim import tables
from flowsim.errors import InputError, Problem
from flowsim.files import read_csv, share
from flowsim.schema import GOOD_KINDS


def search_library(text: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Recipes and goods whose id, English or Chinese name contains ``text``; all where it is empty.

    A recipe that takes or gives a matching good matches too.

    Returns
    -------
    recipes : id, en, zh, chain, in, out (ids of goods), source of the reference line
    goods : id, en, zh, class, unit, recipes that take or give it
    """
    problems: list[Problem] = []
    typed = {}
    for name in ("recipes", "goods"):
        raw = tables.from_csv(name, read_csv(share() / "data" / f"{name}.csv"), problems)
        typed[name] = tables.typed([raw], name, problems)
    if problems:
        raise InputError(problems)
    lines, goods = typed["recipes"], typed["goods"]
    wanted = text.lower()
    named = {
        good["id"]
        for good in goods.to_dict("records")
        if wanted in f"{good['id']} {good['en']} {good['zh']}".lower()
    }
    recipes: list[dict[str, Any]] = []
    used: dict[str, list[str]] = {}
    for recipe, group in lines.groupby("recipe", sort=True):
        head = group[group["role"] == "reference"].iloc[0]
        ins, outs = (list(group["good"][group["direction"] == side]) for side in ("in", "out"))
        for good in (*ins, *outs):
            used.setdefault(good, []).append(recipe)
        if wanted in f"{recipe} {head['en']} {head['zh']} {head['chain']}".lower() or named.intersection(
            (*ins, *outs)
        ):
            recipes.append(
                {
                    "id": recipe,
                    "en": head["en"],
                    "zh": head["zh"],
                    "chain": head["chain"],
                    "in": ins,
                    "out": outs,
                }
            )
    found = [
        {
            "id": good["id"],
            "en": good["en"],
            "zh": good["zh"],
            "class": good["class"],
            "unit": GOOD_KINDS[good["kind"]],
            "recipes": used.get(good["id"], []),
        }
        for good in goods.to_dict("records")
        if good["id"] in named
    ]
    return recipes, found
