# SPDX-License-Identifier: Apache-2.0
"""Unfinished uploads: what they hold, and which of them a clean-up takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container
from libcloud.storage.drivers.s3 import IncompleteCleanupError, S3MultipartUpload, S3StorageDriver
from libcloud.storage.s3 import profiles
from libcloud.storage.types import ContainerDoesNotExistError, IncompleteListingError
from libcloud.test.storage.fakes.faults import Action, Drop, LoseAnswer, Status
from libcloud.test.storage.fakes.options import AMAZON
from libcloud.test.storage.fakes.servers import moto_server, rclone_server
from libcloud.test.storage.s3_servers import BUCKET, Store, pattern, store

NOW = datetime.now(timezone.utc).replace(microsecond=0)
HOUR = timedelta(hours=1)


@pytest.fixture(params=["4", "2"])
def either(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A store, with a driver that signs by either version."""
    with store(version=request.param) as made:
        yield made


def begin(made: Store, name: str, *, hours: float = 0, parts: tuple[int, ...] = ()) -> str:
    """Start an upload as of so many hours ago; its id."""
    driver = made.driver
    upload_id: str = driver._initiate_multipart(made.container, name)
    for number, size in enumerate(parts, 1):
        path = driver._get_object_path(made.container, name)
        params = {"partNumber": str(number), "uploadId": upload_id}
        driver.connection.request(path, params=params, data=pattern(size), method="PUT")
    upload = made.server.state.uploads[upload_id]
    upload.initiated = NOW - timedelta(hours=hours)
    return upload_id


def left(made: Store) -> list[str]:
    return [upload.key for upload in made.server.unfinished_uploads()]


def keys(uploads: list[S3MultipartUpload]) -> list[str]:
    return [upload.key for upload in uploads]


# Parts


def test_the_parts_of_an_upload_are_listed(either: Store) -> None:
    begin(either, "a b/é", parts=(10, 20, 3))
    (upload,) = either.driver.ex_iterate_multipart_uploads(either.container)
    parts = list(either.driver.ex_list_parts(either.container, upload))
    assert [(part.number, part.size) for part in parts] == [(1, 10), (2, 20), (3, 3)]
    assert all(part.etag and part.last_modified for part in parts)


def test_parts_are_listed_page_by_page() -> None:
    with store(replace(AMAZON, page_size=2)) as made:
        begin(made, "a", parts=(1, 2, 3, 4, 5))
        (upload,) = made.driver.ex_iterate_multipart_uploads(made.container)
        listed = made.driver.ex_list_parts(made.container, upload)
        assert next(listed).size == 1
        assert made.server.count("ListParts") == 1
        assert [part.size for part in listed] == [2, 3, 4, 5]
        assert made.server.count("ListParts") == 3


def test_an_upload_need_not_have_parts(amazon: Store) -> None:
    begin(amazon, "a")
    (upload,) = amazon.driver.ex_iterate_multipart_uploads(amazon.container)
    assert list(amazon.driver.ex_list_parts(amazon.container, upload)) == []


def test_parts_of_a_missing_upload(amazon: Store) -> None:
    upload = S3MultipartUpload("a", "no such id", None, None, None)
    with pytest.raises(LibcloudError) as caught:
        list(amazon.driver.ex_list_parts(amazon.container, upload))
    assert getattr(caught.value, "code", "") == "NoSuchUpload"


class _Endless(Action):
    """Says that there is more, and names the same marker again and again."""

    def answered(self, answer: Any) -> Any:
        body = bytes(answer.body).replace(
            b"<IsTruncated>false</IsTruncated>",
            b"<IsTruncated>true</IsTruncated><NextPartNumberMarker>1</NextPartNumberMarker>",
        )
        return replace(answer, body=body)


def test_a_listing_of_parts_that_does_not_advance_is_an_error(amazon: Store) -> None:
    begin(amazon, "a", parts=(1,))
    (upload,) = amazon.driver.ex_iterate_multipart_uploads(amazon.container)
    amazon.server.faults.add("ListParts", _Endless(), times=None)
    with pytest.raises(IncompleteListingError, match=r"used before.*as far as '1'"):
        list(amazon.driver.ex_list_parts(amazon.container, upload))


