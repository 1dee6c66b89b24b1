"""Errors of the API itself, beside those that the core gives."""

__all__ = ["ApiError"]


class ApiError(Exception):
    """A request that does not reach the core.

    Attributes:
        code: the error code of Tencent API 3.0.
        message: what is wrong with it and what to do.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
