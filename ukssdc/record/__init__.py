"""What is on disk about jobs: their folders, `job.json`, locks, and the journal of submissions under way."""

from ukssdc.record.folders import JobFolder, ProductsFolder
from ukssdc.record.journal import JournalEntry, PendingSubmission
from ukssdc.record.record import JobRecord, RecordedFile

__all__ = ["JobFolder", "JobRecord", "JournalEntry", "PendingSubmission", "ProductsFolder", "RecordedFile"]
