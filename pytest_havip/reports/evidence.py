"""What a test leaves behind for whoever has to understand its failure.

Fixtures attach evidence as they set up; it is asked for only when the test fails, while the lab still stands. What a
fixture of a module or a session attaches belongs to every test that uses it, as long as it stands.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

__all__ = [
    "Evidence",
    "attach_artifact",
    "attach_file",
    "attach_ladder",
    "attach_observation",
    "detach",
    "evidence_of",
]

#: A text, or something that makes the text when it is asked for.
Text = str | Callable[[], str]


@dataclass(slots=True)
class Evidence:
    """Everything attached to one test.

    Args:
        observations: What a third host saw, with times, a line each.
        ladders: Frames in the order of time, as text.
        files: Files with more.
        artifacts: What writes a file when the test fails, by the file's name.
    """

    observations: list[Text] = field(default_factory=list)
    ladders: list[Text] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    artifacts: dict[str, Callable[[Path], None]] = field(default_factory=dict)


_OWN = pytest.StashKey[Evidence]()
#: Of a module, a class or a session: what its fixtures attached, by the fixture's name.
_SHARED = pytest.StashKey[dict[str, Evidence]]()


def attach_observation(test: pytest.Item | pytest.FixtureRequest, observation: Text) -> None:
    """Say what a third host saw: it becomes the failure's *actual*.

    Args:
        test: The test, or a fixture's request.
        observation: One line or a few, or what makes them on demand, such as ``17.2 ms  172.17.16.3 is at b``.
    """
    _attached_to(test).observations.append(observation)


def attach_ladder(test: pytest.Item | pytest.FixtureRequest, ladder: Text) -> None:
    """Attach a ladder of frames, or what draws it on demand; a failure shows it in full.

    Args:
        test: The test, or a fixture's request.
        ladder: One frame a line, oldest first.
    """
    _attached_to(test).ladders.append(ladder)


def attach_file(test: pytest.Item | pytest.FixtureRequest, path: Path) -> None:
    """Name a file that a failure's reader should look into.

    Args:
        test: The test, or a fixture's request.
        path: The file.
    """
    _attached_to(test).files.append(path)


def attach_artifact(test: pytest.Item | pytest.FixtureRequest, name: str, write: Callable[[Path], None]) -> None:
    """Attach a file that is written if the test fails, into a folder of the test's own; else nothing is.

    Args:
        test: The test, or a fixture's request.
        name: The file's name, such as ``wire.pcapng``.
        write: Writes it at the path that it is given.
    """
    if Path(name).name != name:
        raise ValueError(f"{name!r} is no plain file name; the folder is the plugin's to choose (--havip-evidence)")
    _attached_to(test).artifacts[name] = write


def detach(request: pytest.FixtureRequest) -> None:
    """Forget what a fixture of a module or a session has attached, once its set-up cannot fail any more.

    Args:
        request: The fixture's.
    """
    shared = request.node.stash.get(_SHARED, {})
    if request.fixturename in shared:
        shared[request.fixturename] = Evidence()


def evidence_of(item: pytest.Item) -> Evidence:
    """Return everything attached to a test so far, by itself and by all the fixtures that it names."""
    gathered = Evidence()
    for origin, evidence in _sources(item):
        gathered.observations.extend(evidence.observations)
        gathered.ladders.extend(evidence.ladders)
        gathered.files.extend(evidence.files)
        for name, write in evidence.artifacts.items():
            gathered.artifacts[name if name not in gathered.artifacts else f"{origin}-{name}"] = write
    return gathered


def _sources(item: pytest.Item) -> Iterator[tuple[str, Evidence]]:
    yield item.name, item.stash.get(_OWN, Evidence())
    names = getattr(item, "fixturenames", ())
    for node in reversed(item.listchain()):
        for fixture, evidence in node.stash.get(_SHARED, {}).items():
            if fixture in names:
                yield fixture, evidence


def _attached_to(test: pytest.Item | pytest.FixtureRequest) -> Evidence:
    node: pytest.Item | pytest.Collector = test if isinstance(test, pytest.Item) else test.node
    if isinstance(test, pytest.Item) or isinstance(node, pytest.Item):
        return node.stash.setdefault(_OWN, Evidence())
    shared = node.stash.setdefault(_SHARED, {})
    fixture = test.fixturename
    assert fixture is not None
    if fixture not in shared:
        shared[fixture] = Evidence()
        test.addfinalizer(lambda: shared.pop(fixture))
    return shared[fixture]
