"""Who may import whom; the rules are those of docs/architecture.md."""

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {"pytest_havip": "pytest_havip", "pytest_havip.suites": "suites", "pytest_havip.fixtures": "fixtures"}
MOST_LINES = 400

#: What a module without side effects must not reach for: time and entropy come as arguments.
IMPURE = {"asyncio", "ctypes", "datetime", "logging", "multiprocessing", "os", "random", "secrets", "select"}
IMPURE |= {"selectors", "signal", "socket", "subprocess", "tempfile", "threading", "time"}

#: Area -> what of ours it may import (besides itself). An area is the first rule whose name the module starts with.
OURS: dict[str, set[str]] = {
    "pytest_havip.wire": set(),
    "pytest_havip.history": set(),
    "pytest_havip.network.core": {"pytest_havip.wire"},
    "pytest_havip.kernel": set(),
    "pytest_havip.network": {"pytest_havip.wire", "pytest_havip.kernel"},
    "pytest_havip.mutants": {"pytest_havip.network", "pytest_havip.wire"},
    "pytest_havip.lab": {"pytest_havip.kernel"},
    "pytest_havip.requirements": set(),
    "pytest_havip.reports": {"pytest_havip.requirements"},
    "pytest_havip.targets": {"pytest_havip.lab", "pytest_havip.reports", "pytest_havip.mutants"},
    "pytest_havip.clients": {f"pytest_havip.{name}" for name in ("lab", "reports", "targets", "toml_file")},
    "pytest_havip.observe": {
        "pytest_havip.lab",
        "pytest_havip.reports",
        "pytest_havip.clients",
        "pytest_havip.targets",
        "pytest_havip.history",
    },
    "pytest_havip.emulator": {"pytest_havip.lab", "pytest_havip.targets", "pytest_havip.toml_file"},
    "pytest_havip.fuzz": {
        f"pytest_havip.{name}" for name in ("clients", "history", "lab", "reports", "requirements", "targets")
    },
    # Stories on the rules without a kernel: the one place where what judges a network runs it in its own process.
    "pytest_havip.fuzz.core": {"pytest_havip.fuzz", "pytest_havip.network"},
    "pytest_havip.fixtures": {
        f"pytest_havip.{name}"
        for name in ("clients", "fuzz", "history", "lab", "observe", "options", "reports", "requirements", "targets")
    },
    "pytest_havip.suites": {
        f"pytest_havip.{name}"
        for name in ("clients", "fixtures", "fuzz", "history", "lab", "observe", "reports", "requirements", "targets")
    },
    "pytest_havip.options": set(),
    "pytest_havip.toml_file": set(),
    "pytest_havip.plugin": {f"pytest_havip.{name}" for name in ("options", "session", "requirements", "watch")},
}
#: Areas that may import the standard library alone, and none of the impure modules.
PURE = (
    "pytest_havip.wire",
    "pytest_havip.history",
    "pytest_havip.network.core",
    "pytest_havip.network.dataplane.ruleset",
    *(f"pytest_havip.clients.wsfc.{name}" for name in ("member", "role", "address", "vote", "peers", "administration")),
)
#: Who may not know of pytest.
NO_PYTEST = tuple(f"pytest_havip.{name}" for name in ("kernel", "network", "mutants", "lab", "wire"))
#: The only ones who may use scapy, and only where it is needed.
SCAPY = ("pytest_havip.suites", "pytest_havip.clients", "pytest_havip.observe", "pytest_havip.lab.capture")

#: Who may use pyroute2, and only where it is needed: it takes 0.1 s to load.
PYROUTE2 = ("pytest_havip.kernel.route", "pytest_havip.lab.host")


def modules() -> Iterator[tuple[str, Path]]:
    for package, folder in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            yield ".".join((package, *(part for part in parts if part != "__init__"))), path


MODULES = dict(modules())


