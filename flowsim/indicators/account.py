"""An `Account`: a result seen from a boundary, as masks and weights over its flows.

Every indicator is a sum of amount × weight over flows, so that it can be traced to its flows and two
variants can be compared flow by flow. The account is drawn anew for each boundary, never averaged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from flowsim.errors import InputError, Problem
from flowsim.indicators.boundary import members
from flowsim.indicators.inputs import INPUTS
from flowsim.indicators.passing import PASSES, added, passing_nodes
from flowsim.result import Result
from flowsim.tables import nearest

if TYPE_CHECKING:
    import pandas as pd

THROWN = ("treatment", "landfill", "air", "water")
"""Places outside where a good earns nothing, whatever its price; a fee (a negative price) is paid there."""
UNPRICED = ("air", "emission", "vapour", "wastewater", "circulating_water")
"""Classes whose goods are worth nothing where the table has no price for them."""

CARBON_FROM_AIR = "co2_air"
"""What marks a process that grows plants: the carbon dioxide that it takes from the air."""

AIR_GASES = ("oxygen", "nitrogen")
"""Goods separated from air: bought or sold, they stay air to a material account."""


class Missing(Exception):
    """Why an indicator has no value, in English and Chinese. Never leaves the room."""

    def __init__(self, en: str, zh: str):
        super().__init__(en, zh)
        self.en, self.zh = en, zh


@dataclass(frozen=True, eq=False)
class Account:
    """Masks and amounts of the flows of a result at one boundary.

    ``boundary`` is ``park``, ``city`` (all processes that are not outside), ``firm:ID``, ``site:ID``,
    ``chain:ID`` or ``process:ID``. A pool belongs to its site, so it stands outside a firm and a chain.

    ``inputs`` are figures that no flow carries (`INPUTS`), ``sets`` name the set of a factor that holds
    before all others. ``x`` are unknowns in place of those of the result, shape (draws, unknowns):
    amounts and all that follows from them then have the shape (draws, flows), while masks keep the
    shape (flows,).

    Raises
    ------
    InputError : a boundary, an input or a set of factors that is not known
    """

    result: Result
    boundary: str = "park"
    inputs: Mapping[str, float] = field(default_factory=dict)
    sets: Mapping[str, str] = field(default_factory=dict)
    x: np.ndarray | None = None

    def __post_init__(self) -> None:
        members(self._processes, self.boundary)
        for name in self.inputs:
            if name not in INPUTS:
                hint = nearest(name, INPUTS) or f"Inputs are {', '.join(INPUTS)}."
                raise InputError(Problem(f"no indicator takes an input `{name}`.", hint=hint))
        for name, chosen in self.sets.items():
            table = self.result.system.factors
            found = sorted(set(table.loc[table["factor"] == name, "set"]))
            if chosen not in found:
                hint = nearest(chosen, found) or f"Sets of `{name}`: {', '.join(found) or 'none'}."
                raise InputError(Problem(f"there is no set `{chosen}` of the factor `{name}`.", hint=hint))

    @cached_property
    def inside(self) -> np.ndarray:
        """Processes within the boundary, shape (processes,)."""
        return members(self._processes, self.boundary)

    @cached_property
    def enters(self) -> np.ndarray:
        """Flows from outside the boundary into it, shape (flows,)."""
        return ~self._from_inside & self._to_inside

    @cached_property
    def leaves(self) -> np.ndarray:
        """Flows from inside the boundary out of it, shape (flows,)."""
        return self._from_inside & ~self._to_inside

    @cached_property
    def internal(self) -> np.ndarray:
        """Flows with both ends inside, shape (flows,)."""
        return self._from_inside & self._to_inside

    @cached_property
    def made(self) -> np.ndarray:
        """Flows that leave a process inside which made the good, and does not only hand it on."""
        return self._from_inside & ~self.from_kind("store") & (self._nodes[1] < 0)

    @cached_property
    def used_inside(self) -> np.ndarray:
        """Flows that enter a process inside which uses the good, and does not only hand it on or keep it."""
        return self._to_inside & ~self.to_kind("store") & (self._nodes[0] < 0)

    @cached_property
    def material(self) -> np.ndarray:
        """Flows of material as economy-wide accounts count it: without water, air, vapour and emissions."""
        solid = self.of_kind("material") & ~self.of_class("air", "emission", "vapour")
        return solid & ~self.of_good(*AIR_GASES)

    @cached_property
    def grows(self) -> np.ndarray:
        """Processes that grow plants: what they take from nature is no input, their harvest is."""
        return self.takers(self.of_good(CARBON_FROM_AIR) & self.from_place("nature"))

    @cached_property
    def harvest(self) -> np.ndarray:
        """Flows of material that processes inside have grown; what is left on the field is no harvest."""
        return self.material & self._from_inside & self.leaving(self.grows) & ~self.to_place("landfill")

    @cached_property
    def material_input(self) -> np.ndarray:
        """Flows of material extracted, harvested or brought in from outside the boundary."""
        balancing = self.from_place("nature") & self.entering(self.grows)
        return (self.material & self.enters & ~balancing) | self.harvest

    @cached_property
    def amounts(self) -> np.ndarray:
        """Amount of each flow in the unit of its good per year, shape (flows,)."""
        return (self.result.x if self.x is None else self.x)[..., : len(self.result.system.flows)]

    @cached_property
    def runs(self) -> np.ndarray:
        """Flows that carry something, in any draw, shape (flows,)."""
        return (np.nan_to_num(self.amounts).reshape(-1, self.amounts.shape[-1]) != 0).any(axis=0)

    @cached_property
    def mass(self) -> np.ndarray:
        """t/a in each flow; 1 m3 of water is 1 t, energy has none."""
        return self.layer("mass")

    @cached_property
    def water(self) -> np.ndarray:
        """m3/a of water in each flow of a water good."""
        return self.layer("water")

    @cached_property
    def energy(self) -> np.ndarray:
        """GJ/a in each flow: energy goods, and fuels by their lower heating value."""
        return self.layer("energy")

    def layer(self, name: str) -> np.ndarray:
        """Amount of a layer in each flow, as `Result.layer` gives it."""
        system = self.result.system
        if self.x is None:
            return self.result.layer(name)
        if name in system.layers:
            return self.x[..., (system.unknown_kind == "flow") & (system.unknown_layer == name)]
        return self.amounts * system.flow_mass(name)

    def of_class(self, *classes: str) -> np.ndarray:
        """Flows of goods of these classes."""
        return self._of_goods(np.isin(self._goods["class"].to_numpy(dtype=object), classes))

    def of_kind(self, *kinds: str) -> np.ndarray:
        """Flows of goods of these kinds: material, water, energy."""
        return self._of_goods(np.isin(self._goods["kind"].to_numpy(dtype=object), kinds))

    def of_good(self, *goods: str) -> np.ndarray:
        """Flows of these goods."""
        return self._of_goods(np.isin(self._goods["id"].to_numpy(dtype=object), goods))

    def from_place(self, *names: str) -> np.ndarray:
        """Flows from these places outside, for example ``nature``."""
        return self._at("id", names)[self._from]

    def to_place(self, *names: str) -> np.ndarray:
        """Flows to these places outside, for example ``landfill``."""
        return self._at("id", names)[self._to]

    def from_kind(self, *kinds: str) -> np.ndarray:
        """Flows that leave processes of these kinds."""
        return self._at("kind", kinds)[self._from]

    def to_kind(self, *kinds: str) -> np.ndarray:
        """Flows that enter processes of these kinds."""
        return self._at("kind", kinds)[self._to]

    def givers(self, flows: np.ndarray) -> np.ndarray:
        """Processes that any of these flows leaves, shape (processes,)."""
        return np.bincount(self._from[flows], minlength=len(self.inside)) > 0

    def takers(self, flows: np.ndarray) -> np.ndarray:
        """Processes that any of these flows enters, shape (processes,)."""
        return np.bincount(self._to[flows], minlength=len(self.inside)) > 0

    def leaving(self, processes: np.ndarray) -> np.ndarray:
        """Flows that leave any of these processes."""
        return processes[self._from]

    def entering(self, processes: np.ndarray) -> np.ndarray:
        """Flows that enter any of these processes."""
        return processes[self._to]

    def kept_inside(self, supply: np.ndarray) -> np.ndarray:
        """Weights that add up a supply which stays inside: +1 where given, −1 where a pool gives it away.

        A pool shows a good twice (producer to pool, pool to user); counting givers counts it once.
        """
        goods = np.zeros(len(self._goods), dtype=bool)
        goods[self._good[supply & self.internal]] = True
        away = self.leaves & self.from_kind("pool") & goods[self._good]
        return 1.0 * (supply & self.internal & ~self.from_kind("pool")) - 1.0 * away

    def reaching(self, ends: np.ndarray) -> np.ndarray:
        """Share of each flow that reaches the processes where ``ends`` is true, shape (flows,).

        A good is followed through processes that hand it on (pool, collect, store, trade), which divide it
        in proportion to what they give. What a store keeps has reached nothing.
        """
        into, out, count = self._nodes
        share = np.broadcast_to(ends[self._to].astype(float), self.amounts.shape).copy()
        passing, leaving = into >= 0, out >= 0
        amounts = self.amounts[..., leaving]
        given = added(amounts, out[leaving], count)
        size = np.maximum(added(self.amounts[..., passing], into[passing], count), given)
        reached = np.zeros(size.shape)
        for _ in range(PASSES):
            share[..., passing] = reached[..., into[passing]]
            given = added(amounts * share[..., leaving], out[leaving], count)
            before, reached = reached, given / np.where(size == 0, 1.0, size)
            if np.allclose(reached, before, rtol=0, atol=1e-15, equal_nan=True):
                break
        return share

    def from_stock(self) -> np.ndarray:
        """Share of each flow out of a store that was there before the year began, shape (flows,).

        A store draws on its stock by what it gives beyond what it gets, good by good. Old stock that is used
        while new waste is stored needs a store of its own: of one store only the difference is known.
        """
        gives, takes = self.from_kind("store"), self.to_kind("store")
        key = self._good.astype(np.int64) * len(self.inside)
        both = np.concatenate([(key + self._from)[gives], (key + self._to)[takes]])
        stores, at = np.unique(both, return_inverse=True)
        count = int(gives.sum())
        given = added(self.amounts[..., gives], at[:count], len(stores))
        got = added(self.amounts[..., takes], at[count:], len(stores))
        drawn = np.maximum(given - got, 0.0) / np.where(given == 0, 1.0, given)
        share = np.zeros(self.amounts.shape)
        share[..., gives] = drawn[..., at[:count]]
        return share

    def price(self) -> np.ndarray:
        """Value of each flow, CNY/a: amount × price, the sign being in the price.

        A price for the recipe at the end inside the boundary holds before the general one. NaN where there is
        none, save for the classes `UNPRICED`, which count as 0. What is thrown away earns nothing.
        """
        return self.amounts * self._prices

    @cached_property
    def _prices(self) -> np.ndarray:
        import pandas as pd

        table = self.result.system.prices
        goods = self.result.system.flows["good"].astype(object)
        near = np.where(self._from_inside, self._from, self._to)
        recipes = self._processes["recipe"].to_numpy(dtype=object)[near]
        own = table[table["recipe"] != ""].drop_duplicates(["good", "recipe"])
        special = pd.Series(own["price"].to_numpy(), own["good"] + "|" + own["recipe"])
        general = table[table["recipe"] == ""].drop_duplicates("good").set_index("good")["price"]
        price = (goods + "|" + recipes).map(special).fillna(goods.map(general)).to_numpy(dtype=float)
        price = np.where(np.isnan(price) & self.of_class(*UNPRICED), 0.0, price)
        thrown = self.to_place(*THROWN) | self.to_kind("dispose")
        return np.where(thrown, np.minimum(price, 0.0), price)

    def value_added(self) -> np.ndarray:
        """Gross margin by flow, CNY/a: what leaves the boundary less what enters it, at table prices.

        Raises `Missing` if a good that crosses the boundary has no price.
        """
        return self.margin(self.enters, self.leaves)

    def margin(self, enters: np.ndarray, leaves: np.ndarray) -> np.ndarray:
        """CNY/a by flow: value of the flows that leave less that of those that enter.

        Raises `Missing` if one of their goods has no price.
        """
        self.need(enters | leaves, self._prices, "price", "价格")
        return np.where(leaves, self.price(), np.where(enters, -self.price(), 0.0))

    def factor(self, name: str, set_name: str = "") -> np.ndarray:
        """Weight of each flow by a factor, per unit of its good, NaN where there is none, shape (flows,).

        Of several sets for one good that of ``sets`` holds, else the first in the table; or only the
        one named.
        """
        table = self.result.system.factors
        chosen = table[(table["factor"] == name) & ((table["set"] == set_name) | (set_name == ""))]
        chosen = chosen.iloc[np.argsort((chosen["set"] != self.sets.get(name, "")).to_numpy(), kind="stable")]
        values = chosen.drop_duplicates("good").set_index("good")["value"]
        return values.reindex(self._goods["id"]).to_numpy(dtype=float)[self._good]

    def given(self, name: str) -> float:
        """A figure of `INPUTS`; raises `Missing` where it was not given."""
        unit, en, zh = INPUTS[name]
        if name not in self.inputs:
            raise Missing(
                f"needs the {en} ({unit or 'a ratio'}), which no flow carries: give the input `{name}`",
                f"缺少{zh}（{unit or '比值'}），物料流中没有这一数据：请提供输入 `{name}`",
            )
        return float(self.inputs[name])

    def content(self, *substances: str) -> np.ndarray:
        """Mass fraction of substances in the good of each flow, added up, shape (flows,)."""
        system = self.result.system
        columns = [at for at, name in enumerate(system.substances) if name in substances]
        return np.asarray(system.contents[:, columns].sum(axis=1)).ravel()[self._good]

    def coverage(self, mass: np.ndarray) -> float:
        """Share of a mass by flow that is of goods with known contents, NaN if there is no mass."""
        total = np.nan_to_num(np.abs(mass)).reshape(-1, mass.shape[-1]).sum(axis=0)
        known = (np.diff(self.result.system.contents.indptr) > 0)[self._good]
        return float(total[known].sum() / total.sum()) if total.any() else float("nan")

    def product(self) -> np.ndarray:
        """Flows of the one product that leaves; raises `Missing` if there are several: they do not add up."""
        product = self.leaves & self.of_class("product") & self.of_kind("material") & self.runs
        if product.any() and len(set(self.result.system.flows["good"][product])) > 1:
            names, names_zh = self.good_names(product)
            raise Missing(
                f"the boundary gives several products ({names}): draw it around one process",
                f"边界内有多种产品（{names_zh}）：请以单一过程为边界",
            )
        return product

    def need(self, flows: np.ndarray, weights: np.ndarray, en: str, zh: str) -> None:
        """Raise `Missing` if a flow that matters has no weight; ``en`` and ``zh`` say what lacks."""
        lacking = flows & np.isnan(weights) & self.runs
        if lacking.any():
            listed = self.good_names(lacking)
            raise Missing(f"no {en} for {listed[0]}", f"缺少{zh}：{listed[1]}")

    def determined(self, flows: np.ndarray) -> None:
        """Raise `Missing` if nothing determines one of these flows."""
        unknown = np.flatnonzero(flows & np.isnan(self.amounts))
        if not len(unknown):
            return
        ids, more = ", ".join(self.result.system.flows["id"].iloc[unknown[:5]]), len(unknown) - 5
        raise Missing(
            f"undetermined flows: {ids}" + (f" and {more} more" if more > 0 else ""),
            f"以下物料流未确定：{ids}" + (f"等{len(unknown)}个" if more > 0 else ""),
        )

    def good_names(self, flows: np.ndarray, most: int = 5) -> tuple[str, str]:
        """Ids and Chinese names of the goods of these flows, the largest first, for a message."""
        total = np.abs(np.nan_to_num(self.amounts)).reshape(-1, len(self._good)).sum(axis=0)
        size = np.bincount(self._good[flows], total[flows], len(self._goods))
        found = np.unique(self._good[flows])
        found = found[np.argsort(-size[found], kind="stable")]
        more = len(found) - most
        en = ", ".join(self._goods["id"].iloc[found[:most]]) + (f" and {more} more" if more > 0 else "")
        zh = "、".join(self._goods["zh"].iloc[found[:most]]) + (f"等{len(found)}种" if more > 0 else "")
        return en, zh

    @property
    def _processes(self) -> pd.DataFrame:
        return self.result.system.processes

    @property
    def _goods(self) -> pd.DataFrame:
        return self.result.system.goods

    @cached_property
    def _from(self) -> np.ndarray:
        return self.result.system.flows["from_at"].to_numpy()

    @cached_property
    def _to(self) -> np.ndarray:
        return self.result.system.flows["to_at"].to_numpy()

    @cached_property
    def _good(self) -> np.ndarray:
        return self.result.system.flows["good_at"].to_numpy()

    @cached_property
    def _from_inside(self) -> np.ndarray:
        return self.inside[self._from]

    @cached_property
    def _to_inside(self) -> np.ndarray:
        return self.inside[self._to]

    def _of_goods(self, goods: np.ndarray) -> np.ndarray:
        return goods[self._good]

    def _at(self, column: str, names: tuple[str, ...]) -> np.ndarray:
        return np.isin(self._processes[column].to_numpy(dtype=object), names)

    @cached_property
    def _nodes(self) -> tuple[np.ndarray, np.ndarray, int]:
        system = self.result.system
        return passing_nodes(system.processes, system.goods, system.flows)
