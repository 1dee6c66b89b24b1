"""HA clients under test: the protocol by which one is driven, and the drivers."""
