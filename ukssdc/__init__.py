"""Swift-XRT products from the UKSSDC: the service's client, without Prefect."""
