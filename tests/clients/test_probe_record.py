import pytest

from pytest_havip.observe.probe_record import Answer, Probe, ProbeRecord, RecordReader, Tenure

MS = 1_000_000
INTERVAL = 0.005


def stream(*probes: tuple[int, *tuple[tuple[str, float], ...]]) -> ProbeRecord:
    """Probes given as (sent in ms, (owner, round trip in ms), …)."""
    return ProbeRecord(
        tuple(
            Probe(number, sent * MS, tuple(Answer(owner, round((sent + trip) * MS)) for owner, trip in answers))
            for number, (sent, *answers) in enumerate(probes, 1)
        ),
        INTERVAL,
    )


def test_without_a_fault_the_outage_is_a_round_trip() -> None:
    record = stream(*((at, ("a", 0.3)) for at in range(0, 100, 5)))
    outage = record.outage(fault=50 * MS)
    assert outage.seconds == pytest.approx(0.0003)
    assert (outage.lost, outage.served, outage.after) == (0, True, "a")
    assert record.lost() == ()
    assert record.tenures() == (Tenure("a", 300_000),)


def test_lost_probes_make_an_outage_that_ends_with_the_first_answer() -> None:
    record = stream((0, ("a", 1)), (5, ("a", 1)), (10,), (15,), (20,), (25, ("b", 2)), (30, ("b", 1)))
    outage = record.outage(fault=9 * MS)
    assert (outage.start, outage.end) == (10 * MS, 27 * MS)
    assert (outage.lost, outage.before, outage.after) == (3, "a", "b")
    assert [probe.number for probe in record.lost()] == [3, 4, 5]
    assert record.takeover("b", 9 * MS) == pytest.approx(0.018)
    assert record.takeover("c", 9 * MS) is None
    assert str(outage) == "17.0 ms, 3 probes lost (a answered before, then b answered)"


def test_a_probe_on_its_way_when_the_fault_is_made_belongs_to_the_outage() -> None:
    record = stream((0, ("a", 1)), (5,), (10,), (15, ("b", 1)))
    assert record.outage(fault=7 * MS).start == 5 * MS


def test_probes_that_waited_for_a_neighbour_count_from_their_sending() -> None:
    record = stream((0, ("a", 1)), (5, ("b", 996)), (10, ("b", 991)), (1000, ("b", 1.5)), (1005, ("b", 1)))
    outage = record.outage(fault=4 * MS)
    assert (outage.start, outage.end, outage.lost) == (5 * MS, 1001 * MS, 0)


def test_a_held_up_prober_is_no_outage_and_is_told() -> None:
    record = stream((0, ("a", 1)), (5, ("a", 1)), (400, ("a", 1)), (405, ("a", 1)))
    assert record.outage(fault=3 * MS).seconds == pytest.approx(0.001)
    assert record.longest_pause() == pytest.approx(0.395)
    assert record.longest_pause(since=6 * MS) == pytest.approx(0.005)


def test_two_that_serve_at_once_overlap() -> None:
    record = stream((0, ("a", 1)), (10, ("a", 1)), (20, ("b", 1)), (30, ("a", 1)), (40, ("b", 1)), (50, ("a", 1)))
    assert record.overlap("a", "b", 5 * MS) == pytest.approx(0.030)
    assert record.overlap("a", "b", 5 * MS, until=35 * MS) == pytest.approx(0.010)
    assert record.overlap("a", "b", 5 * MS, until=15 * MS) == 0
    assert record.overlap("a", "c", 5 * MS) is None


def test_an_outage_that_never_ends_says_so() -> None:
    record = stream((0, ("a", 1)), (5,), (10,), (15,))
    outage = record.outage(fault=4 * MS)
    assert (outage.served, outage.after, outage.lost) == (False, None, 3)
    assert outage.seconds == pytest.approx(0.010)
    assert "nobody answered any more" in str(outage)


def test_of_two_outages_the_window_chooses() -> None:
    record = stream((0, ("a", 1)), (5,), (10, ("b", 1)), (15,), (20,), (25,), (30, ("a", 1)))
    assert record.outage(fault=5 * MS, until=10 * MS).seconds == pytest.approx(0.006)
    assert record.outage(fault=5 * MS).seconds == pytest.approx(0.016)


def test_a_time_without_probes_gives_no_verdict() -> None:
    with pytest.raises(ValueError, match="no probe was sent between"):
        stream((0, ("a", 1))).outage(fault=100 * MS)


def test_two_hosts_that_answer_the_same_probe_are_found() -> None:
    record = stream((0, ("a", 1)), (5, ("a", 1), ("b", 2)), (10, ("b", 1), ("b", 2)))
    assert [probe.number for probe in record.dual_answers()] == [2]
    assert record.dual_answers(since=6 * MS) == ()
    assert [tenure.owner for tenure in record.tenures()] == ["a", "b"]


def test_first_answer_may_be_to_a_later_probe() -> None:
    record = stream((0, ("a", 9)), (5, ("a", 1)))
    assert record.first_answer() == Answer("a", 6 * MS)
    assert record.first_answer("a", since=1 * MS) == Answer("a", 6 * MS)
    assert record.first_answer("b") is None


def test_a_record_is_read_while_it_is_being_written() -> None:
    reader = RecordReader()
    reader.feed(b"s 1 100\na 1 150 a\ns 2 2")
    assert reader.record(INTERVAL).probes == (Probe(1, 100, (Answer("a", 150),)),)
    reader.feed(b"00\na 1 160 host b\ns 3 3")
    assert reader.record(INTERVAL).probes == (Probe(1, 100, (Answer("a", 150), Answer("host b", 160))), Probe(2, 200))
    assert reader.arrivals == [(100, Answer("a", 150)), (100, Answer("host b", 160))]


@pytest.mark.parametrize("line", [b"a 1 100 a\n", b"x\n", b"s 1\n"])
def test_a_line_that_makes_no_sense_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="the prober wrote"):
        RecordReader().feed(line)
