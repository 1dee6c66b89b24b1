"""What the networks on this machine are called."""

import os
from typing import Final

__all__ = ["NETWORK"]

NETWORK: Final = os.environ.get("PYTEST_HAVIP_NETWORK")
"""The network that is meant when none is named, if the user has chosen one."""
