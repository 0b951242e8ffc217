"""Pieces of SVG for every picture: safe text with a halo, line breaks, labels that do not overlap, PNG."""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from flowsim.errors import InputError, Problem

FONT_FILE = Path(__file__).with_name("fonts") / "flowsim-sans.otf"
FONTS = (
    "'Flowsim Sans','Noto Sans SC','Noto Sans CJK SC','Source Han Sans SC','Microsoft YaHei',"
    "'PingFang SC','Hiragino Sans GB',SimHei,'Segoe UI',Arial,sans-serif"
)
"""The shipped font first (PNG), then those of Windows, macOS and Linux that have Chinese glyphs."""

LINE = 1.25
"""Distance of lines of text as a multiple of the font size."""

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_OPENING, _CLOSING = "[\uff08\u201c\u300a]*", "[\uff0c\u3002\u3001\uff09\uff1a\uff1b\u201d\u300b]*"
_PIECES = re.compile(
    rf"{_OPENING}(?:[ -\u2e7f]+?(?: +|(?<=[-,])|(?=[\u2e80-\uffff])|$)|[\u2e80-\uffff]){_CLOSING}|."
)
"""Where a line may break: after spaces, hyphens and commas, and beside hanzi, but not inside of brackets."""
_WIDE = {"m": 0.87, "w": 0.82, "M": 0.86, "W": 0.92, "%": 0.9, "@": 0.95, "—": 1.0, "…": 1.0, "→": 1.0}
_WIDE |= {"−": 0.6, "–": 0.56} | dict.fromkeys("ijltfrI.,:;'|!()[]{} ", 0.36)

Box = tuple[float, float, float, float]


def safe(text: object) -> str:
    """A text that is only text in SVG and HTML; characters that XML does not know are left out."""
    return html.escape(plain(text), quote=True)


def plain(text: object) -> str:
    """A text without the characters that XML, and so Word and Excel, do not know."""
    return _NOT_XML.sub("", str(text))


@lru_cache(maxsize=10_000)
def text_width(text: str, size: float) -> float:
    """Estimated width in pixels, rather too wide than too narrow: fonts differ from machine to machine."""
    return size * sum(_WIDE.get(each) or _letter(each) for each in text)


def _letter(each: str) -> float:
    if each >= "\u2e80":
        return 1.0
    return 0.66 if each.isupper() else 0.54


def wrap(text: str, limit: float, size: float, lines: int = 2) -> list[str]:
    """Break a text into at most ``lines`` lines of ``limit`` pixels; what is cut ends in an ellipsis."""
    made, line = [], ""
    for piece in _PIECES.findall(re.sub("[ \t\r\n]+", " ", text).strip()):
        if line and text_width(line + piece.rstrip(), size) > limit:
            made.append(line.rstrip())
            line = ""
        line += piece
    made.append(line.rstrip())
    if len(made) > lines:
        made = [*made[: lines - 1], made[lines - 1] + _dots(made[lines - 1])]
    return [_cut(each, limit, size) for each in made]


def _cut(line: str, limit: float, size: float) -> str:
    if text_width(line, size) <= limit:
        return line
    line, dots = line.removesuffix(_dots(line)), _dots(line)
    while line and text_width(line + dots, size) > limit:
        line = line[:-1]
    return line.rstrip() + dots


def _dots(line: str) -> str:
    """An ellipsis for the script: fonts set the one-character form in mid-line, which suits Chinese only."""
    return "…" if any(each >= "\u2e80" for each in line) else "..."


