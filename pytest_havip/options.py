"""Every option of the plugin, in one table, from which flags, ini keys, variables, header and docs are made.

An option's value comes from the command line, else the ini file, else the environment, else its default.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

__all__ = [
    "BUNDLED",
    "OPTIONS",
    "SEED",
    "FuzzSettings",
    "Option",
    "Setting",
    "Settings",
    "add_options",
    "enabled_early",
    "settings_of",
]

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Option:
    """One option.

    Args:
        name: As in the flag, without the dashes.
        help: What it does, one sentence.
        default: The value when nobody sets it.
        metavar: The placeholder of its value; empty for a switch.
    """

    name: str
    help: str
    default: str
    metavar: str = ""

    @property
    def flag(self) -> str:
        """The command line's spelling."""
        return f"--{self.name}"

    @property
    def ini(self) -> str:
        """The ini file's spelling, and the attribute of pytest's own option object."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """The environment's spelling; plain HAVIP is a name that a shop with HAVIPs has other uses for."""
        return f"PYTEST_{self.ini.upper()}"


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and who set it."""

    value: str
    source: str


@dataclass(frozen=True, slots=True)
class FuzzSettings:
    """What is asked of campaigns.

    Args:
        budget: How long one goes on, as ``--havip-fuzz`` spells it; empty for none.
        seed: Chooses the stories; at random if nobody has set it.
        database: Where what was found is kept: a folder, the address of a server, or empty.
        pairs: Whether to show which actions were judged in which states.
    """

    budget: Setting
    seed: Setting
    database: Setting
    pairs: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """What this run was asked to do.

    Args:
        enabled: Whether ``--havip`` is on.
        target: The network under test, as ``--havip-target`` spells it.
        target_source: Who chose the target.
        evidence: The folder for what failing tests leave behind, `None` for nothing at all.
        areas: The areas whose tests are run, in capitals; none for all.
        areas_source: Who chose the areas.
        clients: The HA clients under test: paths of descriptions, names of entry points, ``bundled`` for ours.
        clients_source: Who chose them.
        only: The side that is tested alone, ``client`` or ``network``; empty for both.
        listing: Whether the requirements are listed instead of tested.
        repeat: How many times takeovers are played.
        report: The folder for what was measured of them, `None` for nowhere.
        fuzz: What is asked of campaigns.
    """

    enabled: bool
    target: str
    target_source: str
    evidence: Path | None
    areas: tuple[str, ...]
    areas_source: str
    clients: tuple[str, ...]
    clients_source: str
    only: str
    listing: bool
    repeat: int
    report: Path | None
    fuzz: FuzzSettings


_ENABLED = Option(
    "havip",
    "Run the HAVIP conformance tests; with paths, run those tests with the HAVIP fixtures enabled.",
    "no",
)
_TARGET_OPTION = Option(
    "havip-target",
    "The network under test: reference; reference:alibaba, reference:ovn (with their choices), reference:virtual-macs"
    " (which admits those of virtual routers); bridge (a plain Linux bridge); mutant:NAME (the reference, one fault).",
    "reference",
    "TARGET",
)
#: The name of the HA clients that we bring along.
BUNDLED = "bundled"
_CLIENT = Option(
    "havip-client",
    "The HA clients under test: descriptions (appliance.toml), entry points, bundled; ours play only if named.",
    BUNDLED,
    "CLIENT[,CLIENT…]",
)
_ONLY = Option("havip-only", "Run the tests of one side alone: client or network.", "both", "SIDE")
_EVIDENCE = Option(
    "havip-evidence",
    "Where a failing test leaves the frames of all machines, in a folder of its own; empty for nowhere.",
    "havip-evidence",
    "DIR",
)
_AREAS = Option(
    "havip-areas",
    "Run the tests of these areas alone, such as BIND,SPOOF.",
    "all",
    "AREA[,AREA…]",
)
_REPEAT = Option(
    "havip-repeat",
    "Play each takeover so many times; a requirement holds if it holds every time.",
    "1",
    "N",
)
_REPORT = Option(
    "havip-report",
    "Where the figures of takeovers go, as JSON and as a page with plots; auto is the evidence folder, if repeated.",
    "auto",
    "DIR",
)
_LIST = Option("havip-list", "List the requirements and the tests that prove them, and run nothing.", "no")
_FUZZ = Option(
    "havip-fuzz",
    "Play drawn stories for a time (30s, 10m, 1h) or so many of them (5000x), instead of the conformance tests.",
    "no",
    "BUDGET",
)
_FUZZ_SEED = Option("havip-fuzz-seed", "The seed of those stories, a number, to play the same again.", "random", "SEED")
_FUZZ_DATABASE = Option(
    "havip-fuzz-database",
    "Where campaigns keep what they find: a folder, or redis://HOST:PORT/NUMBER to share it; empty for nowhere.",
    ".hypothesis/examples",
    "WHERE",
)
_FUZZ_PAIRS = Option("havip-fuzz-pairs", "Show which actions of stories were judged in which states.", "no")

#: All options, in the order in which help shows them.
OPTIONS = (
    _ENABLED,
    _TARGET_OPTION,
    _CLIENT,
    _ONLY,
    _AREAS,
    _EVIDENCE,
    _REPEAT,
    _REPORT,
    _LIST,
    _FUZZ,
    _FUZZ_SEED,
    _FUZZ_DATABASE,
    _FUZZ_PAIRS,
)

#: How a process of pytest-xdist's learns the seed that was chosen at random.
SEED = "havip_fuzz_seed"

_SETTINGS = pytest.StashKey[Settings]()


def add_options(parser: pytest.Parser) -> None:
    """Give pytest the flags and ini keys of the table."""
    group = parser.getgroup("havip", "floating private IPs (HAVIP)")
    for option in OPTIONS:
        text = f"{option.help} Also: ini {option.ini}, environment {option.variable}. Default: {option.default}."
        if option.metavar:
            group.addoption(option.flag, dest=option.ini, metavar=option.metavar, default=None, help=text)
        else:
            group.addoption(option.flag, dest=option.ini, action="store_const", const="yes", default=None, help=text)
        parser.addini(option.ini, option.help, type="string", default=None)


def settings_of(config: pytest.Config) -> Settings:
    """Return what this run was asked to do; worked out once.

    Raises:
        pytest.UsageError: If a switch is neither on nor off, a number is none, or there is no such side; the text says
            who set it.
    """
    settings = config.stash.get(_SETTINGS, None)
    if settings is None:
        target, evidence = _setting(_TARGET_OPTION, config), _setting(_EVIDENCE, config).value
        folder = config.invocation_params.dir / evidence if evidence else None
        client = _setting(_CLIENT, config)
        areas, listing = _setting(_AREAS, config), _truth(_setting(_LIST, config))
        repeat, report = _number(_setting(_REPEAT, config)), _setting(_REPORT, config).value
        settings = Settings(
            listing or _truth(_setting(_ENABLED, config)),
            target.value,
            target.source,
            folder,
            () if areas.value.lower() == _AREAS.default else tuple(areas.value.upper().replace(",", " ").split()),
            areas.source,
            _clients(client.value, config),
            client.source,
            _side(_setting(_ONLY, config)),
            listing,
            repeat,
            _report_folder(report, folder if repeat > 1 else None, config),
            _fuzz_settings(config),
        )
        config.stash[_SETTINGS] = settings
    return settings


def enabled_early(config: pytest.Config) -> bool:
    """Whether ``--havip``, or ``--havip-list`` that needs it, is on, while pytest is reading its command line."""
    return any(_truth(_setting(option, config, config.known_args_namespace)) for option in (_ENABLED, _LIST))


def _fuzz_settings(config: pytest.Config) -> FuzzSettings:
    budget, seed, database = (_setting(option, config) for option in (_FUZZ, _FUZZ_SEED, _FUZZ_DATABASE))
    if database.value and "://" not in database.value:
        database = Setting(str(config.invocation_params.dir / database.value), database.source)
    return FuzzSettings(
        Setting("" if budget.value.lower() in _FALSE else budget.value, budget.source),
        Setting(_random_seed(config), "at random") if seed.value == _FUZZ_SEED.default else seed,
        database,
        _truth(_setting(_FUZZ_PAIRS, config)),
    )


def _random_seed(config: pytest.Config) -> str:
    """The same in all processes of pytest-xdist's: the first one tells the others."""
    told: str | None = getattr(config, "workerinput", {}).get(SEED)
    return told or str(int.from_bytes(os.urandom(4)))


