# SPDX-License-Identifier: Apache-2.0
"""Success needs evidence: a server that answers everything with 200 and a web page is no store."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from libcloud.common.types import LibcloudError, MalformedResponseError
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.google_storage import GoogleStorageDriver
from libcloud.storage.drivers.s3 import S3MultipartUpload, S3StorageDriver
from libcloud.storage.transfer.retry import RetryPolicy
from libcloud.storage.writer import UploadWriter
from libcloud.test._loopback import Loopback, Received, reply
from libcloud.test.storage.fakes.faults import Action, Status
from libcloud.test.storage.fakes.wire import Answer
from libcloud.test.storage.s3_servers import PART, pattern, store

LONG = pattern(PART * 3 + 1)
BODIES = {
    "html": (b"<html><body>Please log in</body></html>", "text/html"),
    "doctype": (b"<!DOCTYPE html><html><p>Please log in", "text/html; charset=utf-8"),
    "xhtml": (b"<?xml version='1.0'?><html xmlns='x'>Please log in</html>", "application/xml"),
    "untyped": (b"  <html><title>Please log in</title></html>", ""),
    "json": (b'{"error": "Please log in"}', "application/json"),
    "text": (b"Please log in", "text/plain"),
}


@pytest.fixture(params=list(BODIES))
def page(request: pytest.FixtureRequest) -> bytes:
    body, kind = BODIES[request.param]
    return reply(200, body, {"Content-Type": kind} if kind else {})


@dataclass(frozen=True)
class Asked:
    """What a request is made with."""

    driver: Any
    container: Container
    folder: Path

    @property
    def object(self) -> Object:
        return Object("key", 3, "x", {}, {}, self.container, self.driver)

    @property
    def upload(self) -> S3MultipartUpload:
        return S3MultipartUpload("key", "id", None, None, None)

    def file(self, size: int) -> str:
        path = self.folder / "source"
        path.write_bytes(b"x" * size)
        return str(path)

    def write(self, size: int) -> None:
        options: dict[str, Any] = {"ex_part_size": PART} if size > PART else {}
        with self.container.ex_open_writer("key", **options) as writer:
            writer.write(b"x" * size)


def delete_many(asked: Asked) -> None:
    (result,) = asked.driver.ex_delete_objects(["key"], asked.container)
    raise result.error


WRITES: dict[str, Callable[[Asked], object]] = {
    "stream": lambda a: a.container.upload_object_via_stream(iter([b"abc"]), "key"),
    "file": lambda a: a.container.upload_object(a.file(3), "key"),
    "writer": lambda a: a.write(3),
    "create container": lambda a: a.driver.create_container("bucket"),
    "delete container": lambda a: a.container.delete(),
    "delete object": lambda a: a.object.delete(),
}
OTHERS: dict[str, Callable[[Asked], object]] = {
    "stream in parts": lambda a: a.container.upload_object_via_stream(
        iter([LONG]), "key", ex_part_size=PART
    ),
    "file in parts": lambda a: a.container.upload_object(a.file(2500), "key", ex_part_size=PART),
    "writer in parts": lambda a: a.write(2500),
    "a part": lambda a: a.driver._upload_multipart_chunks(a.container, "key", "id", iter([b"abc"])),
    "abort": lambda a: a.driver._abort_multipart(a.container, "key", "id"),
    "create upload": lambda a: a.driver._initiate_multipart(a.container, "key"),
    "complete": lambda a: a.driver._commit_multipart(a.container, "key", "id", [(1, "etag")]),
    "delete objects": delete_many,
    "list": lambda a: a.container.list_objects(),
    "list containers": lambda a: a.driver.list_containers(),
    "list uploads": lambda a: list(a.driver.ex_iterate_multipart_uploads(a.container)),
    "list parts": lambda a: list(a.driver.ex_list_parts(a.container, a.upload)),
}
LOOKS: dict[str, Callable[[Asked], object]] = {
    "get container": lambda a: a.driver.get_container("bucket"),
    "get object": lambda a: a.driver.get_object("bucket", "key"),
    "get object of container": lambda a: a.container.get_object("key"),
    "copy": lambda a: a.driver.ex_copy_object(a.object, a.container, "copy"),
}


class Amazon(S3StorageDriver):
    ex_retry_policy = RetryPolicy(attempts=2, base=0.0)
    profile = replace(
        S3StorageDriver.profile, limits=replace(S3StorageDriver.profile.limits, min_part_size=1)
    )


class Opaque(Amazon):
    """At a store whose ETags are not compared."""

    profile = replace(Amazon.profile, etag_is_md5=False, multipart_etag=False)


class Google(GoogleStorageDriver):
    ex_retry_policy = RetryPolicy(attempts=2, base=0.0)


def driver_at(server: Loopback, kind: Any = Amazon) -> Any:
    key = "GOOG0123456789ABCXYZ" if kind is Google else "key"
    return kind(key, "secret", secure=False, host="127.0.0.1", port=server.port)


def asked_of(server: Loopback, folder: Path, kind: Any = Amazon) -> Asked:
    driver = driver_at(server, kind)
    return Asked(driver, Container("bucket", {}, driver), folder)


@pytest.mark.parametrize("name", [*WRITES, *OTHERS])
def test_a_page_in_place_of_a_response_is_malformed(name: str, page: bytes, tmp_path: Path) -> None:
    with Loopback(lambda request: page) as server:
        ask = {**WRITES, **OTHERS}[name]
        with pytest.raises(MalformedResponseError, match=r"Please log in.*endpoint") as caught:
            ask(asked_of(server, tmp_path))
        assert f"http://127.0.0.1:{server.port}" in str(caught.value)


@pytest.mark.parametrize("name", list(WRITES))
def test_google_is_no_exception(name: str, page: bytes, tmp_path: Path) -> None:
    with Loopback(lambda request: page) as server:
        asked = asked_of(server, tmp_path, Google)
        with pytest.raises(MalformedResponseError, match=r"Please log in.*endpoint"):
            WRITES[name](asked)


def only_head(request: Received) -> bytes:
    body, kind = BODIES["html"]
    full = reply(200, body, {"Content-Type": kind})
    return full[: -len(body)] if request.method == "HEAD" else full


@pytest.mark.parametrize("kind", [Amazon, Google])
@pytest.mark.parametrize("name", list(LOOKS))
def test_a_page_is_neither_a_container_nor_an_object(name: str, kind: Any, tmp_path: Path) -> None:
    with Loopback(only_head) as server:
        asked = asked_of(server, tmp_path, kind)
        with pytest.raises(MalformedResponseError, match=r"bucket.*web page.*endpoint"):
            LOOKS[name](asked)
        assert len(server.requests) == 1


def test_an_object_may_be_a_web_page(tmp_path: Path) -> None:
    body = BODIES["html"][0]
    headers = {"Content-Type": "text/html", "ETag": '"e"'}
    with Loopback(lambda request: only(request, reply(200, body, headers))) as server:
        asked = asked_of(server, tmp_path)
        obj = asked.container.get_object("key")
        assert (obj.extra["content_type"], b"".join(obj.as_stream())) == ("text/html", body)


def only(request: Received, answer: bytes) -> bytes:
    """No body in the answer to HEAD."""
    return answer[: answer.index(b"\r\n\r\n") + 4] if request.method == "HEAD" else answer


@pytest.mark.parametrize("name", list(WRITES))
@pytest.mark.parametrize("body", [b"", b"\r\n", b"<PutObjectResponse/>"])
def test_a_success_without_etag_and_body_is_believed(
    name: str, body: bytes, tmp_path: Path
) -> None:
    """Frameworks call an empty body text/html; moto answers CreateBucket with a document."""
    document = {
        "create container": b"<CreateBucketResponse/>",
        "delete container": b"<DeleteBucketResponse/>",
        "delete object": b"<DeleteObjectResponse/>",
    }
    sent = document.get(name, body) if body.startswith(b"<") else body

    def answer(request: Received) -> bytes:
        if request.method == "HEAD":
            return only(request, reply(200, b"abc"))
        return reply(200, sent, {"Content-Type": "text/html"})

    with Loopback(answer) as server:
        WRITES[name](asked_of(server, tmp_path))


@pytest.mark.parametrize("name", ["stream", "file", "writer"])
@pytest.mark.parametrize("status", [200, 204])
@pytest.mark.parametrize("looked_for", [200, 404])
def test_an_upload_is_not_believed_without_a_sign_of_a_store(
    name: str, status: int, looked_for: int, tmp_path: Path
) -> None:
    def answer(request: Received) -> bytes:
        return reply(looked_for if request.method == "HEAD" else status, b"")

    error = pytest.raises(MalformedResponseError, match=r"bucket/key.*no object of 3 bytes")
    with Loopback(answer) as server, error:
        WRITES[name](asked_of(server, tmp_path))


def test_an_empty_success_does_not_prove_an_empty_object(tmp_path: Path) -> None:
    """A server that answers everything so reports its size, 0, as well."""
    error = pytest.raises(MalformedResponseError, match=r"bucket/key.*no object of 0 bytes")
    with Loopback(lambda request: reply(200)) as server, error:
        asked_of(server, tmp_path).container.upload_object_via_stream(iter([b""]), "key")


def test_an_upload_is_believed_if_head_names_the_object_without_its_size(tmp_path: Path) -> None:
    """Proxies that compress remove the length, and need not be asked again."""
    head = b'HTTP/1.1 200 OK\r\nETag: "900150983cd24fb0d6963f7d28e17f72"\r\n\r\n'
    with Loopback(lambda request: head if request.method == "HEAD" else reply(200)) as server:
        WRITES["stream"](asked_of(server, tmp_path))
    assert [request.method for request in server.requests] == ["PUT", "HEAD"]


@pytest.mark.parametrize("status", [200, 201, 204])
@pytest.mark.parametrize("name", ["stream", "file", "writer", "stream in parts"])
def test_data_is_stored_by_any_of_these_statuses(name: str, status: int, tmp_path: Path) -> None:
    documents = {
        "uploads": b"<InitiateMultipartUploadResult><UploadId>id</UploadId>"
        b"</InitiateMultipartUploadResult>",
        "uploadId=id": b"<CompleteMultipartUploadResult><ETag>etag</ETag>"
        b"</CompleteMultipartUploadResult>",
    }

    def answer(request: Received) -> bytes:
        if request.method == "POST":
            return reply(200, documents[request.target.partition("?")[2]])
        return reply(status, b"", {"ETag": '"0cc175b9c0f1b6a831c399e269772661"'})

    with Loopback(answer) as server:
        upload = {**WRITES, **OTHERS}[name]
        upload(asked_of(server, tmp_path, Opaque))


def test_a_container_of_an_empty_page_exists(tmp_path: Path) -> None:
    with Loopback(lambda request: reply(200, b"", {"Content-Type": "text/html"})) as server:
        assert asked_of(server, tmp_path).driver.get_container("bucket").name == "bucket"


@pytest.mark.parametrize("name", list(WRITES))
@pytest.mark.parametrize(
    "body",
    [
        b"<Error><Code>AccessDenied</Code><Message>Never.</Message></Error>",
        b"<?xml version='1.0'?>\n<Error><Code>AccessDenied</Code><Message>Never.</Message></Error>",
    ],
)
def test_an_error_within_a_200_is_an_error(name: str, body: bytes, tmp_path: Path) -> None:
    with Loopback(lambda request: reply(200, body)) as server:
        with pytest.raises(LibcloudError, match=r"200.*AccessDenied.*Never"):
            WRITES[name](asked_of(server, tmp_path))
        assert len(server.requests) == 1


def test_another_document_than_the_one_of_the_operation_is_malformed(tmp_path: Path) -> None:
    listing = reply(200, b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
    with Loopback(lambda request: listing) as server:
        for ask in WRITES.values():
            with pytest.raises(MalformedResponseError, match="ListBucketResult"):
                ask(asked_of(server, tmp_path))


@pytest.mark.parametrize("name", ["stream", "file", "writer"])
def test_an_etag_is_evidence_with_another_document_but_not_with_a_web_page(
    name: str, tmp_path: Path
) -> None:
    etag = {"ETag": '"x-1"'}
    with Loopback(lambda request: reply(200, b"<OtherResult/>", etag)) as server:
        WRITES[name](asked_of(server, tmp_path))
    page = reply(200, b"<!-- x --><html></html>", etag)
    with Loopback(lambda request: page) as server, pytest.raises(MalformedResponseError):
        WRITES[name](asked_of(server, tmp_path))


def test_the_page_is_shown_short_on_one_line_and_without_credentials(tmp_path: Path) -> None:
    text = "<html>\x1b[2J\n<a href='?X-Amz-Signature=0ff1ce&amp;AWSAccessKeyId=AKIDX'>" + "x" * 9999
    with Loopback(lambda request: reply(200, text.encode())) as server:
        asked = asked_of(server, tmp_path)
        for ask in (*WRITES.values(), OTHERS["list"]):
            with pytest.raises(MalformedResponseError) as caught:
                ask(asked)
            said = str(caught.value)
            assert said.isprintable()
            assert len(said) < 600
            assert "0ff1ce" not in said
            assert "AKIDX" not in said


def test_google_permissions_need_json(tmp_path: Path) -> None:
    html, _ = BODIES["html"]
    with Loopback(lambda request: reply(200, html, {"Content-Type": "text/html"})) as server:
        driver = driver_at(server, Google)
        with pytest.raises(LibcloudError):
            driver.ex_set_permissions("bucket", entity="user-a", role="OWNER")
        with pytest.raises(LibcloudError):
            driver.ex_delete_permissions("bucket", entity="user-a")
        with pytest.raises(LibcloudError):
            driver.ex_get_permissions("bucket")
    with Loopback(lambda request: reply(200, json.dumps({"items": []}).encode())) as server:
        assert driver_at(server, Google).ex_get_permissions("bucket") == (3, None)


# A page that comes once.


class Page(Action):
    """The request reaches the store, and a page comes in place of the answer."""

    def answered(self, answer: Answer) -> Answer:
        return Answer(200, (("Content-Type", "text/html"),), BODIES["html"][0])


@pytest.mark.parametrize("operation", ["PutObject", "UploadPart", "CompleteMultipartUpload"])
def test_a_page_with_invalid_xml_is_requested_again(operation: str) -> None:
    with store() as s3:
        s3.server.faults.add(operation, Page())
        data = b"short" if operation == "PutObject" else LONG
        s3.stream(iter([data]))
        assert s3.body() == data
        assert not s3.server.unfinished_uploads()


def test_an_upload_whose_responses_are_web_pages_is_looked_up() -> None:
    """The HEAD request says what a page in front of a store hides."""
    with store() as s3:
        s3.server.faults.add("PutObject", Page(), times=None)
        assert s3.stream(iter([b"short"])).size == 5


@pytest.mark.parametrize("look", [404, 200])
def test_a_complete_that_only_gets_web_pages_is_malformed(look: int, tmp_path: Path) -> None:
    html = BODIES["html"][0]
    created = (
        b"<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>"
    )

    def answer(request: Received) -> bytes:
        if request.method == "HEAD":
            return only(request, reply(look, html, {"Content-Type": "text/html"}))
        if request.target.endswith("uploads"):
            return reply(200, created)
        return reply(200, html) if request.method == "POST" else reply(200, b"", {"ETag": '"e"'})

    with Loopback(answer) as server:
        asked = asked_of(server, tmp_path)
        with pytest.raises(MalformedResponseError, match=r"commit.*Please log in") as caught:
            OTHERS["stream in parts"](asked)
        assert vars(caught.value)["outcome_unknown"] is True
        assert vars(caught.value)["upload_id"] == "id"


# Parts and Complete.


class Without(Action):
    """The answer without a header, or with another body."""

    def __init__(self, header: str = "", body: bytes | None = None) -> None:
        self.header, self.body = header, body

    def answered(self, answer: Answer) -> Answer:
        kept = tuple(item for item in answer.headers if item[0].lower() != self.header)
        return Answer(answer.status, kept, answer.body if self.body is None else self.body)


def test_a_part_without_an_etag_is_sent_again() -> None:
    with store() as s3:
        s3.server.faults.add("UploadPart", Without("etag"), part=2)
        s3.stream(iter([LONG]))
        assert s3.body() == LONG
        assert [entry.part_number for entry in s3.requests("UploadPart")] == [1, 2, 2, 3, 4]


def test_parts_that_never_have_an_etag_are_an_error() -> None:
    with store() as s3:
        s3.server.faults.add("UploadPart", Without("etag"), part=2, times=None)
        with pytest.raises(MalformedResponseError, match=r"chunk 2 of bucket/object.*no ETag"):
            s3.stream(iter([LONG]))
        s3.assert_nothing_is_left()


@pytest.mark.parametrize("etag", ["", "<ETag/>", "<ETag></ETag>", "<ETag>&quot;&quot;</ETag>"])
def test_a_complete_with_an_empty_etag_is_a_success(etag: str) -> None:
    body = f"<CompleteMultipartUploadResult>{etag}</CompleteMultipartUploadResult>".encode()
    with store() as s3:
        s3.server.faults.add("CompleteMultipartUpload", Without(body=body), times=None)
        made = s3.stream(iter([LONG]))
        assert s3.body() == LONG
        assert made.hash == s3.container.get_object("object").hash
        assert len(s3.requests("CompleteMultipartUpload")) == 1
        with s3.container.ex_open_writer("written", ex_part_size=PART) as writer:
            writer.write(LONG)
        assert result_of(writer).hash == made.hash


def result_of(writer: UploadWriter[Object]) -> Object:
    assert writer.result is not None
    return writer.result


def test_an_empty_etag_in_another_document_is_no_success() -> None:
    body = b"<Something><ETag/></Something>"
    with store() as s3:
        rule = s3.server.faults.add("CompleteMultipartUpload", Without(body=body), times=1)
        s3.stream(iter([LONG]))  # the second Complete, or a look, tells
        assert rule.fired == 1
        assert s3.body() == LONG


def test_writers_of_one_key_all_succeed_where_complete_names_no_etag() -> None:
    body = b"<CompleteMultipartUploadResult><ETag/></CompleteMultipartUploadResult>"
    with store() as s3:
        s3.server.faults.add("CompleteMultipartUpload", Without(body=body), times=None)
        texts = [bytes([65 + number]) * 2500 for number in range(4)]
        writers = [s3.container.ex_open_writer("object", ex_part_size=PART) for _ in texts]
        for writer, text in zip(writers, texts, strict=True):
            writer.write(text)
        for writer in writers:
            writer.close()
        hashes = [result_of(writer).hash for writer in writers]
        assert s3.body() == texts[-1]
        assert len(set(hashes)) == 4
        assert not s3.server.unfinished_uploads()


def test_the_etag_of_another_writer_is_not_mistaken_for_ones_own() -> None:
    """The object was replaced between Complete and the look for its ETag."""
    body = b"<CompleteMultipartUploadResult><ETag/></CompleteMultipartUploadResult>"
    with store() as s3:
        other = s3.stream(iter([b"y" * len(LONG)])).hash
        s3.server.faults.add("CompleteMultipartUpload", Without(body=body), times=None)
        answer = Replaced(other)
        s3.server.faults.add("HeadObject", answer, times=None)
        assert s3.stream(iter([LONG])).hash is None
        s3.server.faults.add("HeadObject", Status(404, "NoSuchKey"), times=None)
        assert s3.stream(iter([LONG])).hash is None


class Replaced(Action):
    """The look finds another object."""

    def __init__(self, etag: str) -> None:
        self.etag = etag

    def answered(self, answer: Answer) -> Answer:
        return answer.with_headers([("ETag", f'"{self.etag}"')])


def test_a_bad_digest_of_a_complete_is_permanent() -> None:
    with store() as s3:
        rule = s3.server.faults.add("CompleteMultipartUpload", Status(400, "BadDigest"), times=None)
        with pytest.raises(LibcloudError, match="BadDigest"):
            s3.stream(iter([LONG]))
        assert rule.fired == 1
        s3.assert_nothing_is_left()


def test_a_bad_digest_of_a_part_is_sent_again() -> None:
    with store() as s3:
        rule = s3.server.faults.add("UploadPart", Status(400, "BadDigest"), part=1)
        s3.stream(iter([LONG]))
        assert (rule.fired, s3.body()) == (1, LONG)


def test_an_error_shows_the_words_of_a_page() -> None:
    page = (
        b"<html><head><style>p {}</style></head><h1>400 Bad Request</h1>"
        b"<p>Plain HTTP was sent to an HTTPS port</p><p>X-Amz-Signature=0123456789abcdef</html>"
    )
    with Loopback(lambda _: reply(400, page)) as server, pytest.raises(LibcloudError) as caught:
        driver_at(server).list_containers()
    assert "message: Plain HTTP was sent to an HTTPS port X-Amz-Signature" in str(caught.value)
    assert "0123456789abcdef" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 403])
def test_an_error_does_not_show_the_session_token_that_the_store_repeats(status: int) -> None:
    token = "FwoGZXIvYXdz/" * 100
    page = f"<Error><Code>AccessDenied</Code><Message>bad: {token}.</Message></Error>".encode()
    with Loopback(lambda _: reply(status, page)) as server, pytest.raises(LibcloudError) as caught:
        Amazon(
            "key", "secret", token=token, secure=False, host="127.0.0.1", port=server.port
        ).list_containers()
    assert "message: bad: [redacted]." in str(caught.value)
