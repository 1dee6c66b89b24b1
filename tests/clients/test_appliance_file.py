"""A description of an appliance: what is read from it, and how its mistakes are told."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_havip.clients.appliance.description import Appliance
from pytest_havip.clients.appliance.file import read_appliance
from pytest_havip.clients.appliance.placeholders import ABOUT, Words, argv, fill, unknown
from pytest_havip.clients.base import Attachment, Bound, Cause
from pytest_havip.toml_file import TomlError

TEXT = """\
[appliance]
name = "acme 2"
nodes = 3
logs = ["{state}/log"]

[commands]
start = ["{here}/run", "{peers}"]
stop = "kill {node}"
move = ["mv", "{target}"]

[files]
"etc/acme.conf" = '''
peers { {peers} }
'''

[network]
heartbeat = true

[service]
watched = true

[traits]
probes = true

[traits.announcement]
count = 2
spacing = 0.5

[traits.takeover]
start = 3
move = [0.5, 1.5]
service = 2.0
"""

VALUES: dict[str, Words] = {"node": "n1", "peers": ("10.0.0.1", "10.0.0.2")}
Describe = Callable[[str], Appliance]


@pytest.fixture
def describe(tmp_path: Path) -> Describe:
    def read(text: str) -> Appliance:
        path = tmp_path / "acme.toml"
        path.write_text(text)
        return read_appliance(path)

    return read


def test_what_is_described_is_read(describe: Describe, tmp_path: Path) -> None:
    acme = describe(TEXT)
    assert (acme.name, acme.folder, acme.start, acme.timeout) == ("acme 2", tmp_path, "together", 10.0)
    assert (acme.commands.start, acme.commands.stop, acme.commands.query) == (
        ("{here}/run", "{peers}"),
        "kill {node}",
        None,
    )
    assert acme.files == {"etc/acme.conf": "peers { {peers} }\n"}
    assert (acme.setting.nodes, acme.setting.heartbeat, acme.setting.answers) == (3, True, False)
    assert acme.setting.attachment is Attachment.NAMESPACE
    assert acme.priorities == (100, 90, 80)
    assert (acme.watched, acme.logs) == (True, ("{state}/log",))
    assert (acme.traits.probes, acme.traits.preemption) == (True, False)
    assert (acme.traits.announcement.count, acme.traits.announcement.spacing) == (2, 0.5)
    assert (acme.traits.announcement.form, acme.traits.announcement.refresh) == ("request", None)
    assert acme.traits.takeover == {
        Cause.START: Bound("declared: 0 to 3 s", 0.0, 3.0),
        Cause.MOVE: Bound("declared: 0.5 to 1.5 s", 0.5, 1.5),
        Cause.SERVICE: Bound("declared: 0 to 2 s", 0.0, 2.0),
    }


def test_who_is_behind_a_tap_answers_itself(describe: Describe) -> None:
    behind = TEXT.replace("heartbeat = true", 'attachment = "tap"\naddress = "dhcp"').replace(
        "[service]\nwatched = true", ""
    )
    setting = describe(behind.replace("service = 2.0", "")).setting
    assert (setting.attachment, setting.answers, setting.leased) == (Attachment.TAP, True, True)


def test_devices_are_named_for_each_nic(describe: Describe) -> None:
    lent = 'attachment = "device"\nheartbeat = true\ndevices = ["a", "b", "c"]\nheartbeat_devices = ["d", "e", "f"]'
    assert describe(TEXT.replace("heartbeat = true", lent)).setting.devices == (("a", "b", "c"), ("d", "e", "f"))


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("nodes = 3", "node = 3", 3, "there is no key 'node' in [appliance]; did you mean 'nodes'?"),
        ("[network]", "[netwerk]", 16, "there is no key 'netwerk'; did you mean 'network'?"),
        ('"acme 2"', '"acme/2"', 2, "'acme/2' names no machine; use up to 20 letters"),
        ("nodes = 3", "nodes = 1", 3, "nodes is 1; a takeover has 2 at least"),
        ("nodes = 3", "nodes = 3\npriorities = [10, 20, 30]", 4, "give 3 of them, the highest first"),
        ("nodes = 3", "nodes = 3\nstart = 'later'", 4, "start is 'later'; it must be one of one by one, together"),
        ('start = ["{here}/run", "{peers}"]\n', "", 6, "start is missing in [commands]; it must be"),
        ('["{here}/run", "{peers}"]', "[]", 7, "start is an empty list; give a program and its arguments"),
        ("{peers}", "{peer}", 7, "start: there is no placeholder {peer}; did you mean {peers}?"),
        ('move = ["mv", "{target}"]', 'freeze = "f"', 9, "freeze without thaw"),
        ('"{target}"]', '"{target}"]\ndemote = "d"', 10, "move and demote both move the addresses away"),
        ("{ {peers} }", "{ {havipp} }", 12, "there is no placeholder {havipp}; did you mean {havip}?"),
        ("etc/acme", "../acme", 12, "'../acme.conf' leaves the folder {state}"),
        ("heartbeat = true", 'devices = ["a"]', 17, 'devices are lent only with attachment = "device"'),
        ("heartbeat = true", 'attachment = "device"', 16, "lends 0 network devices to 3 nodes; name one for each"),
        ("heartbeat = true", 'attachment = "device"\ndevices = ["a"]', 18, "lends 1 network devices to 3 nodes"),
        ("heartbeat = true", 'attachment = "device"\ndevices = ["a", "b", "a"]', 18, "a network device is lent once"),
        ("heartbeat = true", 'attachment = "taps"', 17, "it must be one of device, namespace, tap"),
        ("watched = true", 'answers = "ours"\n[network2]', 21, "there is no key 'network2'"),
        ("count = 2", "", 25, "count is missing in [traits.announcement]; it must be a whole number"),
        ("count = 2", "count = 0", 26, "a block is one announcement at least"),
        ("count = 2", "count = 2\nblocks = [1.0]", 27, "the first one begins at 0.0"),
        ("start = 3\n", "", 29, "start is missing in [traits.takeover]"),
        (
            "[commands]",
            '[commands]\nrun_on = "machine"',
            6,
            "crash is missing; what runs on the machine",
        ),
        ("[0.5, 1.5]", "[1.5, 0.5]", 31, "move is [1.5, 0.5]; give the latest second"),
        ("[0.5, 1.5]", "'soon'", 31, "move must be a number or a list of numbers, not 'soon'"),
        ("watched = true", "watched = false", 32, "service is declared, and no service is watched"),
        ('move = ["mv", "{target}"]', "", 31, "move is declared, and there is no command for it"),
        ("move = [0.5", "mov = [0.5", 31, "there is no key 'mov' in [traits.takeover]; did you mean 'move'?"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_remedy(
    describe: Describe, tmp_path: Path, old: str, new: str, line: int, said: str
) -> None:
    assert old in TEXT
    with pytest.raises(TomlError) as error:
        describe(TEXT.replace(old, new))
    assert str(error.value).startswith(f"{tmp_path / 'acme.toml'}:{line}: ")
    assert said in str(error.value)


def test_ours_cannot_answer_behind_a_tap(describe: Describe) -> None:
    with pytest.raises(TomlError, match="our service runs on the node, and behind a tap is a machine of yours"):
        describe(TEXT.replace("heartbeat = true", 'attachment = "tap"').replace("watched = true", 'answers = "ours"'))


def test_only_words_in_braces_are_placeholders() -> None:
    text = "{node} {{node}} ${node} { node } {Node} {peers}"
    assert fill(text, VALUES) == "n1 {node} ${node} { node } {Node} 10.0.0.1 10.0.0.2"
    assert unknown(text) == ""
    assert unknown("{peer}").endswith("did you mean {peers}? For the braces themselves write {{peer}}")
    assert all(f"{{{word}}}" in unknown("{zzz}") for word in ABOUT)


def test_a_list_is_no_shell_and_peers_are_as_many_arguments() -> None:
    assert argv(("run", "-n{node}", "{peers}", "$HOME"), VALUES) == ["run", "-nn1", "10.0.0.1", "10.0.0.2", "$HOME"]
    assert argv("run {node} & wait", VALUES) == ["/bin/sh", "-c", "run n1 & wait"]
