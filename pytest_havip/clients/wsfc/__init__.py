"""A small failover cluster that is on the wire what a Windows Server Failover Cluster's IP Address resource is.

It is *simulated from documents, and was not captured from Windows*. What follows the documents:

- Heartbeats go by UDP port 3343 between all nodes, each answered; a node that was silent for SameSubnetDelay x
  SameSubnetThreshold is down. Node majority, with or without a file share witness, decides who may own the role;
  without quorum nobody does. A loser drops its addresses without a frame.
- An address comes online by probes (sender 0.0.0.0), and only then it is announced; whoever else uses it, or probes for
  it at the same time, makes the resource fail with event 1049. It is never refreshed. Offline is silent.
- A failed resource is restarted, then the role fails over, then it stays failed (RestartThreshold, FailoverThreshold,
  RetryPeriodOnFailure). Planned moves release first and claim afterwards. Failback is off unless asked for.

What differs, or is in no document:

- What is in the heartbeats is our own JSON. Windows regroups and replicates a database; here a vote is a lease of
  the time after which a node is down, renewed by each heartbeat, and claims are numbered by terms. So nobody
  believes that he owns the role when another one may: the same promise, kept by less.
- The witness is a small service that votes all the time. Windows locks a file, when nodes lose each other.
- Votes are fixed, as with DynamicQuorum = 0: three nodes of which two left have no quorum here.
- A node without quorum goes on as a member without votes; Windows ends its cluster service and starts it again.
- A frozen node's heartbeats stop. Those of Windows come from the kernel: only a frozen machine stops them, a hanging
  service is found by a watchdog.
- A killed node leaves its addresses to its kernel, which answers for them: a ghost. No document says what Windows's
  kernel does then. A successor finds the ghost by its probes, and its resource fails.
- How many announcements Windows sends, and when, is unknown; RFC 5227's two are the default, all can be set.
- The role's script is two commands, as of a Generic Script resource that depends on the addresses, without its
  LooksAlive: the service beside it is looked at instead. The role counts as online when the addresses are.
- A lost carrier or address is noticed at once, and not by polls every 5 s (LooksAlive).

Modules without effects decide (`member`, `role`, `address`, `vote`, `peers`); `node` and `witness` are the programs.
"""

__all__: list[str] = []
