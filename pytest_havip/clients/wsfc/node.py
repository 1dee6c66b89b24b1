"""The program of a node: it feeds what happens to the decisions of `member`, and carries out what they ask for."""

import json
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from math import inf
from pathlib import Path

from pytest_havip.clients.wsfc.actions import Action, Hold, Release, Remember, Reply, Say, Send, Transmit
from pytest_havip.clients.wsfc.administration import Administration
from pytest_havip.clients.wsfc.interface import Interface
from pytest_havip.clients.wsfc.member import Member
from pytest_havip.clients.wsfc.memory import Memory
from pytest_havip.clients.wsfc.messages import PORT, WITNESS, Done, Order, encode, read_message
from pytest_havip.clients.wsfc.paths import CONTROL, NODE_MEMORY
from pytest_havip.clients.wsfc.script import ScriptRunner
from pytest_havip.clients.wsfc.settings import NodeFile

__all__ = ["run_node"]

_DATAGRAM_BYTES = 1 << 16
_BACKLOG = 8


def run_node(file: str) -> None:
    """Be a node of the cluster until SIGTERM; `file` is its `NodeFile`."""
    told = NodeFile.read(Path(file).read_text(encoding="utf-8"))
    try:
        node = Node(told)
    except OSError as error:
        address = f"{told.members[told.name]} on {told.interface}"
        raise SystemExit(f"node {told.name} cannot start: {error}; has this host the address {address}?") from error
    node.run()


