from ipaddress import IPv4Address

from pytest_havip.wire import ipv4


def test_a_packet_is_read_by_scapy_as_it_was_meant() -> None:
    from scapy.layers.inet import IP  # noqa: PLC0415 - it takes a while to import

    data = ipv4.encode(IPv4Address("10.0.0.3"), IPv4Address("224.0.0.18"), protocol=112, payload=b"advert")
    packet = IP(data)
    assert (packet.src, packet.dst, packet.proto, packet.len) == ("10.0.0.3", "224.0.0.18", 112, len(data))
    computed = IP(bytes(IP(src="10.0.0.3", dst="224.0.0.18", proto=112, id=0, ttl=64) / b"advert"))
    assert packet.chksum == computed.chksum


def test_a_right_header_sums_to_nothing() -> None:
    header = ipv4.encode(IPv4Address("10.0.0.3"), IPv4Address("10.0.0.4"))
    assert len(header) == ipv4.HEADER_LENGTH
    assert ipv4.checksum(header) == 0
