import pytest

from pytest_havip.requirements import CatalogueError, Level, UnknownRequirement, catalogue
from pytest_havip.requirements.coverage import proofs, suites_folder
from pytest_havip.requirements.registry import AREAS, read
from pytest_havip.targets.base import Feature

ENTRY = {
    "id": "HAVIP-BIND-001",
    "level": "MUST",
    "area": "BIND",
    "text": "It binds.",
    "seed": "",
    "source": "here",
    "profile": "",
    "feature": "",
    "since": "0.1.0",
}


def toml(*entries: dict[str, str]) -> str:
    lines = []
    for entry in entries:
        lines += ["[[requirement]]", *(f'{key} = "{value}"' for key, value in entry.items())]
    return "\n".join(lines)


def test_every_must_has_a_test() -> None:
    proved = proofs(suites_folder())
    assert not [each.id for each in catalogue().values() if each.level is Level.MUST and each.id not in proved]


def test_every_test_names_a_requirement_that_exists() -> None:
    assert not proofs(suites_folder()).keys() - catalogue().keys()


def test_every_feature_is_one_that_a_target_can_have() -> None:
    assert {each.feature for each in catalogue().values()} <= {"", *Feature.__members__}


def test_every_area_has_requirements_in_order() -> None:
    assert list(dict.fromkeys(each.area for each in catalogue().values())) == list(AREAS)
    for area in AREAS:
        numbers = [int(identifier[-3:]) for identifier, each in catalogue().items() if each.area == area]
        assert numbers == sorted(numbers)


def test_every_text_is_a_sentence() -> None:
    assert not [each.id for each in catalogue().values() if not each.text.endswith(".") or "\n" in each.text]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"id": "HAVIP-BIND-1"}, "an id looks like"),
        ({"id": "HAVIP-NOWHERE-001", "area": "NOWHERE"}, "one of"),
        ({"area": "SPOOF"}, "the id's middle part"),
        ({"level": "must"}, "MUST, SHOULD, MAY"),
        ({"text": ""}, "text must be a text"),
        ({"text": " blank"}, "without surrounding blanks"),
        ({"extra": "x"}, "unknown keys: extra"),
    ],
)
def test_a_broken_entry_is_named_with_its_rule(change: dict[str, str], complaint: str) -> None:
    with pytest.raises(CatalogueError, match=complaint):
        read(toml({**ENTRY, **change}))


def test_a_missing_key_is_named() -> None:
    with pytest.raises(CatalogueError, match="unknown keys: since"):
        read(toml({key: value for key, value in ENTRY.items() if key != "since"}))


def test_an_id_stands_once() -> None:
    with pytest.raises(CatalogueError, match="stands twice"):
        read(toml(ENTRY, ENTRY))


def test_no_toml_is_said_to_be_none() -> None:
    with pytest.raises(CatalogueError, match="no valid TOML"):
        read("[[")


def test_an_unknown_id_gets_a_hint() -> None:
    with pytest.raises(UnknownRequirement, match="Did you mean HAVIP-BIND-001"):
        read(toml(ENTRY))["HAVIP-BIND-01"]
