"""What a failing test leaves behind in a folder of its own."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

Run = Callable[..., pytest.RunResult]
OWN = "test_every_verdict.py"
ROOT = Path(__file__).parents[2]


def files(root: Path) -> dict[str, str]:
    """Every file below a folder, with its content; names without the digest."""
    return {
        f"{path.parent.name[:-9]}/{path.name}": path.read_text(encoding="utf-8")
        for path in root.rglob("*")
        if path.is_file()
    }


@pytest.mark.usefixtures("every_verdict")
@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_only_failing_tests_leave_something(havip: Run, pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    havip(OWN, *workers)
    found = files(pytester.path / "havip-evidence")
    assert set(found) == {"test_fails/wire.pcapng", "test_fails/ladder.txt"}
    assert found["test_fails/wire.pcapng"] == "frames"
    lines = found["test_fails/ladder.txt"].splitlines()
    assert lines[0] == "0.0 ms  a > everyone  ARP announcement"
    assert lines[2].startswith("(this evidence could not be made: ZeroDivisionError")


@pytest.mark.usefixtures("every_verdict")
def test_a_green_run_leaves_no_folder(havip: Run, pytester: pytest.Pytester) -> None:
    assert havip(OWN, "-k", "test_passes").ret == 0
    assert not (pytester.path / "havip-evidence").exists()


@pytest.mark.usefixtures("every_verdict")
@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_the_folder_can_be_elsewhere(
    havip: Run, pytester: pytest.Pytester, tmp_path: Path, workers: tuple[str, ...]
) -> None:
    elsewhere = tmp_path / "some where"
    result = havip(OWN, "--havip-evidence", str(elsewhere), *workers)
    assert set(files(elsewhere)) == {"test_fails/wire.pcapng", "test_fails/ladder.txt"}
    assert not (pytester.path / "havip-evidence").exists()
    result.stdout.fnmatch_lines([f"*{elsewhere}/test_fails-*/wire.pcapng"])


@pytest.mark.usefixtures("every_verdict")
def test_the_folder_can_be_switched_off(havip: Run, pytester: pytest.Pytester) -> None:
    before = set(pytester.path.rglob("*.txt"))
    havip(OWN, "--havip-evidence=", "-k", "test_fails").stdout.no_fnmatch_line("*havip-evidence*")
    assert set(pytester.path.rglob("*.txt")) == before


@pytest.mark.usefixtures("every_verdict")
def test_a_folder_that_cannot_be_made_spoils_nothing(havip: Run, pytester: pytest.Pytester) -> None:
    (pytester.path / "havip-evidence").write_text("a file")
    result = havip(OWN, "-k", "test_fails")
    result.stdout.fnmatch_lines(["*(wire.pcapng could not be written: NotADirectoryError: *", "replay *"])
    assert result.ret == 1


def test_names_are_safe_and_short(havip: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_own="""
        import pytest
        from pytest_havip.reports import attach_artifact, attach_ladder
        from pytest_havip.requirements import requirement

        @requirement("HAVIP-BIND-001")
        @pytest.mark.parametrize("text", ["../../etc/passwd", "x" * 400, "中文 \u200b", "a b", "a/b"])
        def test_it(request, text):
            with pytest.raises(ValueError, match="no plain file name"):
                attach_artifact(request, "../wire.pcapng", lambda path: None)
            attach_ladder(request, text)
            assert False
        """
    )
    havip("test_own.py")
    root = pytester.path / "havip-evidence"
    names = [path.name for path in root.iterdir()]
    assert len(set(names)) == 5
    assert all(
        len(name) <= 60 and name.isascii() and name.replace("-", "").replace("_", "").isalnum() for name in names
    )
    assert {path.parent.parent for path in pytester.path.rglob("ladder.txt")} == {root}


def test_evidence_is_made_once_while_the_lab_stands(havip: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_own="""
        import pytest
        from pytest_havip.reports import attach_artifact
        from pytest_havip.requirements import requirement

        @pytest.fixture
        def stage(request):
            open = ["yes"]
            attach_artifact(request, "wire.pcapng", lambda path: path.write_text(open[0]))
            yield
            open.clear()
            raise OSError("and the end failed too")

        @requirement("HAVIP-BIND-001")
        def test_it(stage):
            assert False
        """
    )
    result = havip("test_own.py")
    assert files(pytester.path / "havip-evidence") == {"test_it/wire.pcapng": "yes"}
    assert result.stdout.str().count("/wire.pcapng") == 2


SHARED = """
import pytest
from pytest_havip.reports import attach_artifact, attach_ladder, detach
from pytest_havip.requirements import requirement

@pytest.fixture(scope="module")
def calm(request):
    attach_artifact(request, "wire.pcapng", lambda path: path.write_text("calm"))
    detach(request)

@requirement("HAVIP-BIND-005")
def test_after_its_set_up(calm):
    assert False

@pytest.fixture(scope="module", params=["first", "second"])
def scene(request):
    attach_artifact(request, "wire.pcapng", lambda path: path.write_text(request.param))
    attach_ladder(request, f"frames of the {request.param} scene")
    yield
    if request.param == "second":
        raise OSError("the end failed too")

@pytest.fixture(scope="session")
def unset(request):
    attach_artifact(request, "wire.pcapng", lambda path: path.write_text("unset"))
    raise OSError("no scene")

@requirement("HAVIP-BIND-001")
def test_uses_it(scene):
    assert False

@requirement("HAVIP-BIND-002")
def test_does_not():
    assert False

@requirement("HAVIP-BIND-003")
def test_has_its_own_too(scene, request):
    attach_artifact(request, "wire.pcapng", lambda path: path.write_text("own"))
    assert False

@requirement("HAVIP-BIND-004")
@pytest.mark.parametrize("number", [1, 2])
def test_never_begins(unset, number):
    pass
"""


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_what_a_shared_scene_attaches_belongs_to_the_tests_that_use_it(
    havip: Run, pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    pytester.makepyfile(test_own=SHARED)
    result = havip("test_own.py", *workers)
    assert files(pytester.path / "havip-evidence") == {
        "test_uses_it-first/wire.pcapng": "first",
        "test_uses_it-first/ladder.txt": "frames of the first scene\n",
        "test_uses_it-second/wire.pcapng": "second",
        "test_uses_it-second/ladder.txt": "frames of the second scene\n",
        "test_has_its_own_too-first/wire.pcapng": "own",
        "test_has_its_own_too-first/scene-wire.pcapng": "first",
        "test_has_its_own_too-first/ladder.txt": "frames of the first scene\n",
        "test_has_its_own_too-second/wire.pcapng": "own",
        "test_has_its_own_too-second/scene-wire.pcapng": "second",
        "test_has_its_own_too-second/ladder.txt": "frames of the second scene\n",
        "test_never_begins-1/wire.pcapng": "unset",
        "test_never_begins-2/wire.pcapng": "unset",
    }
    result.stdout.fnmatch_lines_random(
        ["evidence     havip-evidence/test_never_begins-1-????????/wire.pcapng", "frames of the second scene"]
    )


def test_every_stage_of_ours_is_attached() -> None:
    careless = [
        f"{path.name}: {function.name}"
        for folder in ("fixtures", "suites")
        for path in (ROOT / folder).glob("*.py")
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef)
        and "Stage.build(" in (text := ast.unparse(function))
        and ".attach_to(" not in text
    ]
    # All scenes of takeovers are set by one fixture; a test attaches the frames of the one that it asks for.
    assert careless == ["scenes.py: set_scene"], (
        "failing tests of theirs would leave no frames: stage.attach_to(request)"
    )
