"""A campaign in the terminal: one bar, and what is counted."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ukssdc.campaign.campaign_progress import CampaignProgress
from ukssdc.texts import replace_controls

BAR = 30  # characters


@dataclass(frozen=True)
class CampaignView:
    """How far a campaign is, as the terminal shows it."""

    name: str
    progress: CampaignProgress

    @property
    def counts(self) -> tuple[int, ...]:
        """What makes a new line where there is no live display."""
        p = self.progress
        return p.queued, p.active, p.succeeded, p.failed

    def __rich__(self) -> Group:
        bar = Table.grid(padding=(0, 1))
        bar.add_row(ProgressBar(100, self.progress.percent, width=BAR), f"{self.progress.percent:.0f} %")
        return Group(Text(replace_controls(self.name), style="italic"), bar, Text(str(self.progress)))
