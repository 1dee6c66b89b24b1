"""The lab as a whole: what it hides, what it leaves, how it ends."""

import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from pytest_havip.lab import Host, Lab, LabError, LabUnavailable
from pytest_havip.lab.control import kept_folders


def open_descriptors() -> dict[str, str]:
    found = {}
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found[entry.name] = str(entry.readlink())
        except FileNotFoundError:
            continue  # the one that listed them
    return found


def children() -> set[str]:
    return {child for each in Path("/proc/self/task").glob("*/children") for child in each.read_text().split()}


def use_everything(lab: Lab) -> None:
    a, b = lab.host("a"), lab.host("b")
    lab.link(a, "eth0", b, "eth0")
    a.add_address("10.0.0.1/24")
    a.socket(2, 2)
    a.port().send(bytes(60))
    b.port().capture.sync()
    assert a.route.get_links()
    assert a.infra.interface("eth0").exists
    a.spawn(["sleep", "100"])
    lab.spawn(["sleep", "100"])
    assert a.run(["true"]).returncode == 0
    with pytest.raises(LabError):
        a.run(["no-such-program"])
    with pytest.raises(FileNotFoundError):
        a.read_file("nothing")
    a.write_file("something", "text")
    lab.remove(lab.host("c"))


def test_a_closed_lab_leaves_no_descriptor_and_no_child() -> None:
    with Lab.open() as lab:  # imports, and what libraries keep for good
        use_everything(lab)
    before, elder = open_descriptors(), children()
    for _ in range(3):
        with Lab.open() as lab:
            use_everything(lab)
    assert open_descriptors() == before
    assert threading.active_count() == 1
    assert children() <= elder, "they are still there, or were not reaped"


def test_a_program_is_root_inside_and_sees_only_the_lab(lab: Lab) -> None:
    host = lab.host("a")
    done = host.run(["sh", "-c", "id -u; hostname; echo $$; ls /sys/class/net"])
    lines = done.stdout.split()
    assert lines[:2] == ["0", "a"]
    assert int(lines[2]) < 100
    assert lines[3:] == ["lo"]
    assert done.stderr == ""


def test_the_machines_temporary_files_are_hidden(lab: Lab) -> None:
    kept = {Path(folder).parts[:3] for folder in kept_folders()}
    host = lab.host("a")
    for folder, own in (("/tmp", set()), ("/run", {"lock"})):
        seen = set(host.run(["ls", folder]).stdout.split())
        assert seen == own | {parts[2] for parts in kept if parts[1] == folder[1:]}
    assert host.run(["sh", "-c", "echo text > /dev/shm/lab; cat /dev/shm/lab"]).stdout == "text\n"
    assert not Path("/dev/shm/lab").exists()


def test_the_machines_settings_cannot_be_written(lab: Lab) -> None:
    before = Path("/proc/sys/kernel/panic").read_text()
    host = lab.host("a")
    assert host.run(["sh", "-c", "echo 7 > /proc/sys/kernel/panic"]).returncode != 0
    assert lab.host("b").run(["sh", "-c", "echo 0 > /proc/sys/vm/swappiness"]).returncode != 0
    assert host.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]).returncode == 0
    assert Path("/proc/sys/kernel/panic").read_text() == before


def test_setgroups_succeeds_inside(lab: Lab) -> None:
    """Without it keepalived runs no notify script, and takes failing track scripts for successful."""
    code = "import os; os.setgroups([]); os.setgroups([0]); print('fine')"
    done = lab.host("a").run([sys.executable, "-I", "-S", "-c", code])
    assert (done.stdout, done.stderr) == ("fine\n", "")


def test_a_program_without_a_host_can_make_namespaces(lab: Lab) -> None:
    process = lab.spawn(["unshare", "-n", "ip", "link", "add", "br0", "type", "bridge"])
    assert process.wait(5) == 0, process.log()


def test_folders_of_python_and_the_current_one_stay_visible_in_tmp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "note").write_text("here")
    with Lab.open() as lab:
        done = lab.host("a").run(["cat", str(tmp_path / "note")])
        assert done.stdout == "here"
        assert len(lab.host("b").run(["ls", "/tmp"]).stdout.split()) <= 2


def test_two_labs_do_not_know_each_other(lab: Lab) -> None:
    with Lab.open() as other:
        for each, address in ((lab, "10.0.0.1/24"), (other, "10.0.0.9/24")):
            a, b = each.host("a"), each.host("b")
            each.link(a, "eth0", b, "eth0")
            a.add_address(address)
        sleeper = lab.hosts["a"].spawn(["sleep", "100"])
        assert [str(found) for found in other.hosts["a"].addresses()] == ["10.0.0.9/24"]
        assert "sleep" not in other.hosts["a"].run(["ps", "-e"]).stdout
    assert sleeper.alive
    assert lab.hosts["a"].run(["true"]).returncode == 0


