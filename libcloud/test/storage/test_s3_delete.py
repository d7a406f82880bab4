# SPDX-License-Identifier: Apache-2.0
"""Many objects deleted at once: what became of each, whatever goes wrong with some."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest

from libcloud.common.types import InvalidCredsError
from libcloud.storage.base import Container
from libcloud.storage.drivers.s3 import DeletedObject, FailedDeletion, S3StorageDriver
from libcloud.storage.s3 import profiles
from libcloud.storage.types import ContainerDoesNotExistError, InvalidObjectNameError
from libcloud.test.storage.fakes.faults import Action, Drop, ErrorIn200, Hold, LoseAnswer, Status
from libcloud.test.storage.fakes.options import AMAZON
from libcloud.test.storage.fakes.servers import Endpoint, moto_server, rclone_server
from libcloud.test.storage.fakes.wire import Answer
from libcloud.test.storage.s3_servers import BUCKET, Store, store

LOCKED = replace(AMAZON, undeletable=frozenset({"locked"}))


@pytest.fixture(params=["4", "2"])
def either(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A store, with a driver that signs by either version."""
    with store(version=request.param, buckets=(BUCKET, "other")) as made:
        yield made


@pytest.fixture
def locked() -> Iterator[Store]:
    """A store in which one object cannot be deleted."""
    with store(LOCKED, buckets=(BUCKET, "other")) as made:
        yield made


def fill(made: Store, *names: str, bucket: str = BUCKET) -> list[Any]:
    container = Container(bucket, {}, made.driver)
    return [made.driver.upload_object_via_stream(iter([b"x"]), container, name) for name in names]


def deletions(made: Store) -> list[str]:
    return [one for one in made.server.operations() if one.startswith("Delete")]


def gone(*names: str) -> list[DeletedObject]:
    return [DeletedObject(BUCKET, name) for name in names]


def test_objects_and_names_are_deleted_by_one_request(either: Store) -> None:
    objects = fill(either, "a", "b&<>'\"", "é//x", "kept")[:3]
    results = either.driver.ex_delete_objects([*objects, "never there"], either.container)
    assert results == gone("a", "b&<>'\"", "é//x", "never there")
    assert all(result.deleted for result in results)
    assert deletions(either) == ["DeleteObjects"]
    either.assert_nothing_is_left("kept")
    (request,) = either.requests("DeleteObjects")
    assert request.headers["content-md5"]


@pytest.mark.parametrize("quiet", [False, True])
def test_one_that_fails_does_not_stop_the_others(locked: Store, quiet: bool) -> None:
    names = ["a", "locked", "b"]
    fill(locked, *names)
    first, second, third = locked.driver.ex_delete_objects(names, locked.container, quiet=quiet)
    assert [first, third] == gone("a", "b")
    assert isinstance(second, FailedDeletion)
    assert (second.container_name, second.object_name) == (BUCKET, "locked")
    assert (second.deleted, second.code) == (False, "AccessDenied")
    assert "bucket/locked" in str(second.error) and "Access Denied" in str(second.error)
    assert deletions(locked) == ["DeleteObjects"]
    assert (b"<Quiet>true</Quiet>" in locked.requests("DeleteObjects")[0].body) is quiet
    locked.assert_nothing_is_left("locked")


def test_a_thousand_go_with_one_request() -> None:
    names = [f"object {number}" for number in range(2001)]
    with store() as made:
        results = made.driver.ex_delete_objects(iter(names), made.container)
        assert results == gone(*names)
        bodies = [entry.body for entry in made.requests("DeleteObjects")]
    assert sorted(len(ElementTree.fromstring(body)) for body in bodies) == [1, 1000, 1000]


def test_objects_of_several_containers_and_repeated_ones(locked: Store) -> None:
    here, there = fill(locked, "a", "b"), fill(locked, "a", bucket="other")
    results = locked.driver.ex_delete_objects([here[1], there[0], here[0], here[1]])
    assert results == [
        DeletedObject(BUCKET, "b"),
        DeletedObject("other", "a"),
        DeletedObject(BUCKET, "a"),
        DeletedObject(BUCKET, "b"),
    ]
    assert deletions(locked) == ["DeleteObjects", "DeleteObjects"]
    locked.assert_nothing_is_left()


