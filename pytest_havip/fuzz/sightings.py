"""Which of the frames that were sent a captured frame is: the bookkeeping of one batch."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_havip.fuzz.executor import Observation
from pytest_havip.fuzz.frames import TOKEN

__all__ = ["Sightings"]

_ETHERTYPE, _PROTOCOL, _OPERATION = slice(12, 14), 23, slice(20, 22)
_SENDER_MAC, _SENDER, _TARGET_MAC, _TARGET = slice(22, 28), slice(28, 32), slice(32, 38), slice(38, 42)
_ARP, _IPV4, _REPLY, _UDP = b"\x08\x06", b"\x08\x00", b"\x00\x02", 17
_WHOLE, _BEYOND_DESTINATION = slice(42), slice(6, 42)

#: What frames of one kind, all alike, were sent for; and how many of them each machine has seen.
_Sent = tuple[list[Observation], "Counter[str]"]


def _key(data: bytes) -> bytes:
    """What a network leaves as it is of a frame: a question's destination it may change, and padding it may add."""
    if data[_ETHERTYPE] == _IPV4 and data[_PROTOCOL : _PROTOCOL + 1] == b"\x11":
        return data[TOKEN]
    is_gratuitous = data[_SENDER] == data[_TARGET]
    return data[_WHOLE] if is_gratuitous or data[_ETHERTYPE] != _ARP else data[_BEYOND_DESTINATION]


@dataclass(slots=True)
class Sightings:
    """What was sent in a batch, and where it was seen.

    Equal frames cannot be told apart: the first one that a machine sees is taken for the first that was sent, and so
    on. In a batch, what may become of equal frames is equal too.

    Args:
        names: The machines by their MAC addresses.
    """

    names: Mapping[bytes, str]
    _frames: dict[bytes, _Sent] = field(default_factory=dict)
    _questions: dict[tuple[str, bytes, bytes, bytes], _Sent] = field(default_factory=dict)

    def send(self, frame: bytes, observation: Observation) -> None:
        """A frame is being sent; what is seen of it belongs into this observation."""
        self._frames.setdefault(_key(frame), ([], Counter()))[0].append(observation)

    def ask(self, asker: str, frame: bytes, observation: Observation) -> None:
        """An ARP question is being sent; the answers to it belong into this observation too."""
        self.send(frame, observation)
        key = asker, frame[_TARGET], frame[_SENDER_MAC], frame[_SENDER]
        self._questions.setdefault(key, ([], Counter()))[0].append(observation)

    def see(self, machine: str, data: bytes, at: int) -> bool:
        """A machine has got a frame at some time; say whether it is one of this batch, or an answer to one."""
        sent = self._frames.get(_key(data))
        if sent is not None:
            observations, seen = sent
            observation = observations[min(seen[machine], len(observations) - 1)]
            observation.reached = (*observation.reached, machine)
            observation.reached_at = (*observation.reached_at, at)
            seen[machine] += 1
            return True
        if data[_ETHERTYPE] != _ARP or data[_OPERATION] != _REPLY:
            return False
        asked = self._questions.get((machine, data[_SENDER], data[_TARGET_MAC], data[_TARGET]))
        if asked is None:
            return False
        observations, seen = asked
        mac = data[_SENDER_MAC]
        name = self.names.get(mac) or mac.hex(":")
        # What comes once too often goes to the last.
        observation = observations[min(seen[name], len(observations) - 1)]
        observation.answers = (*observation.answers, name)
        observation.answered_at = (*observation.answered_at, at)
        seen[name] += 1
        return True
