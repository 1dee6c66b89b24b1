"""The reference network for people who develop against HAVIP: `havip serve` and the commands beside it."""

from pytest_havip.emulator.calling import CallError, Running, running

__all__ = ["CallError", "Running", "running"]
