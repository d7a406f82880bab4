# SPDX-License-Identifier: Apache-2.0
"""Names that XML cannot express: listed as they are, or asked for again in another way."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote_from_bytes, unquote_to_bytes, urlsplit
from xml.sax.saxutils import escape

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container, iterate_directory
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.filesystem import LibcloudFileSystem
from libcloud.storage.s3.nodes import with_raw_names
from libcloud.storage.s3.responses import parse_objects
from libcloud.test._loopback import Loopback, Received, reply
from libcloud.test.cli.running import Shell
from libcloud.test.storage.fakes.servers import Endpoint
from libcloud.test.storage.s3_servers import with_small_parts
from libcloud.utils.xml import parse_xml

Writer = Callable[[bytes], bytes]

KEYS = [
    b"plain",
    b"tab\there",
    b"return\r",
    b"\r\n\r\n",
    b"line\nfeed",
    b"bell\x07",
    b"\x01/\x1f",
    b"\x00",
    b"\xff",
    b"caf\xe9/menu",
    b"caf\xc3\xa9",
    b"a+b %41&<>'\"",
    b" ends ",
]


def as_it_is(key: bytes) -> bytes:
    """Markup is escaped and nothing else."""
    return key.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;")


def as_ceph(key: bytes) -> bytes:
    """Control characters become references, also those that are in no document."""
    return b"".join(b"&#x%02x;" % byte if byte < 32 else as_it_is(bytes([byte])) for byte in key)


def as_go(key: bytes) -> bytes:
    """As encoding/xml of Go does: what is no character of XML is replaced by U+FFFD."""
    text = key.decode("utf-8", "replace")
    known = "".join(char if char >= " " or char in "\t\n\r" else "\ufffd" for char in text)
    return escape(known, {"\t": "&#x9;", "\n": "&#xA;", "\r": "&#xD;"}).encode()


class Server(Loopback):
    """A bucket with objects of any name.

    :param write: how a key stands in a listing whose names are not encoded.
    :param encodes: whether ``encoding-type=url`` is heeded.
    :param lies: keys of uploads, and prefixes, are not encoded, although the listing says so.
    """

    def __init__(
        self, keys: list[bytes], write: Writer, *, encodes: bool, lies: bool = False
    ) -> None:
        super().__init__(self._respond)
        self.keys, self.write, self.encodes, self.lies = set(keys), write, encodes, lies

    def __enter__(self) -> Server:
        super().__enter__()
        return self

    def _respond(self, request: Received) -> bytes:
        target = urlsplit(request.target)
        query = parse_qs(target.query, keep_blank_values=True, errors="surrogateescape")
        _, _, path = target.path.lstrip("/").partition("/")
        key = unquote_to_bytes(path)
        if not key:
            return reply(200, self._listing(query))
        if key not in self.keys:
            return reply(404)
        if request.method == "DELETE":
            self.keys.remove(key)
            return reply(204)
        return reply(200, b"x" if request.method == "GET" else b"", {"Content-Length": "1"})

    def _listing(self, query: dict[str, list[str]]) -> bytes:
        encoded = self.encodes and query.get("encoding-type") == ["url"]
        write: Writer = (
            (lambda key: quote_from_bytes(key, safe="/").encode()) if encoded else self.write
        )
        prefix = query.get("prefix", [""])[0].encode("utf-8", "surrogateescape")
        shown = sorted(key for key in self.keys if key.startswith(prefix))
        kind, entry = b"ListBucketResult", b"<Contents><Key>%b</Key><Size>1</Size></Contents>"
        if "uploads" in query:
            kind = b"ListMultipartUploadsResult"
            entry = b"<Upload><Key>%b</Key><UploadId>u</UploadId></Upload>"
        level: Writer = self.write if self.lies else write
        if "uploads" in query:
            write = level
        levels = []
        if query.get("delimiter") == ["/"]:
            start = len(prefix)
            nested = [key for key in shown if b"/" in key[start:]]
            levels = sorted({key[: key.index(b"/", start) + 1] for key in nested})
            shown = [key for key in shown if key not in nested]
        content = b"".join(entry % write(key) for key in shown)
        content += b"".join(
            b"<CommonPrefixes><Prefix>%b</Prefix></CommonPrefixes>" % level(one) for one in levels
        )
        content += b"<Prefix>%b</Prefix>" % write(prefix)
        content += b"<EncodingType>url</EncodingType>" if encoded else b""
        head = b'<?xml version="1.0" encoding="UTF-8"?>\n'
        return head + b'<%b xmlns="http://s3.amazonaws.com/doc/2006-03-01/">%b</%b>' % (
            kind,
            content,
            kind,
        )

    def driver(self, profile: str) -> Any:
        """A driver that knows of the store what a profile tells."""
        kind: Any = with_small_parts(S3StorageDriver)
        where = {"host": "127.0.0.1", "port": self.port, "secure": False}
        return kind("key", "secret", ex_s3_profile=profile, **where)


def text(key: bytes) -> str:
    return key.decode("utf-8", "surrogateescape")


STORES = {
    "as it is": (as_it_is, False),
    "as it is, unless asked": (as_it_is, True),
    "as Ceph": (as_ceph, False),
    "as Ceph, unless asked": (as_ceph, True),
    "as Go, unless asked": (as_go, True),
}


@pytest.mark.parametrize("profile", ["amazon", "storj", "ovh", "generic", "ceph", "seaweedfs"])
@pytest.mark.parametrize(("write", "encodes"), STORES.values(), ids=STORES)
def test_every_name_is_listed_as_it_is(write: Writer, encodes: bool, profile: str) -> None:
    with Server(KEYS, write, encodes=encodes) as server:
        driver = server.driver(profile)
        container = Container("bucket", {}, driver)
        expected = [text(key) for key in sorted(KEYS)]
        assert [obj.name for obj in container.iterate_objects()] == expected
        found = driver.ex_iterate_multipart_uploads(container)
        assert [upload.key for upload in found] == expected
        level = {
            one if isinstance(one, str) else one.name for one in iterate_directory(container, "")
        }
        assert level == {text(key[: key.index(b"/") + 1] if b"/" in key else key) for key in KEYS}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(("write", "encodes"), STORES.values(), ids=STORES)
def test_one_strange_name_alone(write: Writer, encodes: bool, key: bytes) -> None:
    with Server([key], write, encodes=encodes) as server:
        for profile in ("storj", "amazon"):
            driver = server.driver(profile)
            container = Container("bucket", {}, driver)
            assert [obj.name for obj in container.iterate_objects()] == [text(key)]
            assert [obj.name for obj in container.iterate_objects(prefix=text(key))] == [text(key)]
            uploads = driver.ex_iterate_multipart_uploads(container)
            assert [upload.key for upload in uploads] == [text(key)]


def test_a_listed_object_is_read_and_deleted_by_its_own_bytes() -> None:
    with Server(KEYS, as_it_is, encodes=False) as server:
        driver = server.driver("amazon")
        container = Container("bucket", {}, driver)
        for obj in container.list_objects():
            assert b"".join(obj.as_stream()) == b"x"
            assert driver.get_object("bucket", obj.name).name == obj.name
            if obj.name != "plain":
                assert obj.delete()
        assert server.keys == {b"plain"}


def test_names_that_xml_cannot_express_are_deleted_one_by_one() -> None:
    keys = [key for key in KEYS if any(byte < 32 or byte > 127 for byte in key) or b" " in key]
    strange = [key for key in keys if key not in (b"caf\xc3\xa9", b"a+b %41&<>'\"")]
    with Server(strange, as_it_is, encodes=True) as server:
        driver = server.driver("amazon")
        container = Container("bucket", {}, driver)
        results = driver.ex_delete_objects(container.list_objects())
        assert all(one.deleted for one in results)
        assert server.keys == set()
        assert [request.method for request in server.requests[1:]] == ["DELETE"] * len(strange)


def test_a_store_that_encodes_gets_one_unencoded_listing() -> None:
    with Server([b"a\x01"], as_ceph, encodes=True) as server:
        driver = server.driver("storj")
        container = Container("bucket", {}, driver)
        for _ in range(3):
            container.list_objects()
        encoded = ["encoding-type=url" in request.target for request in server.requests]
        assert encoded == [False, True, True, True]


def test_a_store_that_does_not_encode_gets_one_encoded_listing() -> None:
    with Server([b"a\x01"], as_ceph, encodes=False) as server:
        container = Container("bucket", {}, server.driver("storj"))
        for _ in range(3):
            container.list_objects()
        encoded = ["encoding-type=url" in request.target for request in server.requests]
        assert encoded == [False, True, False, False]


@pytest.mark.parametrize(
    "key", [b"a+b/c+d", b"a%41/%42", b"a b/ c", b"caf\xc3\xa9/x", b"a\x01/\xff"]
)
@pytest.mark.parametrize("write", [as_it_is, as_ceph])
@pytest.mark.parametrize("profile", ["amazon", "storj"])
def test_a_false_claim_to_encode_is_detected(profile: str, write: Writer, key: bytes) -> None:
    """As SeaweedFS with the keys of uploads, and moto with prefixes."""
    for lies in (True, False):
        with Server([key], write, encodes=True, lies=lies) as server:
            driver = server.driver(profile)
            container = Container("bucket", {}, driver)
            for _ in range(2):
                (upload,) = driver.ex_iterate_multipart_uploads(container)
                assert upload.key == text(key)
                assert list(iterate_directory(container, "")) == [text(key[: key.index(b"/") + 1])]
            assert len(server.requests) <= 6, "what was found out is remembered"


@pytest.mark.parametrize("whole", [True, False])
def test_an_upload_unknown_by_its_listed_name_does_not_count_as_aborted(whole: bool) -> None:
    with Server([b"a\x01", b"gone"], as_go, encodes=False) as server:
        driver = server.driver("amazon")
        container = Container("bucket", {}, driver)
        answer = server.answer
        server.answer = lambda request: (
            reply(404) if request.method == "DELETE" else answer(request)
        )
        clean = driver.ex_cleanup_multipart_uploads
        with pytest.raises(LibcloudError, match=r"404|may still exist: a\ufffd"):
            (driver.ex_cleanup_all_multipart_uploads if whole else clean)(container)


def test_plain_names_are_listed_once() -> None:
    with Server([b"a", b"caf\xc3\xa9"], as_go, encodes=True) as server:
        Container("bucket", {}, server.driver("storj")).list_objects()
        assert len(server.requests) == 1


def test_a_replaced_name_that_cannot_be_helped_is_warned_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Server([b"a\x01"], as_go, encodes=False) as server:
        container = Container("bucket", {}, server.driver("storj"))
        with caplog.at_level(logging.WARNING):
            for _ in range(2):
                assert [obj.name for obj in container.list_objects()] == ["a\ufffd"]
        assert [record.getMessage() for record in caplog.records] == [
            "Storj (global): names in a listing of this store may differ from those of the "
            "objects: it does not encode characters that XML cannot express"
        ]


def test_the_file_system_lists_and_removes_every_name() -> None:
    with Server([b"dir/\xff", b"dir/\x01"], as_ceph, encodes=False) as server:
        system = LibcloudFileSystem(driver=server.driver("amazon"), skip_instance_cache=True)
        names = ["bucket/dir/\x01", "bucket/dir/\udcff"]
        assert system.find("bucket/dir") == names
        assert system.ls("bucket/dir", detail=False) == names
        assert system.cat_file("bucket/dir/\udcff") == b"x"
        system.rm("bucket/dir", recursive=True)
        assert server.keys == set()


def test_the_command_lists_gets_and_removes_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    with Server([b"dir/\xff", b"dir/plain"], as_it_is, encodes=False) as server:
        shell = Shell(Endpoint("names", "127.0.0.1", server.port, "key", "secret"), tmp_path)
        lines = shell.ok("ls", "-r", "s3://bucket").out.splitlines()
        assert [line.split()[-1] for line in lines] == [b"dir/plain", b"dir/\xff"]
        shown = shell.ok("ls", "-r", "--json", "s3://bucket").out.splitlines()
        assert json.loads(shown[1])["name"] == "dir/\udcff"
        shell.ok("get", "-r", "s3://bucket/dir", str(tmp_path / "copy"))
        assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == ["plain", "\udcff"]
        shell.ok("rm", "s3://bucket/dir/\udcff")
        assert server.keys == {b"dir/plain"}


# Documents.


def keys_of(document: bytes) -> list[str]:
    return [record.key for record in parse_objects(parse_xml(with_raw_names(document))).entries]


def listing(content: bytes, head: bytes = b"") -> bytes:
    return head + b"<ListBucketResult>" + content + b"</ListBucketResult>"


def one(key: bytes) -> bytes:
    return b"<Contents><Key>%b</Key><Size>1</Size></Contents>" % key


def test_a_document_that_is_exact_is_left_alone() -> None:
    for document in (
        listing(one(b"caf\xc3\xa9&#13;&#xa;\t\n&amp;")),
        listing(one(b"a%01") + b"<EncodingType>url</EncodingType>"),
        b"<Error><Key>\x01</Key></Error>",
        b"<html>\r\n</html>",
        listing(one(b"\xe9"), b"<?xml version='1.0' encoding='ISO-8859-1'?>"),
    ):
        assert with_raw_names(document) == document


def test_references_and_entities_keep_their_meaning() -> None:
    written = b"&amp;&lt;&gt;&quot;&apos;&#38;&#x26;&#x1F600;&#1;&#x0d;&amp;amp;%41+"
    assert keys_of(listing(one(written))) == ["&<>\"'&&\U0001f600\x01\r&amp;%41+"]


def test_lines_that_end_in_a_carriage_return_do_no_harm() -> None:
    document = listing(one(b"a b+%").replace(b"<Key>", b"\r\n <Key>"), b"<?xml version='1.0'?>\r\n")
    assert keys_of(document) == ["a b+%"]


def test_what_an_encoding_store_leaves_as_it_is_does_not_end_the_listing() -> None:
    content = b"<EncodingType>url</EncodingType><Prefix>\x01</Prefix>" + one(b"a+b%2B\xff\x02&#3;")
    assert keys_of(listing(content)) == ["a b+\udcff\x02\x03"]


def test_other_texts_may_be_damaged_but_names_are_not() -> None:
    owner = b"<Owner><DisplayName>caf\xe9\x01&#2;</DisplayName></Owner>"
    document = listing(one(b"k\x01").replace(b"</Size>", b"</Size>" + owner))
    (record,) = parse_objects(parse_xml(with_raw_names(document))).entries
    assert (record.key, record.owner_name) == ("k\x01", "caf\ufffd??")
