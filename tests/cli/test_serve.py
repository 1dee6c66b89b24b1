import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import termios
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from pytest_havip.emulator.topology import read_topology
from pytest_havip.toml_file import TomlError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Shell

#: Seconds until something must have happened, on a busy machine.
PATIENCE = 60
#: Who runs a network when the tests run as root: an ordinary user who owns nothing.
NOBODY = 65534
SUBNET = '[[vpc]]\ncidr = "10.0.0.0/16"\n[[vpc.subnet]]\ncidr = "10.0.1.0/24"\n'
VIP = "172.17.16.100"
TAKE = f"ip address add {VIP}/32 dev eth0; exec arping -q -c 1 -U -I eth0 {VIP}"


def test_an_announcement_is_seen_in_the_events(served: tuple["Shell", str]) -> None:
    shell, name = served
    chosen = ("--network", name)
    with shell.start("events", *chosen, "--follow") as following:
        assert following.stdout is not None
        assert shell.run("exec", *chosen, "node1", "--", "sh", "-c", TAKE) == (0, "")
        assert f"{VIP}  " in (bound := shell.read_until(following.stdout, "bound"))
        assert bound.rstrip().endswith("bound to node1: announced")
        shell.run("exec", *chosen, "node1", "--", "arping", "-q", "-c", "1", "-U", "-I", "eth0", VIP)
        assert shell.read_until(following.stdout, "refreshed").rstrip().endswith("refreshed by node1")
        assert shell.run("exec", *chosen, "node2", "--", "sh", "-c", TAKE) == (0, "")
        assert shell.read_until(following.stdout, "moved").rstrip().endswith("moved from node1 to node2: announced")
        shell.run("exec", *chosen, "node2", "--", "sh", "-c", TAKE.replace(VIP, "172.17.16.99"))
        rejected = shell.read_until(following.stdout, "172.17.16.99").rstrip()
        assert rejected.endswith("rejected, 1 frame of node2: NOT_YOURS")
        following.send_signal(signal.SIGINT)
        assert following.wait(PATIENCE) == 0
    status, said = shell.run("events", *chosen, "--json")
    entries = [json.loads(line) for line in said.splitlines()]
    assert status == 0
    assert [(entry["Kind"], entry["Host"], entry["OldHost"]) for entry in entries[:3]] == [
        ("BOUND", "node1", ""),
        ("REFRESHED", "node1", "node1"),
        ("MOVED", "node2", "node1"),
    ]
    assert f"{VIP}  node2  " in shell.run("ps", *chosen)[1]


def test_who_reads_no_more_events_is_no_trouble(served: tuple["Shell", str]) -> None:
    shell, name = served
    with shell.start("events", "--network", name, "--follow", stderr=subprocess.PIPE) as following:
        assert following.stdout is not None
        assert following.stderr is not None
        following.stdout.close()
        shell.run("exec", "--network", name, "client", "--", "arping", "-c", "1", "-I", "eth0", "-D", "172.17.16.1")
        shell.run("exec", "--network", name, "node1", "--", "sh", "-c", TAKE.replace(VIP, "172.17.16.98"))
        assert (following.wait(PATIENCE), following.stderr.read()) == (0, "")


def test_the_endpoint_is_the_clouds(served: tuple["Shell", str]) -> None:
    from tencentcloud.common.credential import EnvironmentVariableCredential  # noqa: PLC0415 - slow to load
    from tencentcloud.common.profile.client_profile import ClientProfile  # noqa: PLC0415
    from tencentcloud.common.profile.http_profile import HttpProfile  # noqa: PLC0415
    from tencentcloud.vpc.v20170312 import models  # noqa: PLC0415
    from tencentcloud.vpc.v20170312.vpc_client import VpcClient  # noqa: PLC0415

    shell, name = served
    status, said = shell.run("ps", "--export", "--network", name)
    variables = dict(line.removeprefix("export ").split("=", 1) for line in said.splitlines())
    assert status == 0
    scheme, _, endpoint = variables["HAVIP_ENDPOINT"].partition("://")
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in variables.items():
            patch.setenv(variable, value)
        credential = EnvironmentVariableCredential().get_credential()
    http = HttpProfile(protocol=scheme, endpoint=endpoint)
    client = VpcClient(credential, variables["TENCENTCLOUD_REGION"], ClientProfile(httpProfile=http))
    try:
        listed = client.DescribeHaVips(models.DescribeHaVipsRequest()).HaVipSet
    finally:
        client.request.conn._session.close()
    assert [(havip.Vip, havip.HaVipName) for havip in listed] == [(VIP, "service")]


def test_a_command_has_the_streams_and_the_status_of_its_caller(served: tuple["Shell", str]) -> None:
    shell, name = served
    with shell.start(
        "exec", "--network", name, "node1", "--", "sh", "-c", "hostname; cat; exit 7", stdin=subprocess.PIPE
    ) as process:
        assert process.communicate("typed\n", timeout=PATIENCE)[0] == "node1\ntyped\n"
    assert process.returncode == 7
    assert shell.run("exec", "--network", name, "node1", "--", "sh", "-c", "kill -TERM $$")[0] == 128 + signal.SIGTERM


