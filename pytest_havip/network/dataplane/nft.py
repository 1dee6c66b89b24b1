"""The packet filter of one namespace, by libnftables: a script is one transaction."""

import ctypes
import json
from functools import cache
from typing import Any, Final

from pytest_havip.network.dataplane.namespace import Namespace

__all__ = ["Nft", "NftError"]

_LIBRARY: Final = "libnftables.so.1"
_JSON_OUTPUT: Final = 1 << 4


class NftError(RuntimeError):
    """The kernel or libnftables refused a script; nothing of it is in force."""


@cache
def _load() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError as error:
        raise NftError(
            f"libnftables cannot be loaded ({error}); install the package nftables (libnftables1)"
        ) from error
    library.nft_ctx_new.restype = ctypes.c_void_p
    library.nft_ctx_new.argtypes = (ctypes.c_uint32,)
    library.nft_ctx_get_output_buffer.restype = ctypes.c_char_p
    library.nft_ctx_get_error_buffer.restype = ctypes.c_char_p
    library.nft_run_cmd_from_buffer.argtypes = (ctypes.c_void_p, ctypes.c_char_p)
    library.nft_ctx_output_set_flags.argtypes = (ctypes.c_void_p, ctypes.c_uint)
    for function in (
        library.nft_ctx_buffer_output,
        library.nft_ctx_buffer_error,
        library.nft_ctx_get_output_buffer,
        library.nft_ctx_get_error_buffer,
        library.nft_ctx_free,
    ):
        function.argtypes = (ctypes.c_void_p,)
    return library


class Nft:
    """A libnftables context whose netlink socket lives in a namespace."""

    __slots__ = ("_context", "_library")

    def __init__(self, namespace: Namespace) -> None:
        self._library = _load()
        with namespace.entered():  # the context opens its socket now, in the namespace that is current
            self._context: int | None = self._library.nft_ctx_new(0)
        if not self._context:
            raise NftError("libnftables made no context; the machine is out of memory or of descriptors")
        self._library.nft_ctx_buffer_output(self._context)
        self._library.nft_ctx_buffer_error(self._context)
        self._library.nft_ctx_output_set_flags(self._context, _JSON_OUTPUT)

    def run(self, script: str) -> str:
        """Carry out a script as one transaction.

        Args:
            script: nft commands, one a line.

        Returns:
            What the commands print (JSON).

        Raises:
            NftError: it was refused as a whole.
        """
        status = self._library.nft_run_cmd_from_buffer(self._context, script.encode())
        output: bytes = self._library.nft_ctx_get_output_buffer(self._context) or b""
        errors: bytes = self._library.nft_ctx_get_error_buffer(self._context) or b""
        if status != 0:
            raise NftError(f"the guard's transaction was refused: {errors.decode(errors='replace')}in:\n{script}")
        return output.decode()

    def query(self, command: str) -> list[dict[str, Any]]:
        """Run a listing command and return its objects."""
        answer: dict[str, list[dict[str, Any]]] = json.loads(self.run(command))
        return answer["nftables"]

    def close(self) -> None:
        """Free the context and its socket."""
        if self._context:
            self._library.nft_ctx_free(self._context)
            self._context = None
