"""Every mutant is killed by tests that must kill it. (`bench/mutants.py` shows that all of them do, and no other.)"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from types import ModuleType

import pytest

from pytest_havip.mutants import KINDS, MUTANTS, Mutant
from pytest_havip.mutants.table import document
from pytest_havip.requirements import catalogue
from pytest_havip.trial import AT_ONCE, RED, Verdicts, verdicts_of


def shares() -> Mapping[str, set[str]]:
    """For each mutant, the requirements that it is tried on here.

    Every mutant has the one of its requirements that fewest mutants break, and every requirement is tried on the mutant
    that breaks least besides. So each mutant is seen killed, and each requirement's tests are seen to kill.
    """
    breakers = Counter(chain.from_iterable(mutant.breaks for mutant in MUTANTS.values()))
    tried: dict[str, set[str]] = defaultdict(set)
    for mutant in MUTANTS.values():
        tried[mutant.name] |= set(sorted(mutant.breaks, key=lambda identifier: (breakers[identifier], identifier))[:1])
    for identifier in breakers:
        killed = min(
            (mutant for mutant in MUTANTS.values() if identifier in mutant.breaks),
            key=lambda mutant: (len(mutant.breaks), mutant.name),
        )
        tried[killed.name].add(identifier)
    return tried


SHARES = shares()


def survived(mutant: Mutant) -> Verdicts:
    """What the tests said of those requirements of a mutant's share that did not turn red."""
    share = SHARES[mutant.name]
    verdicts = verdicts_of(f"mutant:{mutant.name}", share, until_red=True)
    return {identifier: verdicts[identifier] for identifier in share if not verdicts[identifier] & RED}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__.rpartition(".")[2])
def test_the_tests_kill_the_mutants(kind: ModuleType) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        blind = dict(zip((mutant.name for mutant in kind.MUTANTS), pool.map(survived, kind.MUTANTS), strict=True))
    assert {name: missed for name, missed in blind.items() if missed} == {}


def test_every_mutant_breaks_something_that_is_required() -> None:
    assert [name for name, mutant in MUTANTS.items() if not mutant.breaks] == []
    assert {name: mutant.breaks - catalogue().keys() for name, mutant in MUTANTS.items()} == dict.fromkeys(
        MUTANTS, frozenset()
    )


def test_the_document_names_what_each_mutant_breaks() -> None:
    committed = Path(__file__).parents[2] / "docs" / "mutants.md"
    assert committed.read_text(encoding="utf-8") == document(), "python -m pytest_havip.mutants.table > docs/mutants.md"
