"""keepalived's configuration as the product document prints it for a HAVIP, and what its timers promise.

As printed the document's `virtual_ipaddress` stands outside the instance, by a stray brace, and keepalived ignores
it; here it is inside. The `checkhaproxy` script that it tracks, but does not print, asks whether this host's own
haproxy lives.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Literal

from pytest_havip.clients.base import Announcement, Bound, Cause, Node, Traits

__all__ = ["SEED", "KeepalivedSettings", "declare_traits", "render_check", "render_keepalived", "takeover_bounds"]

ADVERTS_MISSED = 3
FRAMES_PER_BLOCK = 5
#: In nft's words.
HEARTBEATS = "ip protocol vrrp"
_SECOND = 2


@dataclass(frozen=True, slots=True)
class KeepalivedSettings:
    """What may differ between clusters; the defaults are the product document's. Times are in seconds.

    Args:
        priorities: Those of the nodes in their order.
        version: VRRP's, 2 or 3; the third knows no passwords, and intervals of less than a second.
        advert_interval: From one advertisement to the next.
        nopreempt: Whether a returning node leaves the address where it is.
        virtual_router_id: The group's number.
        auth_pass: The password of version 2.
        garp_master_repeat: Announcements in a block.
        garp_master_delay: From the first block to the second one; 0 for none.
        garp_master_refresh: From one later announcement to the next; 0 for none.
        min_garp: One announcement in place of the blocks (`vrrp_min_garp`).
        startup_delay: From the program's start to its election (`vrrp_startup_delay`).
        check_interval: From one check of the service to the next.
        check_fall: So many failed checks in a row release the addresses, or change the priority.
        check_rise: So many good ones make the node a standby again.
        check_weight: What a failed check adds to the priority; 0 to release the addresses instead.
        tracked: Interfaces besides the node's own whose loss releases the addresses.
        notify_master: A command that keepalived runs when it has become master, in one line; none when empty.
        use_vmac: Whether an interface with VRRP's virtual MAC carries the addresses.
        devices: The interfaces that carry them, one for each node, where that is not the node's own.
        beside: Addresses of a second instance, for which the last node has the first one's priority and so on.
    """

    priorities: tuple[int, ...] = (100, 80)
    version: Literal[2, 3] = 2
    advert_interval: float = 1
    nopreempt: bool = True
    virtual_router_id: int = 51
    auth_pass: str = "1111"  # noqa: S105 - the document's own, and sent in clear text
    garp_master_repeat: int = FRAMES_PER_BLOCK
    garp_master_delay: int = 1
    garp_master_refresh: int = 5
    min_garp: bool = False
    startup_delay: int = 0
    check_interval: int = 1
    check_fall: int = 2
    check_rise: int = 2
    check_weight: int = 0
    tracked: tuple[str, ...] = ()
    use_vmac: bool = False
    notify_master: str = ""
    devices: tuple[str, ...] = ()
    beside: tuple[IPv4Address, ...] = ()

    def skew(self, position: int) -> float:
        """Seconds that the node at this position waits longer than the timeout all share.

        Source: RFC 3768 section 6.1 for version 2, RFC 9568 section 6.1 for version 3.
        """
        return (256 - self.priorities[position]) / 256 * (self.advert_interval if self.version > _SECOND else 1)


SEED = KeepalivedSettings()


def render_check(pidfile: str) -> str:
    """Return the script that keepalived tracks: it succeeds while the service of this pidfile lives.

    All hosts of a lab share one PID space, so looking for a process named haproxy would see another host's.
    """
    return f'kill -0 "$(cat {pidfile})"\n'


def render_keepalived(
    node: Node,
    peers: Iterable[Node],
    addresses: Iterable[IPv4Address],
    *,
    position: int,
    check: str,
    settings: KeepalivedSettings = SEED,
) -> str:
    """Return one node's keepalived.conf.

    Args:
        node: the machine that it is for.
        peers: the other machines.
        addresses: the floating addresses.
        position: the node's place among all nodes, counted from 0: it has the priority at that place.
        check: path of the `checkhaproxy` script on this host.
        settings: the timers and the rest.
    """
    others = [peer.address for peer in peers]
    priority = settings.priorities[position]
    device = f" dev {settings.devices[position]}" if settings.devices else ""
    instances = [_instance(1, node, others, [f"{each}{device}" for each in addresses], priority, settings)]
    if settings.beside:
        priority = settings.priorities[::-1][position]
        instances.append(_instance(2, node, others, settings.beside, priority, settings))
    # No enable_script_security: in an ordinary user's namespace / belongs to no known user, and the script would be
    # switched off. script_user is named because keepalived's default account for scripts need not exist.
    return f"""\
global_defs {{
  router_id {node.host.name}
  script_user root
{_line("vrrp_min_garp", settings.min_garp)}\
{_line(f"vrrp_startup_delay {settings.startup_delay}", settings.startup_delay)}\
}}

