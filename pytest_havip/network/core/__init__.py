"""Every rule of the HAVIP network, sans-IO: requests and frames in, records, verdicts and effects out."""

from pytest_havip.network.core.arguments import check_id, check_name, parse_address, parse_cidr
from pytest_havip.network.core.drift import MemberKind, kind_of
from pytest_havip.network.core.effects import Cause, Change, Effect, Moved, Resend
from pytest_havip.network.core.forwarding import next_hop_mac
from pytest_havip.network.core.model import Binding, DriftRange, Eip, Havip, Nic, Record, Route, Subnet, Vpc
from pytest_havip.network.core.network import Network
from pytest_havip.network.core.profile import ALIBABA, OVN, PROFILES, TENCENT, VIRTUAL_MACS, OwnerRemoval, Profile
from pytest_havip.network.core.refusal import Code, Refused
from pytest_havip.network.core.routes import route_table_id
from pytest_havip.network.core.verdict import Action, Decision, Reason, Verdict

__all__ = [
    "ALIBABA",
    "OVN",
    "PROFILES",
    "TENCENT",
    "VIRTUAL_MACS",
    "Action",
    "Binding",
    "Cause",
    "Change",
    "Code",
    "Decision",
    "DriftRange",
    "Effect",
    "Eip",
    "Havip",
    "MemberKind",
    "Moved",
    "Network",
    "Nic",
    "OwnerRemoval",
    "Profile",
    "Reason",
    "Record",
    "Refused",
    "Resend",
    "Route",
    "Subnet",
    "Verdict",
    "Vpc",
    "check_id",
    "check_name",
    "kind_of",
    "next_hop_mac",
    "parse_address",
    "parse_cidr",
    "route_table_id",
]
