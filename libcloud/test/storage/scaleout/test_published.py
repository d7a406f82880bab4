# SPDX-License-Identifier: Apache-2.0
"""Whether an upload that no longer exists has published the object that is there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.scaleout import UploadSession
from libcloud.storage.types import UploadOutcomeUnknownError
from libcloud.test.storage.fakes.faults import Drop, LoseAnswer, Status
from libcloud.test.storage.s3_servers import PART, Store
from libcloud.test.storage.scaleout.pools import OddExecutor, Pieces

KINDS: list[dict[str, Any]] = [
    {"ex_checksum": "md5"},  # by the ETag
    {"ex_checksum": "crc32"},
    {"ex_checksum": "crc32", "ex_sse": "aws:kms"},  # by the checksum alone
]


@pytest.fixture(params=KINDS, ids=["md5", "crc32", "kms"])
def options(request: Any) -> dict[str, Any]:
    return dict(request.param)


def upload(s3: Store, pieces: Pieces, **options: Any) -> Any:
    return s3.driver.ex_upload_with(
        OddExecutor(3), pieces.functions, s3.container, "object", sizes=pieces.sizes, **options
    )


def attach(s3: Store, text: str, pieces: Pieces) -> Any:
    return s3.driver.ex_attach_upload(text, OddExecutor(0), pieces.functions, sizes=pieces.sizes)


def test_the_latest_text_finds_the_object(s3: Store, options: dict[str, Any]) -> None:
    pieces, texts = Pieces([PART] * 3), list[str]()
    first = upload(s3, pieces, ex_on_session=texts.append, **options)
    assert len(texts) == 2
    for text in texts:
        again = attach(s3, text, pieces)
        assert (again.hash, again.size) == (first.hash, 3 * PART)


def test_another_object_of_the_same_size_and_parts_is_not_mistaken_for_it(
    s3: Store, options: dict[str, Any]
) -> None:
    pieces, texts = Pieces([PART] * 3), list[str]()
    upload(s3, pieces, ex_on_session=texts.append, **options)
    other = Pieces([PART] * 3, changing=frozenset({1}))
    upload(s3, other, **options)
    s3.server.log.clear()
    with pytest.raises(LibcloudError) as caught:  # by whether the clock has ticked
        attach(s3, texts[-1], pieces)
    assert isinstance(caught.value, UploadOutcomeUnknownError) or (
        vars(caught.value)["code"] == "NoSuchUpload"
    )
    assert not s3.requests("UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload")


def test_the_error_of_a_lost_response_has_the_latest_text(
    s3: Store, options: dict[str, Any]
) -> None:
    pieces = Pieces([PART] * 3)
    s3.server.faults.add("CompleteMultipartUpload", LoseAnswer())
    s3.server.faults.add("CompleteMultipartUpload", Drop(), nth=2, times=None)
    s3.server.faults.add("HeadObject", Drop(), times=None)
    with pytest.raises(UploadOutcomeUnknownError) as caught:
        upload(s3, pieces, **options)
    s3.server.faults.clear()
    text = vars(caught.value)["session"]
    fields = UploadSession.from_json(text, s3.driver).fields
    assert fields.etag or fields.whole
    assert attach(s3, text, pieces).size == 3 * PART


def test_a_session_that_cannot_be_stored_again_publishes_nothing(s3: Store) -> None:
    pieces, texts = Pieces([PART] * 3), list[str]()

    def keep(text: str) -> None:
        texts.append(text)
        if len(texts) == 2:
            raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"):
        upload(s3, pieces, ex_on_session=keep)
    assert not s3.server.objects
    attach(s3, texts[0], pieces)
    assert s3.body() == pieces.data


def test_what_is_stored_is_not_sent_again(s3: Store) -> None:
    s3.server.faults.add("CompleteMultipartUpload", Status(403, "AccessDenied"))
    pieces, texts = Pieces([PART] * 3), list[str]()
    with pytest.raises(LibcloudError):
        upload(s3, pieces, ex_on_session=texts.append)
    attach(s3, texts[-1], pieces)
    assert s3.body() == pieces.data
    assert len(s3.requests("UploadPart")) == 3


@pytest.mark.parametrize("minutes", [-5, 5])
def test_a_clock_that_is_wrong_does_not_change_what_the_upload_has_published(
    s3: Store, minutes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3.driver.connection, "clock_offset", timedelta(minutes=minutes))
    pieces, texts = Pieces([PART] * 3), list[str]()
    first = upload(s3, pieces, ex_on_session=texts.append)
    assert attach(s3, texts[0], pieces).hash == first.hash
    ((key, stored),) = s3.server.state.objects.items()
    earlier = replace(stored, modified=stored.modified - timedelta(minutes=1))
    s3.server.state.objects[key] = earlier
    with pytest.raises(LibcloudError) as caught:
        attach(s3, texts[0], pieces)
    assert vars(caught.value)["code"] == "NoSuchUpload"
