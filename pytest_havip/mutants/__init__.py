"""The reference network with exactly one rule broken: proof that the conformance tests can fail.

`pytest --havip --havip-target mutant:NAME` runs them against one. Each says which requirements it breaks, and a test
of ours holds it to that: those fail, and no others.
"""

from pytest_havip.mutants import commits, decisions, guards
from pytest_havip.mutants.model import Mutant

__all__ = ["MUTANTS", "Mutant"]

#: Every mutant by name.
MUTANTS: dict[str, Mutant] = {mutant.name: mutant for mutant in (*decisions.MUTANTS, *commits.MUTANTS, *guards.MUTANTS)}
