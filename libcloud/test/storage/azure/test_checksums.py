# SPDX-License-Identifier: Apache-2.0
"""The checksum of a block: CRC-64 where awscrt is installed, otherwise MD5."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from libcloud.storage.azure.checksums import block_digest, checksum_of, md5_digest
from libcloud.test.storage.fakes.azure_digests import crc64
from libcloud.utils.bodies import Pieces, awscrt_checksum


@pytest.fixture(autouse=True)
def look_again_for_awscrt() -> Iterator[None]:
    awscrt_checksum.cache_clear()
    yield
    awscrt_checksum.cache_clear()


def test_the_crc_64_is_that_of_azure() -> None:
    pytest.importorskip("awscrt")
    # Of a test of Azure's SDK for C++.
    assert block_digest(b"Hello Azure!").headers == {"x-ms-content-crc64": "DtjZpL9/o8c="}
    assert crc64(b"Hello Azure!") == "DtjZpL9/o8c="


def test_pieces_have_the_crc_64_of_the_whole() -> None:
    pytest.importorskip("awscrt")
    whole = block_digest(b"Hello Azure!")
    assert block_digest(Pieces([b"Hello ", memoryview(b"Azure!")])) == whole


def test_without_awscrt_it_is_an_md5(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "awscrt", None)
    assert block_digest(b"abc") == md5_digest(b"abc")


def test_with_an_awscrt_that_is_too_old_it_is_an_md5(monkeypatch: pytest.MonkeyPatch) -> None:
    too_old = ModuleType("awscrt")
    vars(too_old)["checksums"] = ModuleType("awscrt.checksums")
    monkeypatch.setitem(sys.modules, "awscrt", too_old)
    assert block_digest(b"abc") == md5_digest(b"abc")


def test_a_response_knows_how_much_arrived() -> None:
    headers = {"x-ms-content-crc64": "DtjZpL9/o8c=", "content-md5": "kAFQmDzST7DWlj99KOF/cg=="}
    assert checksum_of(headers, "md5") == md5_digest(b"abc").value
    assert (checksum_of(headers, "crc64") or b"").hex() == "0ed8d9a4bf7fa3c7"
    assert checksum_of({}, "crc64") is None
    assert checksum_of({"x-ms-content-crc64": "?"}, "crc64") is None
