"""A trace as a test that can stand in anybody's suite."""

from pathlib import Path

from pytest_havip.fuzz.actions import parts_of
from pytest_havip.fuzz.trace import Trace
from pytest_havip.fuzz.world import WORLD
from pytest_havip.requirements import catalogue

__all__ = ["script", "write_script"]

_TEXT = '''"""{title}

Made from a trace by `havip replay --pytest`; run it by `pytest --havip THIS_FILE`.
"""

from pytest_havip.fuzz import {imported}
{marker}
STORY = (
{story}
)


{mark}def test_the_story_is_played_as_it_should_be(play_story):
    play_story(STORY{world})
'''
_MARKER = "from pytest_havip.requirements import requirement\n"


def script(trace: Trace) -> str:
    """A pytest file that plays a trace's story on the network under test, by the fixture ``play_story``.

    Args:
        trace: What broke a requirement.
    """
    kinds = {type(part).__name__ for action in trace.actions for part in (action, *parts_of(action))}
    is_usual = trace.world.data() == WORLD.data()
    is_known = trace.requirement in set(catalogue())
    imported = sorted(kinds | (set() if is_usual else {"World"}))
    return _TEXT.format(
        title=_title(trace),
        imported=", ".join(imported) or "WORLD",
        marker=_MARKER if is_known else "",
        story="\n".join(f"    {action!r}," for action in trace.actions),
        mark=f'@requirement("{trace.requirement}")\n' if is_known else "",
        world="" if is_usual else f", World.of({trace.world.data()!r})",
    )


def _title(trace: Trace) -> str:
    told = "A story."
    if trace.requirement:
        by = f"{trace.requirement}, as {trace.target or 'some network'} broke it"
        told = f"{by}: {trace.seen}, not {trace.expected}." if trace.seen else f"{by}."
    # Whatever the trace says, it is no end of the text.
    return told.replace("\\", "/").replace('"', "'")


def write_script(trace: Trace, path: Path) -> None:
    """Write that file."""
    path.write_text(script(trace), encoding="utf-8")
