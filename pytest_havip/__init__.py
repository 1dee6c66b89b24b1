"""pytest-havip: proves on a real wire that networks and HA clients treat floating private IPs (HAVIP) correctly."""
