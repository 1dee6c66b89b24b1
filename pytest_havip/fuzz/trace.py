"""A story as a file: canonical JSON, with a schema and a version, that can be replayed on any network."""

import json
from dataclasses import dataclass
from pathlib import Path

from pytest_havip.fuzz.actions import Action, NotAnAction, Race, action_of, data_of
from pytest_havip.fuzz.player import Failure
from pytest_havip.fuzz.world import WORLD, NotAWorld, World

__all__ = ["FORMAT", "VERSION", "BadTrace", "Trace"]

FORMAT = "havip-trace"
#: Of the format; a reader refuses others.
VERSION = 1


class BadTrace(ValueError):
    """A text that is no trace; it says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Trace:
    """A story, and what it showed.

    Args:
        actions: What happens; at the end everything is looked at (`Player.finish`).
        world: Where.
        requirement: Id of the requirement that was broken, "" if none was.
        target: The network on which that was seen.
        expected: What might have been observed.
        seen: What was.
    """

    actions: tuple[Action, ...]
    world: World = WORLD
    requirement: str = ""
    target: str = ""
    expected: str = ""
    seen: str = ""

    @classmethod
    def of_failure(cls, failure: Failure, world: World, target: str) -> "Trace":
        """The trace of a story that a network did not play as it should."""
        found = failure.disagreement
        return cls(failure.actions, world, found.requirement, target, found.expected, found.seen)

    def text(self) -> str:
        """The trace as canonical JSON: the same story is the same text, an action a line."""
        found = {name: getattr(self, name) for name in ("requirement", "target", "expected", "seen")}
        actions = ",\n".join(f"    {_line(data_of(action))}" for action in self.actions)
        return (
            f'{{\n  "format": "{FORMAT}",\n  "version": {VERSION},\n  "found": {_line(found)},\n'
            f'  "world": {_line(self.world.data())},\n  "actions": [\n{actions}\n  ]\n}}\n'
        )

    def write(self, path: Path) -> None:
        """Write the trace into a file."""
        path.write_text(self.text(), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Trace":
        """The trace in a file.

        Raises:
            BadTrace: It holds none.
            OSError: It cannot be read.
        """
        return cls.parse(path.read_text(encoding="utf-8"))

    @classmethod
    def parse(cls, text: str) -> "Trace":
        """The trace that a text is.

        Raises:
            BadTrace: It is none.

        >>> from pytest_havip.fuzz.actions import Announce
        >>> Trace.parse(Trace((Announce("a", "h1"),)).text()).actions
        (Announce(machine='a', address='h1', operation='request', target_mac='broadcast', to='', length=42, fault=''),)
        """
        try:
            data = json.loads(text)
        except ValueError as error:
            raise BadTrace(f"a trace is JSON, and this is not: {error}") from error
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise BadTrace(f'this is no trace: a trace is a JSON object with "format": "{FORMAT}"')
        if data.get("version") != VERSION:
            raise BadTrace(f"the trace has version {data.get('version')!r}; this program reads version {VERSION}")
        found, actions = data.get("found", {}), data.get("actions")
        if not isinstance(actions, list) or not isinstance(found, dict):
            raise BadTrace("a trace has a list of actions, and what was found is an object")
        try:
            world = World.of(data.get("world"))
            story = tuple(action_of(action) for action in actions)
            _check_names(story, world)
        except (NotAWorld, NotAnAction) as error:
            raise BadTrace(str(error)) from error
        told = {name: str(found.get(name, "")) for name in ("requirement", "target", "expected", "seen")}
        return cls(story, world, **told)


def _line(data: object) -> str:
    return json.dumps(data, ensure_ascii=False)


def _check_names(story: tuple[Action, ...], world: World) -> None:
    """Every name in a story is one of its world."""
    for action in story:
        for part in action.announcements if isinstance(action, Race) else (action,):
            for name, known in world.names.items():
                value = getattr(part, name, "")
                if value and value not in known:
                    raise NotAnAction(f"{data_of(part)}: there is no {name} {value!r}; there are {', '.join(known)}")
