"""Where a node and the witness keep their files; below /run, of which each host of a lab has its own."""

__all__ = ["CONTROL", "NODE_FILE", "NODE_MEMORY", "WITNESS_FILE", "WITNESS_MEMORY"]

NODE_FILE = "/run/wsfc/node.json"
NODE_MEMORY = "/run/wsfc/vote.json"
CONTROL = "/run/wsfc/control"
"""The socket at which a node takes an administrator's commands."""

WITNESS_FILE = "/run/wsfc/witness.json"
WITNESS_MEMORY = "/run/wsfc/witness-vote.json"
