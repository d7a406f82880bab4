# SPDX-License-Identifier: Apache-2.0
"""The driver on a real Swift, if Debian's packages are installed: one start for all of it."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest

from libcloud.storage.drivers.cloudfiles import OpenStackSwiftStorageDriver
from libcloud.test.storage.conformance import failures, metadata, names, uploads
from libcloud.test.storage.conformance.harness import Behaviour, Harness, behaviours, declared
from libcloud.test.storage.conformance.targets import swift_driver
from libcloud.test.storage.fakes.servers import Endpoint
from libcloud.test.storage.fakes.swift_server import missing_programs, swift_server

# What depends on the store; all is held to on the fake.
NAMES = ("names_with_dot_segments", "names_with_control_characters", "the_longest_name")
SUITE = list(behaviours(failures, metadata, uploads))
SUITE += [one for one in behaviours(names) if one.name in NAMES]


def broken(endpoint: Endpoint, behaviour: Behaviour, folder: Path) -> str | None:
    """Why the driver does not behave so; ``None`` if it does."""
    driver = swift_driver(endpoint, folder)
    features = declared(driver.capabilities)
    if not behaviour.concerns(features):
        return None
    folder.mkdir()
    harness = Harness(driver, features, 2000, folder)
    try:
        behaviour.check(harness)
    except Exception as error:
        return f"{behaviour.name}: {error!r}"
    finally:
        harness.clean_up()
    return None


def connect(endpoint: Endpoint) -> OpenStackSwiftStorageDriver:
    return OpenStackSwiftStorageDriver(
        endpoint.key, endpoint.secret, secure=False, host=endpoint.host, port=endpoint.port
    )


def copied_and_read_by_url(endpoint: Endpoint) -> bytes:
    """The store copies a large object, and a temporary URL reads it: none of it is on the fake."""
    driver = connect(endpoint)
    container = driver.create_container("a name")
    stored = container.upload_object_via_stream(iter([b"x" * 5000]), "ü/1", ex_part_size=1000)
    copied = driver.ex_copy_object(stored, container, "ü/2")
    stored.delete()
    driver.ex_set_account_metadata_temp_url_key("a key of the tests")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(driver.ex_get_object_temp_url(copied), timeout=30) as response:
        body: bytes = response.read()
        return body


def dynamic_large_object(endpoint: Endpoint, path: Path) -> bytes:
    """A listing says that it is empty; it is saved whole, and copied with its properties."""
    driver = connect(endpoint)
    container = driver.create_container("dynamic")
    for number in range(2):
        container.upload_object_via_stream(iter([b"y" * 50]), f"part/{number}")
    manifest = {"X-Object-Manifest": "dynamic/part/", "Content-Encoding": "br"}
    driver.connection.request("/dynamic/whole", method="PUT", headers=manifest)
    (listed,) = container.list_objects(prefix="whole")
    assert listed.size == 0 and listed.download(str(path))
    copied = driver.ex_copy_object(listed, container, "copy")
    found = container.get_object("copy")
    assert (copied.size, found.size, found.extra["content_encoding"]) == (100, 100, "br")
    return path.read_bytes()


@pytest.mark.slow
def test_a_real_swift_is_as_the_fake(tmp_path: Path) -> None:
    missing = missing_programs()
    if missing:
        pytest.skip(f"Swift is not installed: {', '.join(missing)}")
    with swift_server() as endpoint:
        found = [broken(endpoint, one, tmp_path / one.name) for one in SUITE]
        assert copied_and_read_by_url(endpoint) == b"x" * 5000
        assert dynamic_large_object(endpoint, tmp_path / "whole") == b"y" * 100
    assert [text for text in found if text is not None] == []
