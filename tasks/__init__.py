"""The steps of a request as Prefect tasks, one file per step; each is a thin call into `ukssdc`."""
