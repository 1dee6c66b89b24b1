"""Data probes: what a user of a floating address feels, measured from a third host by numbered datagrams."""

import os
import select
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from ipaddress import IPv4Address
from pathlib import Path
from types import TracebackType
from typing import Self

from pytest_havip.lab import Host, Process
from pytest_havip.observe import probe_agent
from pytest_havip.observe.probe_record import NANOSECONDS, Answer, ProbeRecord, RecordReader

__all__ = ["DEFAULT_INTERVAL", "DEFAULT_PORT", "OwnerNotSeen", "ProbeStream", "ProbesFailed", "Responders", "is_raised"]

DEFAULT_PORT = 9301
DEFAULT_INTERVAL = 0.005
START_TIMEOUT = 10.0
STOP_TIMEOUT = 10.0

# Numbers of the descriptors inside the programs.
READY, RECORD, EVENTS, STOP = 3, 4, 5, 6


class ProbesFailed(RuntimeError):
    """A responder or a prober did not come up, or ended on its own; the text holds what it said."""


class OwnerNotSeen(TimeoutError):
    """The awaited host answered no probe in time; the text says who answered instead."""

    #: An expectation that was not met, not a deadline of the lab's (see docs/usage.md).
    havip_unmet = True


def agent(*arguments: object) -> list[str]:
    """The command of one of the two programs: without site packages, so that it starts in 10 ms."""
    return [sys.executable, "-I", "-S", str(Path(probe_agent.__file__)), *map(str, arguments)]


