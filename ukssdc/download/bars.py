"""A bar for each download, on stderr, or in a notebook."""

from __future__ import annotations

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as RichProgress

from ukssdc.download.fetch import Progress
from ukssdc.status import Product


class DownloadBars:
    """Bars while the context is open; where there is neither terminal nor notebook, nothing is shown."""

    def __init__(self, console: Console | None = None) -> None:
        shown = console or Console(stderr=True)
        self._bars = RichProgress(
            *(TextColumn("{task.description}"), BarColumn(), DownloadColumn()),
            *(TransferSpeedColumn(), TimeRemainingColumn()),
            console=shown,
            disable=not (shown.is_terminal or shown.is_jupyter),
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def of(self, product: Product) -> Progress:
        """Return what `Client.download` calls for this product's bar."""
        task = self._bars.add_task(product.label, total=None)

        def update(size: int, total: int | None) -> None:
            self._bars.update(task, completed=size, total=total)

        return update
