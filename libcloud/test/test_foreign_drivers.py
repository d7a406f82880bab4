# SPDX-License-Identifier: Apache-2.0
"""What the drivers of Apache Libcloud that run on this library rely on."""

from __future__ import annotations

import hashlib
import io
from datetime import datetime
from typing import Any, ClassVar
from unittest import mock

import pytest

from libcloud.common import google
from libcloud.common.aws import AWSGenericResponse
from libcloud.common.base import Connection, ConnectionUserAndKey
from libcloud.common.types import LibcloudError
from libcloud.http import LibcloudConnection
from libcloud.storage.base import StorageDriver
from libcloud.test._loopback import Loopback, reply
from libcloud.utils.iso8601 import UTC, ParseError, parse_date
from libcloud.utils.misc import get_new_obj
from libcloud.utils.publickey import get_pubkey_comment


@pytest.mark.parametrize(("secure", "port"), [(True, 443), (False, 4567)])
def test_a_class_can_declare_a_port_for_http_and_one_for_https(secure: bool, port: int) -> None:
    class Paired(ConnectionUserAndKey):
        port: Any = (4567, 443)

    connection = Paired("user", "key", secure, "h")
    assert connection.port == port
    connection.connect()
    assert Paired("user", "key", secure, "h", 99).port == 99


@pytest.mark.parametrize(("secure", "port"), [(True, 443), (False, 80)])
def test_a_class_without_a_port_has_the_usual_one(secure: bool, port: int) -> None:
    class Without(Connection):
        port = None

    assert Without(secure, "h").port == port


class BareConnection(Connection):
    bare_keys = True


@pytest.mark.parametrize(
    ("kind", "params", "target"),
    [
        (Connection, {"a": None, "b": "1"}, "/x?a=None&b=1"),
        (BareConnection, {"uploads": None}, "/x?uploads"),
        (BareConnection, [("uploads", None), ("a", "1")], "/x?uploads&a=1"),
    ],
)
def test_none_is_sent_as_a_text_unless_the_class_sends_bare_names(
    kind: type[Connection], params: Any, target: str
) -> None:
    with Loopback(lambda request: reply(200)) as server:
        kind(secure=False, host="127.0.0.1", port=server.port).request("/x", params=params)
        assert server.last.target == target


def test_a_host_may_be_anything_that_has_a_text() -> None:
    assert LibcloudConnection(host=443, port=443).host == "https://443"  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["2013-02-29T03:50:07Z", "2013-04-31", "2013-13-01", "nothing"])
def test_a_date_that_does_not_exist_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="Unable to parse date string") as caught:
        parse_date(text)
    assert isinstance(caught.value, ParseError)


@pytest.mark.parametrize(
    ("fraction", "microsecond"), [("5", 500000), ("514299", 514298), ("1234567", 123456)]
)
def test_fractions_of_a_second_are_computed_in_floating_point(
    fraction: str, microsecond: int
) -> None:
    expected = datetime(2014, 5, 22, 12, 57, 22, microsecond, tzinfo=UTC)
    assert parse_date(f"2014-05-22T12:57:22.{fraction}Z") == expected


def test_none_leaves_an_attribute_as_it_is() -> None:
    class Zone:
        def __init__(self, type: str, ttl: int, extra: dict[str, int]) -> None:
            self.type, self.ttl, self.extra = type, ttl, extra

    zone = get_new_obj(Zone("master", 5, {"a": 1}), Zone, {"type": None, "ttl": 6, "extra": None})
    assert vars(zone) == {"type": "master", "ttl": 6, "extra": {"a": 1}}


class Refused(LibcloudError):
    pass


class ZoneError(LibcloudError):
    def __init__(self, value: Any, driver: Any, zone_id: str) -> None:
        super().__init__(value, driver)
        self.zone_id = zone_id


class AnyError(LibcloudError):
    def __init__(self, value: Any, driver: Any, **context: Any) -> None:
        super().__init__(value, driver)
        self.context = context


class Answer(AWSGenericResponse):
    exceptions: ClassVar[dict[str, type[LibcloudError]]] = {
        "Refused": Refused,
        "Zone": ZoneError,
        "Any": AnyError,
    }


@pytest.mark.parametrize(
    ("code", "attributes"),
    [("Refused", {}), ("Zone", {"zone_id": "7"}), ("Any", {"context": {"zone_id": "7"}})],
)
def test_an_exception_gets_of_the_context_what_its_constructor_takes(
    code: str, attributes: dict[str, Any]
) -> None:
    connection = mock.Mock(context={"zone_id": "7"})
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>"
    response = mock.Mock(status_code=400, headers={}, text=body, content=body.encode())
    with pytest.raises(Answer.exceptions[code]) as caught:
        Answer(response, connection)
    assert caught.value.value == "no"
    assert attributes.items() <= vars(caught.value).items()


@pytest.mark.parametrize(
    ("key", "comment"),
    [("ssh-rsa AAAA ann@example.org", "ann@example.org"), ("ssh-rsa AAAA a b\n", "a b")],
)
def test_a_public_key_has_a_comment(key: str, comment: str) -> None:
    assert get_pubkey_comment(key) == get_pubkey_comment(key, "default") == comment


@pytest.mark.parametrize("key", ["", "ssh-rsa AAAA", "-----BEGIN PUBLIC KEY-----"])
def test_a_public_key_without_a_comment_needs_a_default(key: str) -> None:
    assert get_pubkey_comment(key, "default") == "default"
    with pytest.raises(ValueError, match="no comment"):
        get_pubkey_comment(key)


def test_the_metadata_server_can_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        google, "_get_gce_metadata", lambda path="", retry_failed=None: (200, "", "")
    )
    assert google.GoogleAuthType.guess_type("somebody") == google.GoogleAuthType.GCE


class Sending:
    """A connection that keeps the body of the last request."""

    def request(self, action: str, *, data: Any, **kwargs: Any) -> Any:
        self.body = data
        return mock.Mock(status=200)


@pytest.mark.parametrize(
    ("position", "sent"), [(0, b"123456789"), (4, b"56789"), (9, b"123456789")]
)
def test_a_file_at_its_end_is_sent_from_its_start(position: int, sent: bytes) -> None:
    driver = StorageDriver.__new__(StorageDriver)
    driver.connection = connection = Sending()
    stream = io.BytesIO(b"123456789")
    stream.seek(position)
    result = driver._upload_object("name", "text/plain", "/path", stream=stream)
    assert connection.body == sent
    assert result["bytes_transferred"] == len(sent)
    assert result["data_hash"] == hashlib.md5(sent, usedforsecurity=False).hexdigest()
