"""The command line. Each command is a call or two into the rooms below; nothing is calculated here."""

from __future__ import annotations

from flowsim.cli import (  # noqa: F401  (they register their commands)
    excel,
    figures,
    flows,
    optimise,
    pictures,
    pinch,
    report,
    start,
    stress,
    studies,
    symbiosis,
)
from flowsim.cli.base import main

__all__ = ["main"]
