"""The table of mutants in ``docs/mutants.md``; print it with ``python -m pytest_havip.mutants.table``."""

from pytest_havip.mutants import MUTANTS

__all__ = ["document"]

_HEAD = """\
# Mutants

Each is the reference network with exactly one fault; `pytest --havip --havip-target mutant:NAME` runs against it. The
tests hold every mutant to this table: what it names turns red (*fail*, or *non-strict* for a SHOULD), and nothing else
does. (What needs a binding first may come out *inconclusive* where the fault lets none come about.) `bench/mutants.py`
runs them all.

| mutant | fault | turns red |
|---|---|---|
"""


def document() -> str:
    """Return the whole document."""
    rows = (
        f"| `{mutant.name}` | {mutant.fault} | {', '.join(sorted(mutant.breaks))} |\n" for mutant in MUTANTS.values()
    )
    return _HEAD + "".join(rows)


if __name__ == "__main__":
    print(document(), end="")  # noqa: T201 - that is what it is for
