"""A document as one HTML file: nothing is loaded from outside, nothing runs, every text is escaped."""

from __future__ import annotations

import base64
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowsim.report.document import Bullets, Document, Paragraph, Picture, Table
from flowsim.views.svg import FONT_FILE, FONTS

if TYPE_CHECKING:
    from jinja2 import Template

WIDE = 9
"""Columns from which a table is printed across."""


def check() -> None:
    """A page needs no package beyond those of flowsim; its charts say so where theirs is missing."""


def content(document: Document) -> bytes:
    """The file. Raises InputError where matplotlib is not installed."""
    font = ""
    if document.lang != "en":
        font = f"data:font/otf;base64,{base64.b64encode(FONT_FILE.read_bytes()).decode('ascii')}"
    return markup(document, font).encode("utf-8")


def markup(document: Document, font: str) -> str:
    """HTML of a document; ``font`` is the address of the shipped font, or nothing."""
    return _template().render(
        document=document,
        font=font,
        fonts=FONTS,
        kind=_kind,
        image=_image,
        wide=WIDE,
        lang={"zh": "zh-CN"}.get(document.lang, "en"),
    )


def _kind(part: Any) -> str:
    return {Paragraph: "paragraph", Bullets: "list", Table: "table", Picture: "picture"}[type(part)]


def _image(picture: Picture) -> Any:
    """A drawing stands in the page, so that its texts on hover work; a chart is an image."""
    from markupsafe import Markup

    if isinstance(picture.drawn, str):
        return Markup(picture.drawn.replace("<svg ", '<svg role="img" ', 1))
    data = base64.b64encode(picture.svg().encode("utf-8")).decode("ascii")
    return Markup('<img alt="{}" src="data:image/svg+xml;base64,{}">').format(picture.alt, data)


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    home = FileSystemLoader(Path(__file__).parent, encoding="utf-8")
    made = Environment(
        loader=home, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return made.get_template("report.html")
