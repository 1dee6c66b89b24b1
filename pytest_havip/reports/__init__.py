"""Verdicts, evidence, and what a run prints. Light: the standard library and pytest."""

from pytest_havip.reports.evidence import attach_artifact, attach_file, attach_ladder, attach_observation, detach
from pytest_havip.reports.takeover import Takeover
from pytest_havip.reports.verdict import Inconclusive, Verdict

__all__ = [
    "Inconclusive",
    "Takeover",
    "Verdict",
    "attach_artifact",
    "attach_file",
    "attach_ladder",
    "attach_observation",
    "detach",
]
