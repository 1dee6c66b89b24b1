"""Tools to plant faults with: another function in the place of one, another text in the place of a guard's rule."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from pytest_havip.network import command
from pytest_havip.network.api.actions import Actions, Answer
from pytest_havip.network.core import PROFILES, TENCENT, Network
from pytest_havip.network.dataplane import ruleset
from pytest_havip.network.dataplane.rules import RULES_BY_NAME
from pytest_havip.network.service import Service

__all__ = [
    "Request",
    "Rightly",
    "add_rules",
    "change_action",
    "change_profile",
    "change_rule",
    "change_shipped_profile",
    "drop_rule",
    "put",
]

#: The parameters of a request to the API.
Request: TypeAlias = Mapping[str, Any]
#: What would be right: carries a request out.
Rightly: TypeAlias = Callable[[Request], Answer]


def put(owner: object, name: str, substitute: object) -> Any:  # noqa: ANN401 - whatever was there
    """Put something in the place of a module's or class's attribute; return what was there."""
    original = getattr(owner, name)
    setattr(owner, name, substitute)
    return original


def change_action(changed: Callable[[Rightly, Service, Request], Answer], *names: str) -> None:
    """Let actions of the API be carried out in another way, which knows what would be right."""

    def call(self: Actions, service: Service, name: str, request: Request, **more: Any) -> Answer:  # noqa: ANN401
        def rightly(instead: Request) -> Answer:
            answer: Answer = original(self, service, name, instead, **more)
            return answer

        return changed(rightly, service, request) if name in names else rightly(request)

    original = put(Actions, "call", call)


def change_profile(**settings: Any) -> None:  # noqa: ANN401 - as the profile's settings are
    """Let new networks, and those that are restored, have a profile with other settings."""
    profile = replace(TENCENT, **settings)
    for maker in (Network.__init__, Network.restore):
        defaults = maker.__kwdefaults__
        assert defaults is not None
        defaults["profile"] = profile


def change_shipped_profile(name: str, **settings: Any) -> None:  # noqa: ANN401 - as the profile's settings are
    """Let the profile of that name have other settings."""
    put(command, "PROFILES", {**PROFILES, name: replace(PROFILES[name], **settings)})


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
