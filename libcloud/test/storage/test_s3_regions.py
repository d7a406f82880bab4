# SPDX-License-Identifier: Apache-2.0
"""A bucket in another region than that of the driver: detected, used for requests, remembered."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container, Object
from libcloud.storage.s3.endpoint import Addressing
from libcloud.storage.s3.profiles import AMAZON as AMAZON_STORE
from libcloud.storage.types import ContainerError
from libcloud.test._helpers import run_in_threads
from libcloud.test._loopback import loopback_names
from libcloud.test.storage.fakes.faults import Status
from libcloud.test.storage.fakes.options import AMAZON, Options
from libcloud.test.storage.s3_servers import BUCKET, PART, Store, pattern, store

HERE, THERE = "us-east-1", "eu-west-9"
HOSTS = {HERE: "s3.test", THERE: "s3.eu-west-9.test"}
PROFILE = replace(
    AMAZON_STORE,
    hosts=HOSTS,
    host_patterns=(),
    limits=replace(AMAZON_STORE.limits, min_part_size=1),
)
OPTIONS = Options(names={name: region for region, name in HOSTS.items()}, homes={BUCKET: THERE})


@contextlib.contextmanager
def far_store(options: Options = OPTIONS, style: str = "path", **keywords: Any) -> Iterator[Store]:
    """A driver for one region, and a bucket in another."""
    keywords = {"host": None, "ex_profile": PROFILE, "ex_addressing_style": style, **keywords}
    with loopback_names("test"), store(options, **keywords) as there:
        yield there


def refused(there: Store) -> list[str]:
    return [entry.code for entry in there.server.requests if entry.code]


def names(there: Store) -> list[str]:
    """Return the hosts of the requests, without the port, in order."""
    return [dict(entry.headers)["host"].partition(":")[0] for entry in there.server.requests]


@pytest.mark.parametrize("style", ["path", "virtual"])
def test_a_stream_is_uploaded_to_the_region_of_its_bucket(style: str) -> None:
    with far_store(style=style) as there:
        data = there.in_parts(5)
        assert there.body() == data
        there.assert_nothing_is_left("object")
        assert refused(there) == ["PermanentRedirect"]
        prefix = f"{BUCKET}." if style == "virtual" else ""
        assert names(there)[1:] == [f"{prefix}{HOSTS[THERE]}"] * (len(names(there)) - 1)


@pytest.mark.parametrize("size", [10, 3000])
def test_a_file_is_sent_to_the_region_of_the_bucket_from_its_start(
    tmp_path: Path, size: int
) -> None:
    file = tmp_path / "file"
    file.write_bytes(pattern(size))
    with far_store() as there:
        there.driver.upload_object(str(file), there.container, "object", ex_part_size=PART)
        assert there.body() == pattern(size)
        assert refused(there) == ["PermanentRedirect"]


@pytest.mark.parametrize("status", [301, 400])
def test_a_download_as_the_first_request_follows_the_region(status: int) -> None:
    with far_store() as there:
        there.stream(iter([b"body"]))
        there.driver.connection.addressing.learn_region(BUCKET, HERE)
        obj = Object("object", 4, None, {}, {}, there.container, there.driver)
        if status == 400:
            answer = Status(
                400, "AuthorizationHeaderMalformed", headers={"x-amz-bucket-region": THERE}
            )
            there.server.faults.add("GetObject", answer)
        assert b"".join(there.driver.download_object_as_stream(obj)) == b"body"
        assert names(there)[-2:] == ["s3.test", HOSTS[THERE]]


def test_the_region_of_a_bucket_is_remembered() -> None:
    with far_store() as there:
        for _ in range(3):
            there.stream(iter([b"x"]))
            there.driver.get_container(BUCKET)
            list(there.container.iterate_objects())
        assert refused(there) == ["PermanentRedirect"]


def test_other_buckets_keep_the_region_of_the_driver() -> None:
    with far_store(replace(OPTIONS, homes={BUCKET: THERE, "near": HERE})) as there:
        there.server.create_bucket("near")
        there.stream(iter([b"x"]))
        there.driver.get_container("near")
        there.driver.get_container(BUCKET)
        assert names(there) == ["s3.test", HOSTS[THERE], "s3.test", HOSTS[THERE]]


@pytest.mark.parametrize("status", [301, 307, 400])
def test_the_response_to_head_states_the_region_in_a_header(status: int) -> None:
    with far_store() as there:
        headers = {"x-amz-bucket-region": THERE}
        there.server.faults.add("HeadBucket", Status(status, headers=headers))
        assert there.driver.get_container(BUCKET).name == BUCKET
        assert names(there) == ["s3.test", HOSTS[THERE]]


@pytest.mark.parametrize("code", ["TemporaryRedirect", "IllegalLocationConstraintException"])
def test_a_response_without_a_region_leads_to_a_head_of_the_bucket(code: str) -> None:
    with far_store() as there:
        status = 307 if code == "TemporaryRedirect" else 400
        there.server.faults.add("ListObjectsV2", Status(status, code))
        list(there.container.iterate_objects())
        assert there.server.operations() == ["ListObjectsV2", "HeadBucket", "ListObjectsV2"]
        assert names(there)[-1] == HOSTS[THERE]


@pytest.mark.parametrize("endpoint", [HOSTS[THERE], f"{BUCKET}.{HOSTS[THERE]}"])
def test_the_region_is_derived_from_the_endpoint_in_a_response(endpoint: str) -> None:
    with far_store() as there:
        answer = Status(307, "TemporaryRedirect", extra={"Endpoint": endpoint})
        there.server.faults.add("ListObjectsV2", answer)
        list(there.container.iterate_objects())
        assert there.server.operations() == ["ListObjectsV2", "ListObjectsV2"]
        assert names(there)[-1] == HOSTS[THERE]


def test_an_endpoint_in_a_response_never_becomes_the_host() -> None:
    with far_store(replace(OPTIONS, homes={})) as there:
        answer = Status(307, "TemporaryRedirect", extra={"Endpoint": "evil.test"})
        there.server.faults.add("ListObjectsV2", answer)
        with pytest.raises(LibcloudError, match="TemporaryRedirect"):
            list(there.container.iterate_objects())
        assert set(names(there)) == {"s3.test"}


def test_a_signature_for_the_wrong_region_is_replaced() -> None:
    # A host that the user chose is not left.
    with store(replace(AMAZON, region="mars-1"), region="moon-1") as there:
        data = there.in_parts(4)
        assert there.body() == data
        assert set(refused(there)) == {"AuthorizationHeaderMalformed"}
        before = len(there.server.requests)
        there.driver.get_container(BUCKET)
        assert len(there.server.requests) == before + 1
        assert there.driver.region_name == "moon-1"


def test_presigned_urls_use_the_region_of_the_bucket() -> None:
    with far_store(style="virtual") as there:
        there.stream(iter([b"body"]))
        url = there.driver.get_object_cdn_url(there.driver.get_object(BUCKET, "object"))
        assert url.startswith(f"http://{BUCKET}.{HOSTS[THERE]}:{there.server.port}/object?")
        assert f"%2F{THERE}%2Fs3%2F" in url


def test_requests_of_threads_that_are_redirected_together_all_succeed() -> None:
    with far_store() as there:
        run_in_threads(lambda number: there.driver.get_container(BUCKET))
        assert names(there)[-1] == HOSTS[THERE]
        assert not there.server.violations


def test_a_bucket_that_moves_to_another_region_is_found_again() -> None:
    with far_store() as there:
        there.driver.get_container(BUCKET)
        there.server.options = replace(there.server.options, homes={BUCKET: HERE})
        there.driver.get_container(BUCKET)
        there.driver.get_container(BUCKET)
        assert names(there) == ["s3.test", HOSTS[THERE], HOSTS[THERE], "s3.test", "s3.test"]


def test_clock_skew_and_a_wrong_region_are_both_corrected() -> None:
    def clock() -> datetime:
        return datetime.now(timezone.utc) + timedelta(hours=2)

    with far_store(replace(OPTIONS, clock=clock)) as there:
        there.stream(iter([b"x"]))
        assert there.body() == b"x"
        assert refused(there) == ["PermanentRedirect", "RequestTimeTooSkewed"]


def test_a_redirect_loop_ends() -> None:
    with far_store() as there:
        for nth, region in enumerate((THERE, HERE, THERE, HERE), start=1):
            answer = Status(301, "PermanentRedirect", headers={"x-amz-bucket-region": region})
            there.server.faults.add("HeadBucket", answer, nth=nth)
        with pytest.raises(LibcloudError, match=f"'{HERE}'"):
            there.driver.get_container(BUCKET)
        assert len(there.server.requests) == 2


@pytest.mark.parametrize("region", ["evil.example/", "", "a" * 80, "x y"])
def test_an_invalid_region_is_not_used(region: str) -> None:
    with far_store() as there:
        answer = Status(301, "PermanentRedirect", headers={"x-amz-bucket-region": region})
        there.server.faults.add("ListObjectsV2", answer)
        there.server.faults.add("HeadBucket", Status(404))
        with pytest.raises(LibcloudError, match="301"):
            list(there.container.iterate_objects())
        assert set(names(there)) == {"s3.test"}


def test_a_region_without_a_host_is_an_error_that_names_it() -> None:
    with far_store() as there:
        answer = Status(301, "PermanentRedirect", headers={"x-amz-bucket-region": "mars-1"})
        there.server.faults.add("HeadBucket", answer, times=None)
        with pytest.raises(LibcloudError, match="'mars-1'"):
            there.driver.get_container(BUCKET)
        assert len(there.server.requests) == 1


def test_an_illegal_location_of_a_new_container_is_an_error() -> None:
    with far_store(replace(OPTIONS, homes={})) as there:
        there.driver.ex_location_name = THERE
        with pytest.raises(ContainerError, match="IllegalLocationConstraintException"):
            there.driver.create_container("made")
        assert there.server.operations() == ["CreateBucket"]


def test_a_detected_region_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with far_store() as there, caplog.at_level(logging.INFO):
        there.driver.get_container(BUCKET)
        there.driver.get_container(BUCKET)
    lines = [record.getMessage() for record in caplog.records]
    found = [line for line in lines if "region" in line]
    assert found == [
        f"The bucket {BUCKET} is in the region {THERE}; its requests go there from now on"
    ]


def test_containers_are_listed_if_the_region_of_the_store_is_another(
    caplog: pytest.LogCaptureFixture,
) -> None:
    options = replace(AMAZON, region="mars-1")
    with store(options, region="moon-1") as there, caplog.at_level(logging.INFO):
        assert [found.name for found in there.driver.iterate_containers()] == [BUCKET]
    assert "The store is in the region mars-1; its requests go there from now on" in caplog.messages


def test_an_error_of_the_additional_head_does_not_replace_the_first_error() -> None:
    with far_store() as there:
        there.server.faults.add("ListObjectsV2", Status(307, "TemporaryRedirect"))
        there.server.faults.add("HeadBucket", Status(403))
        with pytest.raises(LibcloudError, match="TemporaryRedirect"):
            list(Container(BUCKET, {}, there.driver).iterate_objects())


def test_threads_that_learn_regions_do_not_disturb_each_other() -> None:
    addressing = Addressing(AMAZON_STORE, host="s3.amazonaws.com", secure=True, style="auto")
    regions = [f"eu-{letter * 4}-1" for letter in "abcdefgh"]

    def learn(number: int) -> None:
        for _ in range(100):
            addressing.learn_region(f"bucket-{number}", regions[number % 8])
            assert addressing.resolve(f"/bucket-{number}/key").region == regions[number % 8]

    run_in_threads(learn)
