"""Faults in what the API tells of HAVIPs: their fields, and which are found."""

from collections import defaultdict
from collections.abc import Callable, Iterable

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import Request, Rightly, change_action
from pytest_havip.network.api import havips
from pytest_havip.network.api.actions import Answer
from pytest_havip.network.api.errors import ApiError
from pytest_havip.network.service import Service

__all__ = ["MUTANTS"]

_DESCRIBE = "DescribeHaVips"
_NEVER = "0000-00-00 00:00:00"
#: A question may have that many values in a filter; a page has that many HAVIPs, and this many at most.
_VALUES, _PAGE, _LARGEST_PAGE = 5, 20, 100
#: Descriptions of a HAVIP after which a cache is believed.
_TRUSTED = 10


def _describe(changed: Callable[[Rightly, Service, Request], Answer]) -> Callable[[], None]:
    """Let HAVIPs be described in another way."""
    return lambda: change_action(changed, _DESCRIBE)


def _show(changed: Callable[[Service, Answer], Answer]) -> Callable[[], None]:
    """Let each HAVIP that is found be shown in another way."""

    def show(rightly: Rightly, service: Service, request: Request) -> Answer:
        answer = rightly(request)
        return {**answer, "HaVipSet": [changed(service, view) for view in answer["HaVipSet"]]}

    return _describe(show)


def _found(views: Iterable[Answer]) -> Answer:
    listed = list(views)
    return {"HaVipSet": listed, "TotalCount": len(listed)}


# Fields


def _no_eip_is_null(_: Service, view: Answer) -> Answer:
    return {**view, "AddressIp": view["AddressIp"] or None}


def _unbound(_: Service, view: Answer) -> Answer:
    return {**view, "State": "UNBOUND"} if view["State"] == "UNBIND" else view


def _stamped_at_birth(_: Service, view: Answer) -> Answer:
    return {**view, "FlushedTime": view["CreatedTime"]} if view["FlushedTime"] == _NEVER else view


def _born_at_binding(_: Service, view: Answer) -> Answer:
    return view if view["FlushedTime"] == _NEVER else {**view, "CreatedTime": view["FlushedTime"]}


def _owners_address(service: Service, view: Answer) -> Answer:
    owner = service.network.nics.get(view["NetworkInterfaceId"])
    return view if owner is None else {**view, "Vip": str(owner.addresses[0])}


def _names_come_late() -> None:
    def show(rightly: Rightly, _: Service, request: Request) -> Answer:
        answer = rightly(request)
        if "HaVipIds" not in request:
            return answer
        shown = [view if view["HaVipId"] in described else {**view, "HaVipName": ""} for view in answer["HaVipSet"]]
        described.update(view["HaVipId"] for view in shown)
        return {**answer, "HaVipSet": shown}

    described: set[str] = set()
    change_action(show, _DESCRIBE)


def _instances_lag() -> None:
    def show(_: Service, view: Answer) -> Answer:
        seen = instances[view["HaVipId"]]
        seen.append(view["InstanceId"])
        return {**view, "InstanceId": seen[-2]} if len(seen) > _TRUSTED else view

    instances: defaultdict[str, list[str]] = defaultdict(list)
    _show(show)()


def _lists_without_instances(rightly: Rightly, _: Service, request: Request) -> Answer:
    answer = rightly(request)
    if "Filters" not in request:
        return answer
    return {**answer, "HaVipSet": [{**view, "InstanceId": ""} for view in answer["HaVipSet"]]}


# What is found


def _released_are_remembered() -> None:
    def carry_out(rightly: Rightly, service: Service, request: Request) -> Answer:
        released = service.network.havips.get(request.get("HaVipId", ""))
        if released is not None:
            gone[released.id] = havips._view(service, released)  # noqa: SLF001 - a mutant's
        answer = rightly(request)
        remembered = [gone[one] for one in request.get("HaVipIds", ()) if one in gone]
        return _found([*answer["HaVipSet"], *remembered]) if remembered else answer

    gone: dict[str, Answer] = {}
    change_action(carry_out, _DESCRIBE, "DeleteHaVip")