def test_an_empty_list_sends_no_request(locked: Store) -> None:
    assert locked.driver.ex_delete_objects([]) == []
    assert not locked.server.requests


def test_names_that_xml_cannot_hold_are_deleted_one_by_one(either: Store) -> None:
    names = ["plain", "a\x01b", "a\rb", "a\nb", " a", "a ", "also plain"]
    fill(either, "a b", "a", *names)
    results = either.driver.ex_delete_objects(names, either.container)
    assert results == gone(*names)
    assert sorted(deletions(either)) == ["DeleteObject"] * 5 + ["DeleteObjects"]
    either.assert_nothing_is_left("a", "a b")


def test_a_name_that_no_store_can_hold_spoils_no_other(locked: Store) -> None:
    fill(locked, "a")
    results = locked.driver.ex_delete_objects(["", "a", "k" * 1025, "\ud800"], locked.container)
    assert results[1] == DeletedObject(BUCKET, "a")
    for result in (results[0], results[2], results[3]):
        assert isinstance(result, FailedDeletion)
        assert isinstance(result.error, InvalidObjectNameError)
    assert deletions(locked) == ["DeleteObjects"]


@pytest.mark.parametrize("announced", [True, False])
def test_a_store_without_the_request_deletes_one_by_one(announced: bool) -> None:
    profile = replace(profiles.AMAZON, bulk_delete=not announced)
    with store(replace(LOCKED, bulk_delete=False), ex_profile=profile) as made:
        fill(made, "a", "locked", "b")
        results = made.driver.ex_delete_objects(["a", "locked", "b", "c"], made.container)
        assert [result.deleted for result in results] == [True, False, True, True]
        assert isinstance(results[1].error, InvalidCredsError)
        asked = [] if announced else ["DeleteObjects"]
        assert deletions(made) == [*asked, *["DeleteObject"] * 4]
        made.assert_nothing_is_left("locked")


# What is refused


def test_one_name_is_no_list_of_names(locked: Store) -> None:
    (obj,) = fill(locked, "a")
    for one in ("abc", obj):
        with pytest.raises(TypeError, match="list"):
            locked.driver.ex_delete_objects(one, locked.container)
    assert deletions(locked) == []


def test_it_must_be_clear_which_object_is_meant(locked: Store) -> None:
    (obj,) = fill(locked, "a")
    with pytest.raises(ValueError, match="container"):
        locked.driver.ex_delete_objects(["a"])
    with pytest.raises(ValueError, match="not in other"):
        locked.driver.ex_delete_objects([obj], Container("other", {}, locked.driver))
    with store() as elsewhere, pytest.raises(ValueError, match="another store"):
        elsewhere.driver.ex_delete_objects([obj])
    assert deletions(locked) == []


# What goes wrong


@pytest.mark.parametrize(
    "fault", [Status(503, "SlowDown"), Drop(), LoseAnswer(), ErrorIn200(), Status(500)]
)
def test_a_transient_fault_is_retried(locked: Store, fault: Action) -> None:
    fill(locked, "a", "b")
    rule = locked.server.faults.add("DeleteObjects", fault)
    assert locked.driver.ex_delete_objects(["a", "b"], locked.container) == gone("a", "b")
    assert rule.fired == 1
    locked.assert_nothing_is_left()


@pytest.mark.parametrize("fault", [Status(403, "AccessDenied"), Drop(), Status(503)])
def test_a_lasting_fault_is_the_result_of_each(locked: Store, fault: Action) -> None:
    fill(locked, "a", "b")
    rule = locked.server.faults.add("DeleteObjects", fault, times=None)
    locked.server.faults.add("DeleteObject", fault, times=None)
    results = locked.driver.ex_delete_objects(["a", "b"], locked.container)
    assert [result.object_name for result in results] == ["a", "b"]
    assert not any(result.deleted for result in results)
    assert rule.fired == (1 if fault == Status(403, "AccessDenied") else 6)
    locked.assert_nothing_is_left("a", "b")


def test_a_batch_that_fails_does_not_stop_the_next(locked: Store) -> None:
    names = [f"object {number}" for number in range(1500)]
    locked.server.faults.add("DeleteObjects", Status(400, "InvalidRequest"))
    results = locked.driver.ex_delete_objects(names, locked.container)
    failed = {result.object_name for result in results if not result.deleted}
    assert failed in (set(names[:1000]), set(names[1000:]))  # whichever request came first


