"""How long a lab takes to come up and go down, against the same topology made with ``ip -batch``.

One subnet: a bridge, 8 hosts, each with a link, an address and everything up. The ip variant is what a careful shell
script does: `ip netns` with batches. It runs in network and mount namespaces of its own with a private /run, so that
the machine is left alone; their making is not counted. The lab's time counts everything, its init too.

Run: python bench/lab.py [repetitions]
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from pytest_havip.lab import Lab

HOSTS = 8


def lab_once() -> tuple[float, float]:
    """Bring a lab up and down. Returns the seconds of both."""
    start = time.perf_counter()
    lab = Lab.open()
    switch = lab.host("switch")
    switch.add_bridge("br0")
    for number in range(1, HOSTS + 1):
        host = lab.host(f"h{number}")
        lab.link(host, "eth0", switch, f"p{number}")
        switch.join_bridge(f"p{number}", "br0")
        host.add_address(f"10.0.0.{number}/24")
    up = time.perf_counter()
    lab.close()
    return up - start, time.perf_counter() - up


def batch(lines: list[str], *options: str) -> None:
    """Run ip(8) once with these lines."""
    subprocess.run(["ip", *options, "-batch", "-"], input="\n".join(lines).encode(), check=True)


def ip_once() -> tuple[float, float]:
    """Make the same with ip(8) and remove it. Returns the seconds of both."""
    hosts = range(1, HOSTS + 1)
    start = time.perf_counter()
    batch(["netns add switch", *(f"netns add h{number}" for number in hosts)])
    lines = ["link add br0 type bridge", "link set lo up", "link set br0 up"]
    lines += [f"link add p{number} up master br0 type veth peer name eth0 netns h{number}" for number in hosts]
    batch(lines, "-n", "switch")
    for number in hosts:
        lines = ["link set lo up", f"addr add 10.0.0.{number}/24 dev eth0", "link set eth0 up"]
        batch(lines, "-n", f"h{number}")
    up = time.perf_counter()
    batch(["netns del switch", *(f"netns del h{number}" for number in hosts)])
    return up - start, time.perf_counter() - up


def ip_measured(repetitions: int) -> list[tuple[float, float]]:
    """Measure the ip variant in namespaces of its own, where a private /run takes what `ip netns` writes."""
    command = ["unshare", "-mn" if os.geteuid() == 0 else "-Urmn", "sh", "-c"]
    command += ['mount -t tmpfs none /run && exec "$@"', "sh", sys.executable, __file__, "--ip", str(repetitions)]
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, env={**os.environ, "PATH": path})
    return [(up, down) for up, down in json.loads(done.stdout)]


def report(name: str, times: list[tuple[float, float]]) -> float:
    """Print a line of medians in milliseconds. Returns the median of up and down together."""
    total = statistics.median(up + down for up, down in times)
    ups, downs = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"{name:<12}{ups * 1000:>10.1f}{downs * 1000:>10.1f}{total * 1000:>10.1f}")
    return total


def main() -> None:
    """Measure both, in turn, and print the table."""
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    lab_once()  # imports and caches
    rounds = 3
    lab_times, ip_times = [], []
    for _ in range(rounds):
        lab_times += [lab_once() for _ in range(repetitions)]
        ip_times += ip_measured(repetitions)
    print(f"1 bridge, {HOSTS} hosts; median of {rounds * repetitions}, ms")
    print(f"{'':<12}{'up':>10}{'down':>10}{'together':>10}")
    ratio = report("lab", lab_times) / report("ip -batch", ip_times)
    print(f"{'ratio':<32}{ratio:>10.2f}   (aim: at most 1.5)")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--ip"]:
        print(json.dumps([ip_once() for _ in range(int(sys.argv[2]))]))
    else:
        main()
