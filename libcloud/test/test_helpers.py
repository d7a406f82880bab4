# SPDX-License-Identifier: Apache-2.0
"""The helpers of ``libcloud.test``: mocks answer as a server would, and record what they saw."""

from __future__ import annotations

import io
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import pytest
import requests

from libcloud.common.base import Connection
from libcloud.http import allowed_concurrency
from libcloud.test import (
    BodyStream,
    LibcloudTestCase,
    MockConnection,
    MockHttp,
    MockHttpTestCase,
    MockRawResponse,
    MockResponse,
    StorageMockHttp,
    generate_random_data,
    make_response,
    multipleresponse,
    no_internet,
    no_network,
    unittest,
)
from libcloud.test._helpers import provide_secrets
from libcloud.test.file_fixtures import FileFixtures, StorageFileFixtures
from libcloud.test.storage.base import BaseRangeDownloadMockHttp

Answer = tuple[int, Any, dict[str, Any], str]


class EchoMockHttp(MockHttp):
    """Answers each path with its own text."""

    seen: ClassVar[list[tuple[Any, ...]]] = []

    def _bucket_my_key_txt(self, method: str, url: str, body: Any, headers: Any) -> Answer:
        self.seen.append((method, url, body, headers))
        return (201, f"{method} says é", {"X-Count": 3, "ETag": '"e"'}, "Made")

    def _empty(self, method: str, url: str, body: Any, headers: Any) -> Answer:
        return (204, None, {}, "No Content")

    def _bytes(self, method: str, url: str, body: Any, headers: Any) -> Answer:
        return (200, b"\x00\xff" * 50, {}, "OK")

    def _file(self, method: str, url: str, body: Any, headers: Any) -> Answer:
        return (200, io.BytesIO(b"from a file"), {}, "OK")

    def _pieces(self, method: str, url: str, body: Any, headers: Any) -> Answer:
        return (200, iter(["one ", b"two ", "three"]), {}, "OK")

    def _object(self, method: str, url: str, body: Any, headers: Any) -> MockResponse:
        return MockResponse(206, "part", {"content-range": "bytes 0-3/9"}, "Partial Content")

    def _echo(self, method: str, url: str, body: Any, headers: Any) -> Answer:
        return (200, "short", dict(headers), "OK")

    def _moved(self, method: str, url: str, body: Any, headers: Any) -> Answer:
        return (302, "", {"Location": "http://127.0.0.1/bytes"}, "Found")

    def _slow(self, method: str, url: str, body: Any, headers: Any) -> Answer:
        return (200, url.partition("?")[2], {"x-thread": threading.current_thread().name}, "OK")


class EchoConnection(Connection):
    conn_class = EchoMockHttp
    secure = 0


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Connection:
    monkeypatch.setattr(EchoMockHttp, "seen", [])
    made = EchoConnection(secure=False)
    made.connect()
    return made


@pytest.mark.parametrize(
    ("kind", "param", "url", "name"),
    [
        (None, None, "/bucket/my-key.txt?uploads", "_bucket_my_key_txt"),
        ("FAIL", None, "/bucket/my-key.txt?uploads", "_bucket_my_key_txt_FAIL"),
        (None, None, "/bucket/", "_bucket"),
        (None, None, "/bucket//", "_bucket_"),
        (None, None, "/", "root"),
        (None, None, "", "root"),
        (None, None, "?a=b", "root"),
        ("FAIL", None, "/", "_FAIL"),
        (None, "Action", "/?Action=Do.it-now&Action=no", "_Do_it_now"),
        ("T", "Action", "/x?b=1&Action=Do", "_x_T_Do"),
        (None, "Action", "/x?b=1", "_x"),
        (None, "Action", "/x?Action=", "_x"),
        (None, None, "/a%20b~c", "_a_20b_7Ec"),
        (None, None, "https://host:99/a/b?c", "_a_b"),
        (None, None, "//bucket/key", "__bucket_key"),
    ],
)
def test_the_method_is_named_by_the_path_without_the_query(
    monkeypatch: pytest.MonkeyPatch, kind: str | None, param: str | None, url: str, name: str
) -> None:
    mock = MockHttp(None, None)
    monkeypatch.setattr(MockHttp, "type", kind)
    monkeypatch.setattr(MockHttp, "use_param", param)
    monkeypatch.setattr(MockHttp, name, lambda self, *arguments: arguments, raising=False)
    found: object = mock._get_request("GET", url, "body", {"a": "b"})
    assert found == ("GET", url, "body", {"a": "b"})


def test_a_name_keeps_its_percent_sign_until_it_is_looked_up() -> None:
    assert MockHttp(None, None)._get_method_name(None, None, {}, "/a%20b~") == "_a%20b%7E"