class Responders:
    """A small UDP service behind an address, on every host that may come to hold it.

    Each one is bound to the address beforehand, so the kernel of a host lets it answer exactly while that host holds
    the address. Several streams, from several observers, may ask the same responders.
    """

    def __init__(self, address: IPv4Address, port: int, processes: Mapping[str, Process]) -> None:
        """Use `start`."""
        self.address = address
        self.port = port
        self._processes = processes

    @classmethod
    def start(cls, address: IPv4Address, hosts: Iterable[Host], *, port: int = DEFAULT_PORT) -> Self:
        """Start a responder on each host and wait until all can answer.

        Args:
            address: the floating address; no host need hold it yet.
            hosts: the hosts that may come to hold it.
            port: UDP port of the service; a second set on the same hosts and address needs another one.

        Raises:
            ProbesFailed: a responder ended at once or was not ready in time, with its output.
        """
        ready = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        processes: dict[str, Process] = {}
        try:
            for host in hosts:
                command = agent("respond", host.name, address, port, READY)
                processes[host.name] = host.spawn(command, fds={READY: ready})
            _wait_until_raised(ready, processes)
        except BaseException:
            for process in processes.values():
                process.kill()
            raise
        finally:
            os.close(ready)
        return cls(address, port, processes)

    def end(self, host: Host) -> int:
        """Kill one host's responder, as when the machine's service dies although its kernel still holds the address.

        Returns:
            The time just before, CLOCK_REALTIME in ns.
        """
        at = time.time_ns()
        self._processes[host.name].kill()
        return at

    def close(self) -> None:
        """Kill all responders."""
        for process in self._processes.values():
            process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ProbeStream:
    """Numbered datagrams to a floating address every few milliseconds, from a process of its own on the observer.

    The record grows in a memory file shared with that process, so it can be read while the stream runs and is whole
    even if the prober is killed. The observer's ordinary kernel socket sends, so its neighbour cache and routes take
    part as they would for any user; a probe that waits for a MAC address does not hold up the next one.
    """

    def __init__(self, process: Process, interval: float, descriptors: tuple[int, int, int], owned: ExitStack) -> None:
        """Use `start`."""
        self.interval = interval
        self._process = process
        self._record, self._events, self._stop = descriptors
        self._owned = owned
        self._reader = RecordReader()
        self._read = 0
        self._ended = False

    @classmethod
    def start(
        cls,
        observer: Host,
        address: IPv4Address,
        responders: Iterable[Host] | Responders,
        *,
        interval: float = DEFAULT_INTERVAL,
        port: int = DEFAULT_PORT,
    ) -> Self:
        """Start probing an address.

        Args:
            observer: the host that asks; it needs a route to the address.
            address: the floating address.
            responders: the hosts that may hold it (responders are started on them, and ended with the stream), or
                responders that run already (they are left running).
            interval: pause between two probes in seconds; it is also the resolution of the outage.
            port: UDP port, where responders are to be started.

        Raises:
            ProbesFailed: a responder or the prober did not come up.
        """
        with ExitStack() as stack:
            if not isinstance(responders, Responders):
                responders = stack.enter_context(Responders.start(address, responders, port=port))
            record = os.memfd_create("havip-probes", os.MFD_CLOEXEC)
            stack.callback(os.close, record)
            events, stop = (os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK) for _ in range(2))
            stack.callback(os.close, events)
            stack.callback(os.close, stop)
            period = round(interval * NANOSECONDS)
            command = agent("send", address, responders.port, period, RECORD, EVENTS, STOP)
            process = observer.spawn(command, fds={RECORD: record, EVENTS: events, STOP: stop})
            stack.callback(process.kill)
            stream = cls(process, interval, (record, events, stop), stack.pop_all())
        try:
            stream._wait_for_first_probe()
        except BaseException:
            stream.close()
            raise
        return stream

    def record(self) -> ProbeRecord:
        """Return what has been recorded so far; the stream goes on."""
        self._read_on()
        return self._reader.record(self.interval)

    def wait_for_answer(self, wanted: Callable[[Answer], bool], what: str, *, timeout: float, since: int = 0) -> Answer:
        """Wait for an answer to a probe sent at or after `since`.

        Args:
            wanted: says of an answer whether it is the awaited one.
            what: names it, for the error.
            timeout: seconds.
            since: CLOCK_REALTIME in ns; older probes' answers don't count.

        Raises:
            OwnerNotSeen: no such answer in time.
        """
        deadline = time.monotonic() + timeout
        looked = 0
        while True:
            self._read_on()
            arrivals = self._reader.arrivals
            for sent, answer in arrivals[looked:]:
                if sent >= since and wanted(answer):
                    return answer
            looked = len(arrivals)
            left = deadline - time.monotonic()
            if left <= 0 or not self._process.alive:
                raise OwnerNotSeen(self._not_seen(what, timeout, since))
            if is_raised(self._events, min(left, 0.1)):
                os.eventfd_read(self._events)

    def wait_for_owner(self, owner: str | Host, *, timeout: float, since: int = 0) -> Answer:
        """Wait until a host answers a probe sent at or after `since` (ns), for at most `timeout` seconds.

        Returns:
            The first such answer.

        Raises:
            OwnerNotSeen: it did not answer in time; the text says who did.
        """
        name = owner if isinstance(owner, str) else owner.name
        return self.wait_for_answer(lambda answer: answer.owner == name, name, timeout=timeout, since=since)

    def stop(self) -> ProbeRecord:
        """End the stream, with a moment for the answers still on their way, and return the whole record.

        Raises:
            ProbesFailed: the prober had ended on its own.
        """
        if not self._ended:
            try:
                os.eventfd_write(self._stop, 1)
                code = self._process.wait(STOP_TIMEOUT)
                if code != 0:
                    raise ProbesFailed(f"the prober ended with {code}, so its record has a hole: {self._process.log()}")
            finally:
                self.close()
        return self.record()

    def close(self) -> None:
        """End the stream at once; the record so far stays readable."""
        if not self._ended:
            self._process.kill()
            self._read_on()
            self._ended = True
            self._owned.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read_on(self) -> None:
        if not self._ended:
            text = os.pread(self._record, os.fstat(self._record).st_size - self._read, self._read)
            self._read += len(text)
            self._reader.feed(text)

    def _wait_for_first_probe(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while not self.record().probes:
            if time.monotonic() > deadline or not self._process.alive:
                raise ProbesFailed(_said("the prober sends nothing", {"prober": self._process}))
            time.sleep(0.002)

    def _not_seen(self, what: str, timeout: float, since: int) -> str:
        record = self.record()
        sent = sum(probe.sent >= since for probe in record.probes)
        lost = len(record.lost(since))
        tenures = ", ".join(f"{tenure.owner} from {tenure.since}" for tenure in record.tenures()[-5:]) or "nobody"
        state = "" if self._process.alive else f"; the prober has ended: {self._process.log()}"
        return (
            f"no answer from {what} within {timeout} s: of {sent} probes sent since {since} ns, {lost} were lost; "
            f"answers came from {tenures}{state}"
        )


def _said(problem: str, processes: Mapping[str, Process]) -> str:
    """An error's text: the problem, and the state and the output of each process."""
    states = (
        f"{name}: {'runs' if process.alive else 'ended'} {process.log()!r}" for name, process in processes.items()
    )
    return f"{problem} ({'; '.join(states)})"


def _wait_until_raised(ready: int, processes: Mapping[str, Process]) -> None:
    """Wait until each process has raised the eventfd by one."""
    deadline = time.monotonic() + START_TIMEOUT
    raised = 0
    while raised < len(processes):
        if is_raised(ready, 0.05):
            raised += os.eventfd_read(ready)
        elif time.monotonic() > deadline or not all(process.alive for process in processes.values()):
            raise ProbesFailed(_said("a responder is not ready; is its port taken on that host?", processes))


def is_raised(event: int, timeout: float) -> bool:
    """Wait until an eventfd is raised, for so many seconds at most; select() knows no descriptor above 1023."""
    poll = select.poll()
    poll.register(event, select.POLLIN)
    return bool(poll.poll(timeout * 1000))
