# SPDX-License-Identifier: Apache-2.0
"""Where requests go: to the store itself, and to the container that was meant."""

from __future__ import annotations

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container
from libcloud.storage.drivers.cloudfiles import OpenStackSwiftStorageDriver
from libcloud.storage.types import InvalidContainerNameError
from libcloud.test.storage.fakes.swift import FakeSwift
from libcloud.test.storage.fakes.wire import Answer
from libcloud.test.storage.swift.conftest import Connect


def test_data_and_token_do_not_follow_a_redirect(fake: FakeSwift, container: Container) -> None:
    def send_away(server: FakeSwift, operation: str, request: object) -> Answer:
        fields = (("Location", f"http://127.0.0.2:{server.port}/v1/AUTH_test/docs/name"),)
        return Answer(307, fields, b"")

    fake.faults.append(("PUT object", send_away))
    fake.log.clear()
    with pytest.raises(LibcloudError, match=r"307, .*not followed") as caught:
        container.upload_object_via_stream(iter([b"small"]), "name")
    assert caught.value.status == 307  # type: ignore[attr-defined]
    assert fake.log.count("PUT object") == 1


@pytest.mark.parametrize("name", [".", "..", "a\0b", "a/b", ""])
def test_a_container_name_of_another_path_is_refused_without_a_request(
    fake: FakeSwift, driver: OpenStackSwiftStorageDriver, name: str
) -> None:
    box = Container(name, {}, driver)
    for call in (
        lambda: driver.create_container(name),
        lambda: driver.get_container(name),
        lambda: driver.delete_container(box),
        lambda: list(driver.iterate_container_objects(box)),
        lambda: box.upload_object_via_stream(iter([b"small"]), "name"),
    ):
        with pytest.raises(InvalidContainerNameError):
            call()
    assert fake.log == []


@pytest.mark.parametrize("name", ["..", "a/{container}", "{container}" * 100])
def test_a_segment_container_of_another_path_is_refused_before_anything_is_sent_there(
    fake: FakeSwift, connect: Connect, name: str
) -> None:
    box = connect(ex_segment_container=name).create_container("docs")
    with pytest.raises(InvalidContainerNameError, match="docs/big: its segments"):
        box.upload_object_via_stream(iter([b"x" * 5000]), "big", ex_part_size=1000)
    assert list(fake.containers) == ["docs"]
    assert box.upload_object_via_stream(iter([b"small"]), "name").size == 5
