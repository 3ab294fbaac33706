"""`interlock policy …`: the governance pipeline."""
