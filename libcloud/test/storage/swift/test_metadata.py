# SPDX-License-Identifier: Apache-2.0
"""Metadata of objects in Swift: what it sends and what it reads."""

from __future__ import annotations

from libcloud.storage.base import Container
from libcloud.storage.drivers.cloudfiles import OpenStackSwiftStorageDriver
from libcloud.storage.swift import requests


def test_an_empty_value_is_kept_although_swift_removes_those(
    driver: OpenStackSwiftStorageDriver, container: Container
) -> None:
    extra = {"meta_data": {"empty": "", "full": "1"}}
    container.upload_object_via_stream(iter([b"abc"]), "object", extra)
    assert driver.get_object("docs", "object").meta_data == {"empty": "", "full": "1"}
    assert requests.metadata_headers({"empty": ""}) == {"X-Object-Meta-empty": "=?UTF-8?B??="}


def test_what_other_clients_store_as_utf_8_is_read() -> None:
    raw = "grüße".encode().decode("latin-1")
    headers = {"x-object-meta-a": raw, "x-object-meta-b": "50%41", "etag": "x"}
    assert requests.metadata_in(headers) == {"a": "grüße", "b": "50%41"}


def test_text_that_looks_like_utf_8_comes_back(
    driver: OpenStackSwiftStorageDriver, container: Container
) -> None:
    text = "ü".encode().decode("latin-1")
    container.upload_object_via_stream(iter([b"abc"]), "object", {"meta_data": {"a": text}})
    assert driver.get_object("docs", "object").meta_data == {"a": text}


def test_text_that_is_latin_1_stays_as_it_is() -> None:
    assert requests.metadata_in({"x-object-meta-a": "gr\xfc\xdfe"}) == {"a": "grüße"}
