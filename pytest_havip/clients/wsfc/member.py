"""What a node decides: events and the time go in, actions come out. No clock, no socket, no chance of its own."""

from collections.abc import Callable
from enum import StrEnum
from ipaddress import IPv4Address
from math import inf

from pytest_havip.clients.wsfc.actions import Action, Remember, Say, Send
from pytest_havip.clients.wsfc.arp import read_arp
from pytest_havip.clients.wsfc.messages import WITNESS, Heartbeat, Response, RoleState, Standing
from pytest_havip.clients.wsfc.peers import Candidate, Peers, Vacancy, in_order
from pytest_havip.clients.wsfc.role import Role
from pytest_havip.clients.wsfc.settings import NodeFile
from pytest_havip.clients.wsfc.vote import Tally, Vote

__all__ = ["Member", "Phase"]

#: A leaving node repeats its farewell so many times in the time of one heartbeat, for at most two such times.
_FAREWELLS = 5


class Phase(StrEnum):
    """What a node is to the role."""

    STANDBY = "standby"
    CANDIDATE = "candidate"
    OWNER = "owner"


class Member:
    """One node of the cluster.

    Every event first takes note of what ended meanwhile, so that a node that was frozen believes nothing of the past.

    Args:
        file: What the node was told.
        mac: The MAC of the interface that carries the floating addresses.
        random: Gives a number from 0 to 1.
        incarnation: Higher than at any start before.
        now: The node's clock, in seconds.
        holder: Whom this node's vote was given to when its program last ended.
        term: The highest term of that vote.
    """

    def __init__(
        self,
        file: NodeFile,
        mac: str,
        random: Callable[[], float],
        *,
        incarnation: int,
        now: float,
        holder: str = "",
        term: int = 0,
    ) -> None:
        self.name = file.name
        self.settings = file.settings
        self.phase = Phase.STANDBY
        self.standing = Standing.UP
        self.term = 0
        self.role = Role([IPv4Address(each) for each in file.addresses], mac, file.settings, random)
        self.nodes = tuple(file.members)
        self._preferred = file.settings.preferred_owners or self.nodes
        self._possible = file.name in (file.settings.possible_owners or self.nodes)
        self.has_witness = bool(file.witness)
        voters = [*self.nodes, *([WITNESS] if file.witness else [])]
        self.voters = len(voters)
        lease = file.settings.lease
        # What this node had voted for itself ended with its last incarnation.
        self.vote = Vote(file.name, lease, now=now, holder=holder if holder != file.name else "", term=term)
        self.tally = Tally(voters, lease)
        self.peers = Peers([voter for voter in voters if voter != file.name], lease)
        self._incarnation = incarnation
        self._newest = term
        self._number = 0
        self._remembered = (holder, term)
        self._carrier = self._serving = self._healthy = True
        self._drain = False
        self._failovers = 0
        self._successor = self._handed_to = ""
        self._joined = now + file.settings.join_wait
        self._next_beat = now
        self._ask_again = self._candidate_until = inf
        self._not_before = -inf
        self._vacancy = Vacancy(self.peers, now)
        self._told_role: RoleState | None = None
        self._left = inf
        self._farewell = 0
        self._dismissed: set[str] = set()

    # --- events --------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> list[Action]:
        """Time has passed."""
        return self._lapse(now) + self._advance(now)

    def hear(self, message: Heartbeat | Response, now: float) -> list[Action]:
        """A heartbeat, or the response to one, has come in."""
        actions = self._lapse(now)
        if not self.peers.knows(message.sender):
            return actions
        if isinstance(message, Heartbeat):
            actions += self._hear_heartbeat(message, now)
        else:
            actions += self._hear_response(message, now)
        return actions + self._advance(now)

    def hear_arp(self, frame: bytes, now: float) -> list[Action]:
        """A frame has come in by the interface that carries the addresses."""
        message = read_arp(frame)
        if message is None:
            return []
        return self._lapse(now) + self.role.hear(message, now) + self._advance(now)

    def inspect(self, now: float, *, carrier: bool, missing: IPv4Address | None) -> list[Action]:
        """The interface has been looked at: whether it has a carrier, and which address it should have and has not."""
        actions = self._lapse(now)
        lost = self._carrier and not carrier
        self._carrier = carrier
        if lost:
            actions += self._give_up(now, f"event 1127: the interface of {self.name} has lost its carrier")
        elif missing is not None:
            actions += self.role.fail(f"event 1069: {missing} is no longer on the interface", now)
        return actions + self._advance(now)

    def look(self, now: float, *, service: bool) -> list[Action]:
        """The service has been looked at: whether it lives."""
        actions = self._lapse(now)
        lost = self._serving and not service
        self._serving = service
        if lost:
            actions += self._give_up(now, f"event 1069: the service on {self.name} has failed")
        return actions + self._advance(now)

    def held(self, address: IPv4Address, now: float) -> list[Action]:
        """The interface took an address, as `Hold` wanted."""
        return self._lapse(now) + self.role.hold(address, now) + self._advance(now)

    def not_held(self, address: IPv4Address, reason: str, now: float) -> list[Action]:
        """The interface did not take an address."""
        return self.role.fail(f"event 1048: {address} cannot be brought online: {reason}", now) + self._advance(now)

    def pause(self, now: float, *, drain: bool) -> list[Action]:
        """An administrator wants this node to own nothing new; to `drain` it moves the role away as soon as it can."""
        self.standing, self._drain = Standing.PAUSED, drain
        return self._lapse(now) + self._beat(now) + self._advance(now)

    def resume(self, now: float) -> list[Action]:
        """An administrator ends the pause, and forgives what failed here."""
        self.standing, self._drain, self._healthy = Standing.UP, False, True
        return self._lapse(now) + self._beat(now) + self._advance(now)

    def move(self, to: str, now: float) -> list[Action]:
        """An administrator wants the role on one of `others_able`; this node has to be the owner."""
        self._failovers = 0
        return self._lapse(now) + (self._hand_over(to, now) if self.phase is Phase.OWNER else [])

    def leave(self, now: float) -> list[Action]:
        """Hand the role over and say farewell; `gone` tells when the program may end."""
        actions = self._lapse(now)
        self.standing, self._left = Standing.LEAVING, now
        if self.phase is Phase.OWNER:
            actions += self._hand_over(next(iter(self.others_able(now)), ""), now)
        else:
            actions += self._stand_down(now, "leaving the cluster")
        self._farewell = self._number
        self._next_beat = now + self.settings.same_subnet_delay / _FAREWELLS
        return actions + self._advance(now)

    # --- what it says of itself ------------------------------------------------------------------------------------

    def gone(self, now: float) -> bool:
        """Whether a leaving node's farewell has reached all, or has been said long enough."""
        if self.standing is not Standing.LEAVING:
            return False
        awaited = {heartbeat.sender for heartbeat in self.peers.nodes(now)} - self._dismissed
        if self.peers.reachable(WITNESS, now) and WITNESS not in self._dismissed:
            awaited.add(WITNESS)
        return not awaited or now >= self._left + 2 * self.settings.same_subnet_delay

    def deadline(self, now: float) -> float:
        """When `tick` has something to do, if nothing happens before."""
        due = [self._next_beat, self._ask_again]
        match self.phase:
            case Phase.OWNER:
                due += [self.role.due, self.tally.lapse()]
            case Phase.CANDIDATE:
                due.append(self._candidate_until)
            case Phase.STANDBY:
                due.append(self._claim_time(now))
        return min(due)

    def owner(self, now: float) -> str:
        """Who owns the role, or claims it, as far as this node knows; empty for nobody."""
        if self.phase is Phase.OWNER:
            return self.name
        return claimant.sender if (claimant := self.peers.claimant(now)) else ""

    def others_able(self, now: float) -> list[str]:
        """The other nodes that could own the role now, the best one first."""
        return in_order(self.peers.candidates(now), self._preferred)

    def reachable_votes(self, now: float) -> int:
        """How many voters this node can reach, itself among them; a majority of them is a quorum."""
        return self.peers.count(now) + 1

    def state_of(self, node: str, now: float) -> str:
        """What another node, or this one, is: `up`, `paused`, `leaving` or `down`."""
        if node == self.name:
            return self.standing.value
        last = self.peers.last(node)
        return last.standing.value if last and self.peers.reachable(node, now) else "down"

    # --- messages ------------------------------------------------------------------------------------------------

    def _hear_heartbeat(self, heartbeat: Heartbeat, now: float) -> list[Action]:
        response = self.vote.hear(heartbeat, now, silent=self.standing is Standing.LEAVING)
        if response is None:
            return []
        came = self.peers.take(heartbeat, now)
        self._newest = max(self._newest, heartbeat.newest)
        if heartbeat.term:
            self._failovers, self._successor, self._handed_to = heartbeat.failovers, "", ""
        elif heartbeat.successor:
            self._failovers, self._successor = heartbeat.failovers, heartbeat.successor
        actions = [*self._remember(now), Send(heartbeat.sender, response)]
        if came:
            actions.append(Say(f"{heartbeat.sender} is {heartbeat.standing}"))
            actions += self._beat(now)
        return actions

    def _hear_response(self, response: Response, now: float) -> list[Action]:
        if response.incarnation != self._incarnation:
            return []
        if response.sender == WITNESS:  # a node has more to say, by its own heartbeats
            self.peers.hear(WITNESS, now)
        self._newest = max(self._newest, response.newest)
        if self.standing is Standing.LEAVING and response.number >= self._farewell:
            self._dismissed.add(response.sender)
        if response.term and response.term == self.term:
            self.tally.add(response.sender, response.sent)
        elif self.phase is Phase.CANDIDATE and response.remaining:
            self._ask_again = min(self._ask_again, now + response.remaining)
        elif self.phase is Phase.CANDIDATE and response.newest >= self.term:
            return self._claim(now)  # that voter has seen a term as high as ours
        return []

    def _beat(self, now: float) -> list[Action]:
        """Send a heartbeat to everyone, count this node's own vote, and say where the role stands if that is new."""
        self._number += 1
        told: list[Action] = []
        if self.role.state is not self._told_role:
            self._told_role = self.role.state
            told.append(Say(f"the role is {self.role.state} here"))
        heartbeat = Heartbeat(
            sender=self.name,
            incarnation=self._incarnation,
            number=self._number,
            sent=now,
            term=self.term,
            newest=self._newest,
            standing=self.standing,
            able=self._able,
            healthy=self._healthy,
            role=self.role.state,
            failovers=self._failovers,
            successor=self._handed_to,
        )
        own = self.vote.hear(heartbeat, now)
        if own and own.term:
            self.tally.add(self.name, now)
        others = [node for node in self.nodes if node != self.name]
        others += [WITNESS] if self.has_witness else []
        return [*told, *self._remember(now), *(Send(other, heartbeat) for other in others)]

    def _remember(self, now: float) -> list[Action]:
        vote = (self.vote.holder(now), self.vote.term)
        if vote == self._remembered:
            return []
        self._remembered = vote
        return [Remember(*vote)]

    # --- decisions -----------------------------------------------------------------------------------------------

    @property
    def _able(self) -> bool:
        return self._possible and self._carrier and self._serving and self.standing is Standing.UP

    def _lapse(self, now: float) -> list[Action]:
        """Stop what the votes no longer cover."""
        if self.phase is Phase.OWNER and not self.tally.holds(now):
            self.role.event = "event 1177: quorum was lost"
            return self._stand_down(now, self.role.event)
        return []

    def _advance(self, now: float) -> list[Action]:
        """Take whatever step is due."""
        actions = self._watch(now)
        if self.phase is Phase.STANDBY and self._claim_time(now) <= now:
            actions += self._claim(now)
        if self.phase is Phase.CANDIDATE and self.tally.holds(now):
            self.phase = Phase.OWNER
            actions.append(Say(f"owner of the role in term {self.term}, by {self.tally.count(now)} votes"))
            self.role.bring_online(now)
        elif self.phase is Phase.CANDIDATE and now >= self._candidate_until:
            self._not_before = now + (1 + self._rank(now)) * self.settings.same_subnet_delay
            actions += self._stand_down(now, f"not enough votes in term {self.term}")
        if self.phase is Phase.OWNER:
            actions += self.role.tick(now) + self._place(now)
        if now >= min(self._next_beat, self._ask_again) or self.role.state is not self._told_role:
            actions += self._beat(now)
            self._schedule(now)
        return actions

    def _schedule(self, now: float) -> None:
        period = self.settings.same_subnet_delay
        if self.standing is Standing.LEAVING:
            period /= _FAREWELLS
        if now >= self._next_beat:
            # After a hold-up go on in step.
            self._next_beat = max(self._next_beat + period, now + period / 2)
        self._ask_again = inf

    def _watch(self, now: float) -> list[Action]:
        """Note whom the cluster has lost, and since when nobody claims the role."""
        if now < self._joined and self.peers.complete():
            self._joined = now
        claimant = self.peers.claimant(now)
        self._vacancy.note(self.name if self.phase is not Phase.STANDBY else claimant.sender if claimant else "", now)
        return [
            Say(f"event 1135: {name} was removed from the cluster's membership: {self.state_of(name, now)}")
            for name in self.peers.departed(now)
        ]

    def _claim_time(self, now: float) -> float:
        """When a standby may claim the role, if nothing happens before; past when it may now."""
        claimant = self.peers.claimant(now)
        if claimant:
            return self.peers.expiry(claimant.sender)
        if not self._able or self.reachable_votes(now) < self.tally.needed:
            return inf
        turn = max(self._vacancy.since, self._joined) + self._rank(now) * self.settings.same_subnet_delay
        if self._vacancy.lost:
            turn += self.settings.arbitration_delay
        return max(turn, self._not_before, self.vote.until(now) if self.vote.holder(now) else -inf)

    def _rank(self, now: float) -> int:
        """How many nodes should own the role rather than this one."""
        myself = Candidate(self.name, self._healthy)
        return in_order([*self.peers.candidates(now), myself], self._preferred, self._successor).index(self.name)

    def _claim(self, now: float) -> list[Action]:
        self.phase = Phase.CANDIDATE
        self._newest += 1
        self.term = self._newest
        self.tally.clear()
        self._candidate_until = now + self.settings.same_subnet_delay
        self._ask_again = inf
        self._handed_to = ""
        return self._beat(now)

    def _stand_down(self, now: float, why: str) -> list[Action]:
        """Claim nothing any more."""
        self.phase, self.term = Phase.STANDBY, 0
        self._vacancy.note("", now)
        self._candidate_until = self._ask_again = inf
        self.tally.clear()
        return [*self.role.take_offline(), Say(why), *self._beat(now)]

    def _give_up(self, now: float, event: str) -> list[Action]:
        """Leave the role to whoever can have it, for this node no longer can."""
        self.role.event = event
        if self.phase is Phase.OWNER:
            return [Say(event), *self._hand_over(next(iter(self.others_able(now)), ""), now)]
        return [Say(event), *(self._stand_down(now, "not able to own the role") if self.term else self._beat(now))]

    def _hand_over(self, to: str, now: float) -> list[Action]:
        """Take the role offline, and only then name its next owner."""
        self._handed_to = self._successor = to
        return self._stand_down(now, f"the role goes from {self.name} to {to or 'nobody'}")

    def _place(self, now: float) -> list[Action]:
        """As the owner, see whether the role should be elsewhere."""
        best = next(iter(self.others_able(now)), "")
        if self.role.state is RoleState.ONLINE:
            self._healthy, self._failovers = True, 0
        if self.role.state is RoleState.FAILED:
            self._healthy = False
            threshold = self.settings.failover_threshold
            if best and self._failovers < (len(self.nodes) - 1 if threshold is None else threshold):
                self._failovers += 1
                return self._hand_over(best, now)
        elif self._drain and best:
            return self._hand_over(best, now)
        elif self.settings.failback == "immediate" and self.role.state is RoleState.ONLINE:
            myself = Candidate(self.name, healthy=True)  # so no node where the role has failed comes before it
            first = in_order([*self.peers.candidates(now), myself], self._preferred)[0]
            if first != self.name:
                return self._hand_over(first, now)
        return []
