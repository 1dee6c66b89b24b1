"""The ``havip`` command."""

from pytest_havip.cli.command import main

__all__ = ["main"]
