"""A fault for each rule of the guard: the network without it. What depends on the rule fails, and nothing else."""

from collections.abc import Callable
from functools import partial

from pytest_havip.mutants.model import Mutant
from pytest_havip.network.dataplane import ruleset

__all__ = ["MUTANTS"]

#: For each rule the requirements that need it.
BREAKS: dict[str, tuple[str, ...]] = {}


def _without(rule: str) -> Callable[[], None]:
    def plant() -> None:
        left_out = frozenset({rule})
        setattr(ruleset, "render", partial(ruleset.render, without=left_out))  # noqa: B010 - a function, but a mutant's
        setattr(ruleset, "commands", partial(ruleset.commands, without=left_out))  # noqa: B010

    return plant


MUTANTS = tuple(
    Mutant(
        f"guard-without-{rule.name}",
        f"The guard lacks a rule: {rule.purpose}.",
        frozenset(BREAKS.get(rule.name, ())),
        _without(rule.name),
    )
    for rule in ruleset.RULES
)
