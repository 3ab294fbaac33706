"""The pages of `docs/reference/`, each made from the code; see `docs/generate.py`."""
