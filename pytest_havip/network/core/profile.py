"""What clouds decide differently, as settings that never change while a network runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

__all__ = ["ALIBABA", "OVN", "PROFILES", "TENCENT", "VIRTUAL_MACS", "OwnerRemoval", "Profile"]


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
        replies_bind: whether a gratuitous reply is an announcement, as a gratuitous request is.
        bound_is_released: whether a HAVIP can be released while somebody owns it.
        damping: seconds after a move in which a HAVIP does not move again, and claims to it are ignored; it can be
            bound at any time while nobody owns it, and its owner may always announce it.
        bound_state: what the API calls a HAVIP that somebody owns.
        unbound_state: what it calls one that nobody owns.
        owner_removal: what becomes of an owner that is taken out of the range.
        announcement_rate: announcements of HAVIPs that one NIC may make in a second, in the long run.
        announcement_burst: announcements that one NIC may make at once: 200 HAVIPs x 5 frames is normal for keepalived.
        admits_virtual_macs: whether a NIC may also speak from the MAC addresses of virtual routers, 00:00:5e:00:01:xx
            (RFC 9568 section 7.3) and ucarp's 00:00:5e:00:00:xx; packets for its HAVIPs reach the NIC's own address.
    """

    name: str
    havip_quota: int = 10
    name_length: int = 60
    check_associate: bool = False
    range_members: int = 10
    eip_quota: int = 20
    route_quota: int = 50
    owner_removal: OwnerRemoval = OwnerRemoval.KEEPS
    replies_bind: bool = True
    bound_is_released: bool = True
    damping: float = 0.0
    bound_state: str = "AVAILABLE"
    unbound_state: str = "UNBIND"
    announcement_rate: int = 1000
    announcement_burst: int = 1000
    admits_virtual_macs: bool = False


TENCENT = Profile("tencent")
"""Tencent Cloud as its product document and its API reference describe it; where they are silent, as it is safest."""

ALIBABA = Profile(
    "alibaba",
    havip_quota=50,
    check_associate=True,
    owner_removal=OwnerRemoval.REFUSED,
    bound_is_released=False,
    bound_state="InUse",
    unbound_state="Available",
)
"""Alibaba Cloud's choices: machines are associated before they may announce, the owner among them stays, and a HAVIP
that is in use is not released. Its ``Available`` is what Tencent calls ``UNBIND``. The API keeps Tencent's shape."""

OVN = Profile("ovn", check_associate=True, owner_removal=OwnerRemoval.UNBINDS)
"""What virtual ports of OVN do: their parents alone bind, and one that is no parent any more loses the port. Not taken
over is what no HAVIP network should do: that any ARP reply binds, and that parents send from the address unowned."""

VIRTUAL_MACS = Profile("virtual-macs", admits_virtual_macs=True)
"""No cloud: Tencent's choices, for NICs that speak from the MAC addresses of virtual routers, as FRR and ucarp do."""

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {profile.name: profile for profile in (TENCENT, ALIBABA, OVN, VIRTUAL_MACS)}
)
"""The profiles that are shipped, by name."""
