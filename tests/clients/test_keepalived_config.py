from ipaddress import IPv4Address
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from pytest_havip.clients.base import Cause, Node
from pytest_havip.clients.haproxy import render_haproxy
from pytest_havip.clients.keepalived_config import (
    KeepalivedSettings,
    declare_traits,
    render_check,
    render_keepalived,
    takeover_bounds,
)

if TYPE_CHECKING:
    from pytest_havip.lab import Host

VIP = IPv4Address("172.17.16.3")

# The product document's instance for its host 172.17.16.7, without its stray brace.
PRINTED = """\
vrrp_instance VI_1 {
  state BACKUP
  interface eth0
  virtual_router_id 51
  nopreempt
  priority 80
  advert_int 1
  authentication {
    auth_type PASS
    auth_pass 1111
  }
  unicast_src_ip 172.17.16.7
  unicast_peer {
    172.17.16.13
  }
  virtual_ipaddress {
    172.17.16.3
  }
  garp_master_delay 1
  garp_master_refresh 5
  track_interface {
    eth0
  }
  track_script {
    checkhaproxy
  }
}
"""


def node(name: str, address: str, interface: str = "eth0") -> Node:
    return Node(cast("Host", SimpleNamespace(name=name)), IPv4Address(address), interface)


ONE, OTHER = node("one", "172.17.16.7"), node("other", "172.17.16.13")


def test_the_instance_is_the_documents_own() -> None:
    text = render_keepalived(ONE, [OTHER], [VIP], position=1, check="/run/one/checkhaproxy")
    assert text.endswith(PRINTED)
    assert text.count("{") == text.count("}")


def test_the_check_is_the_hosts_own() -> None:
    text = render_keepalived(ONE, [OTHER], [VIP], position=1, check="/run/one/checkhaproxy")
    assert 'vrrp_script checkhaproxy {\n  script "/bin/sh /run/one/checkhaproxy"\n' in text
    assert "script_user root" in text
    assert render_check("/run/one/haproxy.pid") == 'kill -0 "$(cat /run/one/haproxy.pid)"\n'


def test_settings_reach_the_text() -> None:
    settings = KeepalivedSettings(
        priorities=(90, 80),
        nopreempt=False,
        advert_interval=2,
        garp_master_refresh=0,
        check_interval=3,
        check_fall=4,
        check_rise=5,
    )
    third = node("third", "172.17.16.14")
    text = render_keepalived(
        node("one", "172.17.16.7", "eth1"),
        [OTHER, third],
        [VIP, IPv4Address("172.17.16.4")],
        position=0,
        check="c",
        settings=settings,
    )
    assert "nopreempt" not in text
    for lines in (
        "  interface eth1\n",
        "  priority 90\n",
        "  advert_int 2\n",
        "    172.17.16.13\n    172.17.16.14\n",
        "    172.17.16.3\n    172.17.16.4\n",
        "  garp_master_refresh 0\n",
        "  interval 3\n  fall 4\n  rise 5\n",
        "  track_interface {\n    eth1\n",
    ):
        assert lines in text


def test_bounds_of_the_documents_settings() -> None:
    bounds = takeover_bounds()
    assert bounds[Cause.START].latest == pytest.approx(3.609, abs=0.001)
    assert bounds[Cause.STOP].latest == pytest.approx(0.6875)
    assert (bounds[Cause.CRASH].earliest, bounds[Cause.CRASH].latest) == (2.6875, 3.6875)
    assert (bounds[Cause.SERVICE].earliest, bounds[Cause.SERVICE].latest) == (1.6875, 2.6875)
    followed = set(Cause) - {Cause.REMOVED, Cause.LATE, Cause.TRACKED}
    assert set(bounds) == followed - {Cause.EDIT, Cause.RETURN}, "who never preempts does not follow an edited priority"
    preempting = takeover_bounds(KeepalivedSettings(nopreempt=False))
    assert set(preempting) == followed
    assert preempting[Cause.EDIT].latest == 4
    assert preempting[Cause.RETURN].latest == pytest.approx(3.609, abs=0.001)


def test_bounds_follow_the_settings() -> None:
    quick = takeover_bounds(KeepalivedSettings(version=3, advert_interval=0.5))
    assert quick[Cause.STOP].latest == pytest.approx(0.34375)
    assert quick[Cause.CRASH].latest == pytest.approx(1.84375)
    slow = takeover_bounds(KeepalivedSettings(startup_delay=4))
    assert slow[Cause.START].earliest == pytest.approx(7.609, abs=0.001)
    weighed = takeover_bounds(KeepalivedSettings(check_weight=-30, nopreempt=False))
    assert (weighed[Cause.SERVICE].earliest, weighed[Cause.SERVICE].latest) == (3.6875, 5.6875)
    assert Cause.TRACKED in takeover_bounds(KeepalivedSettings(tracked=("eth1",)))


def test_every_variant_is_written() -> None:
    def text(**settings: Any) -> str:
        return render_keepalived(ONE, [OTHER], [VIP], position=1, check="c", settings=KeepalivedSettings(**settings))

    third = text(version=3, advert_interval=0.5)
    assert "  version 3\n" in third
    assert "  advert_int 0.5\n" in third
    assert "auth" not in third
    assert "  vrrp_min_garp\n" in text(min_garp=True)
    assert "  vrrp_startup_delay 4\n" in text(startup_delay=4)
    assert "  garp_master_repeat 2\n" in text(garp_master_repeat=2)
    assert "  rise 2\n  weight -30\n}" in text(check_weight=-30)
    assert "  track_interface {\n    eth0\n    eth1\n  }" in text(tracked=("eth1",))
    assert "  virtual_ipaddress {\n    172.17.16.3 dev eth1\n  }" in text(devices=("eth0", "eth1"))
    both = text(beside=(IPv4Address("172.17.16.4"),))
    assert "vrrp_instance VI_2 {\n  state BACKUP\n  interface eth0\n  virtual_router_id 52\n" in both
    assert (both.count("  priority 80\n"), both.count("  priority 100\n")) == (1, 1)
    assert both.count("{") == both.count("}")


def test_a_virtual_mac_is_one_line_more() -> None:
    settings = KeepalivedSettings(use_vmac=True)
    text = render_keepalived(ONE, [OTHER], [VIP], position=1, check="c", settings=settings)
    assert text.replace("  use_vmac\n", "", 1) == render_keepalived(ONE, [OTHER], [VIP], position=1, check="c")


def test_traits_follow_the_settings() -> None:
    traits = declare_traits()
    assert (traits.preemption, traits.announcement.refresh, traits.announcement.blocks) == (False, 5, (0, 1))
    other = declare_traits(KeepalivedSettings(nopreempt=False, garp_master_refresh=0))
    assert (other.preemption, other.announcement.refresh) == (True, None)
    once = declare_traits(KeepalivedSettings(min_garp=True)).announcement
    assert (once.count, once.blocks) == (1, (0.0,))
    two = declare_traits(KeepalivedSettings(garp_master_repeat=2, garp_master_delay=0)).announcement
    assert (two.count, two.blocks) == (2, (0.0,))


def test_haproxy_needs_no_second_user() -> None:
    text = render_haproxy("one", 8080, "/run/one/haproxy.pid")
    assert "bind :8080\n" in text
    assert "pidfile /run/one/haproxy.pid\n" in text
    assert "user" not in text
    assert "group" not in text
