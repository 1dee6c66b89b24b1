"""The network without its wires: resources in and out, frames in, verdicts and effects out.

No clock, no entropy and no input or output of its own: time and tokens are arguments, what is to be done is returned.
A refused request changes nothing.
"""

from collections.abc import Mapping
from ipaddress import IPv4Address

from pytest_havip.network.core import announcements, guard
from pytest_havip.network.core.effects import Effect, Resend
from pytest_havip.network.core.eips import Eips
from pytest_havip.network.core.forwarding import Forwarding
from pytest_havip.network.core.havips import Havips
from pytest_havip.network.core.nics import Nics
from pytest_havip.network.core.routes import Routes
from pytest_havip.network.core.verdict import Action, Decision, Reason, Verdict
from pytest_havip.network.core.vpcs import Vpcs

__all__ = ["Network"]

_NOTHING = Forwarding()
_OPERATION, _REPLY = slice(20, 22), b"\0\2"


class Network(Vpcs, Nics, Havips, Eips, Routes):
    """The state of a HAVIP network, and every rule about it.

    Methods that change resources return the record and collect effects for ``take_effects``; they raise Refused, with
    the code of the Tencent API, and have then changed nothing. ``receive`` returns its effects directly.
    """

    def recover(self, vpc_id: str, owners: Mapping[IPv4Address, str], *, now: float) -> tuple[Effect, ...]:
        """Follow the data path of a VPC, which is right about owners, after a service was killed.

        Args:
            vpc_id: the VPC.
            owners: the owner's MAC by HAVIP, as the data path was found. If that is no attached NIC of the subnet,
                a request that did not reach the data path took it away, and the record holds.
            now: epoch seconds.
        """
        nics = {nic.mac: nic for nic in self.nics.values() if nic.vpc_id == vpc_id and nic.instance_id}
        effects: list[Effect] = []
        for havip in self.havips.values():
            if havip.vpc_id == vpc_id:
                owner = nics.get(owners.get(havip.address, ""))
                if havip.address not in owners or (owner is not None and owner.subnet_id == havip.subnet_id):
                    effects += announcements.recover(havip, owner, now)
        self._apply(effects)
        return tuple(effects)

    def verdict(self, frame: bytes, nic_id: str) -> Verdict:
        """What the guard does with a frame that this NIC sends; a NIC that is not attached has no port."""
        nic = self.nics.get(nic_id)
        if nic is None:
            return guard.judge(frame, None, _NOTHING, self.profile)
        forwarding = self._inventory.forwarding[nic.vpc_id]
        return guard.judge(frame, forwarding.ports.get(nic_id), forwarding, self.profile)

    def verdict_from_gateway(self, frame: bytes, subnet_id: str) -> Verdict:
        """What the guard does with a frame that the gateway sends into a subnet.

        Raises:
            Refused: there is no such subnet.
        """
        subnet = self._inventory.subnet(subnet_id)
        forwarding = self._inventory.forwarding[subnet.vpc_id]
        return guard.judge(frame, forwarding.gateways[subnet_id], forwarding, self.profile)

    def receive(self, frame: bytes, nic_id: str, *, now: float) -> Decision:
        """Decide about a frame that the guard punted, in the order of arrival.

        It is judged again, because the world may have changed since: what was released or detached in between binds
        nothing. Never raises, whatever the bytes are.
        """
        verdict = self.verdict(frame, nic_id)
        if verdict.action is not Action.PUNT:
            return Decision(verdict)
        nic = self.nics[nic_id]
        havip = self.havips[self._inventory.forwarding[nic.vpc_id].havips[frame[28:32]]]
        if frame[_OPERATION] == _REPLY and not self.profile.replies_bind:
            return Decision(Verdict(Action.DROP, Reason.NOT_ARP_ANNOUNCEMENT))
        owner = havip.binding
        if owner is not None and owner.nic_id != nic.id and 0 <= now - owner.since < self.profile.damping:
            return Decision(Verdict(Action.DROP, Reason.DAMPED))
        effects = announcements.announce(havip, nic, now)
        self._apply(effects)
        return Decision(verdict, (*effects, Resend(nic.subnet_id, frame, nic_id)))
