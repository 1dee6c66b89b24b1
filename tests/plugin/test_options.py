from collections.abc import Callable

import pytest

from pytest_havip.options import OPTIONS

pytest_plugins = ["pytester"]

Run = Callable[..., pytest.RunResult]


@pytest.fixture(autouse=True)
def own(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    for option in OPTIONS:
        monkeypatch.delenv(option.variable, raising=False)
    pytester.makepyfile(
        test_own="""
        def test_it(request):
            assert request.config.getoption("havip_target") in {"reference", "bridge", "mutant:eleven-havips"}
        """
    )


def test_every_option_is_in_the_help_with_its_other_names(pytester: pytest.Pytester) -> None:
    text = " ".join(pytester.runpytest_subprocess("--help").stdout.str().split())
    for option in OPTIONS:
        assert option.flag in text
        assert f"ini {option.ini}, environment {option.variable}. Default: {option.default}." in text


def test_the_default(havip: Run) -> None:
    havip("test_own.py").stdout.fnmatch_lines(
        ["havip: target reference (default)", "havip: *kernel *nft *pytest-havip *"]
    )


def test_the_environment_beats_the_default(havip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_HAVIP_TARGET", "bridge")
    havip("test_own.py").stdout.fnmatch_lines(["havip: target bridge (environment PYTEST_HAVIP_TARGET)", "*1 passed*"])


def test_the_ini_file_beats_the_environment(
    havip: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_HAVIP_TARGET", "reference")
    pytester.makeini("[pytest]\nhavip_target = bridge")
    havip("test_own.py").stdout.fnmatch_lines(["havip: target bridge (havip_target in *tox.ini)"])


def test_the_flag_beats_them_all(havip: Run, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nhavip_target = bridge")
    result = havip("test_own.py", "--havip-target", "mutant:eleven-havips")
    result.stdout.fnmatch_lines(["havip: target mutant:eleven-havips (--havip-target)", "*1 passed*"])


@pytest.mark.parametrize("switch", ["ini", "environment"])
def test_havip_can_be_switched_on_elsewhere(
    pytester: pytest.Pytester, havip: Run, monkeypatch: pytest.MonkeyPatch, switch: str
) -> None:
    del havip  # it brings the healthy machine
    if switch == "ini":
        pytester.makeini("[pytest]\nhavip = yes")
    else:
        monkeypatch.setenv("PYTEST_HAVIP", "1")
    pytester.runpytest_subprocess("-p", "healthy", "test_own.py").stdout.fnmatch_lines(["havip: target*", "*1 passed*"])


@pytest.mark.parametrize("name", ["cloud", "mutant:typo", "Reference", "mutant:", ""])
@pytest.mark.parametrize("more", [(), ("-n2",), ("--collect-only",)])
def test_an_unknown_target_ends_the_run_at_once(havip: Run, name: str, more: tuple[str, ...]) -> None:
    result = havip("test_own.py", "--havip-target", name, *more)
    assert result.ret == 4
    message = [line for line in result.errlines if line]
    assert len(message) == 1
    assert message[0].startswith(f"ERROR: --havip-target: there is no network {name!r} to test. There are: reference, ")
    assert ", bridge, mutant:" in message[0]
    assert "collected" not in result.stdout.str()


def test_who_set_an_unknown_target_is_told(havip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_HAVIP_TARGET", "Mutant:X")
    havip("test_own.py").stderr.fnmatch_lines(
        ["ERROR: environment PYTEST_HAVIP_TARGET: there is no network 'Mutant:X'*"]
    )


def test_a_known_target_needs_no_network_to_start(havip: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_own="""
        import sys

        def test_it():
            assert not [name for name in sys.modules if name.startswith("pytest_havip.network")]
        """
    )
    havip("test_own.py", "--havip-target", "bridge").assert_outcomes(passed=1)


def test_a_switch_neither_on_nor_off_is_refused(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_HAVIP", "perhaps")
    result = pytester.runpytest_subprocess("test_own.py")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: environment PYTEST_HAVIP is 'perhaps'; it must be yes or no"])
