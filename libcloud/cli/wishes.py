# SPDX-License-Identifier: Apache-2.0
"""What the user wishes of objects that are stored or read: options, and what they mean to a driver.

A key of the customer's is read from a file: arguments of a command can be seen by others.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from libcloud.cli.settings import size

if TYPE_CHECKING:
    from libcloud.cli.stores import Store

__all__ = ["Wishes", "as_options", "read_options", "refusals_told", "write_options"]

_KEY_SIZE = 32

# Keywords of the drivers, in messages; their options are called the same but for these.
_OPTION = re.compile(r"\bex_([a-z][a-z_]*)")
_RENAMED = {
    "if_none_match": "no-clobber",
    "tags": "tag",
    "sse_customer_key": "sse-c-key",
    "object_lock_mode": "lock-mode",
    "object_lock_until": "lock-until",
    "object_lock_hold": "lock-hold",
    "expected_bucket_owner": "bucket-owner",
}

_READ = [
    click.option("--sse-c-key", metavar="FILE", help="File with the customer's key, 32 bytes."),
    click.option("--request-payer", is_flag=True, help="The requester pays."),
    click.option("--bucket-owner", metavar="ID", help="Fail unless the bucket is this account's."),
]

_WRITE = [
    click.option("--content-type", metavar="TYPE", help="Instead of one guessed by the name."),
    click.option("--metadata", multiple=True, metavar="KEY=VALUE", help="Metadata; repeatable."),
    click.option("--tag", multiple=True, metavar="KEY=VALUE", help="Tag; repeatable, at most 10."),
    click.option(
        "--header",
        multiple=True,
        metavar="NAME:VALUE",
        help="Header, as Cache-Control, Content-Encoding; repeatable.",
    ),
    click.option("--acl", help="Canned ACL, as public-read."),
    click.option("--storage-class", metavar="CLASS", help="As standard_ia or glacier."),
    click.option(
        "--checksum",
        metavar="NAME",
        help="Have the store verify it: crc32, crc32c, crc64nvme, sha256, md5.",
    ),
    click.option(
        "--no-clobber",
        is_flag=True,
        help="Fail if there is an object of the name. A store that knows no conditions is asked "
        "before.",
    ),
    click.option("--if-match", metavar="ETAG", help="Fail unless the object there has this ETag."),
    click.option("--sse", metavar="KIND", help="Encrypt: AES256, aws:kms or aws:kms:dsse."),
    click.option("--sse-kms-key-id", metavar="ID", help="Key for aws:kms."),
    click.option("--lock-mode", metavar="MODE", help="GOVERNANCE or COMPLIANCE."),
    click.option("--lock-until", metavar="TIME", help="As 2030-01-31T00:00Z."),
    click.option("--lock-hold", is_flag=True, help="Legal hold: nobody may delete it."),
    click.option("--expect-size", type=size, help="Store nothing unless the input has this size."),
    click.option("--fail-on-empty", is_flag=True, help="Store nothing if the input is empty."),
]


@dataclass(frozen=True, slots=True)
class Wishes:
    """How objects are to be, and what the input must be.

    :param extra: of any driver's upload.
    :param keywords: of the S3 drivers' uploads.
    :param reading: of the S3 drivers' downloads.
    """

    extra: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    keywords: dict[str, Any] = field(default_factory=dict, repr=False)
    reading: dict[str, Any] = field(default_factory=dict, repr=False)
    no_clobber: bool = False
    expect_size: int | None = None
    fail_on_empty: bool = False

    def check(self, store: Store) -> None:
        """Fail if ``store`` is of a kind that has not what is wished.

        :raises click.UsageError: it is.
        """
        asked = {**self.keywords, **self.reading}
        if asked and not store.speaks_s3:
            names = ", ".join(as_options(name) for name in asked)
            raise click.UsageError(f"{store.driver.name} has no {names}")


def write_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of a command that stores objects; it gets them as its argument ``wishes``."""
    return _with(command, [*_WRITE, *_READ])