# Clean-up


def test_all_uploads_are_aborted_and_returned(either: Store) -> None:
    ids = [begin(either, name, parts=(5,)) for name in ("a", "b", "b")]
    aborted = either.driver.ex_cleanup_multipart_uploads(either.container)
    assert keys(aborted) == ["a", "b", "b"]
    assert sorted(upload.id for upload in aborted) == sorted(ids)
    either.assert_nothing_is_left()


def test_a_prefix_chooses(amazon: Store) -> None:
    begin(amazon, "dir/a")
    begin(amazon, "other")
    assert keys(amazon.driver.ex_cleanup_multipart_uploads(amazon.container, "dir/")) == ["dir/a"]
    assert left(amazon) == ["other"]


AGES = [
    (HOUR, ["a day", "two hours"]),
    (timedelta(hours=24), []),
    (timedelta(hours=23), ["a day"]),
    (NOW - HOUR, ["a day", "two hours"]),
    (NOW - timedelta(hours=2), ["a day", "two hours"]),
    (NOW - timedelta(hours=2, seconds=1), ["a day"]),
    ((NOW - HOUR).astimezone(timezone(timedelta(hours=-7))), ["a day", "two hours"]),
    (timedelta(0), ["a day", "new", "two hours"]),
    (None, ["a day", "new", "two hours"]),
]


@pytest.mark.parametrize(("older_than", "names"), AGES)
@pytest.mark.parametrize("dry_run", [False, True])
def test_younger_uploads_are_kept(
    amazon: Store, older_than: timedelta | datetime | None, names: list[str], dry_run: bool
) -> None:
    everything = {"a day": 23.5, "new": 0.01, "two hours": 2.0}
    for name, hours in everything.items():
        begin(amazon, name, hours=hours)
    found = amazon.driver.ex_cleanup_multipart_uploads(
        amazon.container, older_than=older_than, dry_run=dry_run
    )
    assert keys(found) == names
    spared = [name for name in everything if dry_run or name not in names]
    assert sorted(left(amazon)) == sorted(spared)
    assert amazon.server.count("AbortMultipartUpload") == (0 if dry_run else len(names))


class _Undated(Action):
    """Leaves the time of the beginning out."""

    def answered(self, answer: Any) -> Any:
        body = bytes(answer.body)
        start, stop = body.index(b"<Initiated>"), body.index(b"</Initiated>")
        return replace(answer, body=body[:start] + body[stop + len(b"</Initiated>") :])


def test_an_upload_of_unknown_age_is_kept_where_age_counts(amazon: Store) -> None:
    begin(amazon, "a", hours=100)
    amazon.server.faults.add("ListMultipartUploads", _Undated(), times=None)
    clean = amazon.driver.ex_cleanup_multipart_uploads
    assert clean(amazon.container, older_than=timedelta(0)) == []
    assert left(amazon) == ["a"]
    assert keys(clean(amazon.container)) == ["a"]


@pytest.mark.parametrize(("hours", "names"), [(-2, []), (0, ["a"]), (2, ["a"])])
def test_of_two_clocks_the_one_that_is_behind_counts(hours: int, names: list[str]) -> None:
    there = replace(AMAZON, clock=lambda: NOW + hours * HOUR, max_skew=24 * 3600)
    with store(there) as made:
        begin(made, "a", hours=2)
        found = made.driver.ex_cleanup_multipart_uploads(made.container, older_than=HOUR)
        assert keys(found) == names


@pytest.mark.parametrize("spare", [timedelta(hours=1), timedelta(hours=3)])
def test_a_store_may_omit_the_date(amazon: Store, spare: timedelta) -> None:
    begin(amazon, "a", hours=2)
    rule = amazon.server.faults.add("HeadBucket", Status(403, "AccessDenied"))
    found = amazon.driver.ex_cleanup_multipart_uploads(amazon.container, older_than=spare)
    assert keys(found) == (["a"] if spare == HOUR else [])
    assert rule.fired == 1


