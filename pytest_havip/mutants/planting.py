"""Tools to plant faults with: another function in the place of one, another text in the place of a guard's rule."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pytest_havip.network.dataplane import ruleset
from pytest_havip.network.dataplane.rules import RULES_BY_NAME

__all__ = ["add_rules", "change_rule", "drop_rule", "put"]


def put(owner: object, name: str, substitute: object) -> Any:  # noqa: ANN401 - whatever was there
    """Put something in the place of a module's or class's attribute; return what was there."""
    original = getattr(owner, name)
    setattr(owner, name, substitute)
    return original


def change_rule(name: str, text: str) -> None:
    """Give a rule of the guard another text."""
    _rewrite(lambda rule: (replace(rule, text=text),) if rule.name == name else (rule,))


def drop_rule(name: str) -> None:
    """Leave a rule of the guard out."""
    _rewrite(lambda rule: () if rule.name == name else (rule,))


def add_rules(before: str, *texts: str) -> None:
    """Let rules of these texts stand before the named one, in its chain."""
    more = tuple(replace(RULES_BY_NAME[before], name=f"mutant {text}", text=text) for text in texts)
    _rewrite(lambda rule: (*more, rule) if rule.name == before else (rule,))


def _rewrite(rewritten: Callable[[ruleset.Rule], tuple[ruleset.Rule, ...]]) -> None:
    put(ruleset, "RULES", tuple(one for rule in ruleset.RULES for one in rewritten(rule)))
