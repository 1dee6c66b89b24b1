"""What carries actions out and reports what was observed; what it ought to have been is the model's business."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pytest_havip.fuzz.actions import Action
from pytest_havip.fuzz.world import World

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from pytest_havip.fuzz.scribe import Scribe

__all__ = ["Executor", "Observation", "View"]


@dataclass(slots=True)
class View:
    """What can be read about a HAVIP without a frame of one's own.

    Args:
        exists: The control plane knows it.
        owner: The machine that it names as the owner, `None` for none.
        flushed: Its stamp of the last binding change, in whatever format.
        changes: The binding changes that it lists, old and new owner each; `None` where it lists none at all.
        belief: Whom the observer's ARP table would name: who announced the address last, as far as it heard; `None`
            if nobody did.
    """

    exists: bool
    owner: str | None = None
    flushed: str = ""
    changes: tuple[tuple[str | None, str | None], ...] | None = None
    belief: str | None = None


@dataclass(slots=True)
class Observation:
    """What came of an action.

    Args:
        began: Nanoseconds of the executor's clock, just before.
        ended: The same, when the call that sent or asked had returned.
        reached: Names of the machines that the frame reached, in no order, once for each time.
        answers: Who answered the one who asked: names of machines by their MAC addresses, or unknown addresses.
        reached_at: When the frame reached each of those, in nanoseconds of the same clock.
        answered_at: When each of the answers did.
        refused: Why the control plane refused, "" if it did not.
        view: What was read of a HAVIP.
        parts: Of an action that is made of several frames, an observation for each.
    """

    began: int = 0
    ended: int = 0
    reached: Sequence[str] = ()
    answers: Sequence[str] = ()
    reached_at: Sequence[int] = ()
    answered_at: Sequence[int] = ()
    refused: str = ""
    view: View | None = None
    parts: "Sequence[Observation]" = ()


class Executor(Protocol):
    """Carries actions out on some network.

    Attributes:
        world: Where the actions take place.
        ordered_by_fences: Whether frames of one batch are still under way while later ones are sent. Then a batch must
            not read what it changes; otherwise each action is over before the next one begins.
    """

    world: World
    ordered_by_fences: bool

    @property
    def kinds(self) -> Collection[str]:
        """Names of the kinds of actions that it can carry out; others are left out of a play."""

    def reset(self) -> None:
        """Bring the world back to its beginning, as it is described by `World`."""

    def history(self) -> "Scribe | None":
        """What happened since the last reset, for checkers; `None` where nothing is written down."""

    def renewed(self) -> "AbstractContextManager[Executor]":
        """The same world a second time on the same network, with nothing that was left over from any story."""

    def run(self, batch: Sequence[Action]) -> list[Observation]:
        """Carry actions out, wait until the network has handled them, and say what was observed of each.

        Raises:
            Inconclusive: Nobody can say what was handled: the network carries nothing, or a capture lost frames.
        """

    def look_again(self, *, timeout: float) -> bool:
        """Take in what was observed late of the last batch, into the observations that were returned.

        Args:
            timeout: Seconds to wait for something new.

        Returns:
            Whether there was something.
        """
