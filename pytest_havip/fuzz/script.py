"""A trace as a test that can stand in anybody's suite."""

from pathlib import Path

from pytest_havip.fuzz.actions import Action, Race
from pytest_havip.fuzz.trace import Trace
from pytest_havip.fuzz.world import WORLD

__all__ = ["script", "write_script"]

_TEXT = '''"""{title}

Made from a trace by `havip replay --pytest`; run it by `pytest --havip THIS_FILE`.
"""

from pytest_havip.fuzz import {imported}
from pytest_havip.requirements import requirement

STORY = (
{story}
)


@requirement("{requirement}")
def test_the_story_is_played_as_it_should_be(play_story):
    play_story(STORY{world})
'''


def script(trace: Trace) -> str:
    """A pytest file that plays a trace's story on the network under test, by the fixture ``play_story``.

    Args:
        trace: What broke a requirement.
    """
    kinds = {type(part).__name__ for action in trace.actions for part in (action, *_parts(action))}
    is_usual = trace.world.data() == WORLD.data()
    return _TEXT.format(
        title=f"{trace.requirement}, as {trace.target or 'some network'} broke it: {trace.seen}, not {trace.expected}.",
        imported=", ".join(sorted(kinds | (set() if is_usual else {"World"}))),
        story="\n".join(f"    {action!r}," for action in trace.actions),
        requirement=trace.requirement,
        world="" if is_usual else f", World.of({trace.world.data()!r})",
    )


def write_script(trace: Trace, path: Path) -> None:
    """Write that file."""
    path.write_text(script(trace), encoding="utf-8")


def _parts(action: Action) -> tuple[Action, ...]:
    return action.announcements if isinstance(action, Race) else ()