@pytest.mark.parametrize(
    ("host", "words", "status", "said"),
    [
        ("node9", ["true"], 127, "there is no host 'node9'; there are: node1, node2, client"),
        ("node1", ["no-such-program"], 127, "no-such-program could not be started on node1: No such file"),
    ],
)
def test_what_cannot_be_run_is_told(
    served: tuple["Shell", str], host: str, words: list[str], status: int, said: str
) -> None:
    shell, name = served
    found = shell.run("exec", "--network", name, host, "--", *words)
    assert found[0] == status
    assert said in found[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_command_ends_with_its_caller(served: tuple["Shell", str], number: signal.Signals) -> None:
    shell, name = served
    with shell.start("exec", "--network", name, "node1", "--", "sh", "-c", "echo begun; exec sleep 1000") as process:
        assert process.stdout is not None
        assert "begun" in shell.read_until(process.stdout, "begun")
        process.send_signal(number)
        assert process.stdout.read() == ""  # nobody holds the pipe any more
        assert process.wait(PATIENCE) == (128 + number if number == signal.SIGTERM else -number)


def test_a_shell_has_a_terminal(served: tuple["Shell", str]) -> None:
    shell, name = served
    near, far = pty.openpty()
    try:
        fcntl.ioctl(near, termios.TIOCSWINSZ, struct.pack("HHHH", 43, 132, 0, 0))
        with shell.start("exec", "--network", name, "node2", stdin=far, stdout=far, stderr=far) as process:
            os.close(far)
            # No shell waits for a child when Ctrl-C comes: it would go on as if nothing had been.
            os.write(near, b"test -t 0 && stty size; hostname; sh -c 'echo be''gun; exec sleep 1000'\n")
            said = read_terminal(near, "begun")
            assert "43 132" in said
            assert "node2" in said
            os.write(near, b"\x03")  # Ctrl-C is for what sleeps, not for the shell
            read_terminal(near, "# ")
            os.write(near, b"echo I am $((40 + 2)); exit 5\n")
            assert "I am 42" in read_terminal(near, "I am 42")
            assert process.wait(PATIENCE) == 5
    finally:
        os.close(near)


def read_terminal(near: int, wanted: str) -> str:
    said = ""
    while wanted not in said:
        assert select.select([near], [], [], PATIENCE)[0], f"{wanted!r} did not come; the terminal shows {said!r}"
        said += os.read(near, 4096).decode()
    return said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_behind(shell: "Shell", number: signal.Signals, tmp_path: "Path") -> None:
    name = f"n-{shell.mark[:8]}"
    network = shell.serve("--network", name, "--log", "service.log")
    with shell.start(
        "exec", "--network", name, "node1", "--", "sh", "-c", "sleep 1000 & echo begun; exec sleep 1000"
    ) as inside:
        assert inside.stdout is not None
        assert "begun" in shell.read_until(inside.stdout, "begun")
        assert len(shell.processes()) > 5
        network.send_signal(number)
        assert network.wait(PATIENCE) == (0 if number != signal.SIGKILL else -number)
        inside.wait(PATIENCE)
        assert inside.returncode in {127, 128 + signal.SIGKILL}
    shell.see_that_nothing_is_left()
    assert [path.name for path in tmp_path.iterdir()] == ["service.log"]
    assert json.loads((tmp_path / "service.log").read_text().splitlines()[0])["what"] == "started"
    assert shell.run("ps", "--network", name)[0] == 2


def test_several_networks_have_names(shell: "Shell") -> None:
    one, two = (f"{letter}-{shell.mark[:8]}" for letter in "ab")
    first, _ = shell.serve("--network", one), shell.serve("--network", two)
    status, said = shell.run("serve", "--network", one)
    assert (status, f"a network named '{one}' runs already" in said) == (2, True)
    status, said = shell.run("exec", "node1", "--", "true")
    assert (status, "several networks run here" in said) == (125, True)
    told = [json.loads(line) for line in shell.run("ps", "--json")[1].splitlines()]
    assert {one, two} <= {network["name"] for network in told}
    assert shell.run("stop", "--network", one) == (0, f"network {one} has ended\n")
    assert first.wait(PATIENCE) == 0
    assert shell.run("exec", "--network", two, "client", "--", "hostname") == (0, "client\n")
    for command in (["stop"], ["events"], ["ps"]):
        status, said = shell.run(*command, "--network", one)
        assert (status, f"no network named '{one}' runs here" in said) == (2, True)


def test_the_end_of_the_service_is_the_end_of_the_network(shell: "Shell") -> None:
    network = shell.serve("--network", f"n-{shell.mark[:8]}")
    (service,) = [pid for pid, words in shell.processes().items() if "-m pytest_havip.network " in words]
    os.kill(service, signal.SIGKILL)
    said, _ = network.communicate(timeout=PATIENCE)
    assert (network.returncode, "the network's service ended by itself" in said) == (1, True)


@pytest.mark.skipif(os.geteuid() != 0, reason="all tests run as an ordinary user here")
def test_an_ordinary_user_can_do_it_too(make_shell: Callable[..., "Shell"]) -> None:
    shell = make_shell(NOBODY)
    try:
        shell.run("--version")
    except PermissionError as error:
        pytest.skip(f"the project lies where others may not look: {error}")
    shell.serve()
    assert shell.run("exec", "node1", "--", "sh", "-c", TAKE) == (0, "")
    assert f"{VIP}  node1  " in shell.run("ps")[1]
    assert shell.run("stop")[0] == 0
    shell.see_that_nothing_is_left()


def test_others_are_not_let_in(served: tuple["Shell", str], make_shell: Callable[..., Any]) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can be another user too")
    other = make_shell(NOBODY)
    code = (
        "import os, socket, sys; line = socket.socket(socket.AF_UNIX); "
        f"line.connect('\\0havip-serve/{os.geteuid()}/{served[1]}'); "
        'line.sendall(b\'{"do": "describe"}\\n\'); sys.exit(len(line.recv(100)))'
    )
    options: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": [], "cwd": "/"}
    done = subprocess.run(["/usr/bin/python3", "-c", code], check=False, capture_output=True, text=True, **options)
    # No byte of an answer; whether it is noticed when sending or when receiving is a matter of time.
    assert done.returncode == 0 or done.stderr.splitlines()[-1].startswith(("ConnectionReset", "BrokenPipe"))
    assert served[1] not in other.run("ps")[1]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "there is no VPC; begin one by a line [[vpc]]"),
        ('[[vpc]]\ncidr = "10.0.0.0/16"\nnmae = "x"\n', 3, "there is no key 'nmae' in [vpc]; did you mean 'name'?"),
        ('[[vpc]]\ncidr = "10.0.0.0/16\n', 2, "this is no TOML"),
        ("[[vpc]]\nname = 'a'\n", 1, "cidr is missing in [vpc]"),
        (f'{SUBNET}host = [\n\n{{ name = "a b" }},\n]\n', 5, "'a b' is no name of a host"),
        (f'{SUBNET}[[vpc.subnet.havip]]\nadress = "10.0.1.9"\n', 6, "did you mean 'address'?"),
        (f'{SUBNET}[[vpc.subnet.host]]\nname = "a"\nsecondary = ["10.0.1.9"]\n', 7, "must name its address too"),
        (f'{SUBNET}host=[{{name="a"}}]\n{SUBNET}host=[{{name="a"}}]\n', 10, "stands in another VPC already"),
    ],
)
def test_an_error_in_a_topology_is_told_with_file_line_and_remedy(
    tmp_path: "Path", text: str, line: int, said: str
) -> None:
    (tmp_path / "net.toml").write_text(text)
    with pytest.raises(TomlError) as error:
        read_topology(tmp_path / "net.toml")
    assert str(error.value).startswith(f"{tmp_path}/net.toml:{line}: ")
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (f'{SUBNET}[[vpc.subnet]]\ncidr = "10.0.1.0/25"\n', 6, "the network refuses this"),
        (f'{SUBNET}[[vpc.subnet.host]]\nname = "a"\naddress = "10.0.1.1"\n', 7, "InvalidParameterValue.Reserved"),
    ],
)
def test_what_the_network_refuses_is_told_with_file_and_line(
    shell: "Shell", tmp_path: "Path", text: str, line: int, said: str
) -> None:
    (tmp_path / "net.toml").write_text(text)
    status, told = shell.run("serve", "--network", f"n-{shell.mark[:8]}", "net.toml")
    assert status == 2
    assert told.startswith(f"havip serve: net.toml:{line}: ")
    assert said in told


