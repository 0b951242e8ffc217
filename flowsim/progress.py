"""A bar on standard error while long work goes on; silent when nobody looks at a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from contextlib import ExitStack
from typing import TypeVar

Item = TypeVar("Item")
PATIENCE = 2.0
"""Seconds that work may take before a bar appears."""


def track(items: Iterable[Item], doing: str, total: int | None = None) -> Iterator[Item]:
    """Pass the items on; once this takes longer than `PATIENCE`, show how far it is.

    ``total`` is needed where ``items`` has no length. The bar vanishes when the work ends or is stopped.
    """
    if not sys.stderr.isatty():
        yield from items
        return
    count = total if total is not None else len(items) if isinstance(items, Sized) else None
    start, bar, task = time.monotonic(), None, None
    with ExitStack() as stack:
        for done, item in enumerate(items):
            if bar is None and time.monotonic() - start > PATIENCE:
                from rich.console import Console
                from rich.progress import Progress

                bar = stack.enter_context(Progress(console=Console(stderr=True), transient=True))
                task = bar.add_task(doing, total=count)
            if bar is not None and task is not None:
                bar.update(task, completed=done)
            yield item
