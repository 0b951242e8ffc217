"""`assemble`: a scenario becomes a `System`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.ceilings import ceiling_rows
from flowsim.links import in_force, loss_rows, place_losses, season_rows
from flowsim.network import Network, filled
from flowsim.rows import (
    Builder,
    Columns,
    balance_rows,
    bounds_of,
    columns_of,
    given_rows,
    layer_rows,
    limit_rows,
    recipe_rows,
    share_rows,
    space_rows,
    stock_rows,
    transfer_rows,
)
from flowsim.schema import GROUPS
from flowsim.series import in_year
from flowsim.stocks import Leaving, first_step
from flowsim.system import System

if TYPE_CHECKING:
    import pandas as pd

    from flowsim.scenario import Scenario


def assemble(scenario: Scenario, leaving: Mapping[str, Leaving] | None = None) -> System:
    """Turn a scenario into labelled sparse rows.

    Parameters
    ----------
    leaving : what leaves each stock of the scenario in its year; without it the year is the first, and the
        numbers that change over the years are those of this year

    Raises
    ------
    InputError : a flow that its ends cannot make or take, a substitution that cannot close, or a stock that
        nothing enters or leaves
    """
    said = scenario
    if leaving is None:
        scenario = in_year(scenario, scenario.year)
        leaving = first_step(scenario)
    network = Network(in_force(scenario))
    network.place_drawn_flows()
    network.place_pool_flows()
    network.place_implied_flows()
    place_losses(network)
    network.finish_flows()
    equal, limits = Builder(), Builder()
    columns = columns_of(network)
    recipe_rows(network, columns, equal)
    balance_rows(network, columns, equal)
    layer_rows(network, columns, equal, leaving)
    given_rows(network, columns, equal)
    transfer_rows(network, columns, equal)
    share_rows(network, columns, equal)
    loss_rows(network, columns, equal)
    limit_rows(network, columns, limits)
    season_rows(network, columns, limits)
    ceiling_rows(network, columns, limits)
    stock_rows(network, columns, equal, limits, leaving)
    space_rows(network, limits, leaving)
    return _system(network, columns, equal, limits, said)


def _system(network: Network, columns: Columns, equal: Builder, limits: Builder, said: Scenario) -> System:
    total = len(columns.kind)
    matrix, rhs, rows = equal.matrix(total)
    upper_matrix, upper_rhs, upper_rows = limits.matrix(total)
    lower, upper = bounds_of(network, columns, total)
    scenario = network.scenario
    contents, substances = _contents(network)
    about = {
        "name": scenario.name,
        "description": scenario.description,
        "year": scenario.year,
        "variant": scenario.variant,
        "variant_name": scenario.variant_names.get(scenario.variant, scenario.name),
        "file": scenario.file,
        "digest": scenario.digest,
        "target_set": scenario.target_set,
        "base": scenario.base,
        "groups": _groups(scenario),
        "hidden": list(scenario.hidden),
        "differences": [vars(difference) for difference in scenario.differences],
    }
    tables = scenario.tables
    used = tables["prices"]["good"].isin(network.good_at)
    return System(
        about=about,
        processes=network.processes,
        goods=network.goods,
        flows=_flow_table(network),
        prices=tables["prices"][used].reset_index(drop=True),
        factors=tables["factors"][tables["factors"]["good"].isin(network.good_at)].reset_index(drop=True),
        targets=tables["targets"],
        sources=tables["sources"],
        correlations=tables["correlations"],
        contents=contents,
        substances=substances,
        layers=tuple(columns.substance),
        unknown_kind=columns.kind,
        unknown_at=columns.at,
        unknown_layer=columns.layer,
        matrix=matrix,
        slope=equal.slope(total),
        rhs=rhs,
        rows=rows,
        upper_matrix=upper_matrix,
        upper_rhs=upper_rhs,
        upper_rows=upper_rows,
        lower=lower,
        upper=upper,
        scenario=said,
    )


def _groups(scenario: Scenario) -> dict[str, dict[str, dict[str, str]]]:
    """Kind of group → id → its English and Chinese name; a name of one kind holds before one of any."""
    rows = scenario.tables["groups"].sort_values("kind", kind="stable").to_dict("records")
    return {
        kind: {row["id"]: {"en": row["en"], "zh": row["zh"]} for row in rows if row["kind"] in ("", kind)}
        for kind in GROUPS
    }


def _contents(network: Network) -> tuple[Any, tuple[str, ...]]:
    """Mass fractions of the substances in the goods used, as a sparse matrix (goods, substances)."""
    from scipy.sparse import csr_array

    table = network.tables["contents"]
    table = table[table["good"].isin(network.good_at)]
    names = tuple(sorted(set(table["layer"]) | set(network.tables["layers"]["id"])))
    row = network.good_at.get_indexer(table["good"])
    column = np.array([names.index(layer) for layer in table["layer"]], dtype=np.int64)
    shape = (len(network.good_at), len(names))
    return csr_array((table["value"].to_numpy(dtype=float), (row, column)), shape=shape), names


def _flow_table(network: Network) -> pd.DataFrame:
    import pandas as pd

    flow = network.flow
    names = network.process_at.to_numpy()
    return pd.DataFrame(
        {
            "id": flow["id"],
            "from": names[flow["from_at"]],
            "to": names[flow["to_at"]],
            "good": network.good_at.to_numpy()[flow["good_at"]],
            "en": flow["en"],
            "zh": flow["zh"],
            "how": flow["how"],
            "level": flow["level"],
            "contested": flow["contested"],
            "in_node": flow["in_node"],
            "out_node": flow["out_node"],
            "replaces": _replaced(network),
            "ratio": flow["ratio"],
            "feedstock": _feedstock(network),
            "unit_cost": flow["unit_cost"],
            "fixed_cost": flow["fixed_cost"],
            "from_at": flow["from_at"],
            "to_at": flow["to_at"],
            "good_at": flow["good_at"],
            "file": flow["file"],
            "line": flow["line"],
            "source": flow["source"],
        }
    )


def _replaced(network: Network) -> np.ndarray:
    """The recipe input that a flow stands in for; ``""`` where it is the input itself."""
    port = network.flow["in_port"]
    goods = network.good_at.to_numpy()
    if not len(network.ports.key):
        return filled(len(port), "")
    own = goods[network.ports.good[np.maximum(port, 0)]]
    return np.where((port >= 0) & (own != goods[network.flow["good_at"]]), own, "").astype(object)


def _feedstock(network: Network) -> np.ndarray:
    """Part of each flow that its receiver uses as material, of the flow or its recipe line; NaN: not said."""
    stated, port = network.flow["feedstock"], network.flow["in_port"]
    if not len(network.ports.key):
        return stated
    of_recipe = np.where(port >= 0, network.ports.feedstock[np.maximum(port, 0)], np.nan)
    return np.where(np.isnan(stated), of_recipe, stated)
