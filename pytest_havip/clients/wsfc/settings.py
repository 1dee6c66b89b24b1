"""What a cluster is told: its timers and policies, and what each node's program reads from its file."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

__all__ = ["NO_SCRIPT", "NT", "RFC5227", "SINGLE", "AddressCheck", "NodeFile", "RoleScript", "WsfcSettings"]


@dataclass(frozen=True, slots=True)
class AddressCheck:
    """How a node makes sure that nobody uses an address, and how it announces it then. Source: RFC 5227 section 1.1.

    Args:
        probe_wait: Up to so many seconds, at random, pass before the first probe.
        probe_number: How many probes; Windows knows 0 to 3 (ArpRetryCount).
        probe_min: At least so many seconds between two probes.
        probe_max: At most so many.
        announce_wait: Seconds from the last probe to the first announcement; only then the address is usable.
        announce_number: How many announcements; what Windows sends is in no document, so it can be set.
        announce_interval: Seconds between two of them.
        defend_interval: A second conflict within so many seconds of the last one makes the owner give up.
        probe_sender: The sender's address in a probe: `zero`, since Windows Vista and Server 2008, or the `address`
            itself, before; such a probe already moves every neighbour's table.
    """

    probe_wait: float = 1.0
    probe_number: int = 3
    probe_min: float = 1.0
    probe_max: float = 2.0
    announce_wait: float = 2.0
    announce_number: int = 2
    announce_interval: float = 2.0
    defend_interval: float = 10.0
    probe_sender: Literal["zero", "address"] = "zero"

    def __post_init__(self) -> None:
        if min(self.probe_wait, self.probe_min, self.announce_wait, self.announce_interval, self.defend_interval) < 0:
            raise ValueError(f"an address check has no negative times: {self}")
        if self.probe_max < self.probe_min or min(self.probe_number, self.announce_number) < 0:
            raise ValueError(f"probe_max is at least probe_min, and no number is negative: {self}")

    @property
    def earliest(self) -> float:
        """Seconds from the start of the check to the address's use, at least."""
        return max(self.probe_number - 1, 0) * self.probe_min + self.announce_wait if self.probe_number else 0.0

    @property
    def latest(self) -> float:
        """Seconds from the start of the check to the address's use, at most."""
        if not self.probe_number:
            return 0.0
        return self.probe_wait + max(self.probe_number - 1, 0) * self.probe_max + self.announce_wait


RFC5227 = AddressCheck()
"""The RFC's own constants: 4 to 7 seconds."""

SINGLE = AddressCheck(announce_number=1)
"""The same, announced once: what a lost announcement does then is worth a test."""

NT = AddressCheck(
    probe_wait=0.0,
    probe_min=0.5,
    probe_max=0.5,
    announce_wait=0.5,
    announce_number=0,
    probe_sender="address",
)
"""Windows NT 4.0 to Server 2003: the check is the announcement, at 0, 0.5 and 1 s (Microsoft KB 168567, 199773)."""


@dataclass(frozen=True, slots=True)
class WsfcSettings:
    """Timers and policies of a cluster, under the names that a Windows administrator knows; all times in seconds.

    Args:
        same_subnet_delay: From one heartbeat to the next (SameSubnetDelay, 1000 ms).
        same_subnet_threshold: So many missed ones and a node is down (SameSubnetThreshold, 10; 5 before 2016).
        join_wait: A starting node waits so long for the others before it forms a cluster without them.
        arbitration_delay: A successor of a lost owner waits so long for the witness: 0 for a file share, some 7 for a
            disk with persistent reservations.
        possible_owners: Hosts that may own the role; all of them when empty.
        preferred_owners: Hosts in the order in which they are preferred; the order of the nodes when empty.
        failback: Whether a preferred owner that returns gets the role back.
        restart_threshold: So many failures within `restart_period` are answered by a restart on the same node.
        restart_delay: From a failure to the restart.
        restart_period: See `restart_threshold`.
        failover_threshold: So many failures in a row move the role to another node before it stays where it is,
            failed; one less than there are nodes when None.
        retry_period: A failed role is tried again after so long (RetryPeriodOnFailure, an hour).
        looks_alive: From one look at the service beside the addresses to the next (LooksAlive, 5 s).
        check: How an address comes online.
    """

    same_subnet_delay: float = 1.0
    same_subnet_threshold: int = 10
    join_wait: float = 2.0
    arbitration_delay: float = 0.0
    possible_owners: tuple[str, ...] = ()
    preferred_owners: tuple[str, ...] = ()
    failback: Literal["never", "immediate"] = "never"
    restart_threshold: int = 1
    restart_delay: float = 0.5
    restart_period: float = 900.0
    failover_threshold: int | None = None
    retry_period: float = 3600.0
    looks_alive: float = 5.0
    check: AddressCheck = field(default=RFC5227)

    def __post_init__(self) -> None:
        if self.same_subnet_delay <= 0 or self.same_subnet_threshold < 2:  # noqa: PLR2004 (one may always be late)
            raise ValueError(
                f"same_subnet_delay is {self.same_subnet_delay} and same_subnet_threshold "
                f"{self.same_subnet_threshold}: take a delay above 0 and a threshold of 2 at least"
            )

    @property
    def lease(self) -> float:
        """Seconds after the last heartbeat at which a node is down, and its votes are free again."""
        return self.same_subnet_delay * self.same_subnet_threshold


@dataclass(frozen=True, slots=True)
class RoleScript:
    """What the role runs on its owner, as a Generic Script resource does that depends on the addresses.

    Args:
        online: The command, as words, when all addresses are online; if it ends with another status than 0, the role
            fails there.
        offline: The command when the role is no longer online; nobody minds how it ends.
    """

    online: tuple[str, ...] = ()
    offline: tuple[str, ...] = ()


NO_SCRIPT = RoleScript()


@dataclass(frozen=True, slots=True)
class NodeFile:
    """What one node's program reads when it starts.

    Args:
        name: This node's name, a key of `members`.
        interface: The interface that carries the floating addresses.
        members: Every node's name and the address at which the others reach it, the preferred one first.
        witness: The address of the file share witness; empty without one.
        addresses: The floating addresses.
        service: The file with the process id of the service that the role stands for; empty without one.
        script: What the role runs on its owner.
        settings: The cluster's.
        voting: This node's address towards the witness, where the nodes have a heartbeat network of their own and the
            witness is not on it; else empty.
    """

    name: str
    interface: str
    members: Mapping[str, str]
    witness: str
    addresses: tuple[str, ...]
    service: str
    script: RoleScript
    settings: WsfcSettings
    voting: str = ""

    def render(self) -> str:
        """The file's text: JSON."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def read(cls, text: str) -> "NodeFile":
        """Read a file's text.

        Raises:
            ValueError: it is no JSON, lacks a field, or a setting makes no sense.
        """
        fields: dict[str, Any] = json.loads(text)
        try:
            told: dict[str, Any] = fields.pop("settings")
            told["check"] = AddressCheck(**told["check"])
            for owners in ("possible_owners", "preferred_owners"):
                told[owners] = tuple(told[owners])
            script = RoleScript(**{when: tuple(command) for when, command in fields.pop("script").items()})
            fields["addresses"] = tuple(fields["addresses"])
            return cls(**fields, script=script, settings=WsfcSettings(**told))
        except (TypeError, KeyError) as error:
            raise ValueError(f"this is no node's file of this version: {error}; form the cluster again") from error