def test_a_topology_has_hosts_in_several_subnets(shell: "Shell", tmp_path: "Path") -> None:
    (tmp_path / "net.toml").write_text(
        """
quota = 30
[[vpc]]
cidr = "10.0.0.0/16"
[[vpc.subnet]]
cidr = "10.0.1.0/24"
host = [{ name = "a", address = "10.0.1.7", secondary = ["10.0.1.8"] }, { name = "b" }]
[[vpc.subnet]]
cidr = "10.0.2.0/24"
host = [{ name = "a", address = "10.0.2.7" }, { name = "c", address = "10.0.2.8", dhcp = true }]
havip = [{ name = "first" }, { name = "second", address = "10.0.2.99" }]
"""
    )
    name = f"n-{shell.mark[:8]}"
    shell.serve("--network", name, "net.toml")
    (told,) = [json.loads(line) for line in shell.run("ps", "--network", name, "--json")[1].splitlines()]
    assert [(nic["interface"], nic["address"]) for nic in told["hosts"]["a"]] == [
        ("eth0", "10.0.1.7/24"),
        ("eth1", "10.0.2.7/24"),
    ]
    assert {havip["name"] for havip in told["havips"]} == {"first", "second"}
    assert "10.0.2.8" not in shell.run("exec", "--network", name, "c", "--", "ip", "address", "show", "eth0")[1]
    status, said = shell.run(
        "exec", "--network", name, "a", "--", "ping", "-I", "eth1", "-c", "1", "-W", "5", "10.0.2.1"
    )
    assert status == 0, said
