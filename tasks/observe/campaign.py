"""A campaign in the Prefect UI and in the terminal: one bar, one table and one page for all of its targets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ukssdc.campaign.batch_report import RowReport
from ukssdc.campaign.campaign_progress import CampaignProgress
from ukssdc.campaign.campaign_rows import Row
from xrt_products.tasks.observe.display import show


class CampaignObserver:
    """Writes a campaign's results, and shows them.

    Parameters
    ----------
    name : str
    directory : Path
        Where the results go.
    rows : sequence of Row
    """

    def __init__(self, name: str, directory: Path, rows: Sequence[Row]) -> None:
        self.name = name
        self.directory = directory
        self._rows = rows

    def note(self, row: Row, report: RowReport) -> None:
        """Take note of a row's end."""

    def show(self, progress: CampaignProgress) -> None:
        """Show how far the campaign is."""
        show(lambda display: display.campaign(self.name, progress))

    def close(self) -> None:
        """Write all that is left."""
