from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_havip.toml_file import TomlError, TomlTable, read_toml

TEXT = """\
# what the tests read
name = "lab"

[vpc]
cidr = "10.0.0.0/16"  # a comment
quota = 12
share = 0.5
whole = 2
[vpc.dns]
servers = [
    "a",

    "b",
]
on = true
text = '''
[subnet]
name = "no key at all"
'''

[[subnet]]
name = "web"
[[subnet]]
name = ""
hosts = [{ name = "n1" }, { name = 5 }]
"""


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., TomlTable]:
    def write(text: str | bytes = TEXT) -> TomlTable:
        path = tmp_path / "lab.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_toml(path)

    return write


def test_values_are_read_by_their_types(file: Callable[..., TomlTable]) -> None:
    top = file()
    vpc = top.table("vpc")
    assert top.keys == ("name", "vpc", "subnet")
    assert (vpc.text("cidr"), vpc.integer("quota"), vpc.number("share"), vpc.number("whole")) == (
        "10.0.0.0/16",
        12,
        0.5,
        2.0,
    )
    assert (vpc.table("dns").texts("servers"), vpc.table("dns").flag("on")) == (("a", "b"), True)
    assert top.tables("subnet")[0].text("name") == "web"
    assert "vpc" in top


def test_what_is_missing_has_its_default(file: Callable[..., TomlTable]) -> None:
    empty = file("")
    assert (empty.text("a", None), empty.flag("a", False), empty.integer("a", 1), empty.number("a", 2.0)) == (
        None,
        False,
        1,
        2.0,
    )
    assert (empty.texts("a"), empty.tables("a"), empty.table("a").keys) == ((), (), ())


@pytest.mark.parametrize(
    ("read", "line", "said"),
    [
        (lambda top: top.only(("nam", "vpc", "subnet")), 2, "there is no key 'name'; did you mean 'nam'?"),
        (lambda top: top.table("vpc").only(("x", "y")), 5, "no key 'cidr' in [vpc]; the keys here are: x, y"),
        (lambda top: top.table("vpc").text("quota"), 6, "quota must be a text in quotes, not 12"),
        (lambda top: top.table("vpc").integer("share"), 7, "share must be a whole number, not 0.5"),
        (lambda top: top.table("vpc").text("gateway"), 4, "gateway is missing in [vpc]; it must be a text in quotes"),
        (
            lambda top: top.table("vpc").table("dns").flag("servers"),
            10,
            "servers must be true or false, not ['a', 'b']",
        ),
        (lambda top: top.table("vpc").table("dns").integer("on"), 15, "on must be a whole number, not True"),
        (lambda top: top.table("vpc").table("dns").fail("it is odd", "text"), 16, "it is odd"),
        (lambda top: top.table("vpc").tables("dns"), 9, "a list of tables; begin each with a line [[vpc.dns]]"),
        (lambda top: top.tables("subnet")[1].text("name"), 24, "name is empty; give it a value"),
        (lambda top: top.tables("subnet")[1].fail("odd"), 23, "odd"),
        (lambda top: top.tables("subnet")[1].tables("hosts")[1].text("name"), 25, "name must be a text in quotes"),
        (lambda top: top.tables("subnet")[0].fail("odd"), 21, "odd"),
        (lambda top: top.table("vpc").table("dns").texts("on"), 15, "on must be a list, not True"),
        (lambda top: top.texts("subnet"), 21, "subnet must be a list of texts"),
    ],
)
def test_an_error_tells_file_line_and_remedy(
    file: Callable[..., TomlTable], tmp_path: Path, read: Callable[[TomlTable], object], line: int, said: str
) -> None:
    with pytest.raises(TomlError) as error:
        read(file())
    assert str(error.value).startswith(f"{tmp_path / 'lab.toml'}:{line}: ")
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a = 1\nb = \n", 2, "no TOML: Invalid value; correct the line"),
        ("a = 1\n\nb = [1,\n2\n\n", 4, "what was begun on an earlier line may not be closed"),
        (b"a = 1\nb = '\xff'\n", 2, "not UTF-8"),
        ("a = 1\na = 2\n", 2, "Cannot overwrite a value"),
    ],
)
def test_what_is_no_toml_is_told_with_its_line(
    file: Callable[..., TomlTable], tmp_path: Path, text: str | bytes, line: int, said: str
) -> None:
    with pytest.raises(TomlError) as error:
        file(text)
    assert str(error.value).startswith(f"{tmp_path / 'lab.toml'}:{line}: ")
    assert said in str(error.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(TomlError, match=r"none\.toml: the file cannot be read \(No such file or directory\)"):
        read_toml(tmp_path / "none.toml")
