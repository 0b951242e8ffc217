"""What a Sankey picture shows: nodes and links made from one result, or from the difference of two."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from flowsim.errors import InputError, Problem
from flowsim.schema import GOOD_CLASSES

if TYPE_CHECKING:
    from flowsim.result import Result

GROUPS = ("chain", "firm", "site")
LEFT_OUT = ("circulating_water", "sea_water", "air")
"""Classes of goods that circulate or pass in such amounts that they would hide the others."""


class Node(NamedTuple):
    """A process, a group of them or a place outside; ``side`` is -1 at the left border, 1 at the right."""

    en: str
    zh: str
    kind: str
    side: int


@dataclass(frozen=True)
class Link:
    """One drawn flow. ``value`` is signed in a difference; ``goods`` counts what was merged into it; ``sd``
    is its standard uncertainty, NaN where none is known."""

    tail: int
    head: int
    good_class: str
    en: str
    zh: str
    value: float
    symbiosis: bool
    implied: bool
    goods: int = 1
    sd: float = np.nan


@dataclass(frozen=True)
class Diagram:
    """Nodes, links and what was left out of them, in the canonical unit of the layer per year.

    Attributes
    ----------
    throughput : shape (nodes,), the larger of what enters and what leaves
    cut, by_class : flows below ``cut`` were merged by class of good, with ``by_class`` all flows
    excluded : classes of goods that occur and are not drawn
    joined : networks with one supplier or one user that are drawn as straight links
    merged, grouped, undetermined, negative : how many flows were merged, lie within a group, are not
        determined, or run against their direction
    """

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    throughput: np.ndarray
    cut: float
    threshold: float
    by_class: bool
    excluded: tuple[str, ...]
    joined: int
    merged: int
    grouped: int
    undetermined: int
    negative: int


class _Key(NamedTuple):
    tail: str
    head: str
    good: str
    symbiosis: bool


@dataclass
class _Flows:
    """Amounts by ends and good, with the labels of both results."""

    amounts: dict[_Key, float] = field(default_factory=lambda: defaultdict(float))
    implied: dict[_Key, bool] = field(default_factory=dict)
    sds: dict[_Key, float] = field(default_factory=dict)
    processes: dict[str, dict[str, Any]] = field(default_factory=dict)
    goods: dict[str, dict[str, Any]] = field(default_factory=dict)
    excluded: set[str] = field(default_factory=set)
    undetermined: int = 0
    negative: int = 0

    def add(self, key: _Key, value: float, implied: bool, sd: float = np.nan) -> None:
        """Add an amount; a flow is implied if all that it is made of is. The uncertainty of a sum is not
        known, since amounts of one balance are correlated."""
        self.sds[key] = np.nan if key in self.amounts else sd
        self.amounts[key] += value
        self.implied[key] = implied and self.implied.get(key, True)

    def renamed(self, pairs: Iterable[tuple[_Key, _Key]]) -> _Flows:
        """The same amounts with other keys; equal keys are added up."""
        made = _Flows(processes=self.processes, goods=self.goods)
        for old, new in pairs:
            made.add(new, self.amounts[old], self.implied[old], self.sds[old])
        return made


def diagram(
    result: Result,
    layer: str,
    group: str | None = None,
    other: Result | None = None,
    top: int | None = None,
    exclude: Collection[str] = LEFT_OUT,
    threshold: float = 0.005,
) -> Diagram:
    """Nodes and links of a layer; with ``other``, what it has more (or less, negative) than ``result``.

    Raises
    ------
    InputError : a layer, group or class that does not exist, ``top`` below 1, ``threshold`` not in 0..1
    """
    _check(group, top, exclude, threshold)
    read = _Flows()
    _read(read, result, layer, exclude, -1.0 if other else 1.0)
    if other:
        _read(read, other, layer, exclude, 1.0)
        _drop_equal(read)
    straight, joined = _join_networks(read)
    place = {name: _group_of(row, group) for name, row in straight.processes.items()}
    flows = straight.renamed((key, _moved(key, place)) for key in straight.amounts)
    grouped = _drop_inner(flows) if group else 0
    names = _labels(straight.processes, group, result.system.about.get("groups", {}))
    if top is not None:
        flows = _keep_largest(flows, names, top)
        grouped += _drop_inner(flows)
    links, cut, merged = _merge_small(flows, threshold, group is not None)
    return _numbered(
        links,
        names,
        read.goods,
        cut=cut,
        threshold=threshold,
        by_class=group is not None,
        excluded=tuple(name for name in GOOD_CLASSES if name in read.excluded),
        joined=joined,
        merged=merged,
        grouped=grouped,
        undetermined=read.undetermined,
        negative=read.negative,
    )


def _check(group: str | None, top: int | None, exclude: Collection[str], threshold: float) -> None:
    problems = []
    if group is not None and group not in GROUPS:
        hint = f"Known: {', '.join(GROUPS)}."
        problems.append(Problem(f"processes cannot be grouped by `{group}`.", hint=hint))
    if top is not None and top < 1:
        problems.append(Problem(f"top is {top}, but one process at least is drawn.", hint="Give 1 or more."))
    if not 0 <= threshold < 1:
        problems.append(Problem(f"the threshold {threshold} is no share.", hint="Give 0 to less than 1."))
    if isinstance(exclude, str):
        problems.append(Problem(f"`{exclude}` is one text.", hint="Give the classes to leave out as a list."))
    elif unknown := [name for name in exclude if name not in GOOD_CLASSES]:
        hint = f"Known: {', '.join(GOOD_CLASSES)}."
        problems += [Problem(f"there is no class of goods `{name}`.", hint=hint) for name in unknown]
    if problems:
        raise InputError(problems)


def _read(flows: _Flows, result: Result, layer: str, exclude: Collection[str], sign: float) -> None:
    """Add a result's amounts of a layer, times ``sign``."""
    system = result.system
    flows.processes.update((row["id"], row) for row in system.processes.to_dict("records"))
    flows.goods.update((row["id"], row) for row in system.goods.to_dict("records"))
    columns = [system.flows[name].tolist() for name in ("from", "to", "good", "how")]
    sds = result.layer_sd(layer).tolist()
    for value, sd, tail, head, good, how in zip(result.layer(layer).tolist(), sds, *columns, strict=True):
        if value == 0:
            continue
        if flows.goods[good]["class"] in exclude:
            flows.excluded.add(flows.goods[good]["class"])
        elif value != value:
            flows.undetermined += 1
        elif value < 0:
            flows.negative += 1
        else:
            flows.add(_Key(tail, head, good, how == "link"), sign * value, how == "implied", sd)