def _unknown_is_an_error(rightly: Rightly, _: Service, request: Request) -> Answer:
    answer = rightly(request)
    if "HaVipIds" in request and not answer["HaVipSet"]:
        raise ApiError("ResourceNotFound", "there is no such HAVIP")
    return answer


def _filters_before_ids(rightly: Rightly, _: Service, request: Request) -> Answer:
    return rightly({name: value for name, value in request.items() if name != "HaVipIds" or "Filters" not in request})


def _unknown_filters_are_ignored(rightly: Rightly, _: Service, request: Request) -> Answer:
    try:
        return rightly(request)
    except ApiError as error:
        if error.code != "InvalidParameter.FilterInvalidKey":
            raise
        return rightly({**request, "Filters": [one for one in request["Filters"] if one["Name"] == "vpc-id"]})


def _first_values_count(rightly: Rightly, _: Service, request: Request) -> Answer:
    filters = [{**one, "Values": one["Values"][:_VALUES]} for one in request.get("Filters", ())]
    return rightly({**request, "Filters": filters} if filters else request)


def _filters_widen(rightly: Rightly, _: Service, request: Request) -> Answer:
    filters = request.get("Filters", ())
    if len(filters) <= 1:
        return rightly(request)
    rightly(request)  # refuses what is to be refused
    found = [view for one in filters for view in rightly({**request, "Filters": [one]})["HaVipSet"]]
    return _found({view["HaVipId"]: view for view in found}.values())


def _booleans_are_small(rightly: Rightly, _: Service, request: Request) -> Answer:
    answer = rightly(request)
    is_asked = {"TRUE", "FALSE"} & {value for one in request.get("Filters", ()) for value in one["Values"]}
    return _found(()) if is_asked else answer


def _beginnings_are_enough(rightly: Rightly, _: Service, request: Request) -> Answer:
    filters = request.get("Filters", ())
    beginnings = tuple(value for one in filters if one["Name"] == "vip" for value in one["Values"])
    rest = [one for one in filters if one["Name"] != "vip"]
    rightly(request)  # refuses what is to be refused
    if not beginnings:
        return rightly(request)
    return _found(
        view for view in rightly({**request, "Filters": rest})["HaVipSet"] if view["Vip"].startswith(beginnings)
    )


def _long_pages(rightly: Rightly, _: Service, request: Request) -> Answer:
    return rightly({"Limit": _LARGEST_PAGE, **request})


def _large_pages_are_cut(rightly: Rightly, _: Service, request: Request) -> Answer:
    return rightly({**request, "Limit": min(request.get("Limit", _PAGE), _LARGEST_PAGE)})


def _no_limit_is_the_default(rightly: Rightly, _: Service, request: Request) -> Answer:
    return rightly({**request, "Limit": limit if (limit := request.get("Limit", _PAGE)) > 0 else _PAGE})


def _totals_of_pages(rightly: Rightly, _: Service, request: Request) -> Answer:
    return _found(rightly(request)["HaVipSet"])


def _pages_overlap(rightly: Rightly, _: Service, request: Request) -> Answer:
    return rightly({**request, "Offset": max(request.get("Offset", 0) - 1, 0)})