@pytest.mark.parametrize("older_than", [datetime(2026, 1, 1), timedelta(seconds=-1)])
def test_invalid_ages_are_refused(amazon: Store, older_than: Any) -> None:
    with pytest.raises(ValueError, match="older_than"):
        amazon.driver.ex_cleanup_multipart_uploads(amazon.container, older_than=older_than)
    assert not amazon.server.requests


@pytest.mark.parametrize("fault", [Status(503, "SlowDown"), Drop(), LoseAnswer()])
def test_a_transient_fault_is_retried(amazon: Store, fault: Action) -> None:
    begin(amazon, "a")
    rule = amazon.server.faults.add("AbortMultipartUpload", fault)
    assert keys(amazon.driver.ex_cleanup_multipart_uploads(amazon.container)) == ["a"]
    assert rule.fired == 1
    assert left(amazon) == []


def test_an_upload_that_another_client_aborted_counts_as_aborted(amazon: Store) -> None:
    begin(amazon, "a")
    amazon.server.faults.add("AbortMultipartUpload", Status(404, "NoSuchUpload"))
    assert keys(amazon.driver.ex_cleanup_multipart_uploads(amazon.container)) == ["a"]


def test_one_that_fails_does_not_stop_the_others(amazon: Store) -> None:
    for name in "abcd":
        begin(amazon, name)
    amazon.server.faults.add("AbortMultipartUpload", Status(403, "AccessDenied"), nth=2, times=2)
    with pytest.raises(IncompleteCleanupError, match="2 of 4") as caught:
        amazon.driver.ex_cleanup_multipart_uploads(amazon.container)
    error = caught.value
    assert keys(error.aborted) == ["a", "d"]
    assert [upload.key for upload, _ in error.failures] == ["b", "c"] == left(amazon)
    assert error.__cause__ is error.failures[0][1]
    assert "AccessDenied" in str(error.__cause__)
    assert error.container_name == BUCKET
    assert all(upload.id in str(error) for upload, _ in error.failures)


def test_what_cannot_be_listed_is_not_touched(amazon: Store) -> None:
    begin(amazon, "a")
    nowhere = Container("nowhere", {}, amazon.driver)
    with pytest.raises(ContainerDoesNotExistError):
        amazon.driver.ex_cleanup_multipart_uploads(nowhere)
    assert left(amazon) == ["a"]


def test_a_subclass_can_override_how_an_upload_is_aborted(amazon: Store) -> None:
    begin(amazon, "a")
    calls: list[Any] = []
    amazon.driver._abort_multipart = lambda *given, **rest: calls.append(given)
    (upload,) = amazon.driver.ex_cleanup_multipart_uploads(amazon.container)
    assert calls == [(amazon.container, "a", upload.id)]


# Real servers


@pytest.mark.slow
@pytest.mark.parametrize("name", ["moto", "rclone"])
def test_real_servers_list_and_abort(name: str) -> None:
    server = moto_server() if name == "moto" else rclone_server()
    profile = profiles.MOTO if name == "moto" else profiles.RCLONE
    with server as endpoint:
        driver: Any = S3StorageDriver(
            *(endpoint.key, endpoint.secret),
            secure=False,
            host=endpoint.host,
            port=endpoint.port,
            ex_profile=profile,
        )
        made = driver.create_container(BUCKET)
        clean = driver.ex_cleanup_multipart_uploads
        assert clean(made) == []
        upload_id = driver._initiate_multipart(made, "a b")
        for number in (1, 2):
            driver.connection.request(
                f"/{BUCKET}/a%20b",
                params={"partNumber": str(number), "uploadId": upload_id},
                data=bytes(1000 * number),
                method="PUT",
            )
        (upload,) = driver.ex_iterate_multipart_uploads(made)
        parts = list(driver.ex_list_parts(made, upload))
        assert [(part.number, part.size) for part in parts] == [(1, 1000), (2, 2000)]
        assert keys(clean(made, dry_run=True)) == ["a b"]
        if name == "rclone":  # moto 5.2.5 says of every upload that it was begun in 2010
            assert clean(made, older_than=timedelta(minutes=1)) == []
        tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
        assert keys(clean(made, older_than=tomorrow)) == ["a b"]
        assert list(driver.ex_iterate_multipart_uploads(made)) == []
