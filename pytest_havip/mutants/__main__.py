"""``python -m pytest_havip.mutants NAME …``: the network's service with that mutant's fault, arguments unchanged."""

import sys

from pytest_havip.mutants import MUTANTS
from pytest_havip.network.command import main

__all__: list[str] = []

if __name__ == "__main__":
    MUTANTS[sys.argv.pop(1)].plant()
    sys.exit(main())
