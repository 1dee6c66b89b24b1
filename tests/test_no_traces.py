"""Nothing of a lab is left on the machine, however its owner ends.

The kill test needs to know what is ours on a machine where others work too. So this file also runs as a program, the
*warden*: it gets an empty /tmp, /run and /dev/shm in a mount namespace of its own (all else is the machine's, with the
rights of whoever runs the tests), makes itself the adopter of all orphans, and forks the runs that it kills. What is
left of a run is then its child, or a file in these folders. A namespace lives by processes, by their descriptors and
by mounts: when all three are as before, the run's namespaces are gone. (Their numbers are no proof: the kernel gives a
freed one to the next namespace that anybody makes.)
"""

import contextlib
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_havip.kernel.calls import (
    CLONE_NEWNS,
    CLONE_NEWUSER,
    MS_PRIVATE,
    MS_REC,
    PR_SET_CHILD_SUBREAPER,
    mount,
    prctl,
    unshare,
)
from pytest_havip.lab import Host, Lab
from pytest_havip.lab.control import kept_folders
from pytest_havip.lab.mounts import PRIVATE, mount_private

KILLS = 50
PHASES = ("opening", "life", "closing")

VOLATILE = {
    "fs/aio-nr": "asynchronous requests in flight anywhere",
    "fs/dentry-state": "directory entries in the kernel's cache",
    "fs/file-nr": "open files of all processes",
    "fs/inode-nr": "inodes in the kernel's cache",
    "fs/inode-state": "inodes in the kernel's cache",
    "kernel/ns_last_pid": "the latest process id",
    "kernel/perf_event_max_sample_rate": "the kernel lowers it when profiling gets slow",
    "kernel/pty/nr": "terminals open anywhere",
    "kernel/random/entropy_avail": "goes up and down by itself",
    "kernel/random/uuid": "a new one with every look",
    "net/netfilter/nf_conntrack_count": "connections that the machine tracks just now",
}
"""Settings that change by themselves, and why; all others have to stay as they are."""

KEEPALIVED = """
vrrp_instance one {
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority 100
    advert_int 1
    virtual_ipaddress { 10.0.0.100 }
}
"""
DAEMON = "import os\nif os.fork() == 0:\n os.setsid()\n if os.fork() == 0: os.execvpe('sleep', ['sleep', '300'], {})"
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nsignal.pause()"


def settings() -> dict[str, str]:
    """Read all that `sysctl -a` shows, but for what changes by itself."""
    found = {}
    for folder, _, names in os.walk("/proc/sys"):
        for name in names:
            file = Path(folder, name)
            key = str(file.relative_to("/proc/sys"))
            if key not in VOLATILE:
                with contextlib.suppress(OSError):  # not for us to read, or gone
                    found[key] = file.read_bytes().decode(errors="replace")
    return found


def start_programs(host: Host) -> None:
    """Start what is hard to end: a real daemon with children, one that has left its session, one that won't listen."""
    host.add_address("10.0.0.1/24")
    host.spawn([sys.executable, "-I", "-S", "-c", DAEMON])
    host.spawn([sys.executable, "-I", "-S", "-c", STUBBORN])
    if shutil.which("keepalived", path="/usr/sbin:/usr/local/sbin:" + os.environ["PATH"]):
        host.write_file("k.conf", KEEPALIVED)
        host.spawn(["keepalived", "-n", "-l", "-P", "-f", "/run/k.conf", "-p", "/run/k.pid", "-r", "/run/v.pid"])


def use_a_lab(mark: int) -> None:
    """Open a lab, fill it, live a little, close it; tell each phase through a pipe."""
    os.write(mark, b"opening\n")
    with Lab.open() as lab:
        switch = lab.host("switch")
        switch.add_bridge("br0")
        for number in range(2):
            lab.link(lab.host(f"h{number}"), "eth0", switch, f"p{number}")
            switch.join_bridge(f"p{number}", "br0")
        start_programs(lab.hosts["h0"])
        lab.hosts["h1"].port().capture.sync()
        lab.spawn(["sleep", "300"])
        os.write(mark, b"life\n")
        lab.hosts["h1"].run(["sleep", "0.03"])
        os.write(mark, b"closing\n")
    os.write(mark, b"end\n")


def run_in_pytest() -> None:
    """Run as a test of the runs that the warden kills; not collected otherwise."""
    use_a_lab(int(os.environ["LAB_MARK"]))


# --- the warden ------------------------------------------------------------------------------------------------------


def enter_own_folders() -> None:
    """Get an empty /tmp, /run and /dev/shm, and nothing else; an ordinary user stays one."""
    user, group = os.geteuid(), os.getegid()
    if user != 0:
        unshare(CLONE_NEWUSER)
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            Path("/proc/self", name).write_text(text, encoding="ascii")
    unshare(CLONE_NEWNS)
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    for folder in PRIVATE:
        mount_private(folder, kept_folders())


def machine() -> dict[str, set[str]]:
    """Look at the machine as a whole."""
    rules = ""  # none for an ordinary user, who could not change them either
    if shutil.which("nft"):
        rules = subprocess.run(["nft", "list", "ruleset"], capture_output=True, check=False, text=True).stdout
    return {
        "interfaces": {name for _, name in socket.if_nameindex()},
        "mounts": {line.split(" ", 3)[3] for line in Path("/proc/self/mountinfo").read_text().splitlines()},
        "rules": set(rules.splitlines()),
        "settings": {f"{key} = {value}" for key, value in settings().items()},
        "files": {str(path) for folder in PRIVATE for path in Path(folder).rglob("*") if not is_kept(path)},
    }


