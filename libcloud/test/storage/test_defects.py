# SPDX-License-Identifier: Apache-2.0
"""One test for each defect of Apache Libcloud 3.9.1 that the documentation lists: G1 to G18.

The second half is in ``test_defects_of_use.py``. These tests are short: they show that the defect
is not there. What takes its place is tested by the modules named here.

=====  =============================================================================
G1     ``test_s3_multipart``, ``test_s3_connection``, ``common/test_sigv2``
G2     ``transfer/upload/test_source``
G3     ``test_s3_files``, ``test_payload``, ``common/test_retry``
G4     ``test_s3_names``, ``test_http_wire``
G5     ``test_s3_threads``, ``test_connection``
G6     ``test_s3_headers``
G7     ``test_destination``, ``test_local``
G8     ``s3/test_responses``, ``test_s3_containers``
G9     ``test_s3_failures``, ``s3/test_errors``
G10    ``transfer/upload/test_walk``
G11    ``test_s3_multipart``
G12    ``test_s3_failures``, ``transfer/upload/test_walk``
G13    ``test_s3_failures``, ``transfer/upload/test_walk``
G14    ``test_s3_failures``
G15    ``test_s3_failures``, ``transfer/upload/test_walk``
G16    ``test_s3_files``, ``test_s3_headers``
G17    ``test_s3_containers``
G18    ``test_http``
=====  =============================================================================
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container, Object
from libcloud.storage.capabilities import GIB, TIB, Limits
from libcloud.storage.drivers.auroraobjects import AuroraObjectsStorageDriver
from libcloud.storage.drivers.digitalocean_spaces import DigitalOceanSpacesStorageDriver
from libcloud.storage.drivers.google_storage import GoogleStorageDriver
from libcloud.storage.drivers.local import LocalStorageDriver
from libcloud.storage.drivers.rgw import S3RGWStorageDriver
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.s3.profiles import GENERIC
from libcloud.storage.transfer.retry import RetryPolicy
from libcloud.storage.transfer.upload.plan import plan_for
from libcloud.storage.types import ContainerDoesNotExistError, ObjectDoesNotExistError
from libcloud.test._helpers import run_in_threads
from libcloud.test._loopback import Loopback, Received, reply
from libcloud.test.storage import test_defects_of_use
from libcloud.test.storage.fakes.faults import (
    Action,
    Drop,
    ErrorIn200,
    Hold,
    LoseAnswer,
    Status,
)
from libcloud.test.storage.fakes.options import NO_NAMESPACE, SIGV2
from libcloud.test.storage.fakes.wire import Incoming
from libcloud.test.storage.s3_servers import PART, Store, pattern, store

LONG = pattern(PART * 3 + 1)


@pytest.fixture
def s3() -> Iterator[Store]:
    with store() as running:
        yield running


@pytest.mark.parametrize(
    "kind", [DigitalOceanSpacesStorageDriver, S3RGWStorageDriver, AuroraObjectsStorageDriver]
)
def test_g01_uploads_in_parts_are_signed_by_version_2(kind: Any) -> None:
    with store(SIGV2, kind) as s3:
        s3.stream(iter([LONG]))
        s3.driver._initiate_multipart(s3.container, "begun")
        s3.driver.ex_cleanup_all_multipart_uploads(s3.container)
        assert s3.body() == LONG
        assert {entry.status for entry in s3.server.requests} == {200, 204}


def test_g02_an_empty_piece_is_not_the_end(s3: Store) -> None:
    stored = s3.stream(iter([b"first-", b"", b"second-", b"", b"", b"third", b""]))
    assert (s3.body(), stored.size) == (b"first-second-third", 18)


def test_g03_a_retry_sends_the_body_from_its_position(
    s3: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"body")
    s3.server.faults.add("PutObject", Drop("after_body"))
    assert s3.driver.upload_object(str(path), s3.container, "object").size == 4
    assert s3.body() == b"body"

    def flaky(request: Received) -> bytes | None:
        return reply(200) if len(server.requests) > 1 else None

    monkeypatch.setattr(GoogleStorageDriver, "ex_retry_policy", RetryPolicy(base=0.0))
    with Loopback(flaky) as server:
        google = GoogleStorageDriver(
            "GOOG0123456789ABCXYZ", "s", host="127.0.0.1", port=server.port, secure=False
        )
        stream = io.BytesIO(b"head, body")
        stream.seek(6)
        container = Container("bucket", {}, google)
        assert google.upload_object_via_stream(stream, container, "k").size == 4
        assert [request.body for request in server.requests] == [b"body", b"body"]


@pytest.mark.parametrize("name", ["a//b.txt", "/lead.txt", "a/../b.txt", "./x", "../victim/x"])
def test_g04_a_name_is_the_name_of_no_other_object(name: str) -> None:
    with store(buckets=("bucket", "victim")) as s3:
        stored = s3.stream(iter([b"x"]), name)
        assert list(s3.server.objects) == [("bucket", name)]
        assert s3.driver.delete_object(stored) is True
        s3.assert_nothing_is_left()


@pytest.mark.slow
def test_g05_threads_get_their_own_data(s3: Store) -> None:
    objects = [s3.stream(iter([pattern(2_000, seed)]), f"object-{seed}") for seed in range(16)]

    def work(thread: int) -> None:
        for round_ in range(20):
            seed = (thread + round_) % 16
            pieces = s3.driver.download_object_as_stream(objects[seed])
            assert b"".join(pieces) == pattern(2_000, seed)

    run_in_threads(work, 8)
    assert {entry.status for entry in s3.server.requests} == {200}


def test_g06_the_callers_headers_stay_as_they_are(s3: Store) -> None:
    headers = {"Cache-Control": "max-age=60"}
    s3.stream(iter([b"x"]), "one", headers=headers, extra={"meta_data": {"secret": "x"}})
    s3.stream(iter([b"x"]), "two", headers=headers)
    assert headers == {"Cache-Control": "max-age=60"}
    assert s3.server.objects["bucket", "two"].metadata == {}


@pytest.mark.parametrize("name", ["../evil", "{folder}/evil", "a/../../evil"])
def test_g07_a_name_does_not_choose_a_file_elsewhere(s3: Store, name: str, tmp_path: Path) -> None:
    name = name.format(folder=tmp_path)
    (tmp_path / "dest").mkdir()
    (tmp_path / "base" / "container").mkdir(parents=True)
    (tmp_path / "evil").write_bytes(b"top secret")
    with pytest.raises(LibcloudError):
        s3.stream(iter([b"x"]), name).download(f"{tmp_path / 'dest'}/", overwrite_existing=True)
    local = LocalStorageDriver(str(tmp_path / "base"))
    with pytest.raises(LibcloudError):
        local.get_object("container", name)
    with pytest.raises(LibcloudError):
        local.upload_object_via_stream(iter([b"x"]), local.get_container("container"), name)
    assert (tmp_path / "evil").read_bytes() == b"top secret"


def test_g07_a_name_with_slashes_makes_folders(s3: Store, tmp_path: Path) -> None:
    assert s3.stream(iter([b"x"]), "a/b/c").download(f"{tmp_path}/") is True
    assert (tmp_path / "a" / "b" / "c").read_bytes() == b"x"


def test_g08_responses_need_neither_namespace_nor_optional_elements() -> None:
    class Bare(S3StorageDriver):
        profile = GENERIC

    with store(NO_NAMESPACE, Bare) as s3:
        s3.stream(iter([LONG]))
        assert [obj.name for obj in s3.container.list_objects()] == ["object"]
        s3.driver._initiate_multipart(s3.container, "begun")
        assert [u.key for u in s3.driver.ex_iterate_multipart_uploads(s3.container)] == ["begun"]


@pytest.mark.parametrize(
    "fault", [Status(500), Status(503, "SlowDown"), Status(429, ""), Drop("in_body")]
)
def test_g09_a_part_is_sent_again(s3: Store, fault: Any) -> None:
    s3.server.faults.add("UploadPart", fault, part=2)
    s3.stream(iter([LONG]))
    assert s3.server.count("UploadPart") == 5
    assert s3.body() == LONG
    s3.assert_nothing_is_left("object")


def test_g09_retry_after_is_honoured(s3: Store) -> None:
    waited: list[float] = []
    s3.driver.ex_retry_policy = RetryPolicy(base=0.0)
    s3.driver._client.retry_loop.sleep = waited.append
    s3.server.faults.add("HeadBucket", Status(503, "SlowDown", headers={"Retry-After": "7"}))
    s3.driver.get_container("bucket")
    assert waited == [7.0]


def test_g10_a_stream_is_not_limited_to_the_first_part_size() -> None:
    plan = plan_for(None, Limits())
    assert sum(map(plan.size_of, range(1, 10_001))) > 20 * TIB  # 48.8 GiB were the end
    small = Limits(min_part_size=1, max_part_size=5 * PART, max_parts=8, max_object_size=GIB)
    with store() as s3:
        s3.driver.profile = replace(s3.driver.profile, limits=small)
        data = pattern(8 * PART * 2)  # twice what eight parts of the first size hold
        s3.stream(iter([data]))
        assert s3.body() == data
        assert s3.server.count("UploadPart") <= 8


@dataclass
class _Together(Action):
    """Requests that are carried out only when both have come."""

    both: threading.Barrier = field(default_factory=lambda: threading.Barrier(2, timeout=30))

    def verified(self, request: Incoming) -> Incoming:
        """Wait for the other one."""
        self.both.wait()
        return request


def test_g11_parts_are_sent_at_once(s3: Store) -> None:
    together = _Together()
    for part in (1, 2):
        s3.server.faults.add("UploadPart", together, part=part)
    s3.stream(iter([LONG]))
    assert s3.server.peak_parts() >= 2
    assert s3.body() == LONG


def test_g12_an_abort_that_fails_does_not_hide_the_error(s3: Store) -> None:
    s3.server.faults.add("AbortMultipartUpload", Status(403, "AccessDenied"), times=None)
    error = ValueError("user error")
    with pytest.raises(ValueError) as caught:
        s3.stream(s3.failing(error, LONG))
    assert caught.value is error
    assert "AccessDenied" in str(vars(error)["cleanup_error"])


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), GeneratorExit()])
def test_g13_an_interrupt_leaves_nothing_behind(s3: Store, error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        s3.stream(s3.failing(error, LONG))
    assert caught.value is error
    assert s3.server.count("AbortMultipartUpload") == 1
    s3.assert_nothing_is_left()


def test_g14_an_error_within_a_200_is_an_error(s3: Store) -> None:
    s3.server.faults.add("CompleteMultipartUpload", ErrorIn200("InvalidPart", "It is so."))
    with pytest.raises(LibcloudError, match=r"InvalidPart.*It is so"):
        s3.stream(iter([LONG]))
    s3.server.faults.add("CompleteMultipartUpload", ErrorIn200("InternalError"))
    s3.stream(iter([LONG]))
    s3.assert_nothing_is_left("object")


def test_g15_a_lost_response_to_complete_is_no_failure(s3: Store) -> None:
    s3.server.faults.add("CompleteMultipartUpload", LoseAnswer())
    assert s3.stream(iter([LONG])).size == len(LONG)
    assert s3.body() == LONG
    s3.assert_nothing_is_left("object")


def test_g16_a_refused_file_is_not_called_damaged(s3: Store, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    with pytest.raises(ContainerDoesNotExistError):
        s3.driver.upload_object(str(path), Container("absent", {}, s3.driver), "object")
    headers = {"x-amz-server-side-encryption": "aws:kms:dsse"}
    assert s3.driver.upload_object(str(path), s3.container, "object", headers=headers).size == 3


def test_g17_only_404_means_absent(s3: Store) -> None:
    s3.server.faults.add("HeadBucket", Status(400))
    with pytest.raises(LibcloudError, match="400") as caught:
        s3.driver.get_container("bucket")
    assert not isinstance(caught.value, ContainerDoesNotExistError)
    s3.server.faults.add("HeadObject", Status(400))
    with pytest.raises(LibcloudError, match="400") as caught:
        s3.driver.get_object("bucket", "object")
    assert not isinstance(caught.value, ObjectDoesNotExistError)


@pytest.mark.slow
def test_g18_a_silent_store_is_not_waited_for_longer_than_the_timeout(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    with store(timeout=0.2) as s3:
        s3.driver.ex_retry_policy = RetryPolicy(attempts=1)
        held = Hold("before")  # what was stored would be found
        for operation in ("PutObject", "GetObject"):
            s3.server.faults.add(operation, held, times=None)
        by_hand = Object("object", 3, None, {}, {}, s3.container, s3.driver)
        for act in (
            lambda: s3.driver.upload_object(str(path), s3.container, "object"),
            lambda: b"".join(by_hand.as_stream()),
        ):
            with pytest.raises(OSError):
                act()
            assert held.reached.wait(30)  # and let go by nobody
        held.release.set()


def test_the_modules_named_above_exist() -> None:
    index = f"{__doc__}\n{test_defects_of_use.__doc__}"
    rows = re.findall(r"^G(\d+) +(.*)$", index, flags=re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 36))
    here = Path(__file__).parent
    for name in re.findall(r"``([\w/]+)``", " ".join(modules for _, modules in rows)):
        places = [here, here.parent]
        assert any((place / f"{name}.py").exists() for place in places), name
