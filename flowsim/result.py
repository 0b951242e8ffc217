"""A `Result`: the answer of a study as tidy tables, with the residual of every row and its origin."""

from __future__ import annotations

import io
import json
import platform
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.display import Displayed
from flowsim.errors import InputError, Problem
from flowsim.files import whole_file, write_folder
from flowsim.system import BASE_UNITS, Rows, System

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1
"""Version of the saved file and of the JSON layout (docs/json.md)."""


@dataclass(frozen=True)
class Result(Displayed):
    """What a study found.

    Attributes
    ----------
    system : the rows that were asked
    x : shape (unknowns,), canonical units per year; NaN where nothing determines the value
    low, high : shape (unknowns,), the interval in which an undetermined value can lie, else NaN
    study, options : what was asked
    decided : shape (unknowns,), True where the merit order, not a fact, decided
    notes, notes_zh : remarks for the reader, in English and Chinese, such as facts said twice
    sd : shape (unknowns,), standard uncertainty where the study found one, else NaN; None where it found none
    """

    system: System
    x: np.ndarray
    low: np.ndarray
    high: np.ndarray
    study: str
    decided: np.ndarray
    options: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    sd: np.ndarray | None = None
    notes_zh: tuple[str, ...] = ()

    @property
    def amounts(self) -> np.ndarray:
        """Amount of each flow in the unit of its good per year, shape (flows,)."""
        return self.x[: len(self.system.flows)]

    def layer(self, name: str) -> np.ndarray:
        """Amount of a layer in each flow, canonical unit per year, shape (flows,).

        Raises
        ------
        InputError : a layer that neither the scenario nor its goods know
        """
        return self._in_layer(self.x, name)

    def layer_sd(self, name: str) -> np.ndarray:
        """Standard uncertainty of `layer`, contents of goods as exact; NaN where the study found none."""
        return self._in_layer(np.full(len(self.x), np.nan) if self.sd is None else self.sd, name)

    def _in_layer(self, values: np.ndarray, name: str) -> np.ndarray:
        """Of values of all unknowns those of the flows, as a layer."""
        system = self.system
        if name in system.layers:
            return values[(system.unknown_kind == "flow") & (system.unknown_layer == name)]
        if name not in BASE_UNITS and name not in system.substances:
            known = ", ".join([*BASE_UNITS, *system.substances])
            raise InputError(Problem(f"there is no layer `{name}`.", hint=f"Known: {known}."))
        return values[: len(system.flows)] * system.flow_mass(name)

    @property
    def moving_costs(self) -> np.ndarray:
        """CNY/a for what each drawn flow or link moves: cost, freight and fixed cost, shape (flows,)."""
        flows = self.system.flows
        return self.amounts * flows["unit_cost"].to_numpy() + flows["fixed_cost"].to_numpy()

    @property
    def residuals(self) -> np.ndarray:
        """``A x − b`` of every equality row, in the unit of the row; NaN where a value is undetermined."""
        return self.system.matrix @ self.x - self.system.rhs

    @property
    def largest_residual(self) -> tuple[float, int]:
        """Largest residual as a share of the largest term of its row, and the row."""
        system = self.system
        size = np.maximum(abs(system.matrix) @ np.abs(np.nan_to_num(self.x)), np.abs(system.rhs))
        share = np.abs(np.nan_to_num(self.residuals)) / np.maximum(size, 1e-9)
        row = int(share.argmax()) if len(share) else 0
        return (float(share[row]) if len(share) else 0.0), row

    def how(self) -> np.ndarray:
        """For each flow: given, reconciled, solved, dispatched, implied or undetermined."""
        system = self.system
        out = np.full(len(system.flows), "solved", dtype=object)
        out[self.decided[: len(out)]] = "dispatched"
        out[(system.flows["how"] == "implied").to_numpy()] = "implied"
        given = system.rows.flow[(system.rows.kind == "given") & (system.rows.layer != "")]
        out[given[given >= 0]] = "given"
        if self.sd is not None:
            out[(out == "given") & (self.sd[: len(out)] > 0)] = "reconciled"
        out[np.isnan(self.amounts)] = "undetermined"
        return out

    @property
    def flows(self) -> pd.DataFrame:
        """Tidy flows: year, id, from, to, good, layer, value, unit, sd, how, low, high.

        One row for each flow and each layer that it carries: mass, water, energy and declared substances.
        """
        import pandas as pd

        system, how = self.system, self.how()
        spread = np.full(len(self.x), np.nan) if self.sd is None else self.sd
        named = system.flows[["id", "from", "to", "good"]]
        parts = []
        for layer in (*BASE_UNITS, *system.layers):
            value = self.layer(layer)
            per_unit = system.flow_mass(layer) if layer in BASE_UNITS else np.ones(len(value))
            carried = np.flatnonzero(per_unit != 0)
            table = named.iloc[carried]
            own = np.flatnonzero((system.unknown_kind == "flow") & (system.unknown_layer == layer))
            column = own if layer in system.layers else carried
            low, high, sd = (array[column] * per_unit[carried] for array in (self.low, self.high, spread))
            parts.append(
                pd.DataFrame(
                    {
                        "year": system.about["year"],
                        "id": table["id"].to_numpy(),
                        "from": table["from"].to_numpy(),
                        "to": table["to"].to_numpy(),
                        "good": table["good"].to_numpy(),
                        "layer": layer,
                        "value": value[carried],
                        "unit": BASE_UNITS.get(layer, "t") + "/a",
                        "sd": sd,
                        "how": how[carried],
                        "low": low,
                        "high": high,
                    }
                )
            )
        return pd.concat(parts, ignore_index=True)

    @property
    def processes(self) -> pd.DataFrame:
        """Activity of each process with a recipe against its capacity: id, ..., activity, capacity, load."""
        system = self.system
        chosen = np.flatnonzero(system.unknown_kind == "activity")
        table = system.processes.iloc[system.unknown_at[chosen]].reset_index(drop=True)
        names = ["id", "en", "zh", "kind", "recipe", "firm", "site", "chain", "plan"]
        made = table[names].copy()
        units = system.goods.set_index("id")["unit"]
        made["unit"] = (units.reindex(table["good"]) + "/a").to_numpy()
        made["activity"] = self.x[chosen]
        made["capacity"] = table["capacity"]
        made["load"] = made["activity"] / made["capacity"]
        return made

    @property
    def stocks(self) -> pd.DataFrame:
        """Stock changes: year, process, layer, change, unit."""
        import pandas as pd

        system = self.system
        chosen = np.flatnonzero(system.unknown_kind == "stock_change")
        layers = system.unknown_layer[chosen]
        return pd.DataFrame(
            {
                "year": system.about["year"],
                "process": system.processes["id"].to_numpy()[system.unknown_at[chosen]],
                "layer": layers,
                "change": self.x[chosen],
                "unit": [BASE_UNITS.get(layer, "t") + "/a" for layer in layers],
            }
        )

    @property
    def checks(self) -> pd.DataFrame:
        """Residual of every row: kind, process, flow, good, layer, residual, file, line, source."""
        import pandas as pd

        system, rows = self.system, self.system.rows
        label = {
            "process": (system.processes["id"], rows.process),
            "flow": (system.flows["id"], rows.flow),
            "good": (system.goods["id"], rows.good),
        }
        named = {key: np.append(names.to_numpy(dtype=object), "")[at] for key, (names, at) in label.items()}
        frame = {"kind": rows.kind, **named, "layer": rows.layer, "residual": self.residuals}
        return pd.DataFrame({**frame, "file": rows.file, "line": rows.line, "source": rows.source})

    def closure(self, layer: str = "mass") -> pd.DataFrame:
        """In, out, stock change and what is left over at every process inside, one layer.

        For mass and substances the difference must be zero. Water and energy change form in a process
        (reaction, hydrates, heat loss), so there the difference is what is bound or dissipated.
        """
        import pandas as pd

        system = self.system
        value = self.layer(layer)
        count = len(system.processes)
        into = np.bincount(system.flows["to_at"], value, count)
        out = np.bincount(system.flows["from_at"], value, count)
        stock = np.zeros(count)
        stocks = (system.unknown_kind == "stock_change") & (system.unknown_layer == layer)
        stock[system.unknown_at[stocks]] = self.x[stocks]
        inside = np.flatnonzero(~system.processes["outside"].to_numpy())
        table = system.processes.iloc[inside]
        difference = into - out - stock
        size = np.maximum(np.maximum(into, out), 1e-9)
        return pd.DataFrame(
            {
                "process": table["id"].to_numpy(),
                "en": table["en"].to_numpy(),
                "zh": table["zh"].to_numpy(),
                "layer": layer,
                "in": into[inside],
                "out": out[inside],
                "stock_change": stock[inside],
                "difference": difference[inside],
                "share": (difference / size)[inside],
            }
        )

    def all_notes(self, lang: str = "en") -> list[str]:
        """The notes of the study, and which substances are not followed through a substitution.

        A plant that takes a good in place of another gives outputs of stated contents; what else the
        substitute carried is named here, since the mass closes and the substance does not.
        A store keeps what it gains.
        """
        system = self.system
        stores = set(system.processes["id"][system.stores])
        gaps = []
        for name in system.substances:
            if name in system.layers or name == "free_H2O":
                continue
            closure = self.closure(name)
            total = float(np.nansum(closure["in"]))
            loose = closure[closure["difference"].abs() > 1e-6 * max(total, 1.0)]
            loose = loose[~loose["process"].isin(stores)]
            gaps += [(abs(row["difference"]), name, row["process"]) for row in loose.to_dict("records")]
        said = self.notes_zh if lang == "zh" and self.notes_zh else self.notes
        notes = [*_hidden_note(system.about.get("hidden", ()), lang), *said]
        if not gaps:
            return notes
        gaps.sort(key=lambda gap: (-gap[0], gap[1:]))
        places = ", ".join(dict.fromkeys(place for _, _, place in gaps))
        at = "{} {:.4g} t/a（{}）" if lang == "zh" else "{} {:.4g} t/a at {}"
        worst = ", ".join(at.format(name, amount, place) for amount, name, place in gaps[:4])
        if lang == "zh":
            note = f"{places} 处有物料替代、混合，或配方的元素不闭合，未跟踪其中的物质（最大：{worst}）"
            return [*notes, f"{note}。在 `layers:` 中声明该物质即可跟踪。"]
        note = (
            f"substances are not followed through {places}, where goods stand in for others, are mixed, or a"
        )
        note += f" recipe does not close in them (largest: {worst})."
        return [*notes, f"{note} Declare the substance under `layers:` to follow it."]

    @property
    def origin(self) -> dict[str, Any]:
        """Where the result comes from: scenario digest, variant, differences, study, options, versions."""
        about = dict(self.system.about)
        return {
            "file": about["file"],
            "digest": about["digest"],
            "variant": about["variant"],
            "differences": about["differences"],
            "study": self.study,
            "options": dict(self.options),
            "versions": versions(),
        }

    def __repr__(self) -> str:
        share, _ = self.largest_residual
        variant = f", {self.system.about['variant']}" if self.system.about["variant"] else ""
        return (
            f"<Result {self.study} of {self.system.about['name']['en']}{variant}: "
            f"{len(self.system.flows)} flows, largest residual {share:.1e}>"
        )


