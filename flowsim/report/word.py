"""A document as Word: headings, captions, lists and tables that can be edited, pictures with their text."""

from __future__ import annotations

import datetime
import io
import zipfile
from typing import Any
from xml.sax.saxutils import escape

from flowsim.errors import InputError, Problem
from flowsim.report.document import Bullets, Document, Paragraph, Picture, Section, Table
from flowsim.views.svg import plain
from flowsim.views.text import Grid

CREATED = datetime.datetime(2000, 1, 1)
"""Written as the date of every file, so that equal documents give equal bytes."""
LATIN, CHINESE = "Calibri", "Microsoft YaHei"
HEAD, LINE, BAND = "17466E", "CFD7E0", "F4F7FA"
UPRIGHT, ACROSS = 9360, 14280
"""Width of the text between the margins of a page, twentieths of a point."""
PICTURE_CM, PICTURE_HIGH_CM = 16.4, 20.0
SMALL, SMALLEST = 17, 14
"""Sizes of texts in tables, half points: usual, and from `WIDE` columns on."""
WIDE = 8
"""Columns from which a section is printed across the page."""
SPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def check() -> None:
    """Raises InputError where python-docx is missing."""
    try:
        import docx  # noqa: F401
    except ImportError as error:
        hint = 'Install it with `pip install "flowsim[report]"`.'
        raise InputError(Problem("a Word file needs the package python-docx.", hint=hint)) from error


def content(document: Document) -> bytes:
    """The file, the same bytes for the same document. Raises InputError where a package is missing."""
    check()
    from docx import Document as Word

    word = Word()
    _styles(word)
    _properties(word, document)
    _front(word, document)
    is_across = False
    for section in document.for_paper().sections:
        wide = any(isinstance(part, Table) and len(part.grid.columns) >= WIDE for part in section.parts)
        if wide != is_across and section.parts:
            _turn(word)
            is_across = wide
        _section(word, document, section, ACROSS if is_across else UPRIGHT)
    stream = io.BytesIO()
    word.save(stream)
    return _dated(stream.getvalue())


def _styles(word: Any) -> None:
    """Fonts for both scripts on every style used; those of the theme would win over them."""
    from docx.oxml.ns import qn
    from docx.shared import Cm, Pt, RGBColor

    page = word.sections[0]
    page.page_width, page.page_height = Cm(21.0), Cm(29.7)
    page.left_margin = page.right_margin = Cm(2.25)
    sizes = {"Normal": 10.5, "Title": 26, "Subtitle": 14, "Heading 1": 16, "Heading 2": 13, "Caption": 9.5}
    for name, size in {**sizes, "List Bullet": 10.5}.items():
        style = word.styles[name]
        style.font.name, style.font.size = LATIN, Pt(size)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for key in [key for key in fonts.attrib if key.endswith("Theme")]:
            del fonts.attrib[key]
        fonts.set(qn("w:eastAsia"), CHINESE)
        if name.startswith(("Heading", "Title")):
            style.font.color.rgb = RGBColor.from_string(HEAD)
    word.styles["Caption"].font.color.rgb = RGBColor(0, 0, 0)
    word.styles["Caption"].paragraph_format.keep_with_next = True


def _turn(word: Any) -> None:
    """Go on on a page that lies the other way."""
    from docx.enum.section import WD_ORIENT, WD_SECTION

    page = word.add_section(WD_SECTION.NEW_PAGE)
    page.page_width, page.page_height = page.page_height, page.page_width
    page.orientation = WD_ORIENT.LANDSCAPE if page.page_width > page.page_height else WD_ORIENT.PORTRAIT


def _properties(word: Any, document: Document) -> None:
    about = word.core_properties
    about.title, about.subject = plain(document.title)[:255], document.subtitle
    about.author = about.last_modified_by = "flowsim"
    about.comments, about.keywords = "", ""
    about.language = {"zh": "zh-CN"}.get(document.lang, "en")
    about.created = about.modified = CREATED


def _front(word: Any, document: Document) -> None:
    """Title, facts, and the contents: a field that Word gives page numbers when it is updated."""
    word.add_paragraph(plain(document.title), style="Title")
    word.add_paragraph(plain(document.subtitle), style="Subtitle")
    for name, value in document.facts:
        line = word.add_paragraph()
        line.paragraph_format.space_after = 0
        line.add_run(plain(f"{name}: ")).bold = True
        line.add_run(plain(value))
    head = word.add_paragraph()
    head.add_run(document.say("Contents", "目录")).bold = True
    entries = [f"{section.number}  {section.heading}" for section in document.sections]
    lines = [word.add_paragraph() for _ in entries]
    _field(lines[0], ' TOC \\o "1-2" \\h \\z \\u ')
    for number, (line, entry) in enumerate(zip(lines, entries, strict=True)):
        line.paragraph_format.space_after = 0
        run = line.add_run(plain(entry))
        if number == len(lines) - 1:
            run._r.addnext(_mark("end"))
    lines[-1].add_run().add_break(_page_break())


def _page_break() -> Any:
    from docx.enum.text import WD_BREAK

    return WD_BREAK.PAGE


def _mark(kind: str) -> Any:
    from docx.oxml import parse_xml

    return parse_xml(f'<w:r {SPACE}><w:fldChar w:fldCharType="{kind}"/></w:r>')


