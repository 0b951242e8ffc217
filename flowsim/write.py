"""A scenario document out as YAML: what `flowsim.files.read_yaml` reads back to the same values."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from flowsim.schema import TABLES, TOP

WIDTH = 110
_PLAIN = re.compile(r"[A-Za-z0-9_.一-鿿][\w一-鿿 .%/()+*×³²°-]*")
_NOT_TEXT = re.compile(
    r"[-+.]?[0-9][0-9]*(\.[0-9]*)?([eE][-+]?[0-9]+)?|0x[0-9a-fA-F]+|0o[0-7]+|\.(inf|nan|Inf|NaN|INF|NAN)"
    r"|null|Null|NULL|true|True|TRUE|false|False|FALSE"
)


def scenario_yaml(document: Mapping[str, Any]) -> str:
    """A document as YAML text: keys of a file in their order, one line for each row where it fits.

    ``document`` has the shape that a scenario file has: mappings, lists, texts, numbers, truth values, None.
    """
    order = [key for key in (*TOP, "targets", *TABLES) if key in document and key != "variants"]
    order = list(dict.fromkeys([*order, *(key for key in document if key not in order)]))
    parts = []
    for key in order:
        value = document[key]
        is_table = isinstance(value, Mapping | list) and bool(value) and key not in ("name", "library")
        parts.append("\n".join([*([""] if is_table else []), *_entry(_scalar(key), value, 0, 1)]))
    return "\n".join(parts) + "\n"


def _entry(key: str, value: Any, indent: int, open_levels: int) -> list[str]:
    """The lines of ``key: value``; what is deep or long stands below, on ``open_levels`` in any case."""
    start = " " * indent + f"{key}:"
    short = f"{start} {_flow(value)}"
    is_open = open_levels > 0 and _is_deep(value)
    if not isinstance(value, Mapping | list) or not value or (len(short) <= WIDTH and not is_open):
        return [short]
    return [start, *_block(value, indent + 2, open_levels - 1)]


def _is_deep(value: Any) -> bool:
    """Whether a mapping or list holds others than labels."""
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(isinstance(part, Mapping | list) for part in parts)


def _block(value: Any, indent: int, open_levels: int) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _entry(_scalar(str(key)), item, indent, open_levels)
        return
    for item in value:
        short = " " * indent + f"- {_flow(item)}"
        if len(short) <= WIDTH or not isinstance(item, Mapping | list) or not item:
            yield short
            continue
        first, *rest = _block(item, indent + 2, open_levels - 1)
        yield " " * indent + "- " + first.lstrip(" ")
        yield from rest


def _flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(str(key))}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    """A scalar that reads back as the same value: quoted where plain text would be taken for another."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    if isinstance(value, int | float):
        return repr(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and not text.endswith(" ") and not _NOT_TEXT.fullmatch(text):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return re.sub("[\x7f-\x9f\u2028\u2029\ufeff]", lambda sign: f"\\u{ord(sign[0]):04x}", quoted)
