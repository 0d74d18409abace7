"""What stands on disk about jobs: their folders, `job.json`, locks, and the journal of submissions under way."""
