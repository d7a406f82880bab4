# SPDX-License-Identifier: Apache-2.0
"""IP addresses."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network

# RFC 1918, section 3.
_PRIVATE_NETWORKS = (
    IPv4Network("10.0.0.0/8"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
)


def is_private_subnet(ip: str) -> bool:
    """Whether an IPv4 address is private by RFC 1918. :raises OSError: it is no IPv4 address."""
    address = IPv4Address(socket.inet_aton(ip))
    return any(address in network for network in _PRIVATE_NETWORKS)


def is_public_subnet(ip: str) -> bool:
    return not is_private_subnet(ip)


def is_valid_ip_address(address: str, family: int = socket.AF_INET) -> bool:
    """Return whether ``address`` is a complete address of ``family``."""
    try:
        socket.inet_pton(family, address)
    except OSError:
        return False
    return True


def join_ipv4_segments(segments: Iterable[object]) -> str:
    return ".".join(str(segment) for segment in segments)


def increment_ipv4_segments(segments: Sequence[int | str]) -> list[int]:
    """Return the address after ``segments``; the first number may become 256."""
    values = [int(segment) for segment in segments]
    index = len(values) - 1
    while index > 0 and values[index] >= 255:
        values[index] = 0
        index -= 1
    values[index] += 1
    return values
