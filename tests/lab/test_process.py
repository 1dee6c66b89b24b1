"""Programs in the lab: their whole tree, whatever it does."""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_havip.lab import Host, Lab, LabError, Process

DAEMON = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execvpe("sleep", ["sleep", "100"], {})   # a daemon with an empty environment
    os._exit(0)
print("ready", flush=True)
signal.pause()
"""


@pytest.fixture
def host(lab: Lab) -> Host:
    return lab.host("a")


def eventually(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"


def python(host: Host, code: str) -> Process:
    process = host.spawn([sys.executable, "-I", "-S", "-c", code])
    eventually(lambda: "ready" in process.log() or not process.alive, f"ready: {process.log()}")
    return process


def one_sleeps(host: Host) -> bool:
    return host.run(["pgrep", "-c", "sleep"]).stdout == "1\n"


def states(host: Host, process: Process) -> dict[int, str]:
    stats = {pid: host.read_file(f"/proc/{pid}/stat") for pid in process.members()}
    return {pid: stat.rpartition(")")[2].split()[0] for pid, stat in stats.items()}


def test_status_and_log_of_a_program(host: Host) -> None:
    process = host.spawn(["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert process.wait(5) == 3
    assert process.log() == "out\nerr\n"
    assert not process.alive
    eventually(lambda: process.gone, "gone")
    assert process.members() == []
    assert process.log() == "out\nerr\n"
    with pytest.raises(LabError, match=r"has ended already, with status 3.*\n.*out"):
        process.signal(signal.SIGTERM)
    process.kill()


def test_outputs_apart_environment_and_empty_input(host: Host) -> None:
    done = host.run(["sh", "-c", "echo $COLOUR; cat; echo oops >&2; exit 1"], env={"COLOUR": "blue"})
    assert (done.returncode, done.stdout, done.stderr) == (1, "blue\n", "oops\n")


def test_a_program_ended_by_a_signal(host: Host) -> None:
    process = host.spawn(["sleep", "100"])
    process.signal(signal.SIGTERM)
    assert process.wait(5) == -signal.SIGTERM


def test_programs_start_with_the_usual_signal_handling(host: Host) -> None:
    status = host.run(["grep", "-E", "^Sig(Ign|Blk)", "/proc/self/status"]).stdout
    assert [line.split()[1] for line in status.splitlines()] == ["0" * 16] * 2


def test_system_programs_are_found_whatever_the_path(host: Host) -> None:
    assert host.run(["ip", "-V"], env={"PATH": "/bin"}).returncode == 0


def test_a_missing_program_is_told(host: Host) -> None:
    with pytest.raises(
        LabError, match="no-such-program could not be started on a: No such file or directory: install it"
    ):
        host.spawn(["no-such-program"])
    with pytest.raises(LabError, match="Permission denied"):
        host.spawn(["/etc"])


def test_waiting_too_long_shows_the_log(host: Host) -> None:
    process = host.spawn(["sh", "-c", "echo hello; sleep 100"])
    eventually(process.log, "hello")
    with pytest.raises(TimeoutError, match=r"waited 0\.05 s for sh .* to end; the end of its log:\n  hello"):
        process.wait(0.05)
    with pytest.raises(TimeoutError):
        host.run(["sleep", "100"], timeout=0.05)
    assert host.run(["pgrep", "-c", "sleep"]).stdout == "1\n"


def test_kill_reaches_daemons_and_those_that_ignore_sigterm(host: Host) -> None:
    process = python(host, DAEMON)
    eventually(lambda: one_sleeps(host), "the daemon has become sleep")
    process.signal(signal.SIGTERM)
    assert process.alive
    process.kill()
    assert process.gone
    assert host.run(["pgrep", "-c", "python|sleep"]).stdout == "0\n"


def test_the_daemon_that_a_program_left_still_belongs_to_it(host: Host) -> None:
    process = host.spawn(["sh", "-c", "setsid sleep 100 & exit 0"])
    assert process.wait(5) == 0
    assert not process.alive
    assert not process.gone
    process.signal(signal.SIGTERM)
    eventually(lambda: process.gone, "daemon gone")


def test_a_signal_goes_to_the_program_or_to_its_tree(host: Host) -> None:
    process = host.spawn(["sh", "-c", "trap 'echo told' USR1; sleep 100 & while :; do wait; done"])
    eventually(lambda: one_sleeps(host), "the shell's child has become sleep")
    process.signal(signal.SIGUSR1)
    eventually(lambda: "told" in process.log(), "told")
    assert len(process.members()) == 2
    process.signal(signal.SIGUSR1, tree=True)
    eventually(lambda: len(process.members()) == 1, "sleep ended by the signal")
    process.kill()


def test_killing_the_program_leaves_its_children_running(host: Host) -> None:
    process = host.spawn(["sh", "-c", "sleep 100 & while :; do wait; done"])
    eventually(lambda: one_sleeps(host), "the shell's child has become sleep")
    process.signal(signal.SIGKILL)
    assert process.wait(5) == -signal.SIGKILL
    assert set(states(host, process).values()) == {"S"}
    process.kill()


def test_freeze_and_thaw_take_the_whole_tree(host: Host) -> None:
    process = python(host, DAEMON)
    eventually(lambda: one_sleeps(host), "the daemon has become sleep")
    process.freeze()
    eventually(lambda: set(states(host, process).values()) == {"T"}, "all stopped")
    process.thaw()
    eventually(lambda: set(states(host, process).values()) == {"S"}, "all go on")
    process.freeze()
    process.kill()
    assert process.gone


def test_a_tree_that_forks_all_the_time_is_killed(host: Host) -> None:
    process = python(host, "import os\nprint('ready', flush=True)\nwhile True:\n if os.fork(): os._exit(0)")
    process.kill()
    assert process.gone


def test_a_socket_made_here_serves_inside(host: Host) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        code = "import socket; s = socket.socket(fileno=7); c, _ = s.accept(); c.sendall(b'inside'); c.close()"
        process = host.spawn([sys.executable, "-I", "-c", code], fds={7: listener.fileno()})
        with socket.create_connection(listener.getsockname()) as connection:
            assert connection.recv(100) == b"inside"
        assert process.wait(5) == 0, process.log()


def test_descriptors_get_the_numbers_asked_for(host: Host) -> None:
    files = {number: os.memfd_create(str(number)) for number in range(3, 20)}
    code = f"import os\nfor n in {list(files)}: os.write(n, str(n).encode())"
    process = host.spawn([sys.executable, "-I", "-S", "-c", code], fds=files)
    assert process.wait(5) == 0, process.log()
    assert {number: os.pread(fd, 10, 0).decode() for number, fd in files.items()} == {n: str(n) for n in files}
    for fd in files.values():
        os.close(fd)


def test_descriptors_that_came_from_inside_are_not_inherited(host: Host) -> None:
    assert not os.get_inheritable(host.namespace())
    assert not host.socket(socket.AF_INET, socket.SOCK_DGRAM).get_inheritable()


def test_programs_inherit_nothing_else(host: Host) -> None:
    with socket.socket() as secret:
        secret.set_inheritable(True)
        listed = host.run(["ls", "/proc/self/fd"]).stdout.split()
    assert listed == ["0", "1", "2", "3"]  # 3 is ls itself, reading


def test_a_very_long_command_line_arrives(host: Host) -> None:
    word = "x" * 100_000
    assert host.run(["echo", word]).stdout == word + "\n"


def test_ended_programs_cost_no_descriptors(host: Host) -> None:
    for _ in range(3):
        host.run(["true"])
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(40):
        host.run(["true"])
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 6
