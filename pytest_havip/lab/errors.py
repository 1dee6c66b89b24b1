"""What can go wrong with a lab."""

__all__ = ["LabError", "LabUnavailable"]


class LabError(RuntimeError):
    """The lab refused or failed to do something; the text says what, why and what to do."""


class LabUnavailable(LabError):
    """This machine can't run a lab.

    Attributes:
        what: what is missing.
        why: what the lab needs it for.
        remedy: the command or setting that mends it.
    """

    def __init__(self, what: str, why: str, remedy: str) -> None:
        super().__init__(f"no lab on this machine: {what}. It is needed because {why}. To mend it: {remedy}")
        self.what = what
        self.why = why
        self.remedy = remedy

    def __reduce__(self) -> tuple[type["LabUnavailable"], tuple[str, str, str]]:
        """Pickle by the three parts (pytest-xdist sends errors between processes)."""
        return LabUnavailable, (self.what, self.why, self.remedy)
