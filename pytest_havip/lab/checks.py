"""What this machine can do for a lab: each thing is tried, never guessed from a version."""

import contextlib
import ctypes
import os
import shutil
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from pytest_havip.lab.capture import NotSeen
from pytest_havip.lab.errors import LabUnavailable
from pytest_havip.lab.lab import PROGRAM_FOLDERS, Lab

__all__ = ["Check", "checks", "find_program"]

Status = Literal["ok", "warn", "fail"]

_NETLINK_NETFILTER = 12
_NFLOG_CONFIGURE = 4 << 8 | 1  # NFNL_SUBSYS_ULOG, NFULNL_MSG_CONFIG
_BIND = 1  # NFULA_CFG_CMD with NFULNL_CFG_CMD_BIND
_REQUEST_ACK = 0x1 | 0x4
_AF_BRIDGE = 7
_GROUP = 1
_TEST_FRAME = bytes.fromhex("ffffffffffff02000000000188b5") + b"lab".ljust(46, b"\0")
_TEST_SECONDS = 2.0
_BRIDGE_RULES = (
    "add table bridge lab_check; add chain bridge lab_check c { type filter hook prerouting priority 0; }; "
    "add rule bridge lab_check c ether type arp log group 1 drop"
)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked for.

    Attributes:
        name: what it is.
        status: "ok"; "warn": only some tests need it; "fail": no run without it.
        detail: what was found.
        remedy: the command that mends it, "" when there is nothing to mend.
    """

    name: str
    status: Status
    detail: str
    remedy: str = ""


def checks() -> list[Check]:
    """Try everything that the lab, a network in it, and the usual clients need. Takes about 0.1 s; leaves nothing."""
    return [
        *_kernel(),
        _library("libnftables.so.1", "libnftables1"),
        _program("nft", "nftables", "fail", "a network in the lab filters and maps with it"),
        _program("ip", "iproute2", "fail", "tests look at a host's interfaces with it"),
        _program("ping", "iputils-ping", "warn", "tests send echo requests with it, as a user would"),
        _program("keepalived", "keepalived", "warn", "only tests of keepalived need it"),
        _program("haproxy", "haproxy", "warn", "only tests of keepalived's track script need it"),
        _program("dnsmasq", "dnsmasq-base", "warn", "only tests of DHCP need it"),
        _program("arping", "iputils-arping", "warn", "only tests of takeovers by hand need it"),
        _program("redis-server", "redis-server", "warn", "only a database that campaigns share needs one, anywhere"),
    ]


def _kernel() -> Iterator[Check]:
    try:
        lab = Lab.open()
    except LabUnavailable as error:
        yield Check("namespaces", "fail", f"{error.what}; {error.why}", error.remedy)
        return
    with lab:
        if lab.control.user_namespace:
            yield Check("user namespace", "ok", f"user {os.geteuid()} is root inside, and has no new right outside")
        else:
            detail = "forbidden; as root the lab goes on without one"
            yield Check("user namespace", "warn", detail, "sudo sysctl -w user.max_user_namespaces=15000")
        yield Check("namespaces", "ok", "network, mount, PID, IPC, host name")
        for name, module, attempt in _ATTEMPTS:
            yield _tried(name, module, attempt, lab)


def _tried(name: str, module: str, attempt: Callable[[Lab], str], lab: Lab) -> Check:
    try:
        return Check(name, "ok", attempt(lab))
    except (OSError, RuntimeError, LookupError, NotSeen) as error:
        return Check(name, "fail", f"the kernel can't: {error}", f"sudo modprobe {module}")


def _veth(lab: Lab) -> str:
    near, far = lab.host("near"), lab.host("far")
    lab.link(near, "eth0", far, "eth0")
    return "pairs between hosts"


def _packet_sockets(lab: Lab) -> str:
    near, far = (lab.hosts[name].port() for name in ("near", "far"))
    since = near.send(_TEST_FRAME)
    far.capture.wait(lambda frame: frame.data == _TEST_FRAME, timeout=_TEST_SECONDS, since=since)
    return "a raw frame was sent and captured"


def _bridge(lab: Lab) -> str:
    far = lab.hosts["far"]
    far.add_bridge("br0")
    far.join_bridge("eth0", "br0")
    return "with a port"


def _nft_bridge(lab: Lab) -> str:
    if not find_program("nft"):
        return "not tried: nft is not installed"
    done = lab.hosts["far"].run(["nft", _BRIDGE_RULES])
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return "table, chain and log rule"


def _nflog(lab: Lab) -> str:
    attribute = struct.pack("=HHB3x", 5, 1, _BIND)
    body = struct.pack("=BB", _AF_BRIDGE, 0) + struct.pack("!H", _GROUP) + attribute
    message = struct.pack("=IHHII", 16 + len(body), _NFLOG_CONFIGURE, _REQUEST_ACK, 1, 0) + body
    with contextlib.closing(lab.hosts["far"].socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)) as log:
        log.settimeout(_TEST_SECONDS)
        log.send(message)
        (number,) = struct.unpack_from("=i", log.recv(4096), 16)
    if number:
        raise OSError(-number, os.strerror(-number))
    return f"group {_GROUP} can be read"


_ATTEMPTS: tuple[tuple[str, str, Callable[[Lab], str]], ...] = (
    ("veth", "veth", _veth),
    ("AF_PACKET", "af_packet", _packet_sockets),
    ("bridge", "bridge", _bridge),
    ("nft bridge family", "nf_tables_bridge nft_log", _nft_bridge),
    ("NFLOG", "nfnetlink_log", _nflog),
)


def _library(name: str, package: str) -> Check:
    try:
        ctypes.CDLL(name)
    except OSError as error:
        return Check(name, "fail", f"a network in the lab talks to the kernel with it: {error}", _install(package))
    return Check(name, "ok", "loaded")


def _program(name: str, package: str, status: Status, why: str) -> Check:
    path = find_program(name)
    return Check(name, "ok", path) if path else Check(name, status, f"not installed; {why}", _install(package))


def find_program(name: str) -> str:
    """Return the path of a program that programs in a lab can start, "" if there is none."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *PROGRAM_FOLDERS])) or ""


def _install(package: str) -> str:
    return f"sudo apt-get install {package} (or the package of that name of your distribution)"
