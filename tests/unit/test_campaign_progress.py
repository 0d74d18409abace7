"""How far a campaign is: each row is counted once."""

from __future__ import annotations

from ukssdc.campaign.campaign_progress import CampaignProgress


def test_what_only_its_downloads_keep_from_its_end_is_counted_too() -> None:
    progress = CampaignProgress(total=8, queued=2, active=1, succeeded=1, failed=0)

    assert progress.downloading == 4
    assert str(progress) == "1 of 8 done, 1 active, 4 downloading, 2 queued"


def test_where_nothing_is_downloading_nothing_is_said() -> None:
    assert (
        str(CampaignProgress(total=8, queued=3, active=5, succeeded=0, failed=0)) == "0 of 8 done, 5 active, 3 queued"
    )
