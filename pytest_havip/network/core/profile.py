"""What clouds decide differently, as settings that never change while a network runs."""

from dataclasses import dataclass
from enum import Enum

__all__ = ["TENCENT", "OwnerRemoval", "Profile"]


class OwnerRemoval(Enum):
    """What happens when the owner of a HAVIP is taken out of the range that is in force."""

    KEEPS = "it stays the owner until another member announces"
    REFUSED = "the request is refused"
    UNBINDS = "the HAVIP is unbound"


@dataclass(frozen=True, slots=True)
class Profile:
    """The settings of one cloud.

    Attributes:
        name: how the profile is called.
        havip_quota: HAVIPs that a new VPC may hold; the seed says "10 per VPC by default".
        name_length: characters that a resource's name may have (Tencent API, ModifyHaVipAttribute).
        check_associate: whether the drift range of a HAVIP is in force where its creation does not say.
        range_members: how many members a drift range may have (Tencent API, HaVipAssociationSet).
        eip_quota: elastic IPs that the account may have (Tencent API, AddressQuotaLimitExceeded: "20 in each region").
        route_quota: routes that a VPC may have (Tencent Cloud: 50 in a table).
        owner_removal: what becomes of an owner that is taken out of the range.
        announcement_rate: announcements of HAVIPs that one NIC may make in a second, in the long run.
        announcement_burst: announcements that one NIC may make at once: 200 HAVIPs x 5 frames is normal for keepalived.
    """

    name: str
    havip_quota: int = 10
    name_length: int = 60
    check_associate: bool = False
    range_members: int = 10
    eip_quota: int = 20
    route_quota: int = 50
    owner_removal: OwnerRemoval = OwnerRemoval.KEEPS
    announcement_rate: int = 1000
    announcement_burst: int = 1000


TENCENT = Profile("tencent")
"""Tencent Cloud as its product document and its API reference describe it; where they are silent, as it is safest."""