def _drop_equal(flows: _Flows) -> None:
    """Take out what is the same in both results, but for rounding."""
    noise = 1e-9 * max(map(abs, flows.amounts.values()), default=0.0)
    for key in [key for key, value in flows.amounts.items() if abs(value) <= noise]:
        del flows.amounts[key]


def _join_networks(flows: _Flows) -> tuple[_Flows, int]:
    """Leave out networks with one supplier or one user: who gives to whom is plain there."""
    into, out = defaultdict(list), defaultdict(list)
    for key in flows.amounts:
        into[key.head].append(key)
        out[key.tail].append(key)
    networks = [name for name, row in flows.processes.items() if row["kind"] == "pool"]
    done: set[str] = set()
    pairs: list[tuple[_Key, _Key, bool]] = []
    for name in networks:
        gives, takes = into[name], out[name]
        if min(len(gives), len(takes)) == 1 and _closes(flows, gives, takes):
            done.add(name)
            single = len(gives) == 1
            for key in takes if single else gives:
                one = gives[0] if single else takes[0]
                ends = (one.tail, key.head) if single else (key.tail, one.head)
                joined = _Key(*ends, key.good, key.symbiosis or one.symbiosis)
                pairs.append((key, joined, flows.implied[key] or flows.implied[one]))
    made = flows.renamed((key, key) for key in flows.amounts if not {key.tail, key.head} & done)
    for old, new, implied in pairs:
        made.add(new, flows.amounts[old], implied, flows.sds[old])
    return made, len(done)


def _closes(flows: _Flows, gives: list[_Key], takes: list[_Key]) -> bool:
    """What enters a network leaves it; not so where an amount is undetermined."""
    entering = [flows.amounts[key] for key in gives]
    leaving = [flows.amounts[key] for key in takes]
    size = sum(map(abs, entering)) + sum(map(abs, leaving))
    return abs(sum(entering) - sum(leaving)) <= 1e-6 * size


def _group_of(row: dict[str, Any], group: str | None) -> str:
    """The node that a process is drawn in."""
    if row["outside"] or group is None:
        return str(row["id"])
    if row[group]:
        return f"{group}:{row[group]}"
    return "networks:" if row["kind"] == "pool" else str(row["id"])


def _moved(key: _Key, place: dict[str, str]) -> _Key:
    return key._replace(tail=place[key.tail], head=place[key.head])


def _drop_inner(flows: _Flows) -> int:
    """Take out flows from a node to itself; returns how many goods that were."""
    inner = [key for key in flows.amounts if key.tail == key.head]
    for key in inner:
        del flows.amounts[key]
    return len(inner)


def _labels(
    processes: dict[str, dict[str, Any]], group: str | None, groups: Mapping[str, Mapping[str, Any]]
) -> dict[str, Node]:
    """Names and kinds of all nodes that may be drawn; places outside get their side when they are drawn."""
    names: dict[str, Node] = {}
    for row in processes.values():
        name = _group_of(row, group)
        if name == row["id"]:
            names[name] = Node(row["en"], row["zh"], "outside" if row["outside"] else row["kind"], 0)
        elif group is None or name == "networks:":
            names[name] = Node("networks", "公共管网", "pool", 0)
        else:
            shown = {lang: str(row[group]).replace("_", " ") for lang in ("en", "zh")}
            shown |= groups.get(group, {}).get(row[group], {})
            names[name] = Node(shown["en"], shown["zh"], "group", 0)
    return names


