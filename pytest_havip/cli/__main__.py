"""``python -m pytest_havip.cli``, the same as ``havip``."""

from pytest_havip.cli.command import main

__all__: list[str] = []

raise SystemExit(main())
