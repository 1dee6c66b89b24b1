"""Bringing the kernel to what the core has decided."""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address
from typing import Final

from pytest_havip.network.core import TENCENT, Change, Effect, Eip, Havip, Nic, Profile, Record, Subnet, Vpc
from pytest_havip.network.dataplane import ruleset
from pytest_havip.network.dataplane.found import FoundGuard, read_guard
from pytest_havip.network.dataplane.internet import Internet
from pytest_havip.network.dataplane.namespace import Namespace
from pytest_havip.network.dataplane.remover import Remover
from pytest_havip.network.dataplane.vpc import VpcFabric
from pytest_havip.network.keeper import Keeping

__all__ = ["INTERNET", "DataPlane"]

INTERNET: Final = "internet"
"""Under this name the world outside is kept; VPCs are kept under their ids."""


class DataPlane:
    """The kernel objects of all VPCs.

    Args:
        remover: removes what takes the kernel long.
        keeper: holds what must outlive the process.

    Attributes:
        fabrics: VPC id -> its part of the kernel.
    """

    __slots__ = ("_fabrics", "_internet", "_keeper", "_profile", "_remover")

    def __init__(self, remover: Remover, keeper: Keeping, profile: Profile = TENCENT) -> None:
        self._profile = profile
        self._remover = remover
        self._keeper = keeper
        self._fabrics: dict[str, VpcFabric] = {}
        self._internet: Internet | None = None

    @property
    def fabrics(self) -> Mapping[str, VpcFabric]:
        """VPC id -> its part of the kernel."""
        return self._fabrics

    @property
    def internet(self) -> Internet:
        """The world outside, made when it is first asked for."""
        if self._internet is None:
            self._internet = Internet.create()
            self._keeper.keep(INTERNET, (self._internet.fileno(),))
        return self._internet

    def adopt_internet(self, descriptor: int) -> None:
        """Take over the world outside that another process has made; before any VPC."""
        self._internet = Internet(Namespace(descriptor))

    def make(self, vpc: Vpc, records: Sequence[Subnet | Nic | Havip]) -> VpcFabric:
        """Make a VPC in the kernel, with all of its records but without cables.

        Raises:
            NftError, OSError: the kernel refused.
        """
        subnets = [record for record in records if isinstance(record, Subnet)]
        nics = [record for record in records if isinstance(record, Nic)]
        havips = [record for record in records if isinstance(record, Havip)]
        fabric = VpcFabric.create(ruleset.render(vpc, subnets, nics, havips, profile=self._profile), self._remover)
        self._fabrics[vpc.id] = fabric
        self._keeper.keep(vpc.id, fabric.descriptors)  # with all owners: they are never asked of the records again
        for subnet in subnets:
            fabric.add_subnet(subnet)
        self._publish(vpc.id, [Change(None, havip) for havip in havips])
        if vpc.routes:
            fabric.set_routes(vpc.routes)
        return fabric

    def adopt(self, vpc_id: str, descriptors: Sequence[int]) -> FoundGuard:
        """Take over a VPC that another process has made, and tell what its guard holds; then `repair` it."""
        fabric = self._fabrics[vpc_id] = VpcFabric.adopt(descriptors, self._remover)
        return read_guard(fabric.nft)

    def repair(self, vpc: Vpc, found: FoundGuard, records: Sequence[Subnet | Nic | Havip]) -> None:
        """Bring an adopted VPC to its records: the process that made it may have been killed at anything.

        Raises:
            NftError, OSError: the kernel refused.
        """
        fabric = self._fabrics[vpc.id]
        subnets = [record for record in records if isinstance(record, Subnet)]
        fabric.attach(subnets, [record for record in records if isinstance(record, Nic)])
        commands = ruleset.repair(found.elements, found.chains, records)
        if commands:
            fabric.change_guard(commands)
        self._publish(vpc.id, [Change(None, record) for record in records])
        fabric.set_routes(vpc.routes)

    def commit(self, effects: Iterable[Effect]) -> None:
        """Carry out the changes among the effects: one transaction of the guard for each VPC.

        Raises:
            NftError, OSError: the kernel refused; it and the core now disagree, and the service must end.
        """
        by_vpc: dict[str, list[Change]] = {}
        for effect in effects:
            if isinstance(effect, Change) and (vpc_id := _vpc_of(effect)) is not None:
                by_vpc.setdefault(vpc_id, []).append(effect)
        for vpc_id, changes in by_vpc.items():
            self._commit_vpc(vpc_id, changes)

    def commit_moves(self, vpc_id: str, changes: Sequence[Change]) -> None:
        """Carry out changes of owners in one VPC; as `commit`, without a look for anything else.

        Raises:
            NftError: the kernel refused; it and the core now disagree, and the service must end.
        """
        commands = ruleset.commands(changes)
        if commands:
            self._fabrics[vpc_id].change_guard(commands)

    def _commit_vpc(self, vpc_id: str, changes: list[Change]) -> None:
        for change in changes:
            if change.before is None and isinstance(change.after, Vpc):
                self.make(change.after, ())
        fabric = self._fabrics[vpc_id]
        for change in changes:
            if change.before is None and isinstance(change.after, Subnet):
                fabric.add_subnet(change.after)
        commands = ruleset.commands([change for change in changes if not _is_of_vpc(change)])
        if commands:
            fabric.change_guard(commands)
        self._publish(vpc_id, changes)
        for change in changes:
            before, after = change.before, change.after
            if isinstance(before, Vpc) and isinstance(after, Vpc) and before.routes != after.routes:
                fabric.set_routes(after.routes)
            self._take_down(fabric, change)

    def _publish(self, vpc_id: str, changes: Iterable[Change]) -> None:
        """Let elastic IPs follow their HAVIPs' records."""
        steps = [(_eip_of(change.before), _eip_of(change.after)) for change in changes]
        gone = {before[0] for before, after in steps if before and before != after}
        new = dict(after for before, after in steps if after and before != after)
        if gone or new:
            self._fabrics[vpc_id].publish(vpc_id, gone, new, self.internet)

    def _take_down(self, fabric: VpcFabric, change: Change) -> None:
        """Remove what the change ended, now that the guard no longer speaks of it."""
        before, after = change.before, change.after
        if isinstance(before, Nic) and (after is None or (isinstance(after, Nic) and not after.instance_id)):
            fabric.ports.unplug(before.id)
        elif isinstance(before, Subnet) and after is None:
            fabric.remove_subnet(before)
        elif isinstance(before, Vpc) and after is None:
            self._keeper.forget(before.id)
            self._fabrics.pop(before.id).close()

    def close(self) -> None:
        """Let go of everything in the kernel; what is kept elsewhere stays."""
        for fabric in self._fabrics.values():
            fabric.close()
        self._fabrics.clear()
        if self._internet is not None:
            self._internet.close()
        self._remover.close()


def _is_of_vpc(change: Change) -> bool:
    return isinstance(change.before, Vpc) or isinstance(change.after, Vpc)


def _vpc_of(change: Change) -> str | None:
    """Return the VPC whose part of the kernel follows a change: none for an elastic IP, whose HAVIP knows of it."""
    record = change.after if change.after is not None else change.before
    assert record is not None
    if isinstance(record, Eip):
        return None
    return record.id if isinstance(record, Vpc) else record.vpc_id


def _eip_of(record: Record | None) -> tuple[IPv4Address, IPv4Address] | None:
    """Return the elastic IP of a HAVIP, and the HAVIP's address."""
    return (record.eip, record.address) if isinstance(record, Havip) and record.eip is not None else None
