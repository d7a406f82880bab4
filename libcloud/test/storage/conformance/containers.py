# SPDX-License-Identifier: Apache-2.0
"""Behaviour of containers."""

from __future__ import annotations

import contextlib
import os

import pytest

from libcloud.storage.base import Container, Object
from libcloud.storage.types import (
    ContainerAlreadyExistsError,
    ContainerDoesNotExistError,
    ContainerError,
    ContainerIsNotEmptyError,
    ObjectDoesNotExistError,
)
from libcloud.test.storage.conformance.harness import Harness, needs

MISSING = "conformance-no-such-container"


def a_created_container_is_listed_and_found(h: Harness) -> None:
    container = h.container()
    assert container.name in [found.name for found in h.driver.list_containers()]
    found = h.driver.get_container(container.name)
    assert (found.name, found.driver) == (container.name, h.driver)


def a_new_container_is_empty(h: Harness) -> None:
    assert h.container().list_objects() == []


def a_missing_container_is_reported_by_name(h: Harness) -> None:
    with pytest.raises(ContainerDoesNotExistError) as caught:
        h.driver.get_container(MISSING)
    assert caught.value.container_name == MISSING


@needs("container_conflict")
def a_container_is_not_created_twice(h: Harness) -> None:
    container = h.container()
    with pytest.raises(ContainerAlreadyExistsError):
        h.driver.create_container(container.name)


@needs(not_=["container_conflict"])
def a_container_that_is_created_twice_keeps_what_is_in_it(h: Harness) -> None:
    """Whether it is an error or not."""
    container = h.container()
    h.put(container, "kept", b"still here")
    with contextlib.suppress(ContainerError):
        assert h.driver.create_container(container.name).name == container.name
    assert h.read(container, "kept") == b"still here"


def a_container_with_an_object_is_not_deleted(h: Harness) -> None:
    container = h.container()
    h.put(container, "kept", b"still here")
    with pytest.raises(ContainerIsNotEmptyError):
        container.delete()
    assert h.read(container, "kept") == b"still here"


def a_deleted_container_is_gone(h: Harness) -> None:
    container = h.container()
    assert h.driver.delete_container(container) is True
    assert container.name not in [found.name for found in h.driver.list_containers()]
    with pytest.raises(ContainerDoesNotExistError):
        h.driver.get_container(container.name)


def deleting_a_container_twice_is_reported(h: Harness) -> None:
    container = h.container()
    container.delete()
    with pytest.raises(ContainerDoesNotExistError):
        container.delete()


def an_object_in_a_missing_container_is_reported(h: Harness) -> None:
    with pytest.raises(ContainerDoesNotExistError) as caught:
        h.driver.get_object(MISSING, "x")
    assert not isinstance(caught.value, ObjectDoesNotExistError)


def objects_of_a_missing_container_cannot_be_read_or_deleted(h: Harness) -> None:
    obj = Object("x", 1, "", {}, {}, Container(MISSING, {}, h.driver), h.driver)
    path = h.file(b"") + ".new"
    for action in (
        lambda: list(obj.as_stream()),
        lambda: obj.download(path),
        lambda: list(obj.range_as_stream(0, 1)),
        lambda: obj.download_range(path, 0, 1),
        obj.delete,
    ):
        with pytest.raises(ObjectDoesNotExistError) as caught:
            action()
        assert caught.value.object_name == "x"
        assert not os.path.exists(path)


def listing_a_missing_container_is_reported(h: Harness) -> None:
    container = h.container()
    container.delete()
    with pytest.raises(ContainerDoesNotExistError):
        container.list_objects()


def a_stream_into_a_missing_container_is_reported(h: Harness) -> None:
    container = h.container()
    container.delete()
    with pytest.raises(ContainerDoesNotExistError):
        h.stream(container, "x", iter([b"short"]))


def a_long_stream_into_a_missing_container_is_reported(h: Harness) -> None:
    container = h.container()
    container.delete()
    with pytest.raises(ContainerDoesNotExistError):
        h.stream(container, "x", iter([bytes(h.part_size)] * 3))


def a_file_into_a_missing_container_is_reported(h: Harness) -> None:
    container = h.container()
    container.delete()
    with pytest.raises(ContainerDoesNotExistError):
        container.upload_object(h.file(b"content"), "x")
