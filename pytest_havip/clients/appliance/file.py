"""Reads an appliance's description from its TOML file; docs/vendors.md tells what may stand in it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pytest_havip.clients.appliance.description import Appliance, Commands
from pytest_havip.clients.appliance.placeholders import Command, unknown
from pytest_havip.clients.base import Announcement, Attachment, Bound, Cause, Setting, Traits
from pytest_havip.toml_file import TomlTable, read_toml

__all__ = ["ANNOUNCEMENT", "CAUSES", "KEYS", "read_appliance"]

#: The tables of a description and their keys; in [files] any path is a key.
KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "appliance": ("name", "nodes", "priorities", "start", "timeout", "logs"),
    "commands": ("run_on", "start", "ready", "stop", "crash", "freeze", "thaw", "query", "move", "demote"),
    "files": (),
    "network": ("attachment", "heartbeat", "devices", "heartbeat_devices", "address"),
    "service": ("watched", "answers"),
    "traits": ("preemption", "probes", "announcement", "takeover"),
}
ANNOUNCEMENT = ("form", "target_mac", "count", "blocks", "spacing", "refresh")
#: Commands that have to be given where nothing of the client can be signalled.
_NO_SUBSTITUTE = ("stop", "crash")
#: How a cause is spelled in a description.
CAUSES: Final[Mapping[str, Cause]] = {
    "start": Cause.START,
    "stop": Cause.STOP,
    "move": Cause.MOVE,
    "crash": Cause.CRASH,
    "service": Cause.SERVICE,
    "link": Cause.LINK,
    "host": Cause.HOST,
    "frozen": Cause.FROZEN,
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,19}")
#: A subnet of the tests has room for so many nodes.
_MOST_NODES = 7
_HIGHEST_PRIORITY, _STEP = 100, 10


def read_appliance(path: Path) -> Appliance:
    """Read a description.

    Args:
        path: The file.

    Raises:
        TomlError: Something is wrong with it; the text tells file, line and remedy.
    """
    top = read_toml(path)
    top.only(tuple(KEYS))
    for name, keys in KEYS.items():
        if keys:
            top.table(name).only(keys)
    appliance, service = top.table("appliance"), top.table("service")
    name = appliance.text("name")
    if _NAME.fullmatch(name) is None:
        appliance.fail(f"{name!r} names no machine; use up to 20 letters, digits, blanks and ._-", "name")
    setting = _setting(top)
    commands = _commands(top.table("commands"))
    watched = service.flag("watched", False)
    traits = _traits(name, top.table("traits"))
    _check_causes(top, traits, commands, watched=watched)
    return Appliance(
        name=name,
        folder=path.resolve().parent,
        setting=setting,
        traits=traits,
        commands=commands,
        files=_files(top.table("files")),
        priorities=_priorities(appliance, setting.nodes),
        start="one by one" if _one_of(appliance, "start", ("together", "one by one")) == "one by one" else "together",
        watched=watched,
        logs=_filled_in(appliance, "logs"),
        timeout=appliance.number("timeout", 10.0),
    )


def _setting(top: TomlTable) -> Setting:
    appliance, network = top.table("appliance"), top.table("network")
    nodes = appliance.integer("nodes", 2)
    if not len(("preferred", "standby")) <= nodes <= _MOST_NODES:
        appliance.fail(f"nodes is {nodes}; a takeover has 2 at least, and there is room for {_MOST_NODES}", "nodes")
    attachment = Attachment(_one_of(network, "attachment", tuple(Attachment)))
    heartbeat = network.flag("heartbeat", False)
    devices = []
    lends = attachment is Attachment.DEVICE
    for key, wanted in (("devices", lends), ("heartbeat_devices", lends and heartbeat)):
        named = network.texts(key)
        if wanted and len(named) != nodes:
            network.fail(f"{key} lends {len(named)} network devices to {nodes} nodes; name one for each", key)
        if named and not wanted:
            network.fail(f'{key} are lent only with attachment = "device"; say so, or leave the line out', key)
        devices += [named] if wanted else []
    lent = [device for row in devices for device in row]
    if len(set(lent)) != len(lent):
        network.fail("a network device is lent once; name different ones", "devices")
    return Setting(
        nodes=nodes,
        heartbeat=heartbeat,
        attachment=attachment,
        devices=tuple(devices),
        leased=_one_of(network, "address", ("static", "dhcp")) == "dhcp",
        answers=_answers(top.table("service"), attachment),
    )


def _answers(service: TomlTable, attachment: Attachment) -> bool:
    usual = "ours" if attachment is Attachment.NAMESPACE else "appliance"
    said = _one_of(service, "answers", (usual, *({"ours", "appliance"} - {usual})))
    if said == "ours" and attachment is not Attachment.NAMESPACE:
        service.fail(
            f'our service runs on the node, and behind a {attachment} is a machine of yours; say answers = "appliance"',
            "answers",
        )
    return said == "appliance"


def _priorities(appliance: TomlTable, nodes: int) -> tuple[int, ...]:
    usual = tuple(_HIGHEST_PRIORITY - _STEP * number for number in range(nodes))
    given = tuple(map(int, appliance.numbers("priorities", usual)))
    if len(given) != nodes or list(given) != sorted(set(given), reverse=True):
        appliance.fail(f"priorities are {list(given)}; give {nodes} of them, the highest first", "priorities")
    return given


def _commands(table: TomlTable) -> Commands:
    outside = _one_of(table, "run_on", ("node", "machine")) == "machine"
    given: dict[str, Command] = {}
    for key in KEYS["commands"][1:]:
        if key in table or key == "start":
            given[key] = _command(table, key)
        elif outside and key in _NO_SUBSTITUTE:
            table.fail(f"{key} is missing; what runs on the machine gets no signals from here, so give a command")
    for one, other in (("freeze", "thaw"), ("thaw", "freeze")):
        if one in given and other not in given:
            table.fail(f"{one} without {other}; give both, or neither (signals do it then)", one)
    if "move" in given and "demote" in given:
        table.fail("move and demote both move the addresses away; give the one that your operators use", "demote")
    return Commands(outside=outside, **given)


def _command(table: TomlTable, key: str) -> Command:
    found = table.words(key)
    for text in (found,) if isinstance(found, str) else found:
        if problem := unknown(text):
            table.fail(f"{key}: {problem}", key)
    return found


def _files(table: TomlTable) -> dict[str, str]:
    files = {path: table.text(path) for path in table.keys}
    for path, content in files.items():
        if path.startswith("/") or ".." in Path(path).parts:
            table.fail(f"{path!r} leaves the folder {{state}}; give a path below it", path)
        if problem := unknown(content):
            table.fail(problem, path)
    return files


def _filled_in(table: TomlTable, key: str) -> tuple[str, ...]:
    texts = table.texts(key)
    for text in texts:
        if problem := unknown(text):
            table.fail(f"{key}: {problem}", key)
    return texts


def _traits(name: str, table: TomlTable) -> Traits:
    said, bounds = table.table("announcement"), table.table("takeover")
    said.only(ANNOUNCEMENT)
    bounds.only(tuple(CAUSES))
    blocks, count = said.numbers("blocks", (0.0,)), said.integer("count")
    if count < 1:
        said.fail(f"count is {count}; a block is one announcement at least", "count")
    if not blocks or blocks[0] or list(blocks) != sorted(blocks):
        said.fail(f"blocks are {list(blocks)}; the first one begins at 0.0, and the others follow", "blocks")
    announcement = Announcement(
        form=_one_of(said, "form", ("request", "reply")),
        target_mac=_one_of(said, "target_mac", ("broadcast", "zero", "own")),
        count=count,
        blocks=blocks,
        spacing=said.number("spacing", 0.0),
        refresh=said.number("refresh", None),
    )
    if "start" not in bounds:
        bounds.fail("start is missing in [traits.takeover]; say within how many seconds a node is active at first")
    takeover = {cause: _bound(bounds, key) for key, cause in CAUSES.items() if key in bounds}
    probes = table.flag("probes", False)
    return Traits(name, announcement, table.flag("preemption", False), takeover, probes=probes)


def _bound(table: TomlTable, key: str) -> Bound:
    """Read seconds: the latest, or the earliest and the latest."""
    seconds = table.numbers(key)
    if len(seconds) not in {1, 2} or min(seconds) < 0 or list(seconds) != sorted(seconds):
        table.fail(f"{key} is {list(seconds)}; give the latest second, or the earliest and the latest one", key)
    earliest, latest = (0.0, *seconds)[-2:]
    return Bound(f"declared: {earliest:g} to {latest:g} s", earliest, latest)


def _check_causes(top: TomlTable, traits: Traits, commands: Commands, *, watched: bool) -> None:
    """See that what is declared can be brought about."""
    declared = top.table("traits").table("takeover")
    if Cause.MOVE in traits.takeover and commands.move is None and commands.demote is None:
        declared.fail("move is declared, and there is no command for it; give move or demote in [commands]", "move")
    if Cause.FROZEN in traits.takeover and commands.outside and commands.freeze is None:
        declared.fail("frozen is declared, and nothing can freeze it; give freeze and thaw in [commands]", "frozen")
    if Cause.SERVICE in traits.takeover and not watched:
        declared.fail("service is declared, and no service is watched; say watched = true in [service]", "service")


def _one_of(table: TomlTable, key: str, choices: tuple[str, ...]) -> str:
    """Read a text that is one of these; the first by default."""
    found = table.text(key, choices[0])
    if found not in choices:
        table.fail(f"{key} is {found!r}; it must be one of {', '.join(sorted(choices))}", key)
    return found
