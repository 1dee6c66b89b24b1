"""What is demanded of a HAVIP network and its clients, and which test proves it."""

from pytest_havip.requirements.marker import prove, requirement, requirement_ids, requirements_of
from pytest_havip.requirements.model import Level, Requirement
from pytest_havip.requirements.registry import Catalogue, CatalogueError, UnknownRequirement
from pytest_havip.requirements.registry import load as catalogue

__all__ = [
    "Catalogue",
    "CatalogueError",
    "Level",
    "Requirement",
    "UnknownRequirement",
    "catalogue",
    "prove",
    "requirement",
    "requirement_ids",
    "requirements_of",
]
