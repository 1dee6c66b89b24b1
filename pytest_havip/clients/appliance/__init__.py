"""An HA client of one's own, described in a file: its commands, its traits and what it needs."""