def test_a_mock_built_positionally_opens_no_session() -> None:
    mock = MockHttp(None, None)
    assert mock.session is None
    reply = mock._get_request("GET", "/example")
    assert isinstance(reply, tuple)
    assert reply[0] == 200


def test_the_mock_method_gets_the_request_as_it_was_handed_over(connection: Connection) -> None:
    body = b"data"
    connection.request("/bucket/my-key.txt", params={"q": "1"}, method="POST", data=body)
    [(method, url, seen, headers)] = EchoMockHttp.seen
    assert (method, url) == ("POST", "/bucket/my-key.txt?q=1")
    assert seen is body
    assert headers["User-Agent"].startswith("libcloud/")


@pytest.mark.parametrize("raw", [False, True])
def test_the_mock_method_gets_numbers_in_headers_as_text(connection: Connection, raw: bool) -> None:
    headers = {"X-Count": 5, "X-Ratio": 1.5, "X-Name": "n"}
    connection.request("/bucket/my-key.txt", method="PUT", data=b"x", headers=headers, raw=raw)
    ((_, _, _, seen),) = EchoMockHttp.seen
    assert (seen["X-Count"], seen["X-Ratio"], seen["X-Name"]) == ("5", "1.5", "n")
    assert headers["X-Count"] == 5


def test_a_mock_may_be_called_without_headers() -> None:
    mock = EchoMockHttp(host="host", port=80)
    mock.request("GET", "/bucket/my-key.txt")
    mock.prepared_request("GET", "/bucket/my-key.txt")
    assert [seen[3] for seen in EchoMockHttp.seen] == [{}, {}]


def test_the_response_has_status_reason_headers_and_text(connection: Connection) -> None:
    answer = connection.request("/bucket/my-key.txt")
    assert (answer.status, answer.error, answer.body) == (201, "Made", "GET says é")
    assert answer.headers["x-count"] == "3"
    assert answer.headers["etag"] == '"e"'


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/empty", b""),
        ("/bytes", b"\x00\xff" * 50),
        ("/file", b"from a file"),
        ("/pieces", b"one two three"),
        ("/object", b"part"),
    ],
)
def test_a_raw_response_is_streamed_in_pieces_of_the_wanted_size(
    connection: Connection, path: str, content: bytes
) -> None:
    answer = connection.request(path, raw=True, stream=True)
    pieces = list(answer.response._response.iter_content(7))
    assert b"".join(pieces) == content
    assert all(len(piece) <= 7 for piece in pieces)


def test_a_mock_method_may_return_an_object(connection: Connection) -> None:
    answer = connection.request("/object", raw=True)
    assert (answer.status, answer.headers["content-range"]) == (206, "bytes 0-3/9")


def test_echoed_request_headers_are_not_held_against_the_body(connection: Connection) -> None:
    headers = {"Content-Length": "999", "Content-Encoding": "aws-chunked"}
    answer = connection.request("/echo", headers=headers, method="PUT", data=b"x" * 999)
    assert answer.body == "short"


def test_an_unknown_name_is_an_attribute_error_that_names_the_method(
    connection: Connection,
) -> None:
    with pytest.raises(AttributeError, match="_nowhere_at_all"):
        connection.request("/nowhere/at.all")
    with pytest.raises(AttributeError, match="_nowhere_at_all"):
        connection.request("/nowhere/at.all", raw=True).status  # noqa: B018


def test_a_request_on_the_session_gets_a_response_too(connection: Connection) -> None:
    answer = connection.connection.session.get("http://127.0.0.1/moved")
    assert answer.content == b"\x00\xff" * 50
    assert [hop.status_code for hop in answer.history] == [302]


def test_nothing_is_patched_outside_the_mock(connection: Connection) -> None:
    adapter = requests.Session().get_adapter("http://127.0.0.1/")
    connection.request("/bucket/my-key.txt")
    assert type(adapter) is requests.adapters.HTTPAdapter
    assert requests.Session().get_adapter("http://127.0.0.1/").send.__func__ is (  # type: ignore[attr-defined]
        requests.adapters.HTTPAdapter.send
    )


def test_the_request_of_a_response_shows_how_it_was_sent(connection: Connection) -> None:
    connection.request("/empty", raw=True, stream=True)
    assert connection.connection.getresponse().request.stream is True


def test_a_mock_takes_any_number_of_requests_at_once() -> None:
    assert allowed_concurrency(EchoMockHttp) is None


def test_each_thread_gets_its_own_response(connection: Connection) -> None:
    barrier = threading.Barrier(8)

    def ask(number: int) -> list[bool]:
        barrier.wait(timeout=30)
        return [
            connection.request("/slow", params={"n": f"{number}.{turn}"}).body
            == f"n={number}.{turn}"
            for turn in range(40)
        ]

    with ThreadPoolExecutor(8) as pool:
        assert all(all(right) for right in pool.map(ask, range(8)))