def _keep_largest(flows: _Flows, names: dict[str, Node], top: int) -> _Flows:
    """Merge all but the largest ``top`` nodes inside into one."""
    size = _throughput(flows.amounts)
    inside = [name for name in size if names[name].kind != "outside"]
    small = sorted(inside, key=lambda name: (-size[name], name))[top:]
    if len(small) < 2:
        return flows
    names["rest:"] = Node(f"other processes ({len(small)})", f"其他过程（{len(small)}个）", "group", 0)
    place = {name: name for name in size} | dict.fromkeys(small, "rest:")
    return flows.renamed((key, _moved(key, place)) for key in flows.amounts)


def _throughput(amounts: dict[_Key, float]) -> dict[str, float]:
    """The larger of what enters and what leaves, without regard to sign in a difference."""
    into: dict[str, float] = defaultdict(float)
    out: dict[str, float] = defaultdict(float)
    for key, value in amounts.items():
        into[key.head] += abs(value)
        out[key.tail] += abs(value)
    return {name: max(into[name], out[name]) for name in dict.fromkeys([*into, *out])}


class _Drawn(NamedTuple):
    key: _Key
    good_class: str
    value: float
    implied: bool
    goods: int
    sd: float


def _merge_small(flows: _Flows, threshold: float, whole_classes: bool) -> tuple[list[_Drawn], float, int]:
    """Add up small flows of one class between two nodes; more and less, and symbiosis, stay apart.

    With ``whole_classes`` the large ones are added up too.
    """
    cut = threshold * max(_throughput(flows.amounts).values(), default=0.0)
    large: list[_Drawn] = []
    small: dict[tuple[str, str, str, bool, bool], list[_Key]] = defaultdict(list)
    for key, value in flows.amounts.items():
        good_class = flows.goods[key.good]["class"]
        if not whole_classes and (abs(value) >= cut or key.symbiosis):
            large.append(_named(flows, [key], good_class))
        else:
            small[key.tail, key.head, good_class, value > 0, key.symbiosis].append(key)
    merged = sum(len(keys) for keys in small.values() if len(keys) > 1)
    large += [_named(flows, keys, name[2]) for name, keys in small.items()]
    return [link for link in large if link.value], cut, merged


def _named(flows: _Flows, keys: list[_Key], good_class: str) -> _Drawn:
    value = sum(flows.amounts[key] for key in keys)
    sd = flows.sds[keys[0]] if len(keys) == 1 else np.nan
    return _Drawn(keys[0], good_class, value, all(flows.implied[key] for key in keys), len(keys), sd)


def _numbered(
    drawn: list[_Drawn], names: dict[str, Node], goods: dict[str, dict[str, Any]], **rest: Any
) -> Diagram:
    """Nodes and links from the largest to the smallest, so that the order of entries does not matter."""
    ends = [(_end(link.key.tail, names, -1), _end(link.key.head, names, 1)) for link in drawn]
    into: dict[tuple[str, int], float] = defaultdict(float)
    out: dict[tuple[str, int], float] = defaultdict(float)
    for link, (tail, head) in zip(drawn, ends, strict=True):
        out[tail] += abs(link.value)
        into[head] += abs(link.value)
    size = {name: max(into[name], out[name]) for name in {*into, *out}}
    order = sorted(size, key=lambda name: (-size[name], name))
    at = {name: number for number, name in enumerate(order)}
    links = [_link(link, at[tail], at[head], goods) for link, (tail, head) in zip(drawn, ends, strict=True)]
    links.sort(key=lambda link: (-abs(link.value), link.tail, link.head, link.good_class, link.en))
    nodes = tuple(names[name]._replace(side=side) for name, side in order)
    return Diagram(nodes, tuple(links), np.array([size[name] for name in order]), **rest)


def _end(name: str, names: dict[str, Node], side: int) -> tuple[str, int]:
    """A node, and for a place outside the border that it is drawn at."""
    return name, side if names[name].kind == "outside" else 0


def _link(link: _Drawn, tail: int, head: int, goods: dict[str, dict[str, Any]]) -> Link:
    if link.goods == 1:
        en, zh = goods[link.key.good]["en"], goods[link.key.good]["zh"]
    else:
        en, zh = GOOD_CLASSES[link.good_class]
        en, zh = f"{en} ({link.goods} goods)", f"{zh}（{link.goods}种）"
    symbiosis = link.key.symbiosis
    return Link(tail, head, link.good_class, en, zh, link.value, symbiosis, link.implied, link.goods, link.sd)
