"""What the parts of the network have in common: its records, and the one way to change them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Self, TypeVar

from pytest_havip.network.core.effects import Change, Effect
from pytest_havip.network.core.inventory import Inventory
from pytest_havip.network.core.model import Eip, Havip, Nic, Record, Subnet, Vpc
from pytest_havip.network.core.profile import TENCENT, Profile
from pytest_havip.network.core.refusal import Code, Refused

__all__ = ["State"]

_Created = TypeVar("_Created", Vpc, Subnet, Nic, Havip, Eip)

_RANK: Mapping[type, int] = {Vpc: 0, Subnet: 1, Nic: 2, Havip: 3, Eip: 4}


class State:
    """The records of a network, and the effects of its requests.

    Args:
        new_token: gives that many random characters of [0-9a-z]; ids and MAC addresses are made from them.
        profile: the cloud's settings.

    Attributes:
        admitted: whether the account may have HAVIPs: the product is in limited release.
    """

    def __init__(self, *, new_token: Callable[[int], str], profile: Profile = TENCENT) -> None:
        self.profile = profile
        self.admitted = True
        self._new_token = new_token
        self._inventory = Inventory()
        self._effects: list[Effect] = []

    @classmethod
    def restore(cls, records: Iterable[Record], *, new_token: Callable[[int], str], profile: Profile = TENCENT) -> Self:
        """A network that goes on from stored records, in whatever order; nothing of it is an effect."""
        network = cls(new_token=new_token, profile=profile)
        for record in sorted(records, key=lambda record: _RANK[type(record)]):
            network._inventory.apply(None, record)
        return network

    @property
    def vpcs(self) -> Mapping[str, Vpc]:
        """All VPCs by id."""
        return self._inventory.vpcs

    @property
    def subnets(self) -> Mapping[str, Subnet]:
        """All subnets by id."""
        return self._inventory.subnets

    @property
    def nics(self) -> Mapping[str, Nic]:
        """All NICs by id."""
        return self._inventory.nics

    @property
    def havips(self) -> Mapping[str, Havip]:
        """All HAVIPs by id."""
        return self._inventory.havips

    @property
    def eips(self) -> Mapping[str, Eip]:
        """All elastic IPs by id."""
        return self._inventory.eips

    def check_admitted(self) -> None:
        """The account may have HAVIPs.

        Raises:
            Refused: UnauthorizedOperation.
        """
        if not self.admitted:
            raise Refused(Code.UNAUTHORIZED, "this account is not admitted to HAVIPs, which are in limited release")

    def take_effects(self) -> tuple[Effect, ...]:
        """What the requests since the last call want done, in order; they are the caller's now."""
        effects = tuple(self._effects)
        self._effects.clear()
        return effects

    def undo(self, effects: Sequence[Effect]) -> None:
        """Take back the latest effects: they cannot be carried out."""
        for effect in reversed(effects):
            if isinstance(effect, Change):
                self._inventory.apply(effect.after, effect.before)

    def _create(self, record: _Created) -> _Created:
        self._commit(Change(None, record))
        return record

    def _commit(self, *effects: Effect) -> None:
        self._apply(effects)
        self._effects.extend(effects)

    def _apply(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Change):
                self._inventory.apply(effect.before, effect.after)