def read_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of a command that reads objects; it gets them as its argument ``wishes``."""
    return _with(command, _READ)


def as_options(text: str) -> str:
    """``text`` with the names of options in place of those of keywords."""

    def option(match: re.Match[str]) -> str:
        return "--" + _RENAMED.get(match[1], match[1].replace("_", "-"))

    return _OPTION.sub(option, text)


@contextlib.contextmanager
def refusals_told() -> Iterator[None]:
    """A value that the library refuses in the block is one of an option.

    :raises click.UsageError: it refuses one; nothing was sent.
    """
    try:
        yield
    except ValueError as error:
        if "storage class" in str(error):
            raise click.UsageError(f"--storage-class: {error}") from error
        if not _OPTION.search(str(error)):
            raise
        # What a programmer would do comes last.
        told = str(error).partition(". If it does, ")[0]
        raise click.UsageError(as_options(told)) from error


def _with(command: Callable[..., Any], options: list[Any]) -> Callable[..., Any]:
    # The names of the options, as click makes them of their declarations.
    names = [option(lambda: None).__click_params__[0].name for option in options]

    @functools.wraps(command)
    def run(**values: Any) -> Any:
        chosen = {name: values.pop(name) for name in names}
        return command(wishes=_wishes(**chosen), **values)

    decorated: Callable[..., Any] = run
    for option in reversed(options):
        decorated = option(decorated)
    return decorated


def _wishes(**chosen: Any) -> Wishes:
    """What the options say."""
    get = chosen.get
    extra: dict[str, Any] = {}
    if get("content_type"):
        extra["content_type"] = get("content_type")
    if get("acl"):
        extra["acl"] = get("acl")
    if get("metadata"):
        extra["meta_data"] = dict(_pairs("--metadata", get("metadata", ())))
    reading = {
        "ex_sse_customer_key": _key(get("sse_c_key")),
        "ex_request_payer": get("request_payer") or None,
        "ex_expected_bucket_owner": get("bucket_owner"),
    }
    reading = {name: value for name, value in reading.items() if value is not None}
    writing = {
        "ex_tags": dict(_pairs("--tag", get("tag", ()))) or None,
        "ex_storage_class": get("storage_class"),
        "ex_checksum": get("checksum"),
        "ex_if_match": get("if_match"),
        "ex_sse": get("sse"),
        "ex_sse_kms_key_id": get("sse_kms_key_id"),
        "ex_object_lock_mode": get("lock_mode"),
        "ex_object_lock_until": _moment(get("lock_until")),
        "ex_object_lock_hold": get("lock_hold") or None,
    }
    return Wishes(
        extra,
        dict(_headers(get("header", ()))),
        {**{name: value for name, value in writing.items() if value is not None}, **reading},
        reading,
        bool(get("no_clobber")),
        get("expect_size"),
        bool(get("fail_on_empty")),
    )


def _pairs(option: str, given: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for pair in given:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise click.UsageError(f"{option} {pair!r}: write KEY=VALUE")
        yield key, value


def _headers(given: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for line in given:
        name, colon, value = line.partition(":")
        if not colon or not name.strip() or not value.strip():
            raise click.UsageError(f"--header {line!r}: write NAME:VALUE")
        yield name.strip(), value.strip()


def _moment(text: str | None) -> datetime | None:
    """An aware time; one without a zone is this machine's."""
    if text is None:
        return None
    try:
        when = datetime.fromisoformat(re.sub(r"[Zz]$", "+00:00", text))
    except ValueError:
        raise click.UsageError(f"--lock-until {text!r}: write 2030-01-31T00:00Z") from None
    return when if when.tzinfo else when.astimezone()


def _key(path: str | None) -> bytes | None:
    if path is None:
        return None
    with open(path, "rb") as file:
        key = file.read(_KEY_SIZE + 1)
    if len(key) != _KEY_SIZE:
        size = os.path.getsize(path)
        raise click.UsageError(f"--sse-c-key: {path} has {size} bytes; a key has {_KEY_SIZE}")
    return key