def _field(paragraph: Any, code: str) -> None:
    """Begin a field whose result follows; the caller closes it with the mark ``end``."""
    from docx.oxml import parse_xml

    text = f'<w:r {SPACE}><w:instrText xml:space="preserve">{escape(code)}</w:instrText></w:r>'
    paragraph._p.append(_mark("begin"))
    paragraph._p.append(parse_xml(text))
    paragraph._p.append(_mark("separate"))


def _section(word: Any, document: Document, section: Section, width: int) -> None:
    word.add_heading(plain(f"{section.number}  {section.heading}"), level=section.level)
    for part in section.parts:
        match part:
            case Paragraph():
                run = word.add_paragraph().add_run(plain(part.text))
                run.italic = part.is_note
            case Bullets():
                for item in part.items:
                    word.add_paragraph(plain(item), style="List Bullet")
            case Table():
                _caption(word, document, part, part.grid.title)
                _table(word, part.grid, width)
            case Picture():
                _picture(word, part)
                _caption(word, document, part, part.title).paragraph_format.keep_with_next = False


def _caption(word: Any, document: Document, part: Table | Picture, title: str) -> Any:
    """``Table 3  ...`` with a number that Word keeps counting."""
    paragraph = word.add_paragraph(style="Caption")
    before, number, after = document.caption(part).partition(str(part.number))
    paragraph.add_run(before)
    _field(paragraph, f" SEQ {'Table' if isinstance(part, Table) else 'Figure'} \\* ARABIC ")
    paragraph.add_run(number)
    paragraph._p.append(_mark("end"))
    paragraph.add_run(plain(f"{after}  {title}"))
    return paragraph


def _picture(word: Any, part: Picture) -> None:
    from docx.shared import Cm

    data = part.png()
    paragraph = word.add_paragraph()
    paragraph.paragraph_format.keep_with_next = True
    shape = paragraph.add_run().add_picture(io.BytesIO(data), width=Cm(PICTURE_CM))
    if shape.height > Cm(PICTURE_HIGH_CM):
        shape.width = int(shape.width * Cm(PICTURE_HIGH_CM) / shape.height)
        shape.height = Cm(PICTURE_HIGH_CM)
    named = shape._inline.docPr
    named.set("descr", plain(part.alt))
    named.set("title", plain(part.title))


def _table(word: Any, grid: Grid, width: int) -> None:
    """The whole table as one piece of XML: cell by cell python-docx takes minutes for a thousand rows."""
    from docx.oxml import parse_xml

    widths = _widths(grid, width)
    size = SMALLEST if len(grid.columns) >= WIDE else SMALL
    head = _row(grid.columns, grid, widths, size, "header")
    body = [_row(row, grid, widths, size, "band" if at % 2 else "") for at, row in enumerate(grid.rows)]
    columns = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    border = "".join(
        f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="{LINE}"/>'
        for side in ("top", "bottom", "insideH")
    )
    xml = (
        f'<w:tbl {SPACE}><w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/>'
        f'<w:tblBorders>{border}</w:tblBorders><w:tblLayout w:type="fixed"/>'
        '<w:tblCellMar><w:left w:w="60" w:type="dxa"/><w:right w:w="60" w:type="dxa"/></w:tblCellMar>'
        '<w:tblLook w:val="0420" w:firstRow="1" w:noVBand="1"/></w:tblPr>'
        f"<w:tblGrid>{columns}</w:tblGrid>{head}{''.join(body)}</w:tbl>"
    )
    word.element.body.insert_element_before(parse_xml(xml), "w:sectPr")
    word.add_paragraph().paragraph_format.space_after = 0


def _row(cells: list[str], grid: Grid, widths: list[int], size: int, kind: str) -> str:
    made = []
    shade = {"header": HEAD, "band": BAND}.get(kind)
    filled = f'<w:shd w:val="clear" w:color="auto" w:fill="{shade}"/>' if shade else ""
    colour = '<w:b/><w:color w:val="FFFFFF"/>' if kind == "header" else ""
    for at, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        side = "right" if at in grid.right else "left"
        letters = f'<w:rPr>{colour}<w:sz w:val="{size}"/><w:szCs w:val="{size}"/></w:rPr>'
        text = f'<w:r>{letters}<w:t xml:space="preserve">{escape(plain(cell))}</w:t></w:r>'
        about = f'<w:pPr><w:spacing w:before="20" w:after="20"/><w:jc w:val="{side}"/></w:pPr>'
        frame = f'<w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{filled}</w:tcPr>'
        made.append(f"<w:tc>{frame}<w:p>{about}{text}</w:p></w:tc>")
    repeat = "<w:tblHeader/>" if kind == "header" else ""
    return f"<w:tr><w:trPr><w:cantSplit/>{repeat}</w:trPr>{''.join(made)}</w:tr>"


def _widths(grid: Grid, width: int) -> list[int]:
    """Columns share the page by what they hold: by the longest word at least, by the mean text beyond."""
    shares = []
    for at, name in enumerate(grid.columns):
        texts = [name, *(row[at] for row in grid.rows[:200])]
        longest = max((_signs(word) for text in texts for word in text.split()), default=1)
        most = max(map(_signs, texts), default=1)
        shares.append(min(max(4.0, min(longest, 16), most / 2.2), 34.0))
    return [int(width * share / sum(shares)) for share in shares]


def _signs(text: str) -> int:
    return sum(2 if sign > "\u2e80" else 1 for sign in text)


def _dated(data: bytes) -> bytes:
    """The same archive with a fixed time on each member."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            member = zipfile.ZipInfo(name, CREATED.timetuple()[:6])
            member.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(member, old.read(name))
    return stream.getvalue()