def imports(path: Path) -> Iterator[tuple[ast.stmt, str]]:
    """Every import of a file, wherever it stands, with the module's full name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom):
            yield node, "." * node.level + (node.module or "")
            for alias in node.names:
                if node.module and f"{node.module}.{alias.name}" in MODULES:
                    yield node, f"{node.module}.{alias.name}"


def within(name: str, area: str) -> bool:
    return name == area or name.startswith(f"{area}.")


def area_of(name: str, areas: Iterable[str] = OURS) -> str | None:
    """The most particular area that a module belongs to."""
    return max((area for area in areas if within(name, area)), key=len, default=None)


def test_imports_follow_the_arrows() -> None:
    wrong = []
    for module, path in MODULES.items():
        area = area_of(module)
        if area is not None:
            allowed = {area, *OURS[area]} - {"pytest_havip"}
            wrong += [
                f"{module} imports {name}; it may import {sorted(allowed)}"
                for _, name in imports(path)
                if name.startswith("pytest_havip.") and not any(within(name, other) for other in allowed)
            ]
    assert not wrong


def test_nobody_who_judges_brings_the_network_in_by_the_core_executor() -> None:
    users = {
        (module, node.lineno in at_the_top(path))
        for module, path in MODULES.items()
        for node, name in imports(path)
        if within(name, "pytest_havip.fuzz.core")
    }
    assert users == {("pytest_havip.cli.replay", False)}


def test_imports_are_absolute() -> None:
    assert not [(module, name) for module, path in MODULES.items() for _, name in imports(path) if name.startswith(".")]


def test_pure_modules_stay_pure() -> None:
    wrong = []
    for module, path in MODULES.items():
        if area_of(module, PURE):
            roots = {name.split(".")[0] for _, name in imports(path)} - {"pytest_havip"}
            wrong += [(module, root) for root in roots if root in IMPURE or root not in sys.stdlib_module_names]
    assert not wrong


def test_the_network_and_the_lab_know_no_pytest() -> None:
    assert not [
        (module, name)
        for module, path in MODULES.items()
        if area_of(module, NO_PYTEST)
        for _, name in imports(path)
        if name.split(".")[0] in {"pytest", "_pytest", "pluggy"}
    ]


def test_scapy_stays_at_the_edge_and_is_imported_where_it_is_used() -> None:
    wrong = []
    for module, path in MODULES.items():
        users = {node.lineno for node, name in imports(path) if within(name, "scapy")}
        if users and (area_of(module, SCAPY) is None or users & at_the_top(path)):
            wrong.append(module)
    assert not wrong


def test_pyroute2_has_two_users_and_is_imported_where_it_is_used() -> None:
    wrong = []
    for module, path in MODULES.items():
        users = {node.lineno for node, name in imports(path) if within(name, "pyroute2")}
        if users and (module not in PYROUTE2 or users & at_the_top(path)):
            wrong.append(module)
    assert not wrong


@pytest.mark.parametrize(
    ("program", "needs"),
    [
        ("pytest_havip.lab.init", "pytest_havip.kernel.calls"),
        ("pytest_havip.clients.wsfc.agent", "pytest_havip.clients.wsfc.member"),
    ],
)
def test_programs_run_by_path_import_the_standard_library_only(program: str, needs: str) -> None:
    waiting, seen, foreign = [program], {program}, set()
    while waiting:
        path = MODULES[waiting.pop()]
        for name in {name for node, name in imports(path) if node.lineno in at_the_top(path)}:
            if name in MODULES and name not in seen:
                seen.add(name)
                waiting.append(name)
            elif name not in MODULES and name.split(".")[0] not in sys.stdlib_module_names:
                foreign.add(name)
    assert not foreign
    assert needs in seen


def test_every_module_says_what_it_offers() -> None:
    silent = []
    for module, path in MODULES.items():
        code = ast.parse(path.read_text(encoding="utf-8")).body[1:]
        if code and not any(
            isinstance(target, ast.Name) and target.id == "__all__"
            for node in code
            if isinstance(node, ast.Assign | ast.AnnAssign)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        ):
            silent.append(module)
    assert not silent


def test_files_stay_small() -> None:
    lines = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in MODULES.items()}
    assert not {module: count for module, count in lines.items() if count > MOST_LINES}


def test_the_plugin_imports_nothing_heavy_at_its_top() -> None:
    path = MODULES["pytest_havip.plugin"]
    names = {name for node, name in imports(path) if node.lineno in at_the_top(path)}
    assert names <= {"collections.abc", "pytest", "pytest_havip.options"}


def test_the_suites_need_no_conftest() -> None:
    assert not [path for folder in FOLDERS.values() for path in (ROOT / folder).rglob("conftest.py")]


def at_the_top(path: Path) -> set[int]:
    """The lines of statements that run on import, whatever else does."""
    return {node.lineno for node in ast.parse(path.read_text(encoding="utf-8")).body}