class RecordingTest(LibcloudTestCase):
    """Stands for a test that has a mock record for it."""

    def runTest(self) -> None: ...


def test_visited_urls_and_methods_are_recorded(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = RecordingTest()
    monkeypatch.setattr(EchoMockHttp, "test", case)
    connection.request("/bucket/my-key.txt", params={"a": "b"})
    connection.request("/empty", raw=True)
    assert case._visited_urls == ["/bucket/my-key.txt?a=b", "/empty"]
    assert case._executed_mock_methods == ["_bucket_my_key_txt", "_empty"]
    case.assertExecutedMethodCount(2)
    with pytest.raises(AssertionError, match="_empty"):
        case.assertExecutedMethodCount(1)
    case.setUp()
    case.assertExecutedMethodCount(0)


def test_recording_from_many_threads_loses_nothing() -> None:
    case = RecordingTest()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(case._add_visited_url, map(str, range(400))))
    assert sorted(map(int, case._visited_urls)) == list(range(400))


def test_query_parameters_are_compared() -> None:
    mock = MockHttp(None, None)
    mock.assertUrlContainsQueryParams("/x?a=1&b=", {"a": 1, "b": ""}, strict=True)
    mock.assertUrlContainsQueryParams("/x?a=1&b=2", {"a": "1"})
    with pytest.raises(AssertionError):
        mock.assertUrlContainsQueryParams("/x?a=1&b=2", {"a": "1"}, strict=True)
    with pytest.raises(AssertionError):
        mock.assertUrlContainsQueryParams("/x?a=1", {"a": "2"})
    with pytest.raises(AssertionError):
        mock.assertUrlContainsQueryParams("/x", {"a": "1"})


def test_multipleresponse_gives_the_next_response_on_each_call() -> None:
    class Mock:
        @multipleresponse
        def answers(self, method: str) -> list[tuple[object, str]]:
            return [(self, method), (self, "second")]

    mock = Mock()
    assert mock.answers("GET") == (mock, "GET")
    assert mock.answers("GET") == (mock, "second")
    with pytest.raises(IndexError, match="call 3 of a mock with 2 answers"):
        mock.answers("GET")


def test_multipleresponse_counts_each_method_separately() -> None:
    first = multipleresponse(lambda self: ["a", "b"])
    second = multipleresponse(lambda self: ["c"])
    assert (first(), second(), first()) == ("a", "c", "b")


def test_a_body_stream_is_read_and_stepped_with_or_without_a_size() -> None:
    body = BodyStream("one\ntwo\nthree")
    assert body.next(chunk_size=1) == "one\n"
    assert next(body) == "two\n"
    assert body.read(chunk_size=2) == "th"
    assert body.read() == "ree"
    with pytest.raises(StopIteration):
        body.next()


def test_make_response_has_status_and_headers_and_no_body() -> None:
    answer = make_response(202, {"X-Name": "value"})
    assert (answer.status, answer.headers["x-name"], answer.body) == (202, "value", "")
    assert make_response().headers == {}


def test_a_mock_response_can_be_iterated_and_read_once() -> None:
    answer = MockResponse(200, iter(["a", "b", "c"]), {"ETag": "e"}, "OK")
    assert (next(answer), answer.next(), answer.read(10), answer.read()) == ("a", "b", "c", "")
    assert (answer.status, answer.reason) == (200, "OK")
    assert (answer.getheader("etag"), answer.getheader("none", "x")) == ("e", "x")
    assert answer.getheaders() == [("ETag", "e")]
    assert list(MockResponse(200, "text")) == ["text"]
    assert list(MockResponse(204)) == []


DATA = generate_random_data(1000)


class DownloadRawResponse(MockRawResponse):
    """A raw response as tests of 0.12 wrote it."""

    calls: ClassVar[list[str]] = []

    def _bucket_key(self, method: str, url: str, body: Any, headers: Any) -> Answer:
        self.calls.append(method)
        return (206, DATA, {"Content-Length": str(len(DATA)), "ETag": "e"}, "Partial Content")


