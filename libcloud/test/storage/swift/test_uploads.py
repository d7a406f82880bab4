# SPDX-License-Identifier: Apache-2.0
"""Uploads: one request or a static large object, and what a failure leaves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from libcloud.common.types import LibcloudError, MalformedResponseError
from libcloud.storage.base import Container
from libcloud.storage.drivers.cloudfiles import OpenStackSwiftStorageDriver
from libcloud.storage.types import (
    ContainerDoesNotExistError,
    InvalidObjectNameError,
    ObjectDoesNotExistError,
    ObjectTooLargeError,
    PreconditionFailedError,
    UploadOutcomeUnknownError,
)
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.fakes.swift import FakeSwift, Fault, SwiftLimits
from libcloud.test.storage.fakes.swift_faults import (
    damage,
    drop,
    give_up,
    lose_answer,
    other_etag,
    refuse,
    web_page,
)
from libcloud.test.storage.fakes.wire import Answer, Incoming
from libcloud.test.storage.swift.conftest import Connect

PART = 1000
DATA = pattern(5 * PART + 1)
OTHER = pattern(5 * PART + 1, seed=1)


def upload(container: Container, data: bytes = DATA, name: str = "big", **options: Any) -> None:
    container.upload_object_via_stream(iter([data]), name, ex_part_size=PART, **options)


def failing(data: bytes = OTHER) -> Iterator[bytes]:
    yield data
    raise RuntimeError("the source failed")


def test_a_stream_within_a_part_is_one_request(fake: FakeSwift, container: Container) -> None:
    fake.log.clear()
    stored = container.upload_object_via_stream(iter([b"small"]), "name")
    assert fake.log == ["GET /info", "PUT object"]
    assert (stored.size, fake.body("docs", "name")) == (5, b"small")


def test_the_limits_are_requested_once(fake: FakeSwift, container: Container) -> None:
    for number in range(3):
        container.upload_object_via_stream(iter([b"small"]), str(number))
    assert fake.count("GET /info") == 1


def test_a_long_stream_is_a_large_object(fake: FakeSwift, container: Container) -> None:
    fake.log.clear()
    upload(container, ex_window=1)
    assert fake.log == [
        "GET /info",
        *["HEAD container", "PUT container"],
        *["PUT segment"] * 6,
        *["HEAD object", "PUT manifest"],
    ]
    assert fake.body("docs", "big") == DATA
    found = container.get_object("big")
    assert found.extra["static_large_object"] and found.size == len(DATA)


def test_segments_are_in_a_container_of_their_own(fake: FakeSwift, connect: Connect) -> None:
    driver = connect(ex_segment_container="parts of {container}")
    upload(driver.create_container("docs"))
    assert sorted(fake.containers) == ["docs", "parts of docs"]
    assert len(fake.containers["parts of docs"]) == 6


def test_a_failing_source_leaves_the_old_object_as_it_was(
    fake: FakeSwift, container: Container
) -> None:
    upload(container)
    before = fake.segments()
    with pytest.raises(RuntimeError, match="the source failed"):
        container.upload_object_via_stream(failing(), "big", ex_part_size=PART)
    assert fake.body("docs", "big") == DATA
    assert fake.segments() == before


def test_an_upload_that_is_kept_is_listed_and_cleaned_up(
    fake: FakeSwift, driver: OpenStackSwiftStorageDriver, container: Container
) -> None:
    upload(container, name="other")
    with pytest.raises(RuntimeError) as caught:
        container.upload_object_via_stream(
            failing(), "big", ex_part_size=PART, ex_on_failure="keep", ex_window=1
        )
    (found,) = driver.ex_iterate_multipart_uploads(container)
    assert (found.key, found.id) == ("big", caught.value.upload_id)  # type: ignore[attr-defined]
    assert found.created_at is not None and found.size
    hour = timedelta(hours=1)  # by the clock of the store, which is years behind
    assert driver.ex_cleanup_multipart_uploads(container, older_than=hour) == []
    fake.clock += 3700
    assert driver.ex_cleanup_multipart_uploads(container, None, hour, dry_run=True) == [found]
    assert driver.ex_cleanup_multipart_uploads(container) == [found]
    assert list(driver.ex_iterate_multipart_uploads(container)) == []
    assert fake.body("docs", "other") == DATA


def test_an_upload_is_resumed_with_the_segments_that_are_there(
    fake: FakeSwift, driver: OpenStackSwiftStorageDriver, container: Container
) -> None:
    with pytest.raises(RuntimeError) as caught:
        container.upload_object_via_stream(
            failing(OTHER[: 4 * PART + 1]),
            "big",
            ex_part_size=PART,
            ex_on_failure="keep",
            ex_window=1,
        )
    upload_id = caught.value.upload_id  # type: ignore[attr-defined]
    held = len(fake.segments())
    fake.log.clear()
    # Other data than before: what is not the same is sent again.
    data = OTHER[:PART] + DATA[PART : 2 * PART] + OTHER[2 * PART :]
    extra = {"meta_data": {"owner": "me"}}
    driver.ex_resume_upload(iter([data]), container, "big", upload_id, extra=extra)
    assert fake.body("docs", "big") == data
    assert container.get_object("big").meta_data == {"owner": "me"}
    assert held >= 2 and fake.count("PUT segment") == 6 - held + 1
    with pytest.raises(LibcloudError, match="NoSuchUpload"):
        driver.ex_resume_upload(iter([data]), container, "big", "0" * 24)


def test_the_segments_of_an_overwritten_object_go_after_the_new_manifest(
    fake: FakeSwift, container: Container
) -> None:
    upload(container)
    fake.log.clear()
    upload(container, OTHER)
    assert len(fake.segments()) == 6
    assert fake.body("docs", "big") == OTHER
    deletion = fake.log.index("POST bulk")
    assert fake.log.index("PUT manifest") < deletion


def test_segments_that_another_upload_publishes_again_are_kept(
    fake: FakeSwift, container: Container
) -> None:
    """The other one repeats a request whose response was lost, after this one was published."""
    upload(container)
    first = fake.containers["docs"]["big"]

    def published_again(fake: FakeSwift, operation: str, request: Incoming) -> Answer | None:
        answer = fake.perform(request)
        fake.containers["docs"]["big"] = first
        return answer

    fake.faults.append(("PUT manifest", published_again))
    upload(container, DATA[::-1])
    assert fake.body("docs", "big") == DATA


def test_a_container_with_versions_keeps_the_old_segments(
    fake: FakeSwift, container: Container
) -> None:
    upload(container)
    fake.container_headers["docs"]["X-Versions-Enabled"] = "True"
    upload(container, OTHER)
    assert len(fake.segments()) == 12


def test_versions_keep_their_segments(
    fake: FakeSwift, driver: OpenStackSwiftStorageDriver, container: Container
) -> None:
    upload(container)
    fake.container_headers["docs"]["X-Versions-Enabled"] = "True"
    upload(container, OTHER)
    with pytest.raises(LibcloudError, match="keeps versions"):
        driver.ex_cleanup_multipart_uploads(container)
    (found,) = container.list_objects()
    for obj in (found, container.get_object("big")):
        driver.delete_object(obj)
        upload(container, OTHER)
    assert len(fake.segments()) == 24


@pytest.mark.parametrize("step", ["HEAD object", "GET manifest"])
def test_a_web_page_does_not_make_a_published_upload_unpublished(
    fake: FakeSwift, driver: OpenStackSwiftStorageDriver, container: Container, step: str
) -> None:
    upload(container)
    kept: dict[str, Any] = {"ex_on_failure": "keep", "ex_part_size": PART, "ex_window": 1}
    with pytest.raises(RuntimeError):
        container.upload_object_via_stream(failing(), "big", **kept)
    fake.faults += [(step, web_page)] * 3
    with pytest.raises(MalformedResponseError):
        driver.ex_cleanup_multipart_uploads(container)
    assert fake.body("docs", "big") == DATA


def test_an_upload_that_is_published_during_a_cleanup_is_kept(
    fake: FakeSwift,
    driver: OpenStackSwiftStorageDriver,
    container: Container,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ids = {}
    for name in ("first", "second"):
        with pytest.raises(RuntimeError) as caught:
            container.upload_object_via_stream(
                failing(), name, ex_part_size=PART, ex_on_failure="keep", ex_window=1
            )
        ids[name] = caught.value.upload_id  # type: ignore[attr-defined]
    abort = driver._abort_multipart

    def publish_other(place: Container, name: str, upload_id: str) -> None:
        driver.ex_resume_upload(iter([OTHER]), container, "second", ids["second"])
        abort(place, name, upload_id)

    monkeypatch.setattr(driver, "_abort_multipart", publish_other)
    (deleted,) = driver.ex_cleanup_multipart_uploads(container)
    assert deleted.key == "first" and fake.body("docs", "second") == OTHER


def test_an_upload_that_is_published_is_not_aborted(
    fake: FakeSwift, driver: OpenStackSwiftStorageDriver, container: Container
) -> None:
    upload(container)
    published = fake.segments()[0].split("/")[-2]
    with pytest.raises(LibcloudError, match="it is published"):
        driver._abort_multipart(container, "big", published)
    assert fake.body("docs", "big") == DATA


def test_segments_of_other_programs_are_not_touched(
    fake: FakeSwift, driver: OpenStackSwiftStorageDriver, container: Container
) -> None:
    upload(container)
    place = fake.containers["docs_segments"]
    place["big/1700000000.0/5001/1000/00000000"] = next(iter(place.values()))
    driver.ex_cleanup_all_multipart_uploads(container)
    upload(container, OTHER)
    assert "big/1700000000.0/5001/1000/00000000" in place


def test_segments_that_a_small_object_leaves_are_listed(
    fake: FakeSwift, driver: OpenStackSwiftStorageDriver, container: Container
) -> None:
    upload(container)
    upload(container, b"small")
    (found,) = driver.ex_iterate_multipart_uploads(container)
    assert found.key == "big"
    driver.ex_cleanup_all_multipart_uploads(container)
    assert fake.segments() == [] and fake.body("docs", "big") == b"small"


def test_a_stale_listing_does_not_make_a_published_upload_unpublished(
    fake: FakeSwift,
    driver: OpenStackSwiftStorageDriver,
    container: Container,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload(container)
    listed = fake._object_record

    def without_etag(place: str, name: str) -> dict[str, Any]:
        return {key: value for key, value in listed(place, name).items() if key != "slo_etag"}

    monkeypatch.setattr(fake, "_object_record", without_etag)
    assert driver.ex_cleanup_multipart_uploads(container) == []
    assert fake.body("docs", "big") == DATA


def test_deleting_a_large_object_deletes_its_segments(
    fake: FakeSwift, container: Container
) -> None:
    upload(container)
    upload(container, name="other")
    for found in container.list_objects():
        if found.name == "big":
            found.delete()
    assert len(fake.segments()) == 6
    container.get_object("other").delete()
    assert fake.segments() == [] and fake.containers["docs"] == {}


def test_an_object_that_is_large_no_more_is_deleted(fake: FakeSwift, container: Container) -> None:
    upload(container)
    found = container.get_object("big")
    upload(container, b"small")
    assert found.delete()
    assert fake.containers["docs"] == {}


@pytest.mark.parametrize("step", ["PUT segment", "PUT manifest", "HEAD container", "PUT object"])
@pytest.mark.parametrize("fault", [drop, lose_answer, refuse(503), refuse(498)])
def test_a_fault_at_a_step_is_retried(
    fake: FakeSwift, container: Container, step: str, fault: object
) -> None:
    fake.faults.append((step, fault))  # type: ignore[arg-type]
    upload(container, b"small" if step == "PUT object" else DATA)
    assert fake.faults == []
    assert fake.body("docs", "big") in (DATA, b"small")
    assert list(container.driver.ex_iterate_multipart_uploads(container)) == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("step", ["PUT segment", "PUT object"])
def test_data_that_was_damaged_on_its_way_is_sent_again(
    fake: FakeSwift, container: Container, step: str
) -> None:
    fake.faults.append((step, damage))
    upload(container, b"small" if step == "PUT object" else DATA)
    assert fake.faults == []
    assert fake.body("docs", "big") in (DATA, b"small")


def test_a_lost_response_to_the_manifest_is_confirmed_by_its_segments(
    fake: FakeSwift, container: Container
) -> None:
    upload(container)
    # The same bytes as before: only the manifest tells whether the new one is stored.
    fake.faults += [("PUT manifest", drop)] * 3
    with pytest.raises(LibcloudError) as caught:
        upload(container)
    assert fake.body("docs", "big") == DATA
    # The store may still be at work on the last request: the segments are left.
    (left,) = container.driver.ex_iterate_multipart_uploads(container)  # type: ignore[attr-defined]
    assert left.id == caught.value.upload_id  # type: ignore[attr-defined]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("data", [OTHER, b"small"])
@pytest.mark.parametrize("attempts", [1, 3])
def test_an_object_that_is_stored_in_spite_of_an_error_is_found(
    fake: FakeSwift, container: Container, status: int, data: bytes, attempts: int
) -> None:
    operation = "PUT object" if data == b"small" else "PUT manifest"
    fake.faults += [(operation, give_up(status))] * attempts
    upload(container, data, ex_if_none_match="*" if attempts == 1 else None)
    assert fake.body("docs", "big") == data


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_segments_are_kept_while_a_refused_manifest_may_still_appear(
    fake: FakeSwift, container: Container, status: int
) -> None:
    fake.faults += [("PUT manifest", refuse(status))] * 3
    with pytest.raises(UploadOutcomeUnknownError) as caught:
        upload(container)
    assert all(f"/{caught.value.upload_id}/" in name for name in fake.segments())
    assert len(fake.segments()) == 6


def test_the_segments_of_a_manifest_with_another_etag_are_kept(
    fake: FakeSwift, container: Container
) -> None:
    # The first HEAD looks for segments to replace.
    fake.faults += [("HEAD object", lambda *_: None), ("HEAD object", other_etag)]
    fake.faults.append(("PUT manifest", other_etag))
    with pytest.raises(UploadOutcomeUnknownError):
        upload(container)
    assert fake.body("docs", "big") == DATA


def test_a_web_page_in_place_of_the_response_to_a_manifest_costs_no_segments(
    fake: FakeSwift, container: Container
) -> None:
    def page(fake: FakeSwift, operation: str, request: Incoming) -> Answer | None:
        fake.perform(request)
        return web_page(fake, operation, request)

    fake.faults.append(("PUT manifest", page))
    upload(container)
    assert fake.body("docs", "big") == DATA


def test_a_condition_is_not_violated_by_a_retry(fake: FakeSwift, container: Container) -> None:
    fake.faults.append(("PUT manifest", lose_answer))
    upload(container, headers={"If-None-Match": "*"})
    assert fake.body("docs", "big") == DATA


@pytest.mark.parametrize("data", [OTHER, b"small"])
def test_an_object_that_must_not_exist_is_not_overwritten(
    fake: FakeSwift, container: Container, data: bytes
) -> None:
    upload(container)
    before = fake.segments()
    with pytest.raises(ValueError, match="Swift knows"):
        upload(container, data, ex_if_none_match="an-etag")
    with pytest.raises(PreconditionFailedError) as caught:
        upload(container, data, ex_if_none_match="*")
    assert caught.value.status == 412  # type: ignore[attr-defined]
    assert fake.body("docs", "big") == DATA and fake.segments() == before


def test_the_token_is_renewed_during_an_upload(fake: FakeSwift, container: Container) -> None:
    def pieces() -> Iterator[bytes]:
        for number in range(6):
            if number in (3, 5):
                fake.expire_tokens()
            yield DATA[number * PART : (number + 1) * PART]

    container.upload_object_via_stream(pieces(), "big", ex_part_size=PART, ex_window=2)
    assert fake.body("docs", "big") == DATA
    assert 2 <= fake.count("GET /auth/v1.0") <= 4


def test_a_container_that_does_not_exist_is_reported_before_the_segments(
    fake: FakeSwift, driver: OpenStackSwiftStorageDriver
) -> None:
    with pytest.raises(ContainerDoesNotExistError) as caught:
        upload(Container("nowhere", {}, driver))
    assert caught.value.status == 404  # type: ignore[attr-defined]
    assert fake.count("PUT segment") == 0


def test_a_segment_container_that_cannot_be_created_is_named(
    fake: FakeSwift, container: Container
) -> None:
    fake.faults.append(("PUT container", refuse(403)))
    with pytest.raises(LibcloudError, match=r"docs_segments.*403.*Forbidden"):
        upload(container)
    assert fake.containers == {"docs": {}}


def test_more_than_the_limits_allow_is_refused_and_nothing_published(connect: Connect) -> None:
    with FakeSwift(SwiftLimits(max_file_size=1000, max_segments=3)) as small:
        driver = connect(host=small.host, port=small.port)
        container = driver.create_container("docs")
        with pytest.raises(ObjectTooLargeError):
            upload(container, pattern(3001))
        assert small.segments() == [] and small.containers["docs"] == {}
        upload(container, pattern(3000))
        assert small.body("docs", "big") == pattern(3000)


def test_a_cluster_without_info_has_the_default_limits(connect: Connect) -> None:
    with FakeSwift(SwiftLimits(info=False)) as quiet:
        driver = connect(host=quiet.host, port=quiet.port)
        container = driver.create_container("docs")
        for number in range(10):
            upload(container, b"small", name=str(number))
        assert len(container.list_objects()) == 10


def test_metadata_and_type_belong_to_the_large_object(container: Container) -> None:
    extra = {"meta_data": {"owner": "me"}, "content_type": "text/x-log"}
    upload(container, extra=extra)
    found = container.get_object("big")
    assert found.meta_data == {"owner": "me"}
    assert found.extra["content_type"] == "text/x-log"


def test_segments_expire_after_their_manifest(fake: FakeSwift, container: Container) -> None:
    seen = []

    def note(server: FakeSwift, operation: str, request: object) -> None:
        seen.append(request.header("x-delete-after"))  # type: ignore[attr-defined]

    fake.faults += [("PUT segment", note), ("PUT manifest", note)]
    upload(container, headers={"X-Delete-After": "3600"})
    segment, manifest = (int(str(seconds)) for seconds in dict.fromkeys(seen))
    assert (segment, manifest) == (3600 + 86400, 3600)


def test_a_writer_stores_a_large_object(
    fake: FakeSwift, driver: OpenStackSwiftStorageDriver, container: Container
) -> None:
    with driver.ex_open_writer(container, "big", ex_part_size=PART) as writer:
        writer.write(DATA)
    assert fake.body("docs", "big") == DATA


def test_a_file_is_sent_in_segments_of_the_requested_size(
    fake: FakeSwift, driver: OpenStackSwiftStorageDriver, container: Container, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    driver.ex_multipart_upload_object(str(path), container, "big", chunk_size=2000)
    assert fake.body("docs", "big") == DATA
    assert len(fake.segments()) == 3


def test_the_longest_name_can_be_a_large_object(
    fake: FakeSwift, driver: OpenStackSwiftStorageDriver, container: Container
) -> None:
    name = "n" * 1024
    upload(container, name=name)
    assert fake.body("docs", name) == DATA
    with pytest.raises(InvalidObjectNameError):
        upload(container, name=name + "n")


def test_an_unpublished_upload_to_the_longest_name_is_listed(
    fake: FakeSwift, driver: OpenStackSwiftStorageDriver, container: Container
) -> None:
    upload(container, name="n" * 1024)
    assert list(driver.ex_iterate_multipart_uploads(container)) == []
    del fake.containers["docs"]["n" * 1024]
    (found,) = driver.ex_iterate_multipart_uploads(container)
    assert found.key.startswith("nnn")
    driver.ex_cleanup_all_multipart_uploads(container)
    assert fake.segments() == []


@pytest.mark.parametrize("fault", [lose_answer, give_up(504)])
def test_a_deletion_whose_response_was_lost_has_succeeded(
    fake: FakeSwift, container: Container, fault: Fault
) -> None:
    upload(container, b"small")
    found = container.get_object("big")
    fake.faults.append(("DELETE object", fault))
    assert found.delete()
    with pytest.raises(ObjectDoesNotExistError):
        found.delete()
