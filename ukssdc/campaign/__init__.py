"""Campaigns: many targets, checked at once; what they will take, and what came of them."""

from ukssdc.campaign.batch_report import BatchReport, RowReport
from ukssdc.campaign.campaign_file import Campaign
from ukssdc.campaign.campaign_plan import CampaignPlan, OneJob, format_duration, plan
from ukssdc.campaign.campaign_results import RESULT_FILES, CampaignResults
from ukssdc.campaign.campaign_rows import Row, check_rows, row_key
from ukssdc.campaign.mistakes import InvalidCampaign, Mistake
from ukssdc.campaign.target_result import TargetResult
from ukssdc.campaign.target_table import Targets, read_targets
from ukssdc.campaign.target_template import flatten_request

__all__ = [
    "RESULT_FILES",
    "BatchReport",
    "Campaign",
    "CampaignPlan",
    "CampaignResults",
    "InvalidCampaign",
    "Mistake",
    "OneJob",
    "Row",
    "RowReport",
    "TargetResult",
    "Targets",
    "check_rows",
    "flatten_request",
    "format_duration",
    "plan",
    "read_targets",
    "row_key",
]
