"""What open links stand for: the treatment on the way, what is lost on it, and the season they run in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.errors import InputError, Problem
from flowsim.network import Network, treatment_id
from flowsim.rows import Builder, Columns
from flowsim.schema import TABLES

if TYPE_CHECKING:
    import pandas as pd

    from flowsim.scenario import Scenario

LOST_TO = {"material": "landfill", "water": "water", "energy": "air"}
"""Where a loss goes whose good has the market for its fate: what is lost is not sold."""


def in_force(scenario: Scenario) -> Scenario:
    """The scenario with its open links as they stand in its year.

    A link is closed before its ``earliest`` year. One that runs ``through`` a recipe becomes a process
    ``ID_treatment`` at the site of the receiver and two links: ``ID``, which takes the good there, and
    ``ID_product``, which brings on what the treatment makes.

    Raises
    ------
    InputError : a link with an earliest year in a scenario without a year, or a treatment that makes nothing,
        or several things, that the receiver takes
    """
    links = scenario.tables["links"]
    opened = links["open"].to_numpy(dtype=bool)
    dated = opened & links["earliest"].notna().to_numpy()
    if dated.any() and not scenario.year:
        row = links[dated].iloc[0]
        raise InputError(
            Problem(
                f"link `{row['id']}` has an `earliest` year, and the scenario has no year.",
                row["file"], int(row["line"]), "Write `year: 2025` at its head.",
            )
        )  # fmt: skip
    late = dated & (links["earliest"] > scenario.year).to_numpy()
    treated = opened & ~late & (links["through"] != "").to_numpy()
    if not late.any() and not treated.any():
        return scenario
    tables = dict(scenario.tables)
    tables["links"] = links.assign(open=opened & ~late)
    if treated.any():
        _add_treatments(tables, treated)
    return replace(scenario, tables=tables)


def _add_treatments(tables: dict[str, pd.DataFrame], treated: np.ndarray) -> None:
    links = tables["links"].copy()
    plants, products = [], []
    place = {
        name: (site, firm) for name, site, firm in tables["processes"][["id", "site", "firm"]].to_numpy()
    }
    for at in np.flatnonzero(treated):
        row = links.iloc[at].to_dict()
        name = treatment_id(row["id"])
        site, firm = place.get(row["to"]) or place.get(row["from"], ("", ""))
        en, zh = (row["en"] or row["id"], row["zh"] or row["id"])
        plants.append(
            {"id": name, "recipe": row["through"], "en": f"treatment for {en}", "zh": f"{zh}（处理）"}
            | {"site": site, "firm": firm}
            | {key: row[key] for key in ("file", "line", "source")}
        )  # fmt: skip
        second = {**row, "id": f"{row['id']}_product", "from": name, "good": _product(tables, row)}
        nothing = ("cost", "fixed_cost", "freight", "distance", "loss", "available", "minimum")
        products.append(second | dict.fromkeys(nothing, np.nan) | {"months": ()})
        if row["limit_of"]:
            links.loc[links.index[at], ["limit", "limit_of"]] = [np.nan, ""]
        else:
            products[-1]["limit"] = np.nan
        links.loc[links.index[at], "to"] = name
    tables["processes"] = with_rows(tables["processes"], "processes", plants)
    tables["links"] = with_rows(links, "links", products)


def with_rows(frame: pd.DataFrame, name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """A table of a scenario with more rows; what a row leaves out is empty."""
    import pandas as pd

    lists = {column.name: () for column in TABLES[name] if column.kind == "list"}
    blank = {"f": np.nan, "i": 0, "b": False}
    empty = {column: blank.get(kind.kind, "") for column, kind in frame.dtypes.items()} | lists
    more = pd.DataFrame([empty | row for row in rows], columns=list(frame.columns))
    return pd.concat([frame, more.astype(frame.dtypes)], ignore_index=True)


def _product(tables: dict[str, pd.DataFrame], link: dict[str, Any]) -> str:
    """What a treatment makes for the receiver of its link."""
    if link["becomes"]:
        return str(link["becomes"])
    recipes, processes = tables["recipes"], tables["processes"]
    lines = recipes[(recipes["recipe"] == link["through"]) & (recipes["direction"] == "out")]
    receiver = processes["recipe"][processes["id"] == link["to"]].to_numpy()
    if len(receiver) and receiver[0]:
        needs = set(
            recipes["good"][(recipes["recipe"] == receiver[0]) & (recipes["direction"] == "in")].to_numpy()
        )
        table = tables["substitutes"]
        fits = table["recipe"].isin(["", receiver[0]]) & table["replaces"].isin(needs)
        found = [good for good in lines["good"] if good in needs | set(table["good"][fits])]
    else:
        found = list(lines["good"][lines["role"] == "reference"])
    if len(found) == 1:
        return str(found[0])
    what = (
        f"makes {', '.join(f'`{good}`' for good in found)}, all of which" if found else "makes nothing that"
    )
    message = f"link `{link['id']}`: `{link['through']}` {what} `{link['to']}` takes."
    hint = "Say which with `becomes:`." if found else "Name another recipe, or the good with `becomes:`."
    raise InputError(Problem(message, link["file"], int(link["line"]), hint))


# ---- losses ----


def place_losses(network: Network) -> None:
    """A flow ``LINK_loss`` from the giver to the fate of the good for each open link with a loss.

    It is placed after the implied flows, which it must not stand in for.
    """
    first, chosen = 0, np.empty(0, dtype=np.int64)
    for part in network.parts:
        if (part["how"] == "link").any():
            chosen = np.flatnonzero(part["loss"] > 0)
            break
        first += len(part["id"])
    network.losses = (np.empty(0, dtype=np.int64), first + chosen, np.empty(0))
    if not len(chosen):
        return
    start = sum(len(each["id"]) for each in network.parts)
    goods = network.goods.iloc[part["good_at"][chosen]]
    fate = np.where(goods["fate"] == "market", goods["kind"].map(LOST_TO), goods["fate"])
    network.add_plain(
        good=part["good_at"][chosen],
        source=part["from_at"][chosen],
        target=network.process_at.get_indexer(fate),
        in_port=np.full(len(chosen), -1),
        out_port=part["out_port"][chosen],
        how="implied",
    )
    network.parts[-1]["id"] = part["id"][chosen] + "_loss"
    for name in ("file", "line", "source"):
        network.parts[-1][name] = part[name][chosen]
    network.losses = (start + np.arange(len(chosen)), first + chosen, part["loss"][chosen])


def loss_rows(network: Network, columns: Columns, rows: Builder) -> None:
    """x[loss] − share × (x[loss] + x[link]) = 0, in the amount and in every active substance."""
    lost, link, share = network.losses
    labels: dict[str, Any] = {name: network.flow[name][lost] for name in ("file", "line", "source")}
    for layer in ("base", *columns.substance):
        left, _ = columns.term(network, lost, layer)
        right, _ = columns.term(network, link, layer)
        rows.add(
            "share", len(lost), np.tile(np.arange(len(lost)), 2), np.concatenate([left, right]),
            np.concatenate([1 - share, -share]), flow=lost, good=network.flow["good_at"][lost],
            process=network.flow["from_at"][lost], layer=layer, **labels,
        )  # fmt: skip


# ---- seasons ----


def season_rows(network: Network, columns: Columns, rows: Builder) -> None:
    """A link that runs part of the year moves at most that part of what its giver gives and its taker takes.

    Both are taken to run evenly through the year and to store nothing: x[link] ≤ part × Σ flows there.
    """
    flow = network.flow
    for at in np.flatnonzero(flow["season"] < 1):
        for end, node, port in (("from_at", "out_node", "out_port"), ("to_at", "in_node", "in_port")):
            if network.outside[flow[end][at]]:
                continue
            mine = flow[node] == flow[node][at]
            if flow[port][at] < 0:
                mine &= flow["good_at"] == flow["good_at"][at]
            side = np.flatnonzero(mine)
            weight = flow["ratio"] if end == "to_at" else np.ones(columns.flows)
            sent = 1 / (1 - flow["loss"][at]) if end == "from_at" else weight[at]
            rows.add(
                "limit", 1, np.zeros(len(side) + 1, dtype=int), np.append(side, at),
                np.append(-flow["season"][at] * weight[side], sent),
                flow=at, good=flow["good_at"][at], process=flow[end][at], layer="base",
                **{name: flow[name][at] for name in ("file", "line", "source")},
            )  # fmt: skip
