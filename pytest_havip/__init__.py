"""Conformance tests for floating private IPs (HAVIP): the network under them, and the clients on them."""

__all__ = ["__version__"]

__version__ = "0.1.0"
