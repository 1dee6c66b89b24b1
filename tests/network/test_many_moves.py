"""A thousand moves leave nothing behind: in the kernel's sets, among the descriptors of the service, in memory."""

import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.network.conftest import Place, Rig

MOVES = 1000
#: Moves after which everything that is made once has been made.
WARM_UP = 50
#: Bytes that the list of events may take for each move, and pages of memory that come and go by themselves.
EVENT, SLACK = 1024, 512 * 1024

#: Run inside the lab, where the service is a process like others: what it holds, in the kernel and of its own.
INVENTORY = """
import json, os, sys
from pathlib import Path
from pytest_havip.network.dataplane.namespace import Namespace
from pytest_havip.network.dataplane.nft import Nft

process = Path("/proc", sys.argv[1])
elements = {}
for link in (process / "fd").iterdir():
    if os.readlink(link).startswith("net:["):
        nft = Nft(Namespace(os.open(link, os.O_RDONLY)))
        for entry in nft.query("list ruleset"):
            for kind in ("set", "map"):
                found = entry.get(kind, {})
                if found.get("elem"):
                    elements[found["name"]] = elements.get(found["name"], 0) + len(found["elem"])
        nft.close()
resident = int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
print(json.dumps([elements, len(list((process / "fd").iterdir())), resident]))
"""


def inventory(rig: "Rig") -> tuple[dict[str, int], int, int]:
    """Elements by set of the guard, open descriptors, bytes of memory."""
    process = rig.lab.spawn([sys.executable, "-c", INVENTORY, str(rig.process.pid)])
    assert process.wait(20) == 0, process.log()
    elements, descriptors, resident = json.loads(process.log())
    return elements, descriptors, resident


def test_a_thousand_moves_leave_nothing_behind(rig: "Rig", place: "Place") -> None:
    machines, havip = [place.machine(), place.machine()], place.havip()
    frames = [(machine.raw_socket(), machine.announcement(havip["Vip"])) for machine in machines]

    def move(times: int) -> None:
        for number in range(times):
            sender, frame = frames[number % 2]
            sender.send(frame)
        assert rig.owner(havip) == machines[1].nic

    move(WARM_UP)
    elements, descriptors, resident = inventory(rig)
    told = len(place.events())
    move(MOVES)
    after = inventory(rig)
    assert len(place.events()) - told == MOVES
    assert after[0] == elements
    # The end of a caller's connection may come late, so that one is counted before and not after.
    assert after[1] <= descriptors
    assert after[2] - resident < MOVES * EVENT + SLACK
    for sender, _ in frames:
        sender.close()
