"""keepalived's configuration as the product document prints it for a HAVIP, and what its timers promise.

As printed the document's `virtual_ipaddress` stands outside the instance, by a stray brace, and keepalived ignores
it; here it is inside. The `checkhaproxy` script that it tracks, but does not print, asks whether this host's own
haproxy lives.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address

from pytest_havip.clients.base import Announcement, Bound, Cause, Node, Traits

__all__ = ["SEED", "KeepalivedSettings", "declare_traits", "render_check", "render_keepalived", "takeover_bounds"]

ADVERTS_MISSED = 3
FRAMES_PER_BLOCK = 5


@dataclass(frozen=True, slots=True)
class KeepalivedSettings:
    """What may differ between clusters; the defaults are the product document's.

    `priorities` are those of the nodes in their order; `advert_interval`, `garp_master_delay`, `garp_master_refresh`
    and `check_interval` are whole seconds; `check_fall` failed checks in a row release the addresses, `check_rise`
    good ones make the node a standby again. `use_vmac` gives the addresses to an interface with VRRP's virtual MAC.
    `notify_master` is a command that keepalived runs when it has become master, in one line; none when empty.
    """

    priorities: tuple[int, ...] = (100, 80)
    advert_interval: int = 1
    nopreempt: bool = True
    virtual_router_id: int = 51
    auth_pass: str = "1111"  # noqa: S105 - the document's own, and sent in clear text
    garp_master_delay: int = 1
    garp_master_refresh: int = 5
    check_interval: int = 1
    check_fall: int = 2
    check_rise: int = 2
    use_vmac: bool = False
    notify_master: str = ""

    def skew(self, position: int) -> float:
        """Seconds that the node at this position waits longer than the timeout all share (VRRP version 2)."""
        return (256 - self.priorities[position]) / 256


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
    priority: int,
    check: str,
    settings: KeepalivedSettings = SEED,
) -> str:
    """Return one node's keepalived.conf.

    Args:
        node: the machine that it is for.
        peers: the other machines.
        addresses: the floating addresses.
        priority: this node's VRRP priority.
        check: path of the `checkhaproxy` script on this host.
        settings: the timers and the rest.
    """
    virtual_mac = "\n  use_vmac" if settings.use_vmac else ""
    notify = f'\n  notify_master "{settings.notify_master}"' if settings.notify_master else ""
    # No enable_script_security: in an ordinary user's namespace / belongs to no known user, and the script would be
    # switched off. script_user is named because keepalived's default account for scripts need not exist.
    return f"""\
global_defs {{
  router_id {node.host.name}
  script_user root
}}

vrrp_script checkhaproxy {{
  script "/bin/sh {check}"
  interval {settings.check_interval}
  fall {settings.check_fall}
  rise {settings.check_rise}
}}

vrrp_instance VI_1 {{
  state BACKUP
  interface {node.interface}
  virtual_router_id {settings.virtual_router_id}
{"  nopreempt" if settings.nopreempt else "  # preempting"}{virtual_mac}
  priority {priority}
  advert_int {settings.advert_interval}
  authentication {{
    auth_type PASS
    auth_pass {settings.auth_pass}
  }}
  unicast_src_ip {node.address}
  unicast_peer {{
{_lines(peer.address for peer in peers)}
  }}
  virtual_ipaddress {{
{_lines(addresses)}
  }}
  garp_master_delay {settings.garp_master_delay}
  garp_master_refresh {settings.garp_master_refresh}
  track_interface {{
    {node.interface}
  }}
  track_script {{
    checkhaproxy
  }}{notify}
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
    start = ADVERTS_MISSED * advert + settings.skew(0)
    stop = Bound("(256 - standby's priority) / 256", skew, skew)
    interval, fall = settings.check_interval, settings.check_fall
    # A standby with a higher priority than the owner's, and preemption, lets its timer run out.
    edit = (
        {} if settings.nopreempt else {Cause.EDIT: Bound("up to 3 x advert_int + 1", 0.0, ADVERTS_MISSED * advert + 1)}
    )
    return {
        **edit,
        Cause.START: Bound("3 x advert_int + (256 - priority) / 256", start, start),
        Cause.STOP: stop,
        Cause.MOVE: stop,
        Cause.CRASH: silence,
        Cause.LINK: silence,
        Cause.HOST: silence,
        Cause.FROZEN: silence,
        Cause.FREEZE: silence,
        Cause.SERVICE: Bound(
            "(fall - 1 .. fall) x interval + (256 - standby's priority) / 256",
            (fall - 1) * interval + skew,
            fall * interval + skew,
        ),
    }


def declare_traits(settings: KeepalivedSettings = SEED) -> Traits:
    """Return what a keepalived so configured declares about itself."""
    announcement = Announcement(
        form="request",
        target_mac="broadcast",
        count=FRAMES_PER_BLOCK,
        blocks=(0.0, float(settings.garp_master_delay)),
        spacing=0.0,
        refresh=settings.garp_master_refresh or None,
    )
    return Traits("keepalived", announcement, not settings.nopreempt, takeover_bounds(settings))


def _lines(items: Iterable[object]) -> str:
    return "\n".join(f"    {item}" for item in items)
