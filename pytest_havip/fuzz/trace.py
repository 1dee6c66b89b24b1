"""A story as a file: canonical JSON, with a schema and a version, that can be replayed on any network."""

import json
from dataclasses import dataclass
from pathlib import Path

from pytest_havip.fuzz.actions import Action, parts_of
from pytest_havip.fuzz.player import Failure
from pytest_havip.fuzz.spelling import NotAnAction, action_of, data_of
from pytest_havip.fuzz.world import WORLD, NotAWorld, World

__all__ = ["FORMAT", "VERSION", "BadTrace", "Trace"]

FORMAT = "havip-trace"
#: Of the format; a reader refuses others.
VERSION = 1
_FOUND = ("requirement", "target", "expected", "seen")
#: What of a trace is told only if it is known.
_ORIGIN = ("source", "seed", "requirements")
_Story = tuple[Action, ...]


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
        source: Where the story comes from, in words.
        seed: Which drawn story it was before it was made short, such as ``7:1234``.
        requirements: Ids of the requirements that it proves where it is played as it should be.
    """

    actions: _Story
    world: World = WORLD
    requirement: str = ""
    target: str = ""
    expected: str = ""
    seen: str = ""
    source: str = ""
    seed: str = ""
    requirements: tuple[str, ...] = ()

    @classmethod
    def of_failure(cls, failure: Failure, world: World, target: str, *, seed: str = "") -> "Trace":
        """The trace of a story that a network did not play as it should."""
        found = failure.disagreement
        return cls(failure.actions, world, found.requirement, target, found.expected, found.seen, seed=seed)

    def text(self) -> str:
        """The trace as canonical JSON: the same story is the same text, an action a line."""
        found = {name: getattr(self, name) for name in _FOUND}
        origin = {name: told for name in _ORIGIN if (told := getattr(self, name))}
        actions = ",\n".join(f"    {_line(data_of(action))}" for action in self.actions)
        return (
            f'{{\n  "format": "{FORMAT}",\n  "version": {VERSION},\n  "found": {_line(found)},\n'
            + (f'  "origin": {_line(origin)},\n' if origin else "")
            + f'  "world": {_line(self.world.data())},\n  "actions": [\n{actions}\n  ]\n}}\n'
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
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise BadTrace(f"a trace is JSON in UTF-8, and this is not: {error}") from error
        return cls.parse(text)

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
        if (version := data.get("version")) != VERSION:
            raise BadTrace(f"the trace has version {version!r}, this program reads version {VERSION}{_remedy(version)}")
        found, origin, actions = data.get("found", {}), data.get("origin", {}), data.get("actions")
        if not (isinstance(actions, list) and isinstance(found, dict) and isinstance(origin, dict)):
            raise BadTrace('"actions" of a trace is a list, "found" and "origin" are objects')
        try:
            world = World.of(data.get("world"))
        except NotAWorld as error:
            raise BadTrace(f"its world: {error}") from error
        proved = origin.get("requirements", [])
        if not isinstance(proved, list):
            raise BadTrace(f'"requirements" of its origin is a list of ids, not {proved!r}')
        told = {name: str(found.get(name, "")) for name in _FOUND}
        told |= {name: str(origin.get(name, "")) for name in ("source", "seed")}
        return cls(_story(actions, world), world, **told, requirements=tuple(map(str, proved)))


def _remedy(version: object) -> str:
    is_newer = isinstance(version, int) and version > VERSION
    return "; a newer one reads it: python -m pip install --upgrade pytest-havip" if is_newer else ""


def _story(actions: list[object], world: World) -> _Story:
    """The actions that some JSON describes; what is wrong is told with the number of the action."""
    story: list[Action] = []
    for number, data in enumerate(actions, start=1):
        try:
            action = action_of(data)
            _check_names(action, world)
        except NotAnAction as error:
            raise BadTrace(f"action {number} of {len(actions)}: {error}") from error
        story.append(action)
    return tuple(story)


def _line(data: object) -> str:
    return json.dumps(data, ensure_ascii=False)


def _check_names(action: Action, world: World) -> None:
    """Every name in an action is one of its world."""
    for part in parts_of(action):
        for name, known in world.names.items():
            value = getattr(part, name, "")
            if value and value not in known:
                raise NotAnAction(f"{data_of(part)}: there is no {name} {value!r}; there are {', '.join(known)}")
