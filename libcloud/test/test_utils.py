# SPDX-License-Identifier: Apache-2.0
"""The small helpers that users of the libcloud API import."""

from __future__ import annotations

import copy
import logging
import pickle
import socket
import subprocess
import sys
import types
import warnings
from datetime import datetime, timedelta, timezone
from typing import ClassVar

import pytest

import libcloud.utils
from libcloud.common.types import LibcloudError
from libcloud.storage.drivers.dummy import DummyStorageDriver
from libcloud.utils import iso8601, misc, networking, py3, xml
from libcloud.utils.decorators import wrap_non_libcloud_exceptions
from libcloud.utils.escape import sanitize_object_name
from libcloud.utils.logging import ExtraLogFormatter
from libcloud.utils.publickey import get_pubkey_openssh_fingerprint, get_pubkey_ssh2_fingerprint

# A key made for this test; its private half was thrown away.
PUBLIC_KEY = (
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCpcW0fua9Zf9RmXbMyfEOz8G9M6BlKWL9UrSp4b4Uxy2nHMmOVH6"
    "gAGWjGr84sSbBGLo5cWiSmBofPyrd2OjzpEuwx5cJ9t96g1psAEnnrew007XNSXFh1dgk8SfpiVHAqSL0VeXej/MQV"
    "lZ48Y2Yr0ro/LlMzsP+jc8Io42ULH4Uv9fwJlYjgeqL5NM9EXLgQUmYGUAXyBvofcx4XeYLo6jhdbjv56ddDZ2viPN"
    "9UibMC/HmrCZhdB8ekwGlzIQpvWVu3rRQbyhkdBT9Kr+TmmNwmvvEOp9NG9wPd3MTBYBh4giCVFZjvTtKv/dQRoHh3"
    "Pn5y/wPUhfZZb33FNJQf user@example"
)


# Warnings


