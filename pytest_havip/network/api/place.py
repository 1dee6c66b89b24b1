"""Where the network is: one region with one zone."""

from typing import Final

__all__ = ["REGION", "ZONE"]

#: What X-TC-Region must name.
REGION: Final = "lab"
#: The region's only zone.
ZONE: Final = "lab-1"