def test_a_user_who_may_not_delete_in_bulk_deletes_singly(locked: Store) -> None:
    fill(locked, "a", "b")
    rule = locked.server.faults.add("DeleteObjects", Status(403, "AccessDenied"), times=None)
    assert locked.driver.ex_delete_objects(["a", "b"], locked.container) == gone("a", "b")
    assert locked.driver.ex_delete_objects(["c"], locked.container) == gone("c")
    assert rule.fired == 1
    locked.assert_nothing_is_left()


def test_a_forbidden_deletion_is_reported_after_two_requests(locked: Store) -> None:
    locked.server.faults.add("DeleteObjects", Status(403, "AccessDenied"), times=None)
    locked.server.faults.add("DeleteObject", Status(403, "AccessDenied"), times=None)
    results = locked.driver.ex_delete_objects(["a", "b", "c"], locked.container)
    assert not any(result.deleted for result in results)
    assert deletions(locked) == ["DeleteObjects", "DeleteObject"]


def test_an_unknown_store_gets_bulk_deletions() -> None:
    with store(LOCKED, ex_profile=profiles.GENERIC) as made:
        fill(made, "a", "b")
        assert made.driver.ex_delete_objects(["a", "b"], made.container) == gone("a", "b")
        assert deletions(made) == ["DeleteObjects"]


def test_batches_are_sent_at_the_same_time() -> None:
    """The response to the first batch follows the arrival of the second."""
    with store() as made:
        hold = Hold("before")
        made.server.faults.add("DeleteObjects", hold)
        names = (f"object {number}" for number in range(1500))
        results = made.driver.ex_iterate_deletions(names, made.container)

        def release() -> None:
            assert hold.reached.wait(30)
            while len(made.requests("DeleteObjects")) < 2:
                pass
            hold.release.set()

        helper = threading.Thread(target=release)
        helper.start()
        assert [one.object_name for one in results] == [f"object {n}" for n in range(1500)]
        helper.join()


def test_a_container_that_is_not_there(locked: Store) -> None:
    nowhere = Container("nowhere", {}, locked.driver)
    (result,) = locked.driver.ex_delete_objects(["a"], nowhere)
    assert isinstance(result.error, ContainerDoesNotExistError)


class _Answers(Action):
    """Do nothing and answer 200 with these errors, by key."""

    def __init__(self, **codes: str) -> None:
        self.body = "".join(
            f"<Error><Key>{key}</Key><Code>{code}</Code></Error>" for key, code in codes.items()
        )

    def answered(self, answer: Any) -> Any:
        return replace(answer, body=f"<DeleteResult>{self.body}</DeleteResult>".encode())


def test_only_transient_failures_are_retried(locked: Store) -> None:
    fault = _Answers(a="InternalError", b="Curious", c="SlowDown")
    locked.server.faults.add("DeleteObjects", fault)
    results = locked.driver.ex_delete_objects(["a", "b", "c", "d"], locked.container, quiet=True)
    assert [result.deleted for result in results] == [True, False, True, True]
    assert results[1].code == "Curious"
    again = locked.requests("DeleteObjects")[1].body.decode()
    assert [f"<Key>{name}</Key>" in again for name in "abcd"] == [True, False, True, False]


def test_repeated_transient_failures_are_failures(locked: Store) -> None:
    rule = locked.server.faults.add("DeleteObjects", _Answers(a="SlowDown"), times=None)
    (result,) = locked.driver.ex_delete_objects(["a"], locked.container)
    assert (result.deleted, result.code, rule.fired) == (False, "SlowDown", 6)


class _Says(Action):
    """The request is executed unchanged; the response is ``body``."""

    def __init__(self, body: str, status: int = 200) -> None:
        self.body, self.status = body.encode(), status

    def answered(self, answer: Answer) -> Answer:
        return Answer(self.status, (), self.body)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "<Deleted/>",
        "<Deleted><Key/></Deleted>",
        "<Deleted><Key>b</Key></Deleted>",
        "<Error><Code>AccessDenied</Code></Error>",
    ],
)
def test_keys_that_the_response_does_not_mention_are_deleted_one_by_one(
    locked: Store, content: str
) -> None:
    answer = _Says(f"<DeleteResult>{content}</DeleteResult>")
    locked.server.faults.add("DeleteObjects", answer, times=None)
    locked.server.faults.add("DeleteObject", Status(403, "AccessDenied"), nth=2)
    results = locked.driver.ex_delete_objects(["a", "c"], locked.container)
    assert sorted(result.deleted for result in results) == [False, True]
    assert {entry.key for entry in locked.requests("DeleteObject")} == {"a", "c"}
    assert len(locked.requests("DeleteObjects")) == 1