def test_warnings_of_the_package_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.warns(DeprecationWarning, match="old_module"):
        libcloud.utils.deprecated_warning("old_module")
    with pytest.warns(FutureWarning, match="new_module"):
        libcloud.utils.in_development_warning("new_module")

    monkeypatch.setattr(libcloud.utils, "SHOW_DEPRECATION_WARNING", False)
    monkeypatch.setattr(libcloud.utils, "SHOW_IN_DEVELOPMENT_WARNING", False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        libcloud.utils.deprecated_warning("old_module")
        libcloud.utils.in_development_warning("new_module")


# py3


@pytest.mark.parametrize(
    ("value", "expected"), [("é", "é".encode()), (b"\xff", b"\xff"), (7, b"\7")]
)
def test_b_makes_bytes(value: object, expected: bytes) -> None:
    assert py3.b(value) == expected


@pytest.mark.parametrize("value", [None, 1.5, bytearray(b"a")])
def test_b_and_ensure_string_refuse_other_types(value: object) -> None:
    with pytest.raises(TypeError, match="Invalid argument"):
        py3.b(value)
    with pytest.raises(TypeError, match="Invalid argument"):
        py3.ensure_string(value)


def test_the_conversions_of_py3() -> None:
    assert py3.ensure_string("é".encode()) == py3.ensure_string("é") == "é"
    assert py3.bchr(97) == b"a"
    assert py3.byte("a") == 97
    assert py3.hexadigits(b"AZ\xff") == ["41", "5a", "ff"]
    assert py3.dictvalues({"a": 1}) == [1]
    assert py3.u(5) == "5"
    assert py3.base64_decode_string(py3.base64_encode_string(b"abc")) == b"abc"
    assert py3.urlquote("é /") == "%C3%A9%20/"


def test_elements_of_both_parsers_are_written_as_text() -> None:
    assert py3.tostring(py3.ET.fromstring("<a>é</a>")) == "<a>é</a>"
    assert py3.tostring(xml.parse_xml("<a>é</a>")) == "<a>é</a>"


def test_a_function_is_bound_to_an_instance_or_a_new_one() -> None:
    class Thing:
        pass

    def itself(self: object) -> object:
        return self

    thing = Thing()

    assert py3.method_type(itself, thing, Thing)() is thing
    assert isinstance(py3.method_type(itself, None, Thing)(), Thing)


# misc


def test_find_gives_the_first_match_or_none() -> None:
    assert misc.find([1, 2, 3], lambda item: item > 1) == 2
    assert misc.find([1], lambda item: item > 1) is None


def test_only_valid_keys_are_merged() -> None:
    params = {"a": 1}

    assert misc.merge_valid_keys(params, ["b", "c"], {"b": 2, "z": 3}) == {"b": 2}
    assert params == {"a": 1, "b": 2}
    assert misc.merge_valid_keys(params, ["b"], None) == {}


def test_a_new_object_has_the_old_values_and_the_new_ones() -> None:
    class Record(types.SimpleNamespace):
        pass

    old = Record(name="n", extra={"a": 1})

    new = misc.get_new_obj(old, Record, {"name": "m", "extra": {"b": 2}})

    assert new == Record(name="m", extra={"a": 1, "b": 2})
    assert old == Record(name="n", extra={"a": 1})


def test_text_becomes_dictionaries_and_lists() -> None:
    text = "a b\nc d e\n\nf g"

    assert misc.str2dicts(text) == [{"a": "b", "c": "d e"}, {"f": "g"}]
    assert misc.str2list(text) == ["b", "d", "g"]
    assert misc.dict2str({"a": 1, "b": None}) == "a 1\nb\n"


def test_dictionaries_are_turned_round() -> None:
    assert misc.reverse_dict({"a": 1}) == {1: "a"}
    assert misc.lowercase_keys({"Ab": "C"}) == {"ab": "C"}


def test_random_strings_have_the_requested_size_and_differ() -> None:
    assert [len(misc.get_secure_random_string(size)) for size in range(40)] == list(range(40))
    assert misc.get_secure_random_string(32) != misc.get_secure_random_string(32)


def test_the_repr_shows_the_attributes_named() -> None:
    class Shown(misc.ReprMixin):
        _repr_attributes: ClassVar[list[str]] = ["id", "missing"]
        id = 5

    assert repr(Shown()) == str(Shown()) == "<Shown id=5, missing=None>"


def test_drivers_are_registered_and_found_by_name() -> None:
    drivers: dict[str, tuple[str, str]] = {}

    misc.set_driver(drivers, "mine", "libcloud.storage.drivers.dummy", "DummyStorageDriver")

    assert misc.get_driver(drivers, "MINE") is DummyStorageDriver


def test_all_names_that_apache_libcloud_exports_are_imported_by_a_star() -> None:
    names: dict[str, object] = {}
    exec("from libcloud.utils.misc import *", names)

    assert names["get_driver"] is misc.get_driver
    assert names["set_driver"] is misc.set_driver


# decorators, escape, logging, public keys


def test_foreign_errors_become_errors_of_the_library() -> None:
    class Driver:
        @wrap_non_libcloud_exceptions
        def fail(self) -> None:
            raise ValueError("broken")

    driver = Driver()

    with pytest.raises(LibcloudError, match="broken") as caught:
        driver.fail()
    assert caught.value.driver is driver
    assert isinstance(caught.value.__cause__, ValueError)


def test_errors_of_the_library_are_not_wrapped() -> None:
    error = LibcloudError("mine")

    @wrap_non_libcloud_exceptions
    def fail() -> None:
        raise error

    with pytest.raises(LibcloudError) as caught:
        fail()
    assert caught.value is error


def test_backslashes_become_slashes() -> None:
    assert sanitize_object_name("a\\b/c\\") == "a/b/c/"


def test_extra_attributes_are_appended_to_the_message() -> None:
    record = logging.LogRecord("n", logging.INFO, "p", 1, "said %s", ("x",), None)
    record._id = "a"
    record.other = "not shown"

    assert ExtraLogFormatter("%(message)s").format(record) == "said x (id=a)"


def test_fingerprints_of_a_public_key() -> None:
    assert (
        get_pubkey_openssh_fingerprint(PUBLIC_KEY)
        == "68:be:54:4d:39:78:0d:88:0d:0e:74:c8:b2:f0:15:02"
    )
    assert (
        get_pubkey_ssh2_fingerprint(PUBLIC_KEY) == "de:c9:82:be:ea:4b:af:ce:a5:87:94:7c:7b:4c:66:07"
    )


# networking


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("10.0.0.1", True),
        ("172.16.0.0", True),
        ("172.32.0.1", False),
        ("192.168.1.100", True),
        ("192.169.0.1", False),
        ("8.8.8.8", False),
    ],
)
def test_private_networks_are_distinguished_from_public_ones(address: str, private: bool) -> None:
    assert networking.is_private_subnet(address) is private
    assert networking.is_public_subnet(address) is not private


