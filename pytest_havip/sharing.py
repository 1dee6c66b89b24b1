"""Which tests stay in one process of pytest-xdist: those of a file that names a group share fixtures that take long.

The ``--dist loadgroup`` of pytest-xdist 3.8 renames tests to do the same, and pytest 9.2 does not heed that.
"""

import re
from functools import cache
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

__all__ = ["GroupScheduling"]

_GROUP = re.compile(r"^pytestmark = .*\bxdist_group\(\"(\w+)\"\)", re.MULTILINE)


@cache
def _group(path: Path) -> str:
    try:
        found = _GROUP.search(path.read_text(encoding="utf-8"))
    except OSError:
        return ""
    return found[1] if found else ""


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc] # it has no types
    """Gives each process the next test, or the next group of tests; the largest groups first."""

    def _split_scope(self, nodeid: str) -> str:
        root: Path = self.config.rootpath
        return _group(root / nodeid.partition("::")[0]) or nodeid
