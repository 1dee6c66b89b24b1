"""The one way in which decoding fails."""

__all__ = ["Malformed"]


class Malformed(ValueError):
    """The bytes are not what they were read as; ``reason`` says which field is wrong and what it should be."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
