"""How the network says no: a code of the Tencent API and a sentence for the caller."""

from enum import StrEnum

__all__ = ["Code", "Refused"]


class Code(StrEnum):
    """The error codes of the service ``vpc``, version 2017-03-12, that this network gives."""

    DUPLICATE = "InvalidParameterValue.Duplicate"
    DUPLICATED_ASSOCIATION = "InvalidParameterValue.DuplicatedHaVipAssociations"
    EIP_NOT_FOUND = "InvalidParameterValue.AddressNotFound"
    EMPTY = "InvalidParameterValue.Empty"
    INVALID = "InvalidParameterValue"
    MALFORMED = "InvalidParameterValue.Malformed"
    RANGE = "InvalidParameterValue.Range"
    NEXT_HOP = "InvalidParameterValue.RouteNextHopInvalid"
    RESERVED = "InvalidParameterValue.Reserved"
    TOO_LONG = "InvalidParameterValue.TooLong"
    CIDR_CONFLICT = "InvalidParameterValue.SubnetConflict"
    EIP_LIMIT_EXCEEDED = "AddressQuotaLimitExceeded"
    LIMIT_EXCEEDED = "LimitExceeded"
    IN_USE = "ResourceInUse"
    INSUFFICIENT = "ResourceInsufficient"
    NOT_FOUND = "ResourceNotFound"
    SUBNET_NOT_IN_VPC = "UnsupportedOperation.SubnetNotExists"
    INVALID_STATE = "UnsupportedOperation.InvalidState"
    EIP_STATUS = "UnsupportedOperation.AddressStatusNotPermit"
    HAS_EIP = "UnsupportedOperation.BindEIP"
    HAS_NO_EIP = "UnsupportedOperation.UnbindEIP"
    IN_RANGE = "UnsupportedOperation.InstanceAssociateHavip"
    PRIMARY_ADDRESS = "UnsupportedOperation.PrimaryIp"
    UNAUTHORIZED = "UnauthorizedOperation"
    UNSUPPORTED = "UnsupportedOperation"


class Refused(Exception):
    """The network does not do what it was asked; nothing has changed. ``code`` is the API's, ``message`` says why."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
