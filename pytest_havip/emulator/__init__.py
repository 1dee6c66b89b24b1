"""The reference network for people who develop against HAVIP: `havip serve` and the commands beside it."""
