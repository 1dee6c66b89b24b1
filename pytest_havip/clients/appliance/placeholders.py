"""What stands in braces in a description, and what takes its place on a node."""

import re
from collections.abc import Mapping
from difflib import get_close_matches

__all__ = ["ABOUT", "Command", "Words", "argv", "fill", "unknown"]

#: Every placeholder, and what it stands for.
ABOUT: Mapping[str, str] = {
    "node": "the node's name",
    "number": "its number in the order of preference, from 1 on",
    "priority": "its priority; the preferred node has the highest one",
    "interface": "the interface of the floating addresses: the NIC, the tap device or the lent device",
    "mac": "the MAC address of that NIC, which the network expects in every frame",
    "address": "the node's own fixed address",
    "prefix": "the length of the subnet's prefix",
    "gateway": "the subnet's gateway",
    "peers": "the fixed addresses of all other nodes",
    "heartbeat_interface": "the interface of the heartbeat network; {interface} without one",
    "heartbeat_mac": "the MAC address there",
    "heartbeat_address": "the node's address there; {address} without a heartbeat network",
    "heartbeat_peers": "the addresses of all other nodes there",
    "witness": "the address of a machine that takes no part, for clients that need a third vote",
    "havips": "the floating addresses",
    "havip": "the first of them",
    "target": "in move: the name of the node that is to become active",
    "service_pidfile": "the file with the process id of the service that the node's health depends on",
    "state": "a folder of the node's own, in memory, gone with it",
    "here": "the folder in which the description stands",
}

# A word in braces and nothing else, so that those of configurations and scripts, and ${shell}, stay what they are.
_PLACEHOLDER = re.compile(r"\{(\{[a-z_]+\})\}|(?<!\$)\{([a-z_]+)\}")
#: What takes a placeholder's place: one word, or several.
Words = str | tuple[str, ...]
#: A program with its arguments, or a text for the shell; with placeholders.
Command = tuple[str, ...] | str


def fill(text: str, values: Mapping[str, Words]) -> str:
    """Put values in place of the placeholders of a text; several words are separated by blanks.

    Args:
        text: The text; ``{{word}}`` stands for ``{word}`` itself.
        values: The values, by the placeholder's name.
    """

    def replace(found: re.Match[str]) -> str:
        if found[1]:
            return found[1]
        value = values[found[2]]
        return value if isinstance(value, str) else " ".join(value)

    return _PLACEHOLDER.sub(replace, text)


def unknown(text: str) -> str:
    """Say what is wrong with the placeholders of a text; nothing if there is nothing."""
    for _, name in _PLACEHOLDER.findall(text):
        if name and name not in ABOUT:
            near = get_close_matches(name, ABOUT, n=1)
            hint = f"did you mean {{{near[0]}}}?" if near else f"there are {', '.join(f'{{{each}}}' for each in ABOUT)}"
            return f"there is no placeholder {{{name}}}; {hint} For the braces themselves write {{{{{name}}}}}"
    return ""


def argv(command: Command, values: Mapping[str, Words]) -> list[str]:
    """Return the program and the arguments of a command; a placeholder that is an argument may become several.

    Args:
        command: The command.
        values: The values, by the placeholder's name.
    """
    if isinstance(command, str):
        return ["/bin/sh", "-c", fill(command, values)]
    found: list[str] = []
    for word in command:
        alone = _PLACEHOLDER.fullmatch(word)
        value = values[alone[2]] if alone and alone[2] else fill(word, values)
        found += [value] if isinstance(value, str) else value
    return found