@pytest.mark.parametrize("status", [200, 204])
@pytest.mark.parametrize("quiet", [False, True])
def test_a_response_without_a_body_confirms_no_key(locked: Store, status: int, quiet: bool) -> None:
    locked.server.faults.add("DeleteObjects", _Says("", status), times=None)
    (result,) = locked.driver.ex_delete_objects(["a"], locked.container, quiet=quiet)
    assert result.deleted
    assert len(locked.requests("DeleteObjects", "DeleteObject")) == 2


@pytest.mark.parametrize(
    "status, code",
    [(400, "NotImplemented"), (403, "MethodNotAllowed"), (400, "MalformedXML")],
)
def test_an_error_code_alone_marks_an_unsupported_request(
    locked: Store, status: int, code: str
) -> None:
    locked.server.faults.add("DeleteObjects", Status(status, code), times=None)
    assert locked.driver.ex_delete_objects(["a", "c"], locked.container) == gone("a", "c")
    assert locked.driver.ex_delete_objects(["d"], locked.container) == gone("d")
    assert deletions(locked) == ["DeleteObjects", *["DeleteObject"] * 3]


@pytest.mark.parametrize("quiet", [False, True])
def test_what_the_store_does_not_find_counts_as_deleted(locked: Store, quiet: bool) -> None:
    says = "<DeleteResult><Error><Key>z</Key><Code>NoSuchKey</Code></Error></DeleteResult>"
    locked.server.faults.add("DeleteObjects", _Says(says), times=None)
    assert locked.driver.ex_delete_objects(["z"], locked.container, quiet=quiet) == gone("z")
    assert deletions(locked) == ["DeleteObjects"]


def test_a_quiet_response_means_that_all_are_deleted(locked: Store) -> None:
    locked.server.faults.add("DeleteObjects", _Says("<DeleteResult/>"), times=None)
    (result,) = locked.driver.ex_delete_objects(["a"], locked.container, quiet=True)
    assert result.deleted
    assert not locked.requests("DeleteObject")


@pytest.mark.parametrize(
    "content",
    ["<Error><Code>X</Code></Error>", "<Error><Key>other</Key><Code>X</Code></Error>"],
)
def test_a_quiet_response_with_an_error_of_no_known_key_confirms_nothing(
    locked: Store, content: str
) -> None:
    answer = _Says(f"<DeleteResult>{content}</DeleteResult>")
    locked.server.faults.add("DeleteObjects", answer, times=None)
    (result,) = locked.driver.ex_delete_objects(["a"], locked.container, quiet=True)
    assert result.deleted
    assert len(locked.requests("DeleteObject")) == 1


# Real servers


def _on(endpoint: Endpoint, profile: profiles.S3Profile) -> None:
    driver: Any = S3StorageDriver(
        *(endpoint.key, endpoint.secret),
        secure=False,
        host=endpoint.host,
        port=endpoint.port,
        ex_profile=profile,
    )
    container = driver.create_container(BUCKET)
    names = ["a b", "é&<>", "dir/x", "kept"]
    for name in names:
        driver.upload_object_via_stream(iter([b"x"]), container, name)
    wanted = [*names[:3], "never there"]
    assert driver.ex_delete_objects(wanted, container) == gone(*wanted)
    assert driver.ex_delete_objects(["never there"], container, quiet=True) == gone("never there")
    assert [one.name for one in container.list_objects()] == ["kept"]
    (result,) = driver.ex_delete_objects(["a"], Container("nowhere", {}, driver))
    assert isinstance(result.error, ContainerDoesNotExistError)


@pytest.mark.slow
def test_moto_deletes_many() -> None:
    with moto_server() as endpoint:
        _on(endpoint, profiles.MOTO)


@pytest.mark.slow
def test_rclone_deletes_many() -> None:
    with rclone_server() as endpoint:
        _on(endpoint, profiles.RCLONE)