@dataclass
class Labels:
    """Texts of a picture. Those that must stand are written; others only where nothing stands yet."""

    plain: list[str] = field(default_factory=list)
    halo: list[str] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    rows: dict[int, list[Box]] = field(default_factory=lambda: defaultdict(list))

    def is_free(self, box: Box) -> bool:
        """Nothing stands in the box (left, top, right, bottom) yet."""
        left, top, right, bottom = box
        near = (other for row in _rows(box) for other in self.rows[row])
        return not any(left < o[2] and o[0] < right and top < o[3] and o[1] < bottom for o in near)

    def take(self, box: Box) -> None:
        """Keep a box free of later labels."""
        for row in _rows(box):
            self.rows[row].append(box)

    def write(
        self,
        lines: Sequence[str],
        x: float,
        y: float,
        size: float,
        anchor: str = "start",
        fill: str = "#222",
        bold: int = 0,
        if_free: bool = False,
    ) -> bool:
        """Write lines with their middle at height y; the first ``bold`` ones are bold, the others grey.

        Returns whether they were written.
        """
        box = text_box(lines, x, y, size, anchor)
        if if_free and not self.is_free(box):
            return False
        self.take(box)
        self.boxes.append(box)
        for number, line in enumerate(lines):
            base = box[1] + size * (0.95 + LINE * number)
            weight = ' font-weight="bold"' if number < bold else ""
            place = f'<text x="{x:.1f}" y="{base:.1f}" font-size="{size:g}" text-anchor="{anchor}"{weight}'
            self.halo.append(f"{place}>{safe(line)}</text>")
            shade = fill if number < bold or not bold else "#444"
            self.plain.append(f'{place} fill="{shade}">{safe(line)}</text>')
        return True

    def svg(self) -> str:
        """All texts, each over a white copy of itself: not every program knows ``paint-order``."""
        under = '<g aria-hidden="true" fill="#fff" stroke="#fff" stroke-width="3" stroke-linejoin="round">'
        return "\n".join([under, *self.halo, "</g>", "<g>", *self.plain, "</g>"])


def _rows(box: Box) -> range:
    return range(int(box[1] // 40), int(box[3] // 40) + 1)


def text_box(lines: Sequence[str], x: float, y: float, size: float, anchor: str) -> Box:
    """Left, top, right and bottom of lines whose middle is at height y."""
    width = max(text_width(line, size) for line in lines)
    left = x - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
    height = size * LINE * len(lines)
    return left, y - height / 2, left + width, y + height / 2


def png(svg: str, width: int = 1600) -> bytes:
    """The picture as PNG, ``width`` pixels wide, with the shipped font; the machine's fonts fill its gaps.

    Raises
    ------
    InputError : resvg-py is not installed, or the text is no SVG
    """
    try:
        import resvg_py
    except ImportError as error:
        hint = "Install it with `pip install flowsim[viz]`, or write .svg or .html."
        raise InputError(Problem("a PNG needs the package resvg-py.", hint=hint)) from error
    try:
        made = resvg_py.svg_to_bytes(svg_string=svg, width=width, font_files=[str(FONT_FILE)])
    except ValueError as error:
        hint = "Give the text that sankey() returns."
        raise InputError(Problem(f"this is no SVG: {error}.", hint=hint)) from error
    return bytes(made)


_PAGE = """<!DOCTYPE html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ margin: 0; background: #fff; font-family: {fonts}; }}
input {{ position: fixed; opacity: 0; }}
input:focus-visible + label {{ outline: 2px solid #2166ac; }}
label {{ position: fixed; top: 8px; right: 14px; font-size: 13px; color: #444; background: #fff; }}
svg {{ display: block; margin: 0 auto; max-width: 100%; height: auto; }}
input:checked ~ svg {{ max-width: none; }}
@media print {{ label, input {{ display: none; }} }}
</style>
</head>
<body>
<input type="checkbox" id="full"><label for="full">{full}</label>
{svg}
</body>
</html>
"""


def page(svg: str) -> str:
    """One HTML file that holds the picture, loads nothing and runs no script; texts on hover stay."""
    lang = found[1] if (found := re.search(r'<svg[^>]* lang="(\w+)"', svg)) else "en"
    title = found[1] if (found := re.search(r"<title>(.*?)</title>", svg)) else "flowsim"
    full = "实际大小 / 适应窗口" if lang == "zh" else "full size / fit to window"
    return _PAGE.format(lang=lang, title=title, fonts=FONTS, full=full, svg=svg)
