# SPDX-License-Identifier: Apache-2.0
"""Downloads, listings, deletions and the account, on the fake."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path

import pytest

from libcloud.common.types import LibcloudError, MalformedResponseError
from libcloud.storage.base import Container
from libcloud.storage.drivers.cloudfiles import OpenStackSwiftStorageDriver
from libcloud.storage.types import (
    ContainerIsNotEmptyError,
    IncompleteListingError,
    InvalidContainerNameError,
    ObjectChangedError,
    ObjectDoesNotExistError,
    ObjectHashMismatchError,
)
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.fakes.swift import FakeSwift, SwiftLimits
from libcloud.test.storage.fakes.swift_faults import drop, refuse, web_page
from libcloud.test.storage.fakes.wire import Answer, Incoming
from libcloud.test.storage.swift.conftest import Connect

DATA = pattern(200_000)


@pytest.fixture(params=["plain", "large"])
def stored(request: pytest.FixtureRequest, container: Container) -> Container:
    size = 1_000_000 if request.param == "plain" else 50_000
    container.upload_object_via_stream(iter([DATA]), "big", ex_part_size=size)
    return container


def cut(fake: FakeSwift, operation: str, request: Incoming) -> Answer:
    """A fault: the body breaks off."""
    answer = fake.perform(request)
    return Answer(answer.status, answer.headers, answer.body, cut=70_000)


def flipped(fake: FakeSwift, operation: str, request: Incoming) -> Answer:
    """A fault: a byte of the body is another one."""
    answer = fake.perform(request)
    body = bytes(answer.body)
    return Answer(answer.status, answer.headers, bytes([body[0] ^ 1]) + body[1:])


def test_a_download_resumes_where_the_connection_broke(fake: FakeSwift, stored: Container) -> None:
    fake.faults += [("GET object", cut), ("GET object", drop), ("GET object", cut)]
    assert b"".join(stored.get_object("big").as_stream()) == DATA
    assert fake.faults == []


def test_a_download_does_not_continue_with_another_version(
    fake: FakeSwift, stored: Container
) -> None:
    def replaced(server: FakeSwift, operation: str, request: Incoming) -> Answer:
        answer = cut(server, operation, request)
        # Within the lock of the fake, as another client would.
        stored.upload_object_via_stream(iter([DATA[::-1]]), "big")
        return answer

    fake.faults.append(("GET object", replaced))
    with pytest.raises(ObjectChangedError):
        b"".join(stored.get_object("big").as_stream())


def test_ranges(stored: Container, tmp_path: Path) -> None:
    found = stored.get_object("big")
    assert b"".join(found.range_as_stream(49_990, 50_010)) == DATA[49_990:50_010]
    found.download_range(str(tmp_path / "part"), 199_999)
    assert (tmp_path / "part").read_bytes() == DATA[-1:]


def test_a_parallel_download(fake: FakeSwift, stored: Container, tmp_path: Path) -> None:
    found = stored.get_object("big")
    found.download(str(tmp_path / "all"), ex_window=3, ex_part_size=20_000)
    assert (tmp_path / "all").read_bytes() == DATA


def test_damaged_bytes_are_detected_on_request(
    fake: FakeSwift, container: Container, tmp_path: Path
) -> None:
    container.upload_object_via_stream(iter([DATA]), "plain")
    fake.faults.append(("GET object", flipped))
    with pytest.raises(ObjectHashMismatchError):
        container.get_object("plain").download(str(tmp_path / "file"), ex_verify_hash=True)
    assert list(tmp_path.iterdir()) == []


def test_a_web_page_is_not_an_object(fake: FakeSwift, stored: Container) -> None:
    found = stored.get_object("big")

    def page(server: FakeSwift, operation: str, request: Incoming) -> Answer:
        return Answer(200, (("Content-Type", "text/html"),), b"<html>Log in</html>")

    fake.faults += [("GET object", page)] * 3
    with pytest.raises(MalformedResponseError):
        b"".join(found.as_stream())


@pytest.mark.parametrize("body", [b"<html>Log in</html>", b'{"a": 1}', b'[{"bytes": 1}]', b"[1]"])
def test_a_page_is_not_a_listing(fake: FakeSwift, container: Container, body: bytes) -> None:
    def page(server: FakeSwift, operation: str, request: Incoming) -> Answer:
        return Answer(200, (("Content-Type", "application/json"),), body)

    fake.faults += [("GET container", page)] * 3
    with pytest.raises(MalformedResponseError):
        container.list_objects()


def test_a_listing_that_does_not_advance_ends_with_an_error(
    fake: FakeSwift, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(9):
        container.upload_object_via_stream(iter([b"x"]), str(number))
    page = fake._page

    def from_the_start(request: Incoming, names: list[str]) -> list[str]:
        return page(Incoming("GET", request.raw_path, ()), names)

    monkeypatch.setattr(fake, "_page", from_the_start)
    names: list[str] = []
    with pytest.raises(IncompleteListingError, match=r"used before.* 7 entries"):
        names.extend(found.name for found in container.iterate_objects())
    assert names == list("0123456")


@pytest.mark.parametrize(
    ("reported", "requests"), [({"container": 10_000}, 4), ({"account": 7, "container": 9}, 3)]
)
def test_a_short_page_is_the_last_one_of_swift_alone(
    connect: Connect, reported: dict[str, int], requests: int
) -> None:
    """Ceph RGW reports 10,000 names on a page, and puts as many there as it is configured to."""
    with FakeSwift(SwiftLimits(reported=reported)) as server:
        container = connect(host=server.host, port=server.port).create_container("docs")
        for number in range(15):
            container.upload_object_via_stream(iter([b"x"]), f"{number:02}")
        server.log.clear()
        assert [obj.name for obj in container.list_objects()] == [f"{n:02}" for n in range(15)]
        assert server.count("GET container") == requests


def test_a_full_listing_takes_no_more_requests_than_pages(connect: Connect) -> None:
    with FakeSwift(SwiftLimits(page_size=10_000)) as server:
        driver = connect(host=server.host, port=server.port)
        container = driver.create_container("docs")
        container.upload_object_via_stream(iter([b"x"]), "name")
        server.log.clear()
        assert len(container.list_objects()) == 1
        assert server.count("GET container") <= 2


def test_names_that_the_store_refuses(driver: OpenStackSwiftStorageDriver) -> None:
    for name in ("a/b", "", "n" * 257):
        with pytest.raises(InvalidContainerNameError):
            driver.create_container(name)


def test_a_container_with_objects_is_not_deleted(stored: Container) -> None:
    with pytest.raises(ContainerIsNotEmptyError) as caught:
        stored.delete()
    assert caught.value.http_code == 409


@pytest.mark.parametrize("status", [403, 507])
def test_a_refusal_has_status_and_code(fake: FakeSwift, container: Container, status: int) -> None:
    fake.faults.append(("PUT object", refuse(status)))
    with pytest.raises(LibcloudError, match=f"Status code: {status}") as caught:
        container.upload_object_via_stream(iter([b"x"]), "name")
    assert caught.value.http_code == status
    assert fake.containers["docs"] == {}


def test_a_missing_object(container: Container) -> None:
    with pytest.raises(ObjectDoesNotExistError):
        container.get_object("name")


def test_a_temporary_url(driver: OpenStackSwiftStorageDriver, container: Container) -> None:
    found = container.upload_object_via_stream(iter([b"x"]), "a name")
    with pytest.raises(KeyError):
        driver.ex_get_object_temp_url(found)
    assert driver.ex_set_account_metadata_temp_url_key("temporary key")
    assert driver.ex_get_meta_data()["temp_url_key"] == "temporary key"
    url = driver.ex_get_object_temp_url(found, "PUT", timeout=10)
    path, _, query = url.partition("?")
    signature, expires = (item.partition("=")[2] for item in query.split("&"))
    text = f"PUT\n{expires}\n/v1/AUTH_test/docs/a name"
    assert signature == hmac.new(b"temporary key", text.encode(), hashlib.sha1).hexdigest()
    assert path.startswith("http://127.0.0.1:") and path.endswith("/docs/a%20name")


def test_the_account_and_static_websites(
    fake: FakeSwift, driver: OpenStackSwiftStorageDriver, container: Container
) -> None:
    assert driver.ex_get_meta_data()["container_count"] == 1
    assert driver.ex_enable_static_website(container)
    assert driver.ex_set_error_page(container)
    assert fake.container_headers["docs"]["X-Container-Meta-Web-Index"] == "index.html"


def test_a_store_without_a_cdn_raises_an_error(
    driver: OpenStackSwiftStorageDriver, container: Container
) -> None:
    with pytest.raises(LibcloudError, match="has no CDN"):
        driver.get_container_cdn_url(container)


def test_an_empty_object(container: Container) -> None:
    pieces: Iterator[bytes] = iter([])
    container.upload_object_via_stream(pieces, "empty")
    assert b"".join(container.get_object("empty").as_stream()) == b""


@pytest.mark.parametrize(
    "operation", ["HEAD container", "HEAD object", "DELETE object", "GET container"]
)
def test_a_web_page_is_not_a_success(
    fake: FakeSwift, driver: OpenStackSwiftStorageDriver, container: Container, operation: str
) -> None:
    stored = container.upload_object_via_stream(iter([b"data"]), "name")
    fake.faults += [(operation, web_page)] * 3
    with pytest.raises(MalformedResponseError):
        if operation == "HEAD container":
            driver.get_container("docs")
        elif operation == "HEAD object":
            container.get_object("name")
        elif operation == "DELETE object":
            stored.extra["static_large_object"] = False
            stored.delete()
        else:
            container.list_objects()
    assert fake.body("docs", "name") == b"data"


def test_a_listing_without_a_document_is_not_an_empty_one(
    fake: FakeSwift, container: Container
) -> None:
    container.upload_object_via_stream(iter([b"data"]), "name")
    fake.faults += [("GET container", lambda *_: Answer(200))] * 3
    with pytest.raises(MalformedResponseError, match="no document"):
        container.list_objects()


@pytest.mark.parametrize("operation", ["GET", "HEAD", "DELETE"])
def test_a_404_page_of_a_proxy_does_not_mean_that_an_object_is_missing(
    fake: FakeSwift, container: Container, operation: str
) -> None:
    container.upload_object_via_stream(iter([b"small"]), "big")
    found = container.get_object("big")
    actions = {
        "GET": lambda: list(found.as_stream()),
        "HEAD": lambda: container.get_object("big"),
        "DELETE": found.delete,
    }
    fake.faults += [(f"{operation} object", refuse(404, Content_Type="text/html"))] * 3
    with pytest.raises(LibcloudError, match="404") as caught:
        actions[operation]()
    assert not isinstance(caught.value, ObjectDoesNotExistError)
    fake.faults.clear()


@pytest.mark.parametrize("name", [5, b"x", None])
def test_a_name_that_is_not_text_is_an_error_of_its_type(
    fake: FakeSwift, container: Container, name: object
) -> None:
    found = container.upload_object_via_stream(iter([b"x"]), "x")
    other = Container("x", {}, container.driver)
    vars(found)["name"] = vars(other)["name"] = name
    fake.log.clear()
    for action in (found.delete, lambda: list(found.as_stream()), other.delete, other.list_objects):
        with pytest.raises(TypeError, match=r"(object|container)_name must be a str, not"):
            action()
    assert not fake.log


@pytest.mark.parametrize("operation", ["GET", "DELETE"])
def test_an_error_does_not_show_the_token_that_a_page_repeats(
    fake: FakeSwift, container: Container, operation: str
) -> None:
    found = container.upload_object_via_stream(iter([b"small"]), "small")
    token = container.driver.connection.auth_token
    page = f"<td>X-Auth-Token</td><td>{token}</td>".encode()
    fake.faults += [(f"{operation} object", lambda *_: Answer(403, body=page))]
    with pytest.raises(LibcloudError, match=r"X-Auth-Token \[redacted\]"):
        found.delete() if operation == "DELETE" else list(found.as_stream())
    fake.faults.clear()
