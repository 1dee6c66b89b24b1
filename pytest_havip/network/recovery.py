"""The beginning of a service: anew, or where another one was killed."""

import asyncio
import os
from collections.abc import Callable

from pytest_havip.network.core import Havip, Network, Nic, Profile, Subnet, Vpc
from pytest_havip.network.dataplane.commit import INTERNET
from pytest_havip.network.keeper import Keeping
from pytest_havip.network.service import Service
from pytest_havip.network.store import Store

__all__ = ["begin"]


def begin(
    store: Store,
    keeper: Keeping,
    *,
    new_token: Callable[[int], str],
    loop: asyncio.AbstractEventLoop,
    profile: Profile | None = None,
) -> Service:
    """Make the service that goes on from a store.

    What the keeper holds is adopted as it runs, and the kernel is right about owners. What it does not hold is made
    from the store, without cables.

    Args:
        store: what was promised.
        keeper: who holds what must outlive the process, and what it holds of an earlier one.
        new_token: gives that many random characters.
        loop: the loop.
        profile: the cloud's settings; Tencent's by default.

    Raises:
        StoreError: the store cannot be read.
        NftError, OSError: the kernel refused.
    """
    stored = store.load()
    settings = {} if profile is None else {"profile": profile}
    service = Service(Network.restore(stored.records, new_token=new_token, **settings), stored, store, keeper, loop)
    kept = dict(keeper.kept)
    if INTERNET in kept:
        service.plane.adopt_internet(*kept.pop(INTERNET))
    for vpc_id in kept.keys() - service.network.vpcs.keys():  # it was deleted, and had only to be forgotten
        keeper.forget(vpc_id)
        for descriptor in kept[vpc_id]:
            os.close(descriptor)
    for vpc in service.network.vpcs.values():
        if vpc.id not in kept:
            service.plane.make(vpc, _records(service.network, vpc))
        else:
            found = service.plane.adopt(vpc.id, kept[vpc.id])
            service.follow(service.network.recover(vpc.id, found.owners, now=service.now()))
            service.plane.repair(vpc, found, _records(service.network, vpc))
        service.take_over(vpc.id)
    service.activity.skip_rejections(service.rejections())
    return service


def _records(network: Network, vpc: Vpc) -> list[Subnet | Nic | Havip]:
    found: list[Subnet | Nic | Havip] = [*network.subnets.values(), *network.nics.values(), *network.havips.values()]
    return [record for record in found if record.vpc_id == vpc.id]