def test_a_raw_response_returns_the_same_object_on_every_access(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(DownloadRawResponse, "calls", [])
    connection = MockConnection("/bucket/key?partNumber=1")
    connection.method = "GET"  # type: ignore[attr-defined]
    answer = DownloadRawResponse(connection)
    first = answer._get_response_if_not_availale()
    assert isinstance(first, MockResponse)
    assert first is answer._get_response_if_not_availale()
    assert answer.response is answer.response
    assert answer.response._response is answer._response
    assert (answer.status, answer.reason, answer.body) == (206, "Partial Content", DATA)
    assert answer.headers == {"content-length": "1000", "etag": "e"}
    assert answer.success()
    assert DownloadRawResponse.calls == ["GET"]
    assert b"".join(answer.iter_content(64)) == DATA.encode()


class UploadMockHttp(MockHttp):
    """Knows nothing of ``/bucket/key``, which only the raw response answers."""

    def _bucket(self, method: str, url: str, body: Any, headers: Any) -> Answer:
        return (200, "listed", {}, "OK")


def test_a_raw_response_class_with_methods_of_its_own_works_on_a_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(DownloadRawResponse, "calls", [])

    class Classic(Connection):
        conn_class = UploadMockHttp
        rawResponseCls = DownloadRawResponse

    connection = Classic()
    answer = connection.request("/bucket/key", method="PUT", data=b"x", raw=True)
    assert (answer.status, answer.body) == (206, DATA)
    assert DownloadRawResponse.calls == ["PUT"]
    assert connection.request("/bucket").body == "listed"


@pytest.mark.parametrize("secure", [True, False])
def test_conn_classes_of_older_tests_are_honoured(secure: bool) -> None:
    class Plain(UploadMockHttp):
        def _bucket(self, method: str, url: str, body: Any, headers: Any) -> Answer:
            return (200, "plain", {}, "OK")

    class Classic(Connection):
        conn_classes = (Plain, UploadMockHttp)

    answer = Classic(secure=secure).request("/bucket")
    assert answer.body == ("listed" if secure else "plain")


def test_an_older_pair_with_one_class_is_honoured() -> None:
    class Classic(Connection):
        conn_classes = (None, UploadMockHttp)

    assert Classic().request("/bucket").body == "listed"


def test_the_older_names_are_the_same_classes() -> None:
    assert StorageMockHttp is MockHttp
    assert MockHttpTestCase is MockHttp
    assert issubclass(MockHttp, unittest.TestCase)


def test_random_data_are_digits() -> None:
    assert len(DATA) == 1000
    assert DATA.isdigit()
    assert generate_random_data(0) == ""


def test_the_environment_selects_the_network_for_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_NETWORK", raising=False)
    monkeypatch.delenv("NO_INTERNET", raising=False)
    assert (no_network(), no_internet()) == (False, False)
    monkeypatch.setenv("NO_INTERNET", "")
    assert (no_network(), no_internet()) == (False, True)
    monkeypatch.delenv("NO_INTERNET")
    monkeypatch.setenv("NO_NETWORK", "1")
    assert (no_network(), no_internet()) == (True, True)


@pytest.mark.parametrize(
    ("header", "positions"),
    [("bytes=0-4", (0, 4)), ("bytes=5-", (5, 10)), ("bytes=10-11", (10, 11))],
)
def test_positions_of_a_range_header(header: str, positions: tuple[int, int]) -> None:
    mock = BaseRangeDownloadMockHttp(None, None)
    assert mock._get_start_and_end_bytes_from_range_str(header, "0123456789") == positions


def test_a_header_that_is_no_range_is_refused() -> None:
    mock = BaseRangeDownloadMockHttp(None, None)
    with pytest.raises(ValueError, match="lines=1-2"):
        mock._get_start_and_end_bytes_from_range_str("lines=1-2", "")


def test_fixtures_are_found_and_read_as_utf8() -> None:
    pages = [StorageFileFixtures("s3").load(f"list_multipart_{page}.xml") for page in (1, 2)]
    assert [page.count("<Upload>") for page in pages] == [3, 3]
    assert FileFixtures("storage").load("s3/list_multipart_1.xml") == pages[0]
    with pytest.raises(OSError, match="absent"):
        FileFixtures("storage", "s3").load("absent.xml")


def test_credentials_come_from_the_template_unless_there_is_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name = "libcloud.test.secrets"
    (tmp_path / "secrets.py-dist").write_text("STORAGE_S3_PARAMS = ('a', 'b')\n")
    monkeypatch.delitem(sys.modules, name, raising=False)
    provide_secrets(tmp_path)
    assert sys.modules[name].STORAGE_S3_PARAMS == ("a", "b")
    monkeypatch.delitem(sys.modules, name)
    (tmp_path / "secrets.py").write_text("")
    provide_secrets(tmp_path)
    assert name not in sys.modules


def test_the_template_holds_what_the_drivers_accept() -> None:
    from libcloud.test.secrets import STORAGE_GOOGLE_STORAGE_PARAMS, STORAGE_S3_PARAMS

    assert len(STORAGE_S3_PARAMS) == 2
    assert STORAGE_GOOGLE_STORAGE_PARAMS[0].startswith("GOOG")
