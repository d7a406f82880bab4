# SPDX-License-Identifier: Apache-2.0
"""Digests that Azure computes, as its headers have them."""

from __future__ import annotations

import base64
import hashlib

_POLYNOMIAL = 0x9A6C9329AC4BC9B5  # reflected


def md5(body: bytes | bytearray) -> str:
    """As a header has it."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def crc64(body: bytes | bytearray) -> str:
    """Azure's CRC-64, bit by bit, as a header has it."""
    value = (1 << 64) - 1
    for byte in body:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
    return base64.b64encode((value ^ ((1 << 64) - 1)).to_bytes(8, "little")).decode()
