"""The example in the guide, as a user would follow it: every command, and what it prints."""

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Shell

GUIDE = Path(__file__).parents[2] / "docs/serve.md"
PATIENCE = 60


def steps(text: str) -> list[tuple[str, str]]:
    """The commands of the guide's consoles with what stands below each."""
    consoles = re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    parts = re.split(r"^\$ (.*)\n", "".join(consoles), flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def is_as_told(said: str, told: str) -> bool:
    """Compare line by line; … stands for anything, alone on a line for any lines, and columns may have any width."""
    pattern = re.escape(re.sub(" +", " ", told)).replace("…", ".*")
    return re.fullmatch(pattern, re.sub(" +", " ", said), re.DOTALL) is not None


def test_the_guides_example_is_true(shell: "Shell", tmp_path: Path) -> None:
    text = GUIDE.read_text(encoding="utf-8")
    (topology,) = re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "shop.toml").write_text(topology)
    (tmp_path / "typo.toml").write_text('[[vpc]]\ncidr = "10.0.0.0/16"\nnmae = "shop"\n')
    played = steps(text)
    assert len(played) == 10
    # The user's other networks must not be in the way.
    name = shell.environment["PYTEST_HAVIP_NETWORK"] = f"n-{shell.mark[:8]}"
    exported = ""
    for command, told in played:
        if command == "havip serve shop.toml":
            network = shell.start("serve", "shop.toml")
            shell.networks.append(network)
            assert network.stdout is not None
            said = shell.read_until(network.stdout, "ready; ")
        else:
            words = ["bash", "-c", f"{exported}{command}" if command.startswith("tccli") else command]
            with subprocess.Popen(
                words,
                cwd=tmp_path,
                env=shell.environment,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            ) as process:
                said, _ = process.communicate(timeout=PATIENCE)
        if command.startswith("eval "):
            exported = f"{command}\n"
        assert is_as_told(said.replace(name, "default"), told), f"$ {command}\n{said}\nand not\n{told}"
