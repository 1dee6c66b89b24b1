"""What the operator of the network grants its account."""

from dataclasses import dataclass

__all__ = ["Terms"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What an account may have.

    Attributes:
        havip_quota: HAVIPs in each VPC.
        admitted: whether it may have HAVIPs at all; the product is in limited release, and accounts are admitted one
            by one. One whose admission ends keeps what it has, and gets nothing more.
    """

    havip_quota: int
    admitted: bool = True
