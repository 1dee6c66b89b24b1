"""What a cluster declares about itself, from its settings."""

from pytest_havip.clients.base import Announcement, Bound, Cause, Traits
from pytest_havip.clients.wsfc.messages import PORT
from pytest_havip.clients.wsfc.settings import WsfcSettings

__all__ = ["declare_traits"]


def declare_traits(settings: WsfcSettings, *, heartbeat: bool = False) -> Traits:
    """Return what a cluster with these settings and a quorum declares about itself.

    Args:
        settings: Its timers and policies.
        heartbeat: Whether the nodes have a heartbeat network of their own, so that one whose client network is cut
            can still hand the role over.
    """
    check = settings.check
    nt = check.probe_sender == "address"
    announcement = Announcement(
        form="request",
        target_mac="zero",
        # Before Windows Vista the probes are the announcement.
        count=check.probe_number if nt else check.announce_number,
        blocks=(0.0,),
        spacing=check.probe_min if nt else check.announce_interval,
        refresh=None,
    )
    bounds = _takeover_bounds(settings)
    if heartbeat:
        bounds[Cause.LINK] = bounds[Cause.MOVE]
    probes = check.probe_number > 0
    preemption, heartbeats = settings.failback == "immediate", f"udp dport {PORT}"
    return Traits("wsfc (simulated)", announcement, preemption, bounds, probes=probes, heartbeats=heartbeats)


def _takeover_bounds(settings: WsfcSettings) -> dict[Cause, Bound]:
    """Return when a standby announces the addresses; causes that leave it to a ghost are not there."""
    check, delay, lease = settings.check, settings.same_subnet_delay, settings.lease
    first, last = (0.0, check.probe_wait) if check.probe_sender == "address" else (check.earliest, check.latest)
    checked = "address check"
    at_once = Bound(checked, first, last)
    lost = Bound(
        f"SameSubnetDelay x (SameSubnetThreshold - 1 .. SameSubnetThreshold) + arbitration + {checked}",
        lease - delay + settings.arbitration_delay + first,
        lease + settings.arbitration_delay + last,
    )
    start = Bound(f"(0 .. join_wait) + {checked}", first, settings.join_wait + last)
    service = Bound(f"(0 .. LooksAlive) + {checked}", first, settings.looks_alive + last)
    silent = dict.fromkeys((Cause.LINK, Cause.HOST, Cause.FROZEN, Cause.NIC), lost)
    return {Cause.START: start, Cause.STOP: at_once, Cause.MOVE: at_once, Cause.SERVICE: service, **silent}
