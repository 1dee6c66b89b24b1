from collections.abc import Callable

import pytest

pytest_plugins = ["pytester"]

Run = Callable[..., pytest.RunResult]


def test_an_unknown_id_is_said_where_it_stands(havip: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_own="""
        from pytest_havip.requirements import requirement

        @requirement("HAVIP-BIND-01")
        def test_it():
            pass
        """
    )
    result = havip("test_own.py")
    assert result.ret == 2
    result.stdout.fnmatch_lines(
        ["*test_own.py:3: there is no requirement 'HAVIP-BIND-01' in the catalogue. Did you mean HAVIP-BIND-0*"]
    )
    assert "Traceback" not in result.stdout.str()


def test_no_id_at_all_is_said_too(havip: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own="from pytest_havip.requirements import requirement\nrequirement()")
    havip("test_own.py").stdout.fnmatch_lines(["*test_own.py:2: @requirement needs at least one id*"])


def test_an_unknown_id_in_a_bare_marker_stops_the_run(havip: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_own="""
        import pytest

        @pytest.mark.havip_requirement("HAVIP-NONE-001")
        def test_it():
            pass
        """
    )
    result = havip("test_own.py")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*test_own.py::test_it: there is no requirement 'HAVIP-NONE-001'*"])


@pytest.mark.parametrize(
    ("selection", "chosen"),
    [
        (("-k", "HAVIP-BIND-001"), 1),
        (("-m", "HAVIP-BIND-001"), 1),
        (("-k", "HAVIP-BIND"), 2),
        (("-m", "HAVIP-BIND-001 or HAVIP-API-001"), 2),
    ],
)
def test_ids_select_tests(havip: Run, pytester: pytest.Pytester, selection: tuple[str, str], chosen: int) -> None:
    pytester.makepyfile(
        test_own="""
        import pytest
        from pytest_havip.requirements import requirement

        @pytest.mark.parametrize("which", [
            pytest.param(1, marks=requirement("HAVIP-BIND-001")),
            pytest.param(2, marks=requirement("HAVIP-BIND-002")),
        ])
        def test_bind(which):
            pass

        @requirement("HAVIP-API-001")
        class TestApi:
            def test_it(self):
                pass
        """
    )
    havip("test_own.py", *selection).assert_outcomes(passed=chosen, deselected=3 - chosen)
