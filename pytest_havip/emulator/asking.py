"""What callers ask the API of a running network."""

from typing import Any, Final

from pytest_havip.emulator.calling import Running
from pytest_havip.targets.tencent_api import Credentials, TencentApi

__all__ = ["havips", "open_api"]

_PAGE: Final = 100


def open_api(network: Running) -> TencentApi:
    """Make a caller of a network's API; it is to be closed."""
    host, _, port = network.endpoint.rpartition(":")
    credentials = Credentials(network.secret_id, network.secret_key)
    return TencentApi(host, int(port), credentials=credentials, region=network.region)


def havips(network: Running) -> list[dict[str, str]]:
    """Ask a network for its HAVIPs: `id`, `name`, `subnet`, `address`, and `owner`, a host, a NIC or "".

    Raises:
        TargetError, Refused: its API did not answer as it should.
    """
    api = open_api(network)
    found: list[dict[str, Any]] = []
    try:
        while page := api.call("DescribeHaVips", Offset=len(found), Limit=_PAGE)["HaVipSet"]:
            found += page
    finally:
        api.close()
    hosts = network.host_of
    return [
        {
            "id": havip["HaVipId"],
            "name": havip["HaVipName"],
            "subnet": havip["SubnetId"],
            "address": havip["Vip"],
            "owner": hosts.get(havip["NetworkInterfaceId"], havip["NetworkInterfaceId"]),
        }
        for havip in found
    ]
