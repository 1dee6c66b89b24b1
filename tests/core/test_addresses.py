"""The address pool against the plainest one there could be: a set and a search from the bottom."""

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pytest_havip.network.core import Refused
from pytest_havip.network.core.addresses import AddressPool

CIDR = IPv4Network("10.0.0.0/28")
USABLE = list(CIDR.hosts())[1:]


class PoolAgainstSet(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.pool = AddressPool(CIDR)
        self.taken: set[IPv4Address] = set()

    @rule(count=st.integers(0, 5))
    def automatic(self, count: int) -> None:
        free = [address for address in USABLE if address not in self.taken]
        if count > len(free):
            with pytest.raises(Refused, match=f"ResourceInsufficient.*{len(free)} free addresses"):
                self.pool.choose(automatic=count)
        else:
            self.take(self.pool.choose(automatic=count), free[:count])

    @rule(wanted=st.lists(st.sampled_from(list(IPv4Network("10.0.0.0/27"))), min_size=1, max_size=3))
    def manual(self, wanted: list[IPv4Address]) -> None:
        if len(set(wanted)) < len(wanted) or any(a in self.taken or a not in USABLE for a in wanted):
            with pytest.raises(Refused):
                self.pool.choose(wanted)
        else:
            self.take(self.pool.choose(wanted), wanted)

    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        gone = data.draw(st.sets(st.sampled_from(sorted(self.taken)))) if self.taken else set()
        self.pool.give_back(gone)
        self.taken -= gone

    def take(self, chosen: tuple[IPv4Address, ...], expected: list[IPv4Address]) -> None:
        assert chosen == tuple(expected)
        self.pool.take(chosen)
        self.taken.update(chosen)

    @invariant()
    def counts_what_is_free(self) -> None:
        assert self.pool.free == len(USABLE) - len(self.taken)


TestPoolAgainstSet = PoolAgainstSet.TestCase


def test_choosing_takes_nothing() -> None:
    pool = AddressPool(CIDR)
    assert pool.choose(automatic=2) == pool.choose(automatic=2)


def test_the_smallest_subnet_has_room() -> None:
    pool = AddressPool(IPv4Network("10.0.0.8/29"))
    assert [str(address) for address in pool.choose(automatic=pool.free)] == [f"10.0.0.{n}" for n in range(10, 15)]
