"""`python -m pytest_havip.network`: the reference network as a process of its own."""

import sys

from pytest_havip.network.command import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