@pytest.mark.parametrize(
    ("address", "family", "valid"),
    [
        ("192.168.1.100", socket.AF_INET, True),
        ("10.1", socket.AF_INET, False),
        ("256.0.0.1", socket.AF_INET, False),
        ("::1", socket.AF_INET, False),
        ("::1", socket.AF_INET6, True),
        ("2607:f0d", socket.AF_INET6, False),
    ],
)
def test_addresses_are_checked(address: str, family: int, valid: bool) -> None:
    assert networking.is_valid_ip_address(address, family) is valid


@pytest.mark.parametrize(
    ("segments", "following"),
    [
        (("127", "0", "0", "1"), "127.0.0.2"),
        (("100", "1", "0", "255"), "100.1.1.0"),
        (("254", "255", "255", "255"), "255.0.0.0"),
    ],
)
def test_addresses_are_counted_up(segments: tuple[str, ...], following: str) -> None:
    assert networking.join_ipv4_segments(networking.increment_ipv4_segments(segments)) == following


# iso8601


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2012-03-04T05:06:07Z", "2012-03-04T05:06:07+00:00"),
        ("2012-03-04T05:06:07.123Z", "2012-03-04T05:06:07.123000+00:00"),
        ("2012-03-04T05:06:07.1234567Z", "2012-03-04T05:06:07.123456+00:00"),
        ("2012-03-04 05:06:07", "2012-03-04T05:06:07+00:00"),
        ("2012-03-04T05:06:07+02:00", "2012-03-04T05:06:07+02:00"),
        ("2012-03-04T05:06:07-0330", "2012-03-04T05:06:07-03:30"),
        ("20120304T050607Z", "2012-03-04T05:06:07+00:00"),
        ("2012-03-04T05:06", "2012-03-04T05:06:00+00:00"),
        ("2012-03-04", "2012-03-04T00:00:00+00:00"),
        ("2012", "2012-01-01T00:00:00+00:00"),
    ],
)
def test_dates_are_parsed(text: str, expected: str) -> None:
    date = iso8601.parse_date(text)

    assert date is not None
    assert date.isoformat() == expected
    assert date == datetime.fromisoformat(expected)


@pytest.mark.parametrize("text", ["bad", "2012-13-01", "2012-03-04T25:00:00Z", "2012-03-04Tjunk"])
def test_an_invalid_date_is_a_parse_error(text: str) -> None:
    with pytest.raises(iso8601.ParseError, match="Unable to parse"):
        iso8601.parse_date(text)


def test_an_empty_date_is_allowed_on_demand() -> None:
    assert iso8601.parse_date("", allow_empty=True) is None
    assert iso8601.parse_date_allow_empty(None) is None
    with pytest.raises(ValueError, match="empty"):
        iso8601.parse_date("")


def test_the_time_zone_of_a_date_without_one_can_be_chosen() -> None:
    zone = timezone(timedelta(hours=1))

    assert iso8601.parse_date("2012-03-04", zone) == datetime(2012, 3, 4, tzinfo=zone)
    assert iso8601.parse_date("2012-03-04", None) == datetime(2012, 3, 4)


def test_a_date_with_an_offset_is_copied_and_pickled() -> None:
    date = iso8601.parse_date("2012-03-04T05:06:07-03:30")

    assert date is not None
    for clone in (copy.deepcopy(date), pickle.loads(pickle.dumps(date))):
        assert clone == date
        assert (clone.utcoffset(), clone.tzname()) == (date.utcoffset(), "-03:30")


def test_time_zones_are_parsed() -> None:
    assert iso8601.parse_timezone(None) is iso8601.UTC
    assert iso8601.parse_timezone("Z") is iso8601.UTC
    assert repr(iso8601.parse_timezone("+05:30")) == "<FixedOffset '+05:30'>"
    with pytest.raises(iso8601.ParseError):
        iso8601.parse_timezone("x")


def test_importing_the_package_loads_neither_requests_nor_lxml() -> None:
    program = "import sys, libcloud; print(sorted({'requests', 'lxml'} & set(sys.modules)))"

    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert result.stdout.strip() == "[]"
