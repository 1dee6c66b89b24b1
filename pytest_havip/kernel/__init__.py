"""What the Linux kernel is asked for, by the lab and the network alike; nothing here knows what it is for."""

__all__: list[str] = []