MUTANTS = (
    Mutant(
        "no-eip-is-null",
        "AddressIp is null while there is no elastic address.",
        frozenset({"HAVIP-API-007", "HAVIP-EIP-012"}),
        _show(_no_eip_is_null),
    ),
    Mutant(
        "unbind-is-spelt-unbound",
        "An unbound HAVIP's State is UNBOUND.",
        frozenset({"HAVIP-API-007"}),
        _show(_unbound),
    ),
    Mutant(
        "stamped-at-birth",
        "The stamp of the last binding change begins as the time of creation.",
        frozenset({"HAVIP-API-010"}),
        _show(_stamped_at_birth),
    ),
    Mutant(
        "born-at-binding",
        "CreatedTime is the time of the last binding change.",
        frozenset({"HAVIP-API-011"}),
        _show(_born_at_binding),
    ),
    Mutant(
        "owners-address-is-shown",
        "A bound HAVIP is shown with its owner's address.",
        frozenset({"HAVIP-ADDR-018"}),
        _show(_owners_address),
    ),
    Mutant(
        "names-come-late",
        "The first description of a HAVIP by its id lacks its name.",
        frozenset({"HAVIP-ADDR-014", "HAVIP-API-004", "HAVIP-API-023", "HAVIP-BIND-004"}),
        _names_come_late,
    ),
    Mutant(
        "instances-lag",
        "From a HAVIP's eleventh description on, the instance is the one of the description before.",
        frozenset({"HAVIP-API-009"}),
        _instances_lag,
    ),
    Mutant(
        "lists-without-instances",
        "HAVIPs that are found by filters are shown without instance.",
        frozenset({"HAVIP-API-008"}),
        _describe(_lists_without_instances),
    ),
    Mutant(
        "released-are-remembered",
        "A released HAVIP is still found by its id.",
        frozenset({"HAVIP-API-021", "HAVIP-RELEASE-001"}),
        _released_are_remembered,
    ),
    Mutant(
        "unknown-is-an-error",
        "Asking for an unknown HAVIP is an error.",
        frozenset({"HAVIP-API-021", "HAVIP-API-024", "HAVIP-RELEASE-001"}),
        _describe(_unknown_is_an_error),
    ),
    Mutant(
        "filters-before-ids",
        "Ids are ignored where there are filters.",
        frozenset({"HAVIP-API-025"}),
        _describe(_filters_before_ids),
    ),
    Mutant(
        "unknown-filters-are-ignored",
        "A question with an unknown filter is answered without it.",
        frozenset({"HAVIP-API-026"}),
        _describe(_unknown_filters_are_ignored),
    ),
    Mutant(
        "first-values-count",
        "A filter's values beyond the fifth are ignored.",
        frozenset({"HAVIP-API-026"}),
        _describe(_first_values_count),
    ),
    Mutant(
        "filters-widen",
        "What passes one filter of several is found.",
        frozenset({"HAVIP-API-026", "HAVIP-API-027", "HAVIP-API-028"}),
        _describe(_filters_widen),
    ),
    Mutant(
        "truth-in-capitals-is-none",
        "No HAVIP passes a filter of TRUE or FALSE.",
        frozenset({"HAVIP-API-027"}),
        _describe(_booleans_are_small),
    ),
    Mutant(
        "beginnings-are-enough",
        "The filter by address finds all addresses that begin so.",
        frozenset({"HAVIP-API-027", "HAVIP-API-028"}),
        _describe(_beginnings_are_enough),
    ),
    Mutant(
        "long-pages",
        "A page has 100 HAVIPs unless told otherwise.",
        frozenset({"HAVIP-API-029"}),
        _describe(_long_pages),
    ),
    Mutant(
        "large-pages-are-cut",
        "A page of more than 100 HAVIPs is cut to 100.",
        frozenset({"HAVIP-API-029"}),
        _describe(_large_pages_are_cut),
    ),
    Mutant(
        "no-limit-is-the-default",
        "A Limit below 1 is the default one.",
        frozenset({"HAVIP-API-030"}),
        _describe(_no_limit_is_the_default),
    ),
    Mutant(
        "totals-of-pages",
        "TotalCount is that of the page.",
        frozenset({"HAVIP-API-031"}),
        _describe(_totals_of_pages),
    ),
    Mutant(
        "pages-overlap",
        "A page begins with the last HAVIP of the one before.",
        frozenset({"HAVIP-API-031"}),
        _describe(_pages_overlap),
    ),
)