def test_closing_ends_everything_and_keeps_what_was_seen() -> None:
    with Lab.open() as lab:
        host = lab.host("a")
        process = host.spawn(["sh", "-c", "echo started; trap '' TERM; sleep 100 & wait"])
        while "started" not in process.log():
            assert process.alive
    assert process.log() == "started\n"
    assert not process.alive
    assert process.wait(0) == -signal.SIGKILL
    with pytest.raises(LabError, match="closed"):
        lab.host("b")
    with pytest.raises(LabError, match="was removed, or its lab closed"):
        host.namespace()
    lab.close()


def test_the_end_of_the_init_is_told(lab: Lab) -> None:
    host = lab.host("a")
    lab.control._init.kill()
    with pytest.raises(LabError, match="init"):
        host.run(["true"])


def test_removing_a_host_takes_its_programs_interfaces_and_sockets(lab: Lab, pair: tuple[Host, Host]) -> None:
    a, b = pair
    process = a.spawn(["sh", "-c", "setsid sleep 100 & sleep 100"])
    opened = a.socket(2, 2)
    capture = a.port().capture
    sent = a.port().send(b"\xff" * 6 + bytes(54))
    lab.remove(a)
    assert process.gone
    with pytest.raises(LabError, match="was removed"):
        a.socket(2, 2)
    lab.settle()
    assert opened.fileno() == -1
    assert b.interfaces() == ["lo"]
    assert [frame.outgoing for frame in capture.frames(sent)] == [True]
    assert "sleep" not in b.run(["ps", "-e"]).stdout
    with pytest.raises(LabError, match="no host of this lab"):
        lab.remove(a)
    assert lab.host("a").interfaces() == ["lo"]


def test_the_names_of_a_removed_host_are_free_at_once(lab: Lab, pair: tuple[Host, Host]) -> None:
    a, b = pair
    for _ in range(3):
        a.port()
        lab.remove(a)
        a = lab.host("a")
        lab.link(a, "eth0", b, "eth0")


def test_names_are_checked(lab: Lab) -> None:
    lab.host("a")
    with pytest.raises(ValueError, match="already"):
        lab.host("a")
    with pytest.raises(ValueError, match="no name"):
        lab.host("")


def test_threads_may_share_a_lab(lab: Lab) -> None:
    failures = []

    def work(number: int) -> None:
        try:
            host = lab.host(f"h{number}")
            for _ in range(5):
                assert host.run(["echo", str(number)]).stdout == f"{number}\n"
        except BaseException as error:  # noqa: BLE001 (handed to the test)
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


FORBID = textwrap.dedent("""
    import ctypes, os, sys
    user, group, inside = os.geteuid(), os.getegid(), int(sys.argv[1])
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.unshare(0x10000000) == 0
    open("/proc/self/setgroups", "w").write("deny")
    open("/proc/self/uid_map", "w").write(f"{inside} {user} 1")
    open("/proc/self/gid_map", "w").write(f"{inside} {group} 1")
    open("/proc/sys/user/max_user_namespaces", "w").write("0")
    os.execv(sys.executable, [sys.executable, "-c", sys.argv[2]])
""")
TRY = textwrap.dedent("""
    from pytest_havip.lab import Lab, LabUnavailable
    from pytest_havip.lab.checks import checks
    try:
        with Lab.open() as lab:
            print("user namespace:", lab.control.user_namespace, lab.host("a").run(["id", "-u"]).stdout)
    except LabUnavailable as error:
        print(error)
    print(checks()[0])
""")


def try_where_user_namespaces_are_forbidden(user: int) -> str:
    done = subprocess.run([sys.executable, "-c", FORBID, str(user), TRY], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout


def test_root_goes_on_where_user_namespaces_are_forbidden() -> None:
    said = try_where_user_namespaces_are_forbidden(0)
    assert said.startswith("user namespace: False 0")
    assert "status='warn'" in said


def test_an_ordinary_user_is_told_what_mends_it_where_they_are_forbidden() -> None:
    said = try_where_user_namespaces_are_forbidden(1000)
    assert "no lab on this machine: the user namespace was refused" in said
    assert "sysctl -w user.max_user_namespaces=15000" in said
    assert "status='fail'" in said


def test_lab_unavailable_survives_pickling() -> None:
    error = LabUnavailable("a", "b", "c")
    made, arguments = error.__reduce__()
    assert str(made(*arguments)) == str(error)


def test_the_pytest_process_stays_where_it_is(lab: Lab, pair: tuple[Host, Host]) -> None:
    kinds = ("net", "mnt", "pid", "user", "uts", "ipc")
    before = {kind: Path(f"/proc/self/ns/{kind}").readlink() for kind in kinds}
    pair[0].run(["true"])
    lab.spawn(["true"])
    assert {kind: Path(f"/proc/self/ns/{kind}").readlink() for kind in kinds} == before
