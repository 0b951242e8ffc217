"""What shows itself in a notebook."""

from __future__ import annotations

import importlib


class Displayed:
    """A value that a notebook shows as tables and a picture; on a terminal its ``repr`` is one line.

    The pages are made floors above, in `flowsim.views.notebook`. That room is named here and not imported, so
    that a scenario or a result can be used, and shipped to another process, without anything that draws.
    """

    def _repr_html_(self) -> str:
        return str(importlib.import_module("flowsim.views.notebook").html(self))
