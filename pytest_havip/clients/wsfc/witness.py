"""The program of the file share witness: a vote on a third machine, and nothing else."""

import json
import socket
import time
from contextlib import suppress
from pathlib import Path

from pytest_havip.clients.wsfc.memory import Memory
from pytest_havip.clients.wsfc.messages import PORT, WITNESS, Heartbeat, encode, read_message
from pytest_havip.clients.wsfc.paths import WITNESS_MEMORY
from pytest_havip.clients.wsfc.vote import Vote

__all__ = ["run_witness"]


def run_witness(file: str) -> None:
    """Answer heartbeats for ever; `file` holds the witness's address, and the seconds that a vote lasts."""
    told = json.loads(Path(file).read_text(encoding="utf-8"))
    path = Path(WITNESS_MEMORY)
    memory = Memory.read(path)
    vote = Vote(WITNESS, told["lease"], now=time.monotonic(), holder=memory.holder, term=memory.term)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heartbeats:
        heartbeats.bind((told["address"], PORT))
        while True:
            datagram, sender = heartbeats.recvfrom(1 << 16)
            message = read_message(datagram)
            if not isinstance(message, Heartbeat) or sender[0] != told["members"].get(message.sender):
                continue
            now = time.monotonic()
            response = vote.hear(message, now)
            known = Memory(holder=vote.holder(now), term=vote.term)
            if known != memory:
                known.write(path)
                memory = known
            if response is not None:
                with suppress(OSError):  # who cannot be reached now asks again
                    heartbeats.sendto(encode(response), socket.MSG_DONTWAIT, sender)
