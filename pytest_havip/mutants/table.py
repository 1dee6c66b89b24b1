"""The table of mutants in ``docs/mutants.md``; print it with ``python -m pytest_havip.mutants.table``."""

from pytest_havip.mutants import MUTANTS

__all__ = ["document"]

_HEAD = """\
# Mutants

Each is the reference network with exactly one fault; `pytest --havip --havip-target mutant:NAME` runs against it. The
tests hold every mutant to this table: what it names turns red (*fail*, or *non-strict* for a SHOULD), and nothing else
does. (What needs a binding first may come out *inconclusive* where the fault lets none come about.) `bench/mutants.py`
runs them all.

That is about each requirement's own tests. Drawn stories (`test_fuzz`) find most mutants too, but which requirement a
story blames depends on what it met first, and on milliseconds; so they have no say in this table, and are left out when
mutants are tried. That they find faults, how soon, and how short the stories get, is shown by `bench/planted.py`.

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
