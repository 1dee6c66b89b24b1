"""For every requirement there is a network that breaks it; without one, nobody knows whether its tests can fail."""

from collections.abc import Iterator
from itertools import chain

from pytest_havip.mutants import KINDS, MUTANTS
from pytest_havip.requirements import catalogue
from pytest_havip.requirements.registry import OF_CLIENTS

#: Requirements of the network that no mutant breaks, each with the reason.
WITHOUT_A_MUTANT: dict[str, str] = {}


def of_the_network() -> Iterator[str]:
    """Ids of the requirements that a network alone can break; a client's mutants would be faulty clients."""
    return (each.id for each in catalogue().values() if each.area not in OF_CLIENTS)


def test_some_mutant_breaks_every_requirement_of_the_network() -> None:
    broken = set(chain.from_iterable(mutant.breaks for mutant in MUTANTS.values()))
    assert set(of_the_network()) - broken == WITHOUT_A_MUTANT.keys()


def test_no_two_mutants_have_one_name() -> None:
    assert len(MUTANTS) == sum(len(kind.MUTANTS) for kind in KINDS)


def test_every_fault_is_one_sentence() -> None:
    faults = [mutant.fault for mutant in MUTANTS.values()]
    assert [fault for fault in faults if not fault.endswith(".") or "\n" in fault or "|" in fault] == []
    assert len(set(faults)) == len(faults)
