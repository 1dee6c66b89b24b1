"""Property-based fuzzing of HAVIP networks: stories of actions, a model of what may be seen, and replayable failures.

The executor on the bundled network's rules (`pytest_havip.fuzz.core`) is not imported here: it alone needs the network.
"""

from pytest_havip.fuzz.actions import (
    ACTIONS,
    FAULTS,
    GATEWAY,
    NOBODY,
    WIRE_FAULTS,
    Action,
    Admit,
    Announce,
    Attach,
    Confine,
    Create,
    Cut,
    DataProbe,
    Detach,
    Expel,
    Follow,
    Frame,
    Look,
    Mend,
    Move,
    Packet,
    Probe,
    Race,
    Release,
    Rename,
    Restart,
    RoutedProbe,
    Silence,
    Speak,
    Wait,
    Wake,
    WhoHas,
)
from pytest_havip.fuzz.blame import REQUIREMENTS, Disagreement
from pytest_havip.fuzz.budget import BadBudget, Budget
from pytest_havip.fuzz.campaign import Campaign, Plan, Share, story_of
from pytest_havip.fuzz.coverage import PAIRS, report, unreached
from pytest_havip.fuzz.executor import Executor, Observation, View
from pytest_havip.fuzz.explore import Exploration, Finding, explore
from pytest_havip.fuzz.finds import Finds, NoDatabase, shown_database
from pytest_havip.fuzz.machine import HavipMachine, machine_for
from pytest_havip.fuzz.minimise import fails_on, fails_on_anew, minimise, replay
from pytest_havip.fuzz.model import Model
from pytest_havip.fuzz.player import Broken, Failure, Player
from pytest_havip.fuzz.progress import Found, Progress, progress_line, progress_of
from pytest_havip.fuzz.script import script, write_script
from pytest_havip.fuzz.spelling import NotAnAction
from pytest_havip.fuzz.strategies import actions, stories
from pytest_havip.fuzz.tour import tour
from pytest_havip.fuzz.trace import BadTrace, Trace
from pytest_havip.fuzz.wire import WireExecutor
from pytest_havip.fuzz.world import WORLD, NotAWorld, World

__all__ = [
    "ACTIONS",
    "FAULTS",
    "GATEWAY",
    "NOBODY",
    "PAIRS",
    "REQUIREMENTS",
    "WIRE_FAULTS",
    "WORLD",
    "Action",
    "Admit",
    "Announce",
    "Attach",
    "BadBudget",
    "BadTrace",
    "Broken",
    "Budget",
    "Campaign",
    "Confine",
    "Create",
    "Cut",
    "DataProbe",
    "Detach",
    "Disagreement",
    "Executor",
    "Expel",
    "Exploration",
    "Failure",
    "Finding",
    "Finds",
    "Follow",
    "Found",
    "Frame",
    "HavipMachine",
    "Look",
    "Mend",
    "Model",
    "Move",
    "NoDatabase",
    "NotAWorld",
    "NotAnAction",
    "Observation",
    "Packet",
    "Plan",
    "Player",
    "Probe",
    "Progress",
    "Race",
    "Release",
    "Rename",
    "Restart",
    "RoutedProbe",
    "Share",
    "Silence",
    "Speak",
    "Trace",
    "View",
    "Wait",
    "Wake",
    "WhoHas",
    "WireExecutor",
    "World",
    "actions",
    "explore",
    "fails_on",
    "fails_on_anew",
    "machine_for",
    "minimise",
    "progress_line",
    "progress_of",
    "replay",
    "report",
    "script",
    "shown_database",
    "stories",
    "story_of",
    "tour",
    "unreached",
    "write_script",
]
