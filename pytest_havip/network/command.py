"""The reference network's process: its command line, its sockets, its loop."""

import argparse
import asyncio
import contextlib
import gc
import ipaddress
import json
import os
import resource
import secrets
import signal
import socket
import string
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import uvicorn

from pytest_havip.kernel import route
from pytest_havip.network.api.server import application
from pytest_havip.network.cable import PatchPanel
from pytest_havip.network.core import PROFILES, Profile
from pytest_havip.network.keeper import Keeper, KeeperError, NoKeeper
from pytest_havip.network.log import begin_log, log_activity, tell
from pytest_havip.network.recovery import begin
from pytest_havip.network.scheduling import ask_for_short_slices
from pytest_havip.network.service import Service
from pytest_havip.network.store import Store, StoreError

__all__ = ["main"]

_ALPHABET: Final = string.digits + string.ascii_lowercase
_KEEP_ALIVE: Final = 3600
#: Seconds between two looks at the guard's counters.
_LOOK: Final = 0.25
# Allocations between two looks for garbage: a look in the middle of a burst costs as much as the whole burst.
_GARBAGE_THRESHOLD: Final = 100_000


class _Server(uvicorn.Server):
    """uvicorn, without its hands on the process's signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT.

    Returns:
        The process's exit status: 0 after a signal; an internal error raises and ends it with a traceback.
    """
    given = _parse(arguments)
    listener = _listener(given.listen_fd, given.listen)
    secrets = None if given.without_credentials else _read_secrets(given.credentials_fd)
    if given.log is not None:
        begin_log(given.log)
    ask_for_short_slices()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a VPC takes nine descriptors
    with listener:
        try:
            asyncio.run(
                _serve(
                    listener,
                    given.cable_fd,
                    secrets,
                    given.store,
                    logs=given.log is not None,
                    profile=PROFILES.get(given.profile),
                )
            )
        except (StoreError, KeeperError) as error:
            raise SystemExit(str(error)) from error
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pytest_havip.network", description="The reference HAVIP network.")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--listen-fd", type=int, metavar="N", help="listening TCP socket of the API, on loopback")
    where.add_argument("--listen", metavar="127.0.0.1:PORT", help="loopback address to listen on")
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument(
        "--credentials-fd", type=int, metavar="N", help='file or pipe with {"SecretId": "SecretKey"} of who may call'
    )
    who.add_argument("--without-credentials", action="store_true", help="let everyone on this machine call, unsigned")
    parser.add_argument("--cable-fd", type=int, metavar="N", help="SOCK_SEQPACKET socket of the patch panel")
    parser.add_argument(
        "--store",
        type=Path,
        metavar="FILE",
        help="keep what was promised there, and go on from it; a process beside it keeps the data plane up meanwhile",
    )
    parser.add_argument("--log", type=Path, metavar="FILE", help="append to it, in JSON lines, what happens")
    parser.add_argument("--profile", choices=PROFILES, help="decide as this cloud does where clouds differ")
    return parser.parse_args(arguments)


def _listener(descriptor: int | None, address: str | None) -> socket.socket:
    """Take over or make the API's socket.

    Raises:
        SystemExit: it is not on loopback. The API speaks plain HTTP: what is asked and answered can be read on the way.
    """
    if descriptor is not None:
        listener = socket.socket(fileno=descriptor)
        if listener.family != socket.AF_INET or not _is_loopback(listener.getsockname()[0]):
            raise SystemExit(f"--listen-fd {descriptor} does not listen on 127.0.0.0/8; pass a socket that does")
        return listener
    host, _, port = (address or "").rpartition(":")
    if not _is_loopback(host) or not port.isdecimal():
        raise SystemExit(f"--listen {address} is not on loopback; write 127.0.0.1:PORT")
    return socket.create_server((host, int(port)))


def _read_secrets(descriptor: int) -> dict[str, str]:
    """Read who may call, from where other users of the machine cannot look: arguments and environments are listed.

    Raises:
        SystemExit: it is no JSON object of texts, or an empty one.
    """
    with os.fdopen(descriptor, encoding="utf-8") as file:
        text = file.read()
    try:
        secrets: object = json.loads(text)
    except ValueError:
        secrets = None
    if (
        not isinstance(secrets, dict)
        or not secrets
        or not all(isinstance(key, str) and key for key in secrets.values())
    ):
        raise SystemExit(
            f"--credentials-fd {descriptor} holds no credentials; pass a file or pipe with"
            ' {"SecretId": "SecretKey"}, or say --without-credentials'
        )
    return secrets


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return False


def _new_token(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


async def _serve(
    listener: socket.socket,
    cable: int | None,
    secrets: Mapping[str, str] | None,
    path: Path | None,
    *,
    logs: bool,
    profile: Profile | None,
) -> None:
    loop = asyncio.get_running_loop()
    store = Store(path)
    with contextlib.ExitStack() as stack:
        stack.callback(store.close)
        keeper = NoKeeper() if path is None else Keeper(path.with_name(f"{path.name}.keeper"))
        stack.callback(keeper.close)
        service = begin(store, keeper, new_token=_new_token, loop=loop, profile=profile)
        if logs:
            _log_all(service, loop)
        tell("started", vpcs=list(service.network.vpcs), adopted=list(keeper.kept), store=path)
        await _run(service, listener, cable, secrets)
        keeper.end()
        tell("ended")


def _log_all(service: Service, loop: asyncio.AbstractEventLoop) -> None:
    """Log every activity; the guard counts silently, so look at its counters now and then."""
    service.activity.listen(log_activity)

    def look() -> None:
        if service.activity.closed:
            return
        try:
            service.note_rejections()
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends the service
            service.fail(error)
        loop.call_later(_LOOK, look)

    look()


async def _run(service: Service, listener: socket.socket, cable: int | None, secrets: Mapping[str, str] | None) -> None:
    """Serve until a signal; what is in the kernel is let go of, and stays if it is kept."""
    loop = asyncio.get_running_loop()
    configuration = uvicorn.Config(
        application(service, secrets),
        access_log=False,
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=1,
        http="h11",
        ws="none",
        timeout_keep_alive=_KEEP_ALIVE,
        server_header=False,
        date_header=False,
    )
    server = _Server(configuration)

    def stop() -> None:
        server.should_exit = True
        service.activity.close()  # whoever waits for something to tell gets an answer

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    panel = PatchPanel(service, cable, loop) if cable is not None else None
    route.load()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE_THRESHOLD, 10, 10)
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        await asyncio.wait((serving, service.failure), return_when=asyncio.FIRST_COMPLETED)
        if service.failure.done():
            server.force_exit = server.should_exit = True
            await serving  # the caller whose request failed gets its answer first
            service.failure.result()
        serving.result()
    finally:
        service.failure.cancel()
        if panel is not None:
            panel.close()
        service.close()
