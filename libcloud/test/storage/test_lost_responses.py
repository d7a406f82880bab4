# SPDX-License-Identifier: Apache-2.0
"""Requests that cannot be repeated unnoticed, and whose response is lost: they count as done once.

The retry meets what the first attempt did: the container exists, the object is gone, the condition
does not hold any more. That is no error then; without a lost response it is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from libcloud.storage.base import Container
from libcloud.storage.drivers.azure_blobs import AzureBlobsStorageDriver
from libcloud.storage.drivers.google_storage import GoogleStorageDriver
from libcloud.storage.types import (
    ContainerAlreadyExistsError,
    ContainerDoesNotExistError,
    ObjectDoesNotExistError,
    PreconditionFailedError,
)
from libcloud.test.storage.fakes.azure import FakeAzure
from libcloud.test.storage.fakes.faults import Action, LoseAnswer, Status
from libcloud.test.storage.fakes.options import AMAZON, GOOGLE
from libcloud.test.storage.fakes.swift import FakeSwift, Fault
from libcloud.test.storage.fakes.swift_faults import give_up, lose_answer
from libcloud.test.storage.s3_servers import store

LOST = LoseAnswer()


@dataclass
class Place:
    """A store.

    :param lose: loses the response to the next request of an operation.
    """

    driver: Any
    lose: Callable[[str], None]
    operations: dict[str, str]

    def lost(self, step: str) -> None:
        self.lose(self.operations[step])


@contextlib.contextmanager
def amazon(google: bool = False) -> Iterator[Place]:
    options = GOOGLE if google else replace(AMAZON, region="eu-central-1")
    options = replace(options, key="GOOG0123456789ABCXYZ")
    kind = GoogleStorageDriver if google else None
    with store(options, kind, buckets=()) as there:

        def lose(operation: str) -> None:
            there.server.faults.add(operation, LoseAnswer())

        names = {"create": "CreateBucket", "delete container": "DeleteBucket"}
        yield Place(there.driver, lose, {**names, "delete": "DeleteObject"})
        assert list(there.server.faults.pending) == []


@contextlib.contextmanager
def azure(fault: Action = LOST) -> Iterator[Place]:
    with FakeAzure() as fake:
        driver = fake.connect()

        def lose(operation: str) -> None:
            fake.faults.add(operation, fault)

        names = {
            "create": "CreateContainer",
            "delete container": "DeleteContainer",
            "delete": "DeleteBlob",
            "copy": "CopyBlob",
        }
        yield Place(driver, lose, names)
        assert list(fake.faults.pending) == []


@contextlib.contextmanager
def swift(fault: Fault = lose_answer) -> Iterator[Place]:
    with FakeSwift() as fake:
        driver = fake.connect()

        def lose(operation: str) -> None:
            fake.faults.append((operation, fault))

        names = {
            "create": "PUT container",
            "delete container": "DELETE container",
            "delete": "DELETE object",
            "copy": "PUT object",
        }
        yield Place(driver, lose, names)
        assert fake.faults == []


STORES: dict[str, Callable[[], contextlib.AbstractContextManager[Place]]] = {
    "amazon": amazon,
    "google": lambda: amazon(google=True),
    "azure": azure,
    "swift": swift,
    # A proxy answers while the store still works.
    "swift-504": lambda: swift(give_up(504)),
}
COPYING = {name: STORES[name] for name in ("azure", "swift")}


@pytest.fixture(params=STORES)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    with STORES[request.param]() as found:
        yield found


@pytest.fixture(params=COPYING)
def copying(request: pytest.FixtureRequest) -> Iterator[Place]:
    with COPYING[request.param]() as found:
        yield found


def test_a_container_is_created_once(place: Place) -> None:
    place.lost("create")
    assert place.driver.create_container("box").name == "box"
    assert [container.name for container in place.driver.iterate_containers()] == ["box"]


def test_a_container_that_was_there_is_a_conflict(place: Place) -> None:
    place.driver.create_container("box")
    with pytest.raises(ContainerAlreadyExistsError):
        place.driver.create_container("box")


def test_a_container_is_deleted_once(place: Place) -> None:
    container = place.driver.create_container("box")
    place.lost("delete container")
    assert place.driver.delete_container(container)
    assert list(place.driver.iterate_containers()) == []
    with pytest.raises(ContainerDoesNotExistError):
        place.driver.delete_container(container)


def test_an_object_is_deleted_once(place: Place) -> None:
    container = place.driver.create_container("box")
    found = place.driver.upload_object_via_stream(iter([b"abc"]), container, "a")
    place.lost("delete")
    assert place.driver.delete_object(found)
    with pytest.raises(ObjectDoesNotExistError):
        place.driver.get_object("box", "a")


def test_an_attempt_that_was_refused_leaves_a_conflict_a_conflict() -> None:
    with azure(Status(503, "ServerBusy")) as place:
        place.driver.create_container("box")
        place.lost("create")
        with pytest.raises(ContainerAlreadyExistsError):
            place.driver.create_container("box")


def test_an_old_azure_container_is_a_conflict_after_a_lost_response_too() -> None:
    with FakeAzure() as fake:
        driver = fake.connect()
        driver.create_container("box")
        fake.containers["box"] -= timedelta(days=1)
        fake.faults.add("CreateContainer", Status(500, "OperationTimedOut"))
        with pytest.raises(ContainerAlreadyExistsError):
            driver.create_container("box")


@pytest.mark.parametrize("hours", [0, 24])
def test_an_old_swift_container_with_objects_is_a_conflict_after_a_lost_response_too(
    hours: int,
) -> None:
    """One that is as young as the request may be its own, with an object of another program."""
    with FakeSwift() as fake:
        driver = fake.connect()
        container = driver.create_container("box")
        driver.upload_object_via_stream(iter([b"abc"]), container, "a")
        fake.container_headers["box"]["X-Timestamp"] = str(fake.clock - hours * 3600)
        fake.faults.append(("PUT container", give_up(504)))
        if hours:
            with pytest.raises(ContainerAlreadyExistsError):
                driver.create_container("box")
        else:
            assert driver.create_container("box").name == "box"


def condition(place: Place) -> dict[str, Any]:
    if isinstance(place.driver, AzureBlobsStorageDriver):
        return {"ex_if_none_match": "*"}
    return {"headers": {"If-None-Match": "*"}}


def test_a_conditional_copy_is_made_once(copying: Place) -> None:
    container = copying.driver.create_container("box")
    found = copying.driver.upload_object_via_stream(iter([b"abc"]), container, "a")
    copying.lost("copy")
    copied = copying.driver.ex_copy_object(found, container, "b", **condition(copying))
    assert (copied.name, copied.size) == ("b", 3)
    assert b"".join(copied.as_stream()) == b"abc"


def test_a_copy_over_another_object_is_a_conflict_after_a_lost_response_too(copying: Place) -> None:
    """The response that is lost is itself the refusal."""
    container = copying.driver.create_container("box")
    found = copying.driver.upload_object_via_stream(iter([b"abc"]), container, "a")
    copying.driver.upload_object_via_stream(iter([b"other"]), container, "b")
    copying.lost("copy")
    with pytest.raises(PreconditionFailedError):
        copying.driver.ex_copy_object(found, container, "b", **condition(copying))
    assert copying.driver.get_object("box", "b").size == 5


def test_a_copy_that_was_made_long_before_is_a_conflict(
    copying: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    from libcloud.storage.azure import copying as of_azure
    from libcloud.storage.transfer.upload import times

    container: Container = copying.driver.create_container("box")
    found = copying.driver.upload_object_via_stream(iter([b"abc"]), container, "a")
    copying.driver.ex_copy_object(found, container, "b")
    for module in (of_azure, times):
        monkeypatch.setattr(
            module, "is_recent", lambda headers, seconds: seconds > timedelta(hours=1).seconds
        )
    copying.lost("copy")
    with pytest.raises(PreconditionFailedError):
        copying.driver.ex_copy_object(found, container, "b", **condition(copying))
