"""The UKSSDC product service, served from this machine."""