class Node:
    """One node's sockets and loop."""

    def __init__(self, told: NodeFile) -> None:
        """Take over what a program before left, and open the sockets."""
        self._interface = Interface(told.interface)
        self._addresses = {**told.members, **({WITNESS: told.witness} if told.witness else {})}
        self._addresses.pop(told.name)
        self._memory_path = Path(NODE_MEMORY)
        memory = Memory.read(self._memory_path)
        self._incarnation = memory.next_incarnation()
        Memory(self._incarnation, memory.holder, memory.term).write(self._memory_path)
        self.member = Member(
            told,
            self._interface.mac,
            _chance,
            incarnation=self._incarnation,
            now=time.monotonic(),
            holder=memory.holder,
            term=memory.term,
        )
        self._administration = Administration(self.member)
        self._tickets: dict[int, socket.socket] = {}
        self._tickets_sold = 0
        self._selector = selectors.DefaultSelector()
        self._heartbeats = self._line(told.members[told.name])
        self._ballots = self._line(told.voting) if told.voting else self._heartbeats
        self._listen_to(self._interface.frames, self._hear_arp)
        self._listen_to(self._interface.changes, self._inspect)
        self._listen_to(self._control(), self._welcome)
        self._listen_to(self._termination(), self._leave)
        self._service = Path(told.service) if told.service else None
        self._script = ScriptRunner(told.script, lambda end: self._listen_to(end, lambda: self._script_ended(end)))
        self._looks_alive = told.settings.looks_alive
        self._next_look = time.monotonic()
        # A killed program's kernel still has them.
        for address in self.member.role.addresses:
            self._interface.remove(address.address)

    def run(self) -> None:
        """Go on until a farewell is said."""
        _say(f"{self.member.name} starts, incarnation {self._incarnation}")
        self._inspect()
        while not self.member.gone(now := time.monotonic()):
            # Time comes first: what has lapsed in a frozen program must not be renewed by old messages.
            self._perform(self.member.tick(now))
            self._look(now)
            self._script.follow(self.member.role.state)
            due = min(self.member.deadline(now), self._next_look)
            patience = max(0.0, due - time.monotonic())
            for key, _ in self._selector.select(patience):
                key.data()
        _say(f"{self.member.name} has left")

    # --- what happens --------------------------------------------------------------------------------------------

    def _line(self, address: str) -> socket.socket:
        """Open a socket to other nodes or to the witness, by an address of this node's."""
        line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        line.bind((address, PORT))
        line.setblocking(False)
        self._listen_to(line, lambda: self._hear(line))
        return line

    def _hear(self, line: socket.socket) -> None:
        with suppress(OSError):  # no more of them; or a node that is not there has refused an earlier one
            while True:
                datagram, (address, _) = line.recvfrom(_DATAGRAM_BYTES)
                message = read_message(datagram)
                if message is None or self._addresses.get(message.sender) != address:
                    continue
                now = time.monotonic()
                if isinstance(message, Order | Done):
                    self._perform(self._administration.hear(message, now))
                else:
                    self._perform(self.member.hear(message, now))

    def _hear_arp(self) -> None:
        for frame in self._interface.receive():
            self._perform(self.member.hear_arp(frame, time.monotonic()))

    def _inspect(self) -> None:
        self._interface.forget_changes()
        carrier = self._interface.has_carrier()
        missing = self._interface.first_missing(self.member.role.held)
        self._perform(self.member.inspect(time.monotonic(), carrier=carrier, missing=missing))

    def _look(self, now: float) -> None:
        """See whether the service lives, when it is time to."""
        if self._service is None:
            self._next_look = inf
        elif now >= self._next_look:
            self._next_look = now + self._looks_alive
            self._perform(self.member.look(now, service=_lives(self._service)))

    def _script_ended(self, end: int) -> None:
        """Fail the role if its script has failed; what follows from that comes with the next tick."""
        self._selector.unregister(end)
        if reason := self._script.ended():
            self._perform(self.member.role.fail(reason, time.monotonic()))

    def _termination(self) -> socket.socket:
        self._terminated, terminate = socket.socketpair()
        signal.signal(signal.SIGTERM, lambda *_: terminate.send(b"!"))
        return self._terminated

    def _leave(self) -> None:
        self._terminated.recv(1)
        self._perform(self.member.leave(time.monotonic()))

    # --- administration ------------------------------------------------------------------------------------------

    def _control(self) -> socket.socket:
        with suppress(FileNotFoundError):
            os.unlink(CONTROL)  # noqa: PTH108 (of a program before)
        control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        control.bind(CONTROL)
        control.listen(_BACKLOG)
        self._control_socket = control
        return control

    def _welcome(self) -> None:
        asking, _ = self._control_socket.accept()
        asking.setblocking(False)
        self._listen_to(asking, lambda: self._ask(asking))

    def _ask(self, asking: socket.socket) -> None:
        """Take one command from an administrator, or his leave."""
        with suppress(OSError, ValueError):
            if request := asking.recv(_DATAGRAM_BYTES):
                told = json.loads(request)
                command = {key: str(told.get(key, "")) for key in ("action", "node", "drain")}
                if command["action"] == "status":
                    asking.send(json.dumps(self._administration.status(time.monotonic())).encode())
                    return
                self._tickets_sold += 1
                self._tickets[self._tickets_sold] = asking
                self._perform(self._administration.command(command, self._tickets_sold, time.monotonic()))
                return
        self._selector.unregister(asking)
        self._tickets = {ticket: waiting for ticket, waiting in self._tickets.items() if waiting is not asking}
        asking.close()

    # --- what is done --------------------------------------------------------------------------------------------

    def _perform(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if isinstance(action, Hold):
                refusal = self._interface.add(action.address)
                now = time.monotonic()
                if refusal:
                    self._perform(self.member.not_held(action.address, refusal, now))
                else:
                    self._perform(self.member.held(action.address, now))
            else:
                self._do(action)

    def _do(self, action: Send | Transmit | Release | Remember | Say | Reply) -> None:
        match action:
            case Send():
                line = self._ballots if action.to == WITNESS else self._heartbeats
                with suppress(OSError):  # who cannot be reached now misses it, as on any network
                    line.sendto(encode(action.message), (self._addresses[action.to], PORT))
            case Transmit():
                self._complain(self._interface.send(action.frame))
            case Release():
                self._complain(self._interface.remove(action.address))
            case Remember():
                Memory(self._incarnation, action.holder, action.term).write(self._memory_path)
            case Say():
                _say(action.text)
            case Reply():
                asking = self._tickets.pop(action.ticket, None)
                if asking is not None:
                    with suppress(OSError):  # he did not wait
                        asking.send(json.dumps({"ok": action.ok, "text": action.text}).encode())

    @staticmethod
    def _complain(problem: str) -> None:
        if problem:
            _say(problem)

    def _listen_to(self, source: socket.socket | int, react: Callable[[], None]) -> None:
        self._selector.register(source, selectors.EVENT_READ, react)


def _chance() -> float:
    """A number from 0 to 1; the module `random` would take 10 ms of the start."""
    return int.from_bytes(os.urandom(4), "big") / (1 << 32)


def _lives(pidfile: Path) -> bool:
    """Whether the process lives whose number is in this file."""
    try:
        os.kill(int(pidfile.read_text(encoding="ascii")), 0)
    except (OSError, ValueError):
        return False
    return True


def _say(text: str) -> None:
    now = time.time()
    print(f"{time.strftime('%H:%M:%S', time.localtime(now))}.{int(now % 1 * 1000):03} {text}", flush=True)  # noqa: T201
