"""A web server and users of the web, run by path inside hosts, with nothing but the standard library.

Arguments: the folder that holds the package, then `serve NAME PORT`, or `ask ADDRESS PORT NEW KEPT PAUSE LOG STOP`: NEW
users connect for each request, KEPT users keep their connection; LOG and STOP are descriptors (see `attempt_log`).
"""

import hashlib
import sys
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

if __name__ == "__main__":
    sys.path.append(sys.argv[1])  # -I and -S leave only the standard library

from pytest_havip.observe.attempt_log import DONE, REFUSED, UNKNOWN, WRONG, User, run_users

__all__ = ["page"]

#: Seconds until a user gives a connection up that does not come about, and takes no answer for none.
CONNECT_PATIENCE = 0.5
ANSWER_PATIENCE = 2.0
_OK = 200
_LINES = 256


def page(server: str, path: str) -> bytes:
    """The page of a path, 16 KiB that are like no other path's: its first line names the server."""
    return f"{server}\n{(hashlib.sha256(path.encode()).hexdigest() + chr(10)) * _LINES}".encode()


class _Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    name = ""

    def do_GET(self) -> None:
        """Send the page."""
        body = page(self.name, self.path)
        self.send_response(_OK)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's word
        """Say nothing: the users keep the log."""


class WebUser(User):
    """Asks for one page after the other, each another one."""

    def __init__(self, user: int, pause: float, log: int, server: tuple[str, int], *, keep: bool) -> None:
        super().__init__(user, pause, log)
        self._server = server
        self._keep = keep
        self._connection: HTTPConnection | None = None

    def attempt(self, number: int) -> tuple[str, str]:
        """Ask once; who was not connected, or got half an answer, connects anew the next time."""
        path = f"/{self.user}/{number}"
        connection = self._connection
        if connection is None:
            connection = HTTPConnection(*self._server, timeout=CONNECT_PATIENCE)
            try:
                connection.connect()
            except OSError:
                connection.close()
                return REFUSED, ""
            connection.sock.settimeout(ANSWER_PATIENCE)
            self._connection = connection
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, HTTPException):  # lost on the way, or cut off: no answer, and the user knows it
            self._leave()
            return UNKNOWN, ""
        if not self._keep:
            self._leave()
        by = body.partition(b"\n")[0].decode(errors="replace")
        right = answer.status == _OK and body == page(by, path) and " " not in by
        return (DONE, by) if right else (WRONG, f"status-{answer.status}")

    def _leave(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def main(arguments: list[str]) -> None:
    """Run the program that the first argument names."""
    match arguments:
        case ["serve", name, port]:
            ThreadingHTTPServer(("", int(port)), type("Named", (_Page,), {"name": name})).serve_forever()
        case ["ask", address, port, new, kept, pause, log, stop]:
            server, total = (address, int(port)), int(new) + int(kept)
            users = [WebUser(user, float(pause), int(log), server, keep=user >= int(new)) for user in range(total)]
            run_users(users, int(stop))
        case _:
            raise SystemExit(f"usage: serve NAME PORT | ask ADDRESS PORT NEW KEPT PAUSE LOG STOP: {arguments}")


if __name__ == "__main__":
    main(sys.argv[2:])
