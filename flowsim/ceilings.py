"""Ceilings of contents: what fills an input may hold no more of a substance than this, as a blend."""

from __future__ import annotations

from typing import Any

import numpy as np

from flowsim.errors import InputError, Problem
from flowsim.network import Network
from flowsim.rows import Builder, Columns


def ceiling_rows(network: Network, columns: Columns, rows: Builder) -> None:
    """Σ (content − ceiling) × mass over the flows that are blended ≤ 0, at each process that a ceiling names.

    Linear blending: the substance of the blend is the sum of that of its parts. A good that states no content
    of the substance counts as free of it.

    Raises
    ------
    InputError : a process that takes none of the goods of its ceiling
    """
    processes = network.processes
    for ceiling in network.tables["ceilings"].to_dict("records"):
        own = (processes["id"] == ceiling["at"]) | (processes["recipe"] == ceiling["at"])
        for process in np.flatnonzero(own.to_numpy() & ~network.outside):
            flows = _blended(network, int(process), ceiling["goods"])
            if not len(flows) and processes["id"].iloc[process] == ceiling["at"]:
                listed = ", ".join(f"`{good}`" for good in ceiling["goods"]) or "material"
                message = f"ceiling `{ceiling['id']}`: {ceiling['at']} takes no {listed} to blend."
                hint = "Name inputs of its recipe, or goods that flow into it."
                raise InputError(Problem(message, ceiling["file"], int(ceiling["line"]), hint))
            _add_ceiling(network, columns, rows, ceiling, int(process), flows)


def _blended(network: Network, process: int, goods: tuple[str, ...]) -> np.ndarray:
    """Flows that fill the named inputs of a process, substitutes too; without names all materials."""
    flow, ports = network.flow, network.ports
    mine = flow["to_at"] == process
    if not goods:
        return np.flatnonzero(mine & (network.goods["kind"] == "material").to_numpy()[flow["good_at"]])
    named = network.good_at.get_indexer(list(goods))
    slot = flow["good_at"].copy()
    filled = flow["in_port"] >= 0
    slot[filled] = ports.good[flow["in_port"][filled]]
    return np.flatnonzero(mine & np.isin(slot, named))


def _add_ceiling(
    network: Network,
    columns: Columns,
    rows: Builder,
    ceiling: dict[str, Any],
    process: int,
    flows: np.ndarray,
) -> None:
    layer = ceiling["layer"]
    _, mass = columns.term(network, flows, "mass")
    column, entry = flows, -ceiling["max"] * mass
    if layer in columns.substance:
        part, one = columns.term(network, flows, layer)
        column, entry = np.concatenate([flows, part]), np.concatenate([entry, one])
    else:
        contents = network.tables["contents"]
        known = contents[contents["layer"] == layer].set_index("good")["value"]
        entry = (
            entry
            + mass * known.reindex(network.good_at).fillna(0.0).to_numpy()[network.flow["good_at"][flows]]
        )
    rows.add(
        "ceiling", int(len(flows) > 0), np.zeros(len(column), dtype=int), column, entry, process=process,
        layer=layer, value=ceiling["max"], **{name: ceiling[name] for name in ("file", "line", "source")},
    )  # fmt: skip