def _setting(option: Option, config: pytest.Config, flags: object = None) -> Setting:
    candidates = (
        (getattr(flags or config.option, option.ini, None), option.flag),
        (config.getini(option.ini), f"{option.ini} in {config.inipath}"),
        (os.environ.get(option.variable), f"environment {option.variable}"),
    )
    for value, source in candidates:
        if value is not None:
            return Setting(str(value).strip(), source)
    return Setting(option.default, "default")


def _report_folder(value: str, automatic: Path | None, config: pytest.Config) -> Path | None:
    if value == _REPORT.default:
        return automatic
    return config.invocation_params.dir / value if value else None


def _number(setting: Setting) -> int:
    if not setting.value.isdecimal() or not int(setting.value):
        raise pytest.UsageError(f"{setting.source} is {setting.value!r}; it must be a whole number, 1 or more")
    return int(setting.value)


def _truth(setting: Setting) -> bool:
    word = setting.value.lower()
    if word not in _TRUE | _FALSE:
        raise pytest.UsageError(f"{setting.source} is {setting.value!r}; it must be yes or no")
    return word in _TRUE


def _clients(value: str, config: pytest.Config) -> tuple[str, ...]:
    """Split the names; a description's path becomes absolute, for the processes of pytest-xdist work elsewhere."""
    names = (name.strip() for name in value.split(","))
    return tuple(str(config.invocation_params.dir / name) if name.endswith(".toml") else name for name in names)


def _side(setting: Setting) -> str:
    word = setting.value.lower()
    if word not in {"client", "network", _ONLY.default}:
        raise pytest.UsageError(f"{setting.source} is {setting.value!r}; it must be client, network or both")
    return "" if word == _ONLY.default else word
