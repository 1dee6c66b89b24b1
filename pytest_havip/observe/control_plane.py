"""What the network says of itself, put beside what a third host sees."""

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_havip.clients.announcer import Instance
from pytest_havip.targets.base import Havip, Target

__all__ = ["ControlPlane"]


@dataclass(frozen=True)
class ControlPlane:
    """What the network says of itself.

    Args:
        target: The network under test.
        cast: Every machine of the test.
    """

    target: Target
    cast: Sequence[Instance]

    def owner_of(self, havip: Havip) -> Instance | None:
        """The machine that the control plane names as the owner, `None` for an unbound HAVIP.

        Raises:
            AssertionError: It does not know the HAVIP, or what it says does not fit together.
        """
        state = self.target.havip_state(havip)
        assert state is not None, f"the control plane does not know {havip.id}"
        if not state.bound:
            assert (state.nic_id, state.instance_id) == ("", ""), f"{havip.id} is unbound, and has an owner: {state}"
            return None
        owners = [machine for machine in self.cast if machine.nic.id == state.nic_id]
        assert owners, f"{havip.id} is bound to {state.nic_id}, which is no NIC of this test"
        assert state.instance_id == owners[0].nic.instance_id, (
            f"{havip.id}: {state.nic_id} is not {state.instance_id}'s"
        )
        return owners[0]

    def moves_of(self, havip: Havip) -> list[tuple[Instance | None, Instance | None]]:
        """Every binding change that the control plane lists for a HAVIP: the old owner and the new one, in order.

        Raises:
            AssertionError: One is of a NIC that no machine here has had, as of an earlier HAVIP of the same id.
        """
        by_nic = {"": None, **{machine.nic.id: machine for machine in self.cast}}
        events = [event for event in self.target.events() if event.havip_id == havip.id]
        strange = {nic_id for event in events for nic_id in (event.old_nic_id, event.new_nic_id)} - by_nic.keys()
        assert not strange, f"{havip.id} was bound to {' and '.join(sorted(strange))}: no machine here has that"
        return [(by_nic[event.old_nic_id], by_nic[event.new_nic_id]) for event in events]