vrrp_script checkhaproxy {{
  script "/bin/sh {check}"
  interval {settings.check_interval}
  fall {settings.check_fall}
  rise {settings.check_rise}
{_line(f"weight {settings.check_weight}", settings.check_weight)}\
}}

""" + "\n".join(instances)


def _instance(
    number: int,
    node: Node,
    peers: Iterable[IPv4Address],
    addresses: Iterable[object],
    priority: int,
    settings: KeepalivedSettings,
) -> str:
    """One instance, as the document prints it."""
    password = f"""\
  authentication {{
    auth_type PASS
    auth_pass {settings.auth_pass}
  }}
"""
    return f"""\
vrrp_instance VI_{number} {{
  state BACKUP
  interface {node.interface}
  virtual_router_id {settings.virtual_router_id + number - 1}
{_line("version 3", settings.version != _SECOND)}{_line("nopreempt", settings.nopreempt)}\
{_line("use_vmac", settings.use_vmac)}\
  priority {priority}
  advert_int {settings.advert_interval}
{password if settings.version == _SECOND else ""}\
  unicast_src_ip {node.address}
  unicast_peer {{
{_lines(peers)}
  }}
  virtual_ipaddress {{
{_lines(addresses)}
  }}
{_line(f"garp_master_repeat {settings.garp_master_repeat}", settings.garp_master_repeat != FRAMES_PER_BLOCK)}\
{_line(f"garp_master_delay {settings.garp_master_delay}", not settings.min_garp)}\
  garp_master_refresh {settings.garp_master_refresh}
  track_interface {{
{_lines((node.interface, *settings.tracked))}
  }}
  track_script {{
    checkhaproxy
  }}
{_line(f'notify_master "{settings.notify_master}"', settings.notify_master)}\
}}
"""


def takeover_bounds(settings: KeepalivedSettings = SEED) -> dict[Cause, Bound]:
    """Return when the standby (at a start: the preferred node) announces the addresses, by VRRP's own timers."""
    advert, skew = settings.advert_interval, settings.skew(1)
    silence = Bound(
        "(2..3) x advert_int + (256 - standby's priority) / 256",
        (ADVERTS_MISSED - 1) * advert + skew,
        ADVERTS_MISSED * advert + skew,
    )
    alone = Bound("3 x advert_int + (256 - priority) / 256", *[ADVERTS_MISSED * advert + settings.skew(0)] * 2)
    delay = settings.startup_delay
    started = Bound(f"startup_delay + {alone.formula}", alone.earliest + delay, alone.latest + delay)
    stop = Bound("(256 - standby's priority) / 256", skew, skew)
    # A standby with a higher priority than the owner's, and preemption, lets its timer run out.
    edit = Bound("up to 3 x advert_int + 1", 0.0, ADVERTS_MISSED * advert + 1)
    return {
        **({} if settings.nopreempt else {Cause.EDIT: edit, Cause.RETURN: started}),
        Cause.START: started if delay else alone,
        Cause.STOP: stop,
        Cause.MOVE: stop,
        Cause.CRASH: silence,
        Cause.LINK: silence,
        Cause.HOST: silence,
        Cause.FROZEN: silence,
        Cause.NIC: silence,
        Cause.SPLIT: silence,
        Cause.FREEZE: silence,
        Cause.SERVICE: _service_bound(settings, silence),
        **({Cause.TRACKED: stop} if settings.tracked else {}),
    }


def _service_bound(settings: KeepalivedSettings, silence: Bound) -> Bound:
    """When the standby announces after the owner's service has died."""
    interval, fall, skew = settings.check_interval, settings.check_fall, settings.skew(1)
    first, last = (fall - 1) * interval, fall * interval
    checks = "(fall - 1 .. fall) x interval"
    if not settings.check_weight:
        return Bound(f"{checks} + (256 - standby's priority) / 256", first + skew, last + skew)
    # The owner goes on with a lower priority, which the standby does not count any more.
    return Bound(f"{checks} + {silence.formula}", first + silence.earliest, last + silence.latest)


def declare_traits(settings: KeepalivedSettings = SEED) -> Traits:
    """Return what a keepalived so configured declares about itself."""
    again = settings.garp_master_delay and not settings.min_garp
    announcement = Announcement(
        form="request",
        target_mac="broadcast",
        count=1 if settings.min_garp else settings.garp_master_repeat,
        blocks=(0.0, float(settings.garp_master_delay)) if again else (0.0,),
        spacing=0.0,
        refresh=settings.garp_master_refresh or None,
    )
    return Traits("keepalived", announcement, not settings.nopreempt, takeover_bounds(settings), heartbeats=HEARTBEATS)


def _lines(items: Iterable[object]) -> str:
    return "\n".join(f"    {item}" for item in items)


def _line(text: str, wanted: object) -> str:
    """A line of a block, if it is wanted."""
    return f"  {text}\n" if wanted else ""
