"""What an administrator may want of a cluster, asked at any of its nodes: the status, a move, a pause, a resumption."""

from collections.abc import Mapping

from pytest_havip.clients.wsfc.actions import Action, Reply, Send
from pytest_havip.clients.wsfc.member import Member, Phase
from pytest_havip.clients.wsfc.messages import WITNESS, Done, Order

__all__ = ["Administration"]


class Administration:
    """Carries out an administrator's commands on one node, or passes them on to the node that they concern.

    Args:
        member: This node.
    """

    def __init__(self, member: Member) -> None:
        self._member = member

    def command(self, command: Mapping[str, str], ticket: int, now: float) -> list[Action]:
        """Take a command: its `action` is `move`, `pause` or `resume`; `node` names whom, `drain` is `yes` or empty.

        Args:
            command: The command.
            ticket: Returned with the `Reply`, which may come with a later action.
            now: The node's clock.
        """
        concerned = self._concerned(command, now)
        if concerned != self._member.name:
            return [Send(concerned, Order(self._member.name, ticket, command))]
        ok, text, actions = self._execute(command, now)
        return [*actions, Reply(ticket, ok, text)]

    def hear(self, message: Order | Done, now: float) -> list[Action]:
        """Carry out what another node has passed on, or take its answer."""
        if isinstance(message, Done):
            return [Reply(message.ticket, message.ok, message.text)]
        ok, text, actions = self._execute(message.command, now)
        return [*actions, Send(message.sender, Done(self._member.name, message.ticket, ok, text))]

    def status(self, now: float) -> dict[str, object]:
        """Say what this node knows: of itself, of the others, of the votes and of the role."""
        member = self._member
        reachable, needed = member.reachable_votes(now), member.tally.needed
        owner = member.owner(now)
        last = member.peers.last(owner)
        return {
            "node": member.name,
            "quorum": reachable >= needed,
            "votes": f"{reachable} reachable of {member.voters}, {needed} needed",
            "nodes": {node: member.state_of(node, now) for node in member.nodes},
            "witness": ("up" if member.peers.reachable(WITNESS, now) else "down") if member.has_witness else "none",
            "owner": owner,
            "role": (last.role if owner != member.name and last else member.role.state).value,
            "term": last.term if owner != member.name and last else member.term,
            "addresses": {str(each.address): each.state.value for each in member.role.addresses},
            "event": member.role.event,
        }

    def _concerned(self, command: Mapping[str, str], now: float) -> str:
        """The node that has to carry a command out; this one when that node is not there, for it knows what to say."""
        member = self._member
        wanted = member.owner(now) if command["action"] == "move" else command["node"]
        return wanted if member.peers.reachable(wanted, now) else member.name

    def _execute(self, command: Mapping[str, str], now: float) -> tuple[bool, str, list[Action]]:
        member, node = self._member, command["node"]
        match command["action"]:
            case "move":
                return self._move(node, now)
            case "pause" if node in {"", member.name}:
                return True, f"{member.name} is paused", member.pause(now, drain=command["drain"] == "yes")
            case "resume" if node in {"", member.name}:
                return True, f"{member.name} is resumed", member.resume(now)
            case "pause" | "resume":
                state = (
                    f"{node} is {member.state_of(node, now)}" if node in member.nodes else f"there is no node {node}"
                )
                return False, f"{state}: start it, or name one of {', '.join(member.nodes)}", []
        return False, f"there is no command {command['action']}: use move, pause or resume", []

    def _move(self, to: str, now: float) -> tuple[bool, str, list[Action]]:
        member = self._member
        if member.phase is not Phase.OWNER:
            return False, "nobody owns the role: see the status for nodes and votes", []
        able = member.others_able(now)
        to = to or next(iter(able), "")
        if to == member.name:
            return True, f"{to} owns the role already", []
        if not to:
            return False, f"the role stays on {member.name}: no other node could take it", []
        if to not in able:
            state = f"{to} is {member.state_of(to, now)}" if to in member.nodes else f"there is no node {to}"
            could = ", ".join(able) or "no other node"
            return False, f"the role stays on {member.name}: {state}; {could} could take it", []
        return True, f"the role goes from {member.name} to {to}", member.move(to, now)
