"""The steps of a request as Prefect tasks, one file per step; each is a thin call into `ukssdc`."""

from tasks.account import Account, UKSSDCAccount
from tasks.cancel import cancel_job, user_cancelled
from tasks.download import download_product
from tasks.outcomes import Cancelled, Downloaded, Failed, JobReport, ProductsFailed, TimedOut
from tasks.poll import ProductsPending, poll_status
from tasks.quicklook import quicklook
from tasks.report import report_failure, summarise
from tasks.submit import submit_request
from tasks.watch import Watch

__all__ = [
    "Account",
    "Cancelled",
    "Downloaded",
    "Failed",
    "JobReport",
    "ProductsFailed",
    "ProductsPending",
    "TimedOut",
    "UKSSDCAccount",
    "Watch",
    "cancel_job",
    "download_product",
    "poll_status",
    "quicklook",
    "report_failure",
    "submit_request",
    "summarise",
    "user_cancelled",
]
