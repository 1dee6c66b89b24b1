"""The conformance tests, one file for each area; `pytest --havip` runs them."""
