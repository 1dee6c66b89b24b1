"""Histories of runs, and the checkers that judge them. Standard library only: no clock, no thread."""

from pytest_havip.history.checkers import CHECKERS, ORDINARY, Report, UnknownChecker, judge, judge_file
from pytest_havip.history.codec import Footer, Header
from pytest_havip.history.judgement import Judgement, Outcome, worst
from pytest_havip.history.reader import ForeignHistory, HistoryReader, Integrity
from pytest_havip.history.recorder import Recorder
from pytest_havip.history.records import (
    Announcement,
    Change,
    Created,
    Effect,
    Fault,
    Handled,
    Listing,
    Mark,
    Plugged,
    Quota,
    Reading,
    Record,
    Released,
    Unplugged,
    View,
)

__all__ = [
    "CHECKERS",
    "ORDINARY",
    "Announcement",
    "Change",
    "Created",
    "Effect",
    "Fault",
    "Footer",
    "ForeignHistory",
    "Handled",
    "Header",
    "HistoryReader",
    "Integrity",
    "Judgement",
    "Listing",
    "Mark",
    "Outcome",
    "Plugged",
    "Quota",
    "Reading",
    "Record",
    "Recorder",
    "Released",
    "Report",
    "UnknownChecker",
    "Unplugged",
    "View",
    "judge",
    "judge_file",
    "worst",
]
