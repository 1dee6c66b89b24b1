"""The program of a node, or of the witness; run by path with ``python -I -S``, so that it starts within 50 ms.

Arguments: the folder that holds the package; `node` or `witness`; the file that says what to do.
"""

import sys

sys.path.append(sys.argv[1])  # -I and -S leave only the standard library

from pytest_havip.clients.wsfc.node import run_node
from pytest_havip.clients.wsfc.witness import run_witness

__all__: list[str] = []

if __name__ == "__main__":
    {"node": run_node, "witness": run_witness}[sys.argv[2]](sys.argv[3])
