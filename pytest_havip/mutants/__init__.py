"""The reference network with exactly one rule broken: proof that the conformance tests can fail.

`pytest --havip --havip-target mutant:NAME` runs them against one. Each says which requirements it breaks, and a test
of ours holds it to that: those fail, and no others.
"""

from pytest_havip.mutants import (
    addresses,
    allowances,
    announcements,
    answers,
    commits,
    decisions,
    eips,
    guards,
    leases,
    lifetimes,
    limits,
    moves,
    nics,
    orders,
    paths,
    profiles,
    quotas,
    races,
    ranges,
    requests,
    restarts,
    routes,
    terms,
)
from pytest_havip.mutants.model import Mutant

__all__ = ["KINDS", "MUTANTS", "Mutant"]

#: The modules that declare mutants, each of one kind.
KINDS = (
    decisions,
    announcements,
    lifetimes,
    requests,
    answers,
    races,
    addresses,
    quotas,
    ranges,
    commits,
    moves,
    nics,
    limits,
    allowances,
    paths,
    guards,
    restarts,
    eips,
    routes,
    orders,
    terms,
    profiles,
    leases,
)

#: Every mutant by name.
MUTANTS: dict[str, Mutant] = {mutant.name: mutant for kind in KINDS for mutant in kind.MUTANTS}
