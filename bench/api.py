"""How fast the reference network's API is: its start, signatures, creations, descriptions.

    python bench/api.py [--havips 500] [--starts 5]

One caller, one kept connection, signed requests. A creation goes into the kernel before it is answered.
"""

import argparse
import contextlib
import json
import socket
import statistics
import sys
import time
from collections.abc import Callable, Iterator

from pytest_havip.lab import Lab
from pytest_havip.network.api.signature import SignedRequest, verify
from pytest_havip.targets.tencent_api import Credentials, TencentApi

_CREDENTIALS = Credentials.new()
_CHECKS = 20_000


@contextlib.contextmanager
def network(lab: Lab) -> Iterator[TencentApi]:
    """The service, and a caller."""
    with socket.create_server(("127.0.0.1", 0)) as listener, _CREDENTIALS.file() as file:
        command = [sys.executable, "-m", "pytest_havip.network", "--listen-fd", "3", "--credentials-fd", "4"]
        process = lab.spawn(command, fds={3: listener.fileno(), 4: file.fileno()})
        with contextlib.closing(TencentApi(*listener.getsockname(), credentials=_CREDENTIALS)) as api:
            yield api
    process.kill()


def start_once(lab: Lab) -> float:
    """Seconds from the start of the process until its first answer."""
    began = time.perf_counter()
    with network(lab) as api:
        api.call("DescribeVpcs")
        return time.perf_counter() - began


def timed(number: int, call: Callable[[int], object]) -> float:
    """Calls a second."""
    began = time.perf_counter()
    for each in range(number):
        call(each)
    return number / (time.perf_counter() - began)


def checks() -> float:
    """Signature checks a second, in this process."""
    body, at, host = '{"HaVipIds": ["havip-00000000"], "Limit": 20}', int(time.time()), "127.0.0.1:8080"
    headers = {
        "host": host,
        "content-type": "application/json",
        "x-tc-timestamp": str(at),
        "authorization": _CREDENTIALS.authorization(host, body, at),
    }
    request = SignedRequest("POST", "", headers, body.encode())
    with _CREDENTIALS.file() as file:
        secrets = json.load(file)
    return timed(_CHECKS, lambda _: verify(request, secrets, now=at))


def calls(api: TencentApi, number: int) -> Iterator[tuple[str, float]]:
    """What is called, and how often a second."""
    vpc = api.call("CreateVpc", VpcName="bench", CidrBlock="10.0.0.0/8")["Vpc"]["VpcId"]
    place = {"VpcId": vpc}
    place["SubnetId"] = api.call("CreateSubnet", **place, SubnetName="s", CidrBlock="10.0.0.0/16")["Subnet"]["SubnetId"]
    api.call("HavipLabModifyQuota", LimitType="vpc-max-havips", LimitValue=number)
    made: list[str] = []

    def create(_: int) -> None:
        made.append(api.call("CreateHaVip", **place, HaVipName="bench")["HaVip"]["HaVipId"])

    of_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
    yield f"CreateHaVip, up to {number}", timed(number, create)
    yield "DescribeHaVips by id", timed(number, lambda each: api.call("DescribeHaVips", HaVipIds=[made[each]]))
    yield "DescribeHaVips, a page of 100", timed(100, lambda _: api.call("DescribeHaVips", Filters=of_vpc, Limit=100))
    yield "DeleteHaVip", timed(number, lambda each: api.call("DeleteHaVip", HaVipId=made[each]))


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--havips", type=int, default=500)
    parser.add_argument("--starts", type=int, default=5)
    given = parser.parse_args()
    with Lab.open() as lab:
        starts = [start_once(lab) for _ in range(given.starts)]
        print(f"{'start of the service, median':<34}{statistics.median(starts) * 1000:>8.0f} ms")
        print(f"{'signature checks':<34}{checks():>8.0f} /s")
        with network(lab) as api:
            for name, rate in calls(api, given.havips):
                print(f"{name:<34}{rate:>8.0f} /s")


if __name__ == "__main__":
    main()