def _hidden_note(hidden: Sequence[str], lang: str) -> list[str]:
    """That rows of a workbook count though nobody sees them there."""
    if not hidden:
        return []
    named = ", ".join(hidden[:5]) + (" ..." if len(hidden) > 5 else "")
    if lang == "zh":
        return [f"工作簿中有 {len(hidden)} 个隐藏行含有数据，已一并读取：{named}"]
    return [f"{len(hidden)} hidden rows of the workbook hold data and are read: {named}."]


def versions() -> dict[str, str]:
    """Versions of what computed the result."""
    found = {"python": platform.python_version()}
    for name in ("flowsim", "numpy", "scipy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "source"
    return found


def save(result: Result, path: str | Path) -> None:
    """Write one SQLite file that holds the whole result, system included; written whole or not at all."""
    with whole_file(path) as temporary:
        connection = sqlite3.connect(temporary)
        try:
            with connection:
                connection.execute("create table meta (key text primary key, value text)")
                connection.execute("create table arrays (name text primary key, value blob)")
                for name, value in _parts(result):
                    table, stored = (
                        ("arrays", _pack(value))
                        if isinstance(value, np.ndarray)
                        else ("meta", json.dumps(value))
                    )
                    connection.execute(f"insert into {table} values (?, ?)", (name, stored))
        finally:
            connection.close()


def _saved() -> list[Field[Any]]:
    """The parts of a system that a file keeps: all but the scenario, which has a file of its own."""
    return [item for item in fields(System) if item.name != "scenario"]


def _parts(result: Result) -> list[tuple[str, Any]]:
    """Every array and every small value of a result, flat, with a dotted name."""
    import pandas as pd

    system = result.system
    parts: list[tuple[str, Any]] = [("format", FORMAT)]
    names = ("x", "low", "high", "decided", *(("sd",) if result.sd is not None else ()))
    parts += [(f"result.{name}", getattr(result, name)) for name in names]
    parts += [
        ("result.study", result.study),
        ("result.options", dict(result.options)),
        ("result.notes", list(result.notes)),
        ("result.notes_zh", list(result.notes_zh)),
    ]
    for item in _saved():
        value = getattr(system, item.name)
        name = f"system.{item.name}"
        if isinstance(value, pd.DataFrame):
            parts.append((f"{name}.columns", list(value.columns)))
            parts += [(f"{name}.{column}", value[column].to_numpy()) for column in value.columns]
        elif isinstance(value, Rows):
            parts += [(f"{name}.{key.name}", getattr(value, key.name)) for key in fields(Rows)]
        elif hasattr(value, "indptr"):
            parts.append((f"{name}.shape", list(value.shape)))
            parts += [(f"{name}.{key}", getattr(value, key)) for key in ("data", "indices", "indptr")]
        elif isinstance(value, np.ndarray):
            parts.append((name, value))
        else:
            parts.append((name, list(value) if isinstance(value, tuple) else dict(value)))
    return parts


def _pack(array: np.ndarray) -> bytes:
    """Numbers in numpy's own format without pickle; texts as JSON."""
    if array.dtype == object or array.dtype.kind not in "fiub":
        return b"J" + json.dumps([str(item) for item in array], ensure_ascii=False).encode()
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return b"N" + buffer.getvalue()


def _unpack(blob: bytes) -> np.ndarray:
    if blob[:1] == b"J":
        texts = json.loads(blob[1:])
        out = np.empty(len(texts), dtype=object)
        out[:] = texts
        return out
    return np.load(io.BytesIO(blob[1:]), allow_pickle=False)


def load(path: str | Path) -> Result:
    """Read what `save` wrote.

    Raises
    ------
    InputError : a file that is missing, is no flowsim result, or has a newer format
    """
    import pandas as pd
    from scipy.sparse import csr_array

    if not Path(path).is_file():
        raise InputError(Problem("there is no such file.", str(path)))
    try:
        connection = sqlite3.connect(f"file:{Path(path).resolve()}?mode=ro", uri=True)
        try:
            meta = {
                key: json.loads(value) for key, value in connection.execute("select key, value from meta")
            }
            arrays = {
                name: _unpack(blob) for name, blob in connection.execute("select name, value from arrays")
            }
        finally:
            connection.close()
        form = meta["format"]
    except (sqlite3.DatabaseError, ValueError, KeyError, EOFError) as error:
        hint = "Save one with `flowsim run --save` or fs.save."
        raise InputError(Problem("this is no flowsim result.", str(path), hint=hint)) from error
    if form != FORMAT:
        hint = f"This flowsim reads format {FORMAT}."
        raise InputError(Problem(f"the result has format {form}.", str(path), hint=hint))
    parts: dict[str, Any] = {}
    for item in _saved():
        name = f"system.{item.name}"
        if f"{name}.columns" in meta:
            parts[item.name] = pd.DataFrame({c: arrays[f"{name}.{c}"] for c in meta[f"{name}.columns"]})
        elif f"{name}.kind" in arrays and item.name.endswith("rows"):
            parts[item.name] = Rows(**{key.name: arrays[f"{name}.{key.name}"] for key in fields(Rows)})
        elif f"{name}.shape" in meta:
            entries = tuple(arrays[f"{name}.{key}"] for key in ("data", "indices", "indptr"))
            parts[item.name] = csr_array(entries, shape=tuple(meta[f"{name}.shape"]))
        elif name in arrays:
            parts[item.name] = arrays[name]
        else:
            parts[item.name] = tuple(meta[name]) if isinstance(meta[name], list) else meta[name]
    return Result(
        system=System(**parts),
        **{name: arrays[f"result.{name}"] for name in ("x", "low", "high", "decided")},
        study=meta["result.study"],
        options=meta["result.options"],
        notes=tuple(meta["result.notes"]),
        notes_zh=tuple(meta.get("result.notes_zh", ())),
        sd=arrays.get("result.sd"),
    )


def export(result: Result, folder: str | Path) -> list[Path]:
    """Write the tidy tables as CSV and the whole as one JSON; all of them or none.

    Returns the paths written. Layout: docs/json.md.
    """
    frames = {
        "flows": result.flows,
        "processes": result.processes,
        "stocks": result.stocks,
        "checks": result.checks,
    }
    texts = {
        f"{name}.csv": "\ufeff" + frame.to_csv(index=False, lineterminator="\n")
        for name, frame in frames.items()
    }
    whole = json.dumps(as_json(result), ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    return write_folder(folder, {**texts, "result.json": whole})


def export_answer(made: Mapping[str, Any], folder: str | Path) -> list[Path]:
    """Write an answer in its JSON layout, and each of its lists as CSV: all files or none.

    Parameters
    ----------
    made : what ``--json`` prints; ``kind`` names the JSON file, the keys of lists name the CSV files
    """
    import pandas as pd

    texts = {f"{made['kind']}.json": json.dumps(made, ensure_ascii=False, indent=1, allow_nan=False) + "\n"}
    for name, rows in made.items():
        if isinstance(rows, list) and rows and isinstance(rows[0], dict):
            table = pd.json_normalize(rows)
            texts[f"{name}.csv"] = "\ufeff" + table.to_csv(index=False, lineterminator="\n")
    return write_folder(folder, texts)


def finite(value: float) -> float | None:
    """A number for JSON, None where it is missing."""
    return float(value) if np.isfinite(value) else None


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table for JSON: what is missing or has no bound becomes null."""
    finite = frame.replace([np.inf, -np.inf], np.nan)
    out = finite.astype(object).where(finite.notna(), None)
    return out.to_dict("records")  # type: ignore[return-value]


def as_json(result: Result) -> dict[str, Any]:
    """The result in the documented layout (docs/json.md), version `FORMAT`."""
    share, row = result.largest_residual
    closure = result.closure("mass").dropna(subset="difference")
    worst = closure.loc[closure["difference"].abs().idxmax()] if len(closure) else None
    return {
        "flowsim_json": FORMAT,
        "kind": "result",
        "name": dict(result.system.about["name"]),
        "year": result.system.about["year"],
        "variant": result.system.about["variant"],
        "study": result.study,
        "largest_residual": {
            "share": share,
            "row": result.system.row_text(row) if len(result.system.rhs) else "",
        },
        "mass_closure": None
        if worst is None
        else {"process": worst["process"], "difference": float(worst["difference"])},
        "notes": result.all_notes(),
        "flows": records(result.flows),
        "processes": records(result.processes),
        "stocks": records(result.stocks),
        "origin": result.origin,
    }
