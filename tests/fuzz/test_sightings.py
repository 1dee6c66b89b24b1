"""A captured frame goes to the action that sent it."""

from pytest_havip.fuzz import Announce, DataProbe, Observation, Probe, WhoHas
from pytest_havip.fuzz.actions import Frame
from pytest_havip.fuzz.frames import TOKEN, Addresses, arp, frame_of, token
from pytest_havip.fuzz.sightings import Sightings

A, B, O = (bytes((2, 0, 0, 0, 0, number)) for number in (1, 2, 3))  # noqa: E741 - the observer is called o
MACS = {"a": A, "b": B, "o": O}
VIP, OWN = bytes((10, 0, 0, 9)), bytes((10, 0, 0, 3))


def frame(action: Frame) -> bytes:
    ips = {"h1": VIP, "o": OWN, "a": bytes((10, 0, 0, 1)), "b": bytes((10, 0, 0, 2))}
    return frame_of(action, Addresses(MACS[action.machine], MACS.__getitem__, ips.__getitem__))


def sightings() -> Sightings:
    return Sightings({mac: name for name, mac in MACS.items()})


def test_equal_frames_are_taken_in_their_order() -> None:
    seen, sent = sightings(), [Observation(), Observation()]
    data = frame(Announce("a", "h1"))
    for observation in sent:
        seen.send(data, observation)
    assert [seen.see(name, data, 5) for name in ("b", "o", "b")] == [True] * 3
    assert [list(each.reached) for each in sent] == [["b", "o"], ["b"]]
    assert seen.see("b", data, 6)
    assert list(sent[1].reached) == ["b", "b"]
    assert [list(each.reached_at) for each in sent] == [[5, 5], [5, 6]]


def test_forms_are_told_apart_and_padding_is_not() -> None:
    seen, broadcast, unicast = sightings(), Observation(), Observation()
    seen.send(frame(Announce("a", "h1")), broadcast)
    seen.send(frame(Announce("a", "h1", to="b")), unicast)
    assert seen.see("b", frame(Announce("a", "h1", to="b")).ljust(60, b"\0"), 5)
    assert (list(broadcast.reached), list(unicast.reached)) == ([], ["b"])


def test_a_question_may_come_with_another_destination() -> None:
    seen, asked = sightings(), Observation()
    data = frame(WhoHas("o", "h1"))
    seen.ask("o", data, asked)
    assert seen.see("a", A + data[6:], 5)
    assert list(asked.reached) == ["a"]


def test_answers_go_to_who_asked_and_how() -> None:
    seen, who_has, probe = sightings(), Observation(), Observation()
    seen.ask("o", frame(WhoHas("o", "h1")), who_has)
    seen.ask("o", frame(Probe("o", "h1")), probe)
    assert seen.see("o", arp(2, A, VIP, O, OWN, destination=O), 5)
    assert seen.see("o", arp(2, bytes(6), VIP, O, bytes(4), destination=O), 5)
    assert (list(who_has.answers), list(probe.answers)) == (["a"], ["00:00:00:00:00:00"])
    assert not seen.see("b", arp(2, A, VIP, O, OWN, destination=O), 5)


def test_datagrams_are_known_by_their_tokens() -> None:
    seen, sent = sightings(), [Observation(), Observation()]
    data = frame(DataProbe("o", "h1"))
    frames = [data[: TOKEN.start] + token(number) + data[TOKEN.stop :] for number in (1, 2)]
    for each, observation in zip(frames, sent, strict=True):
        seen.send(each, observation)
    assert seen.see("b", A + frames[1][6:], 5)
    assert [list(each.reached) for each in sent] == [[], ["b"]]


def test_what_was_not_sent_is_nothing() -> None:
    assert not sightings().see("b", frame(Announce("a", "h1")), 5)
    assert not sightings().see("b", b"", 5)
