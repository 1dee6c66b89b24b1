"""Plays stories: hands actions to an executor in batches, and what came of them to the model."""

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pytest_havip.fuzz.actions import (
    Action,
    Announce,
    DataProbe,
    Frame,
    Look,
    Packet,
    Probe,
    RoutedProbe,
    Speak,
    WhoHas,
)
from pytest_havip.fuzz.blame import Disagreement
from pytest_havip.fuzz.executor import Executor
from pytest_havip.fuzz.model import Model
from pytest_havip.fuzz.spelling import names_in
from pytest_havip.fuzz.verdict import judged_by_checkers

__all__ = ["Broken", "Failure", "Player"]

#: Seconds within which whatever is late must have been seen.
_PATIENCE = 1.0


@dataclass(frozen=True, slots=True)
class Failure:
    """A story that the network did not play as it should.

    Args:
        actions: All that happened, the last one being where it showed; without it, it showed in the look at the end.
        action: What was observed wrongly.
        disagreement: How.
        word: What the control plane said then of the HAVIPs in question.
    """

    actions: tuple[Action, ...]
    action: Action
    disagreement: Disagreement
    word: str = ""

    def __str__(self) -> str:
        found = self.disagreement
        steps = "\n".join(f"  {number}. {action}" for number, action in enumerate(self.actions, start=1))
        return (
            f"{found.requirement} by {self.action}\nexpected: {found.expected}\nseen: {found.seen}\n"
            f"control plane: {self.word or 'not asked'}\nstory:\n{steps or '  nothing happened'}"
        )


class Broken(AssertionError):
    """The network broke a requirement in a story.

    Args:
        failure: The story, and what was wrong.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


class Player:
    """Plays one story, from the beginning of its world on.

    Args:
        executor: Carries the actions out; it is reset.
        judged: Ids of the requirements by which to judge; `None` for all.
        patience: Seconds within which whatever is late must have been seen.

    Attributes:
        model: What ought to be.
        told: What has happened so far.
        looked: By what everything was looked at in the end.
    """

    def __init__(
        self, executor: Executor, *, judged: Container[str] | None = None, patience: float = _PATIENCE
    ) -> None:
        executor.reset()
        self.model = Model(executor.world, judged=judged)
        self.told: list[Action] = []
        self.looked: list[Action] = []
        self._executor = executor
        self._patience = patience

    def play(self, actions: Iterable[Action]) -> None:
        """Let actions happen; what cannot happen when its turn comes is left out.

        Raises:
            Broken: What was observed speaks against a requirement.
            Inconclusive: Nobody can say what the network did.
        """
        self._play(actions, self.told)

    def finish(self) -> None:
        """Look at every HAVIP by packets and ARP; at those of the story by the control plane and what was heard, too.

        Before that, ordinary packets and ARP must arrive: where they do not, nothing else can be said.

        Raises:
            Broken: Two of them disagree, or all with the requirements.
            Inconclusive: Nobody can say what the network did.
        """
        world = self._executor.world
        observers = {name: world.observer(havip.subnet) for name, havip in world.havips.items()}
        self._play(self._controls(observers.values()), self.looked)
        self._play([DataProbe(observers[name], name) for name in world.havips], self.looked)
        self._play([WhoHas(observers[name], name) for name in world.havips], self.looked)
        remotes = {name: world.remote(havip.subnet) for name, havip in world.havips.items()}
        self._play([RoutedProbe(remote, name) for name, remote in remotes.items() if remote is not None], self.looked)
        # Asking the control plane takes as long as many frames; what no action was about is left out.
        about = {name for action in self.told for name in names_in(action)}
        self._run([Look(name) for name in world.havips if name in about], self.looked)
        self._judge_history()

    def _judge_history(self) -> None:
        """Let the checkers judge what happened as a whole; the model has judged it step by step."""
        history = self._executor.history()
        found = None if history is None else judged_by_checkers(history.header, history.records)
        if found is not None and self.model.is_judged(found[0].requirement):
            disagreement, witness = found
            last = (self.told or self.looked)[-1]
            raise Broken(Failure(tuple(self.told), last, disagreement, f"as its history shows:\n{witness}"))

    def _controls(self, observers: Iterable[str]) -> Iterator[Action]:
        for observer in dict.fromkeys(observers):
            for other in sorted(self.model.now.others(observer))[:1]:
                yield Packet(observer, observer, other)
                yield Speak(observer, observer, other)

    def _play(self, actions: Iterable[Action], told: list[Action]) -> None:
        """Play in batches: of frames that do not ask who owns what others of the batch change, or of one action."""
        if not self._executor.ordered_by_fences:
            for action in actions:
                self._run((action,), told)
            return
        batch: list[Action] = []
        changed: set[str] = set()
        asked: set[str] = set()
        for action in actions:
            if not isinstance(action, Frame):
                self._run(batch, told)
                self._run((action,), told)
                batch = []
                continue
            about = self.model.now.havip(_address(action), action.machine)
            if about is not None and not (isinstance(action, Announce) and action.fault):
                mine, others = (changed, asked) if isinstance(action, Announce) else (asked, changed)
                if batch and about in others:
                    self._run(batch, told)
                    batch = []
                if not batch:
                    changed.clear()
                    asked.clear()
                mine.add(about)
            batch.append(action)
        self._run(batch, told)

    def _run(self, batch: Sequence[Action], told: list[Action]) -> None:
        """What can happen of a batch happens; in a batch of frames nothing changes about that."""
        possible = (action for action in batch if action.name in self._executor.kinds)
        fitting = [fit for action in possible if (fit := self.model.now.fit(action)) is not None]
        if not fitting:
            return
        for action, observation in zip(fitting, self._executor.run(fitting), strict=True):
            told.append(action)
            found = self.model.judge(action, observation)
            while found is not None and found.is_missing and self._executor.look_again(timeout=self._patience):
                found = self.model.judge(action, observation)
            if found is not None:
                raise Broken(self._failure(action, found))

    def _failure(self, action: Action, found: Disagreement) -> Failure:
        """Hear the control plane too: if it names the right owner, a question that met nobody got lost on its way."""
        names = dict.fromkeys(name for name in names_in(action) if name in self._executor.world.havips)
        views = {name: self._executor.run((Look(name),))[0].view for name in names}
        owners = self.model.now.owners
        knows = all(view is not None and view.owner in owners.get(name, ()) for name, view in views.items())
        if found.on_the_way and knows:
            found = replace(found, requirement=found.on_the_way)
        return Failure(tuple(self.told), action, found, "; ".join(f"{name}: {view}" for name, view in views.items()))


def _address(action: Frame) -> str:
    """The name of the address that a frame is about."""
    match action:
        case Announce(address=address) | Speak(address=address) | Packet(source=address):
            return address
        case DataProbe(havip=havip) | WhoHas(havip=havip) | Probe(havip=havip):
            return havip
        case _:
            raise TypeError(f"{action} is about no address")
