"""A document as PDF: the printed form of its page, with the shipped font embedded."""

from __future__ import annotations

from typing import Any

from flowsim.errors import InputError, Problem
from flowsim.report.document import Document
from flowsim.report.page import markup
from flowsim.views.svg import FONT_FILE


def check() -> None:
    """Raises InputError where WeasyPrint, or the text library that it needs, is missing."""
    _weasyprint()


def _weasyprint() -> Any:
    try:
        import weasyprint
    except (ImportError, OSError) as error:  # OSError: its package is there, Pango is not
        missing = "the package weasyprint" if isinstance(error, ImportError) else "the library Pango"
        hint = 'Install it with `pip install "flowsim[pdf]"`, or print the .html report from a browser.'
        if not isinstance(error, ImportError):
            hint = "Install Pango with the system's packages, or print the .html report from a browser."
        raise InputError(Problem(f"a PDF needs {missing}.", hint=hint)) from error
    return weasyprint


def content(document: Document) -> bytes:
    """The file, the same bytes for the same document. Raises InputError as `check`."""
    weasyprint = _weasyprint()

    font = FONT_FILE.as_uri()

    fetcher: Any = weasyprint.urls.URLFetcher

    class Inside(fetcher):  # type: ignore[misc]  # the package ships no types
        """Gives the shipped font and what stands in the page itself, and nothing else."""

        def fetch(self, url: str, headers: Any = None) -> Any:
            if url != font and not url.startswith("data:"):
                raise ValueError(f"{url} is outside of the document")
            return super().fetch(url, headers)

    page = weasyprint.HTML(string=markup(document.for_paper(), font), url_fetcher=Inside())
    return bytes(page.write_pdf(pdf_identifier=b"flowsim"))
