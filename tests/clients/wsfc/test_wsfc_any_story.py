"""Any story at all: there are never two owners, and when the faults are over there is one again."""

from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_havip.clients.wsfc.arp import announcement
from pytest_havip.clients.wsfc.messages import (
    WITNESS,
    Done,
    Heartbeat,
    Message,
    Order,
    Response,
    encode,
    read_message,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.clients.wsfc.conftest import World

NewWorld: TypeAlias = "Callable[..., World]"
VIP = "172.17.16.3"

NODES = ("a", "b", "c")
STEPS = st.one_of(
    st.tuples(st.just("run"), st.floats(0.0, 6.0)),
    st.tuples(st.sampled_from(["start", "crash", "freeze", "thaw", "leave"]), st.sampled_from(NODES)),
    st.tuples(st.sampled_from(["start", "crash"]), st.just(WITNESS)),
    st.tuples(st.just("cut"), st.tuples(st.sampled_from((*NODES, WITNESS)), st.sampled_from((*NODES, WITNESS)))),
    st.tuples(st.just("isolate"), st.sampled_from((*NODES, WITNESS))),
    st.tuples(st.just("heal"), st.none()),
    st.tuples(st.just("delay"), st.sampled_from([0.001, 0.3, 2.0, 6.0])),
    st.tuples(st.sampled_from(["move", "pause", "resume"]), st.tuples(st.sampled_from(NODES), st.sampled_from(NODES))),
    st.tuples(st.just("conflict"), st.sampled_from(NODES)),
    st.tuples(st.just("carrier"), st.tuples(st.sampled_from(NODES), st.booleans())),
)


def play(world: "World", step: str, told: Any) -> None:
    awake = [name for name in world.nodes if name not in world.frozen]
    match step:
        case "run":
            world.run(told)
        case "start" | "crash" | "freeze" | "thaw" | "leave":
            getattr(world, step)(told)
        case "cut":
            world.cut.add(told)
        case "isolate":
            world.isolate(told)
        case "heal":
            world.cut.clear()
        case "delay":
            world.latest = told
        case "move" | "pause" | "resume" if told[0] in awake:
            world.ask(told[0], step, told[1])
        case "conflict" if told in awake:
            frame = announcement("02:00:00:00:00:99", IPv4Address(VIP))
            world.perform(told, world.nodes[told].hear_arp(frame, world.now))
        case "carrier" if told[0] in awake:
            world.perform(told[0], world.nodes[told[0]].inspect(world.now, carrier=told[1], missing=None))
    world.check()


def mend(world: "World") -> None:
    """End every fault, and wait for what they left to be over."""
    world.cut.clear()
    world.latest = 0.001
    for name in tuple(world.frozen):
        world.thaw(name)
    world.run(10.0)
    world.start()
    for name in world.names:
        world.perform(name, world.nodes[name].inspect(world.now, carrier=True, missing=None))
        world.ask(name, "resume")


@given(
    steps=st.lists(STEPS, max_size=25),
    names=st.sampled_from(["ab", "abc"]),
    witness=st.booleans(),
    failback=st.sampled_from(["never", "immediate"]),
)
@settings(max_examples=120, deadline=None)
def test_there_are_never_two_owners_and_in_the_end_there_is_one(
    new_world: NewWorld,
    *,
    steps: list[tuple[str, Any]],
    names: str,
    witness: bool,
    failback: Literal["never", "immediate"],
) -> None:
    world = new_world(names, witness=witness, failback=failback)
    world.start()
    for step, told in steps:
        if not (isinstance(told, str | tuple) and "c" in told and "c" not in names):
            play(world, step, told)
    mend(world)
    world.run(40.0)
    first = world.online()
    assert first, world.log[-60:]
    world.run(30.0)
    assert world.online() == first, "and it stays so"


# --- messages ------------------------------------------------------------------------------------------------------


def test_messages_survive_the_wire(formed: NewWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world = formed()
    told: list[Message] = []
    deliver = world.deliver

    def listen(name: str, message: Message) -> None:
        told.append(message)
        deliver(name, message)

    monkeypatch.setattr(world, "deliver", listen)
    world.ask("b", "move", "b")
    world.run(1.0)
    assert {type(message) for message in told} == {Heartbeat, Response, Order, Done}
    assert [read_message(encode(message)) for message in told] == told


@pytest.mark.parametrize("datagram", [b"", b"x", b"[]", b"{}", b'{"kind": "Heartbeat"}', b'{"kind": "Done", "x": 1}'])
def test_what_is_no_message_is_none(datagram: bytes) -> None:
    assert read_message(datagram) is None