def is_kept(path: Path) -> bool:
    """Whether every run may use it: a checkout below /tmp, for one, where other tests write meanwhile."""
    return any(path.is_relative_to(folder) for folder in kept_folders())


def descendants() -> list[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = [os.getpid()]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found[1:]


def namespaces_of(pids: list[int]) -> set[Path]:
    found = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            found |= {entry.readlink() for entry in Path(f"/proc/{pid}/ns").iterdir()}
    return found


def fork_run() -> tuple[int, int]:
    """Start a pytest in a child. Returns its process id and the pipe that tells its phases."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        os.environ["LAB_MARK"] = str(writing)
        silent = os.open("/dev/null", os.O_WRONLY)
        os.dup2(silent, 1)
        arguments = [
            __file__,
            "-q",
            "-p",
            "no:cacheprovider",
            "-c",
            "/dev/null",
            "-o",
            "python_functions=run_in_pytest",
        ]
        os._exit(int(pytest.main([*arguments, "--import-mode=importlib", "-W", "error"])))
    os.close(writing)
    return pid, reading


def wait_for_phase(reading: int, phase: str) -> None:
    text = b""
    while phase.encode() not in text:
        news = os.read(reading, 100)
        assert news, f"the run ended before {phase}: {text!r}"
        text += news


def wait_for_children(seconds: float) -> None:
    """Reap until there is no child left; all orphans become ours, so that means nobody."""

    def give_up(_number: int, _frame: object) -> None:
        raise TimeoutError(f"still there: {[Path(f'/proc/{p}/cmdline').read_text() for p in descendants()]}")

    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)


def measure_phases() -> dict[str, float]:
    """Let one run end by itself. Returns the seconds that each phase takes."""
    pid, reading = fork_run()
    times = []
    with os.fdopen(reading, "rb", buffering=0) as marks:
        while marks.read(100):
            times.append(time.monotonic())
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, "the run that nobody killed failed"
    assert len(times) == len(PHASES) + 1
    wait_for_children(5)
    return {phase: times[index + 1] - times[index] for index, phase in enumerate(PHASES)}


def kill_one(phase: str, delay: float) -> int:
    """Kill a run so long after a phase began. Returns how many namespaces its processes were in by then."""
    pid, reading = fork_run()
    wait_for_phase(reading, phase)
    pidfd = os.pidfd_open(pid)
    select.select([pidfd], [], [], delay)
    seen = namespaces_of(descendants())
    os.kill(pid, signal.SIGKILL)
    wait_for_children(5)
    os.close(pidfd)
    os.close(reading)
    return len(seen - namespaces_of([os.getpid()]))


def guard_runs(seed: int) -> None:
    """Kill runs at moments spread over their phases, and print what was found."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    chance = random.Random(seed)
    lengths = measure_phases()  # and kernel modules, which bring settings, are loaded now
    before = machine()
    seen = []
    for number in range(KILLS):
        phase = PHASES[number % len(PHASES)]
        seen.append(kill_one(phase, chance.uniform(0, lengths[phase])))
    after = machine()
    changed = {name: sorted(before[name] ^ after[name]) for name in before if before[name] != after[name]}
    sys.stdout.write(json.dumps({"namespaces": seen, "changed": changed}))


def test_fifty_kills_leave_the_machine_as_it_was() -> None:
    seed = random.randrange(1000)
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PATH": os.environ["PATH"] + ":/usr/sbin"}
    command = [sys.executable, __file__, "enter", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)
    assert done.returncode == 0, f"seed {seed}: {done.stderr}"
    report = json.loads(done.stdout)
    assert report["changed"] == {}, f"seed {seed}"
    assert len(report["namespaces"]) == KILLS
    assert len([number for number in report["namespaces"] if number > 5]) > KILLS // 3, "killed before they had much"


def test_a_run_that_ends_in_order_changes_no_setting() -> None:
    reading, writing = os.pipe()
    use_a_lab(writing)  # loads kernel modules, which bring settings of their own
    before = settings()
    use_a_lab(writing)
    after = settings()
    os.close(writing)
    os.close(reading)
    assert {key for key in before | after if before.get(key) != after.get(key)} == set()
    assert len(before) > 300


@pytest.mark.parametrize("way", ["its outer process", "a child that holds its line"])
def test_other_ways_to_lose_a_lab(way: str) -> None:
    lab = Lab.open()
    sleeper = lab.spawn(["sleep", "300"])
    if way == "its outer process":
        os.kill(lab.control._init.pid, signal.SIGKILL)
        assert sleeper.wait(5) == -signal.SIGKILL
        lab.close()
    else:
        with subprocess.Popen(["sleep", "300"], pass_fds=[lab.control._line.fileno()]) as holder:
            lab.close()
            assert sleeper.gone
            holder.kill()


if __name__ == "__main__":
    if sys.argv[1] == "enter":
        enter_own_folders()
        os.execv(sys.executable, [sys.executable, __file__, "guard", sys.argv[2]])  # drops the rights got on the way
    guard_runs(int(sys.argv[2]))
