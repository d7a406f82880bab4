# SPDX-License-Identifier: Apache-2.0
"""Tags, legal holds and retention of objects, and the lifecycle rule for unfinished uploads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.dummy import DummyStorageDriver
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.s3.settings import RULE_ID
from libcloud.storage.types import ContainerDoesNotExistError, ObjectDoesNotExistError
from libcloud.test.storage.fakes.faults import LoseAnswer
from libcloud.test.storage.fakes.options import AMAZON
from libcloud.test.storage.s3_servers import BUCKET, Store, store

UNTIL = datetime(2030, 1, 31, 12, tzinfo=timezone.utc)


@pytest.fixture
def s3() -> Iterator[Store]:
    """A store whose bucket keeps versions, and can lock them."""
    with store(replace(AMAZON, locked_buckets=frozenset({BUCKET}))) as made:
        made.driver.ex_set_versioning(made.container, True)
        made.server.log.clear()
        yield made


def put(made: Store, content: bytes = b"1", **options: Any) -> Any:
    upload = made.driver.upload_object_via_stream
    return upload(iter([content]), made.container, "object", **options)


def missing(made: Store) -> Object:
    return Object("missing", 0, None, {}, {}, made.container, made.driver)


# Tags.


@pytest.mark.parametrize("tags", [{"a": "1", "b c": ""}, {"é&<>": "x=y+z"}, {}])
def test_tags_are_read_and_replaced(s3: Store, tags: dict[str, str]) -> None:
    obj = put(s3, ex_tags={"old": "tag"})
    assert s3.driver.ex_get_object_tags(obj) == {"old": "tag"}
    s3.server.faults.add("PutObjectTagging" if tags else "DeleteObjectTagging", LoseAnswer())
    s3.driver.ex_set_object_tags(obj, tags)
    assert s3.driver.ex_get_object_tags(obj) == tags


def test_each_version_has_its_own_tags(s3: Store) -> None:
    old, new = put(s3, ex_tags={"of": "old"}), put(s3, ex_tags={"of": "new"})
    s3.driver.ex_set_object_tags(old, {"of": "older"})
    assert s3.driver.ex_get_object_tags(old) == {"of": "older"}
    assert s3.driver.ex_get_object_tags(new) == {"of": "new"}
    assert s3.driver.ex_get_object_tags(s3.container.get_object("object")) == {"of": "new"}


@pytest.mark.parametrize(
    "tags",
    [
        {"": "x"},
        {"x" * 129: ""},
        {"x": "y" * 257},
        {"x": 1},
        "x=y",
        {"x\r": ""},
        {"x": "\x01"},
        {str(number): "" for number in range(11)},
    ],
)
def test_invalid_tags_are_refused_before_anything_is_sent(s3: Store, tags: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        s3.driver.ex_set_object_tags(missing(s3), tags)
    assert not s3.server.requests


@pytest.mark.parametrize(
    "tags", [{"x": "\x01"}, {"\x7f\x00": ""}, {"x": "\ud800"}, {"x": "\uffff"}]
)
def test_no_object_gets_tags_that_cannot_be_read(s3: Store, tags: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="control character or half a surrogate"):
        put(s3, ex_tags=tags)
    assert not s3.server.requests


def test_tags_of_an_object_that_does_not_exist(s3: Store) -> None:
    for use in (
        s3.driver.ex_get_object_tags,
        lambda obj: s3.driver.ex_set_object_tags(obj, {"a": "b"}),
        lambda obj: s3.driver.ex_set_object_tags(obj, {}),
    ):
        with pytest.raises(ObjectDoesNotExistError):
            use(missing(s3))


# Locks.


def test_a_legal_hold_is_placed_and_removed(s3: Store) -> None:
    obj = put(s3)
    assert s3.driver.ex_get_legal_hold(obj) is False
    s3.driver.ex_set_legal_hold(obj, True)
    assert s3.driver.ex_get_legal_hold(obj) is True
    (version,) = s3.driver.ex_iterate_object_versions(s3.container)
    with pytest.raises(LibcloudError, match="object lock"):
        version.delete()
    s3.driver.ex_set_legal_hold(obj, False)
    assert s3.driver.ex_get_legal_hold(obj) is False
    assert version.delete()


def test_retention_is_set_and_ended(s3: Store) -> None:
    obj = put(s3)
    assert s3.driver.ex_get_retention(obj) is None
    s3.driver.ex_set_retention(obj, "GOVERNANCE", UNTIL)
    assert s3.driver.ex_get_retention(obj) == ("GOVERNANCE", UNTIL)
    with pytest.raises(LibcloudError, match="403"):
        s3.driver.ex_set_retention(obj, None)
    s3.driver.ex_set_retention(obj, None, ex_bypass_governance=True)
    assert s3.driver.ex_get_retention(obj) is None


def test_a_bucket_without_object_lock_is_reported() -> None:
    message = "missing Object Lock Configuration"
    with store() as made, pytest.raises(LibcloudError, match=message):
        made.driver.ex_set_legal_hold(put(made), True)


@pytest.mark.parametrize(
    ("mode", "until"),
    [("governance", UNTIL), ("GOVERNANCE", None), (None, UNTIL), ("COMPLIANCE", datetime.now())],
)
def test_an_invalid_retention_is_refused_before_anything_is_sent(
    s3: Store, mode: Any, until: Any
) -> None:
    with pytest.raises((ValueError, TypeError)):
        s3.driver.ex_set_retention(missing(s3), mode, until)
    with pytest.raises(TypeError, match="True or False"):
        s3.driver.ex_set_legal_hold(missing(s3), "on")
    assert not s3.server.requests


# Lifecycle rules.

NS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
OTHERS = (
    f"<LifecycleConfiguration {NS}><Rule><ID>logs</ID><Filter><And><Prefix>logs/&amp;</Prefix><Tag>"
    "<Key>k</Key><Value>v</Value></Tag></And></Filter><Status>Enabled</Status><Expiration>"
    "<Days>30</Days></Expiration><AbortIncompleteMultipartUpload><DaysAfterInitiation>1"
    "</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule></LifecycleConfiguration>"
)
OLD = (
    f"<LifecycleConfiguration {NS}><Rule><ID>old</ID><Prefix>a</Prefix><Status>Disabled</Status>"
    "<Expiration><Days>30</Days></Expiration></Rule></LifecycleConfiguration>"
)
SIZE = ("x-amz-transition-default-minimum-object-size", "varies_by_storage_class")


def has_rules(made: Store, document: str) -> None:
    made.server.state.lifecycles[BUCKET] = (document.encode(), (SIZE,))


def rules(made: Store) -> str:
    return made.server.state.lifecycles[BUCKET][0].decode()


def test_the_expiry_of_uploads_is_set_changed_and_removed(s3: Store) -> None:
    driver, container = s3.driver, s3.container
    assert driver.ex_get_upload_expiry(container) is None
    for days in (7, 1):
        s3.server.faults.add("PutBucketLifecycleConfiguration", LoseAnswer())
        driver.ex_set_upload_expiry(container, days)
        assert driver.ex_get_upload_expiry(container) == days
    assert rules(s3).count("<Rule>") == 1
    driver.ex_set_upload_expiry(container, None)
    assert driver.ex_get_upload_expiry(container) is None
    assert not s3.server.state.lifecycles
    s3.server.log.clear()
    driver.ex_set_upload_expiry(container, None)
    assert s3.server.operations() == ["GetBucketLifecycleConfiguration"]


@pytest.mark.parametrize("document", [OTHERS, OLD, OTHERS.replace(f" {NS}", "")])
def test_other_rules_stay_as_they_are(s3: Store, document: str) -> None:
    has_rules(s3, document)
    assert s3.driver.ex_get_upload_expiry(s3.container) is None
    other = document[document.index("<Rule>") + 6 : document.index("</Rule>")]
    s3.driver.ex_set_upload_expiry(s3.container, 7)
    assert other in rules(s3)
    assert s3.driver.ex_get_upload_expiry(s3.container) == 7
    assert s3.server.state.lifecycles[BUCKET][1] == (SIZE,)
    s3.driver.ex_set_upload_expiry(s3.container, None)
    assert other in rules(s3)
    assert RULE_ID not in rules(s3)


def test_a_rule_of_another_program_for_all_uploads_is_reported(s3: Store) -> None:
    start, end = OTHERS.index("<Filter>"), OTHERS.index("<Status>")
    has_rules(s3, OTHERS[:start] + "<Filter/>" + OTHERS[end:])
    assert s3.driver.ex_get_upload_expiry(s3.container) == 1
    has_rules(s3, OTHERS[:start] + "<Filter/>" + OTHERS[end:].replace("Enabled", "Disabled"))
    assert s3.driver.ex_get_upload_expiry(s3.container) is None


@pytest.mark.parametrize("days", [0, -1, "7", 1.5, True])
def test_an_invalid_number_of_days_is_refused_before_anything_is_sent(s3: Store, days: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        s3.driver.ex_set_upload_expiry(s3.container, days)
    assert not s3.server.requests


def test_rules_of_a_bucket_that_does_not_exist(s3: Store) -> None:
    with pytest.raises(ContainerDoesNotExistError):
        s3.driver.ex_get_upload_expiry(Container("missing", {}, s3.driver))


# Other stores.


def test_an_unsupported_feature_is_reported_before_anything_is_sent() -> None:
    dummy = DummyStorageDriver("key", "secret")
    store_without: dict[str, Any] = {"host": "127.0.0.1", "port": 9, "ex_s3_profile": "rclone"}
    for driver in (dummy, S3StorageDriver("key", "secret", **store_without)):
        container = Container("container", {}, driver)
        obj = Object("object", 0, None, {}, {}, container, driver)
        calls: list[tuple[Callable[..., object], Any]] = [
            (driver.ex_get_object_tags, [obj]),
            (driver.ex_set_object_tags, [obj, {}]),
            (driver.ex_get_legal_hold, [obj]),
            (driver.ex_set_legal_hold, [obj, True]),
            (driver.ex_get_upload_expiry, [container]),
            (driver.ex_set_upload_expiry, [container, 7]),
        ]
        for method, arguments in calls:
            with pytest.raises(LibcloudError, match="does not support"):
                method(*arguments)
