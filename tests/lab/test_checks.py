"""What `havip doctor` says of a machine."""

import errno
import os
from pathlib import Path

import pytest

from pytest_havip.lab import checks as module
from pytest_havip.lab.checks import Check, checks
from pytest_havip.lab.remedies import explain


def by_name() -> dict[str, Check]:
    return {check.name: check for check in checks()}


def test_what_a_lab_needs_is_there() -> None:
    found = by_name()
    for name in ("user namespace", "namespaces", "veth", "AF_PACKET", "bridge", "nft bridge family", "NFLOG"):
        assert found[name].status == "ok", found[name]
        assert found[name].remedy == ""


def test_missing_programs_are_told_by_who_needs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_program", lambda _name: "")
    found = by_name()
    assert {name: found[name].status for name in ("nft", "ip", "ping", "keepalived", "haproxy")} == {
        "nft": "fail",
        "ip": "fail",
        "ping": "warn",
        "keepalived": "warn",
        "haproxy": "warn",
    }
    assert found["nft"].remedy.startswith("sudo apt-get install nftables")
    assert found["nft bridge family"].detail.startswith("not tried")


def test_programs_are_found_beside_a_short_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/bin")
    assert by_name()["ip"].status == "ok"


def test_what_the_kernel_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_lab: object) -> str:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(module, "_ATTEMPTS", (("bridge", "bridge", refuse),))
    assert by_name()["bridge"] == Check(
        "bridge", "fail", "the kernel can't: [Errno 95] Operation not supported", "sudo modprobe bridge"
    )


@pytest.mark.parametrize(
    ("setting", "value", "remedy"),
    [
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns=0"),
        ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "user.max_user_namespaces=15000"),
    ],
)
def test_the_setting_that_forbids_user_namespaces_is_named(
    tmp_path: Path, setting: str, value: str, remedy: str
) -> None:
    file = tmp_path / setting
    file.parent.mkdir()
    file.write_text(value + "\n")
    error = explain({"step": "user namespace", "errno": errno.EPERM, "error": "no"}, "", tmp_path)
    assert setting in error.what
    assert remedy in error.remedy


def test_a_container_that_forbids_it_is_named(tmp_path: Path) -> None:
    error = explain({"step": "file systems", "errno": errno.EPERM, "error": "no"}, "", tmp_path)
    assert "--privileged" in error.remedy


def test_an_init_that_dies_without_a_word_is_told() -> None:
    error = explain({}, "Traceback")
    assert "Traceback" in str(error)
