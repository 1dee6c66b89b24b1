"""A wire that loses, repeats and delays frames when it is told to: a host in the middle, in whose kernel they pass."""

from dataclasses import dataclass

from pytest_havip.lab.capture import Capture
from pytest_havip.lab.errors import LabError
from pytest_havip.lab.host import Host

__all__ = ["Wire"]

# What comes in at one end goes out at the other, before the kernel in between has looked at it. The verdicts of both
# faults' chains come first.
_THROUGH = """\
table netdev wire {{
  chain outward {{ }}
  chain inward {{ }}
  chain from_near {{ type filter hook ingress device "{near}" priority 0; jump outward; fwd to "{far}"; }}
  chain from_far {{ type filter hook ingress device "{far}" priority 0; jump inward; fwd to "{near}"; }}
}}"""


@dataclass(frozen=True, slots=True)
class Wire:
    """Carries everything between two interfaces of a host, in its kernel and in order, but for the faults it is given.

    A machine stands at the near end, what it is plugged into at the far end. Which frames a fault hits is said in
    nft's words, for example ``ip protocol vrrp`` or ``udp dport 3343``.

    Args:
        host: The host in the middle.
        near: Its interface towards the machine.
        far: Its interface towards the other side.
    """

    host: Host
    near: str = "near"
    far: str = "far"

    def connect(self) -> None:
        """Let frames through, from now on.

        Raises:
            LabError: nft refused; the kernel may lack `fwd` (CONFIG_NFT_FWD_NETDEV).
        """
        self._nft(_THROUGH.format(near=self.near, far=self.far))

    def lose(self, match: str, *, first: int | None = None, inward: bool = False) -> None:
        """Lose frames.

        Args:
            match: Which ones.
            first: Only so many of them, from now on; all of them by default.
            inward: Those towards the machine, instead of those that it sends.
        """
        # A bucket that is filled once a day: the first ones take all that is in it.
        limit = "" if first is None else f"limit rate 1/day burst {first} packets "
        self._add(f"{match} {limit}drop", inward=inward)

    def repeat(self, match: str, times: int) -> None:
        """Let the frames that the machine sends arrive so many times instead of once."""
        for _ in range(times - 1):
            self._add(f'{match} dup to "{self.far}"', inward=False)

    def deliver(self, frame: bytes) -> int:
        """Let a frame arrive that was lost before, late.

        Args:
            frame: As a capture has it. (Where the kernel leaves checksums to the NIC, UDP's and TCP's are not whole.)

        Returns:
            The time just before, CLOCK_REALTIME in ns.
        """
        return self.host.port(self.far).send(frame)

    def mend(self) -> None:
        """End all faults."""
        self._nft("flush chain netdev wire outward; flush chain netdev wire inward")

    @property
    def arrivals(self) -> Capture:
        """What arrives at the far end leaves the host there; what came from there comes in."""
        return self.host.port(self.far).capture

    def _add(self, rule: str, *, inward: bool) -> None:
        self._nft(f"add rule netdev wire {'inward' if inward else 'outward'} {rule}")

    def _nft(self, text: str) -> None:
        ended = self.host.run(["nft", text])
        if ended.returncode:
            raise LabError(f"nft refused `{text}` on {self.host.name}: {ended.stderr.strip()}")
