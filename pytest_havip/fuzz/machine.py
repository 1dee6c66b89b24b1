"""A Hypothesis state machine that plays stories on a network: to be run as it is, or given more rules."""

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from pytest_havip.fuzz.actions import ACTIONS, Action
from pytest_havip.fuzz.executor import Executor
from pytest_havip.fuzz.player import Broken, Player
from pytest_havip.fuzz.strategies import stories

__all__ = ["HavipMachine", "machine_for"]


class HavipMachine(RuleBasedStateMachine):
    """Plays a story in several parts, and looks at everything at the end.

    Subclasses set `executor`, and may add rules that play actions of their own by `play`.

    Attributes:
        executor: Carries the actions out.
        judged: Ids of the requirements by which to judge; `None` for all.
        kinds: Names of the kinds of actions that are drawn.
        most: The greatest number of actions in one part.
    """

    executor: ClassVar[Executor]
    judged: Collection[str] | None = None
    kinds: ClassVar[Collection[str]] = tuple(ACTIONS)
    most: ClassVar[int] = 60

    def __init__(self) -> None:
        super().__init__()
        self._is_over = False

    @cached_property
    def player(self) -> Player:
        """Plays the story, from the beginning of the world on."""
        return Player(self.executor, judged=self.judged)

    @rule(story=st.runner().flatmap(lambda machine: machine.stories()))
    def tell(self, story: tuple[Action, ...]) -> None:
        """Let some actions happen."""
        self.play(story)

    def play(self, story: Sequence[Action]) -> None:
        """Let actions happen, and judge what was observed; nothing happens any more once something was wrong.

        Args:
            story: The actions; what cannot happen when its turn comes is left out.

        Raises:
            Broken: What was observed speaks against a requirement.
        """
        self._go_on(lambda: self.player.play(story), is_last=False)

    def teardown(self) -> None:
        """Look at everything, unless something was wrong already."""
        self._go_on(self.player.finish, is_last=True)

    def stories(self) -> st.SearchStrategy[tuple[Action, ...]]:
        """What is drawn for one part of a story."""
        return stories(self.executor.world, kinds=self.kinds, most=self.most)

    def on_broken(self, broken: Broken) -> None:
        """Something was wrong, and the story ends here: raise it. A subclass may do something else."""
        raise broken

    def _go_on(self, part: Callable[[], None], *, is_last: bool) -> None:
        if self._is_over:
            return
        self._is_over = True
        try:
            part()
        except Broken as broken:
            self.on_broken(broken)
        else:
            self._is_over = is_last


def machine_for(executor: Executor, **settings: Any) -> type[HavipMachine]:  # noqa: ANN401 - class attributes
    """The state machine for an executor.

    Args:
        executor: Carries the actions out.
        settings: Other attributes of `HavipMachine`, such as ``kinds``.

    >>> from hypothesis import settings
    >>> from hypothesis.stateful import run_state_machine_as_test
    >>> from pytest_havip.fuzz.core import CoreExecutor
    >>> quickly = settings(max_examples=5, stateful_step_count=3, deadline=None, database=None, derandomize=True)
    >>> run_state_machine_as_test(machine_for(CoreExecutor()), settings=quickly)
    """
    return type("HavipMachineOnTarget", (HavipMachine,), {"executor": executor, **settings})
