# SPDX-License-Identifier: Apache-2.0
"""Options for the objects that are stored or read, and the driver keywords they set.

A customer-provided key is read from a file: other users can see the arguments of a command.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from libcloud.cli.errors import InputError, ObjectExistsError, on_error
from libcloud.cli.settings import combined, option, size
from libcloud.cli.text import count
from libcloud.common.types import LibcloudError
from libcloud.storage.types import ObjectDoesNotExistError
from libcloud.utils.values import Value

if TYPE_CHECKING:
    from libcloud.cli.stores import Store

_KEY_SIZE = 32

_HEADER = re.compile(r"\s*([^\s:]+)\s*:\s*(\S.*?)\s*")

# Driver keywords in messages of the library, and the options whose names differ from them.
_KEYWORD = re.compile(r"\bex_([a-z][a-z_]*)")
_RENAMED = {
    "if_none_match": "no_clobber",
    "tags": "tag",
    "sse_customer_key": "sse_c_key",
    "object_lock_mode": "lock_mode",
    "object_lock_until": "lock_until",
    "object_lock_hold": "lock_hold",
    "expected_bucket_owner": "bucket_owner",
}
_KEYWORDS = {option: f"ex_{keyword}" for keyword, option in _RENAMED.items()}
_READ_KEYWORDS = {"ex_sse_customer_key", "ex_request_payer", "ex_expected_bucket_owner"}

_READ = combined(
    option("--sse-c-key FILE", "File with a customer-provided key of 32 bytes (SSE-C)."),
    option("--request-payer", "Accept the charges of requester-pays buckets."),
    option("--bucket-owner ID", "Fail unless this account owns the bucket."),
)

_WRITE = combined(
    option("--content-type TYPE", "Content type; by default guessed from the name."),
    option("--metadata KEY=VALUE", "Metadata to store; repeatable.", multiple=True),
    option("--tag KEY=VALUE", "Tag; repeatable, at most 10.", multiple=True),
    option(
        "--header NAME:VALUE",
        "Header to send, for example Cache-Control or Content-Encoding; repeatable.",
        multiple=True,
    ),
    option("--acl TEXT", "Canned ACL, for example public-read."),
    option("--storage-class CLASS", "Storage class, for example standard_ia."),
    option(
        "--checksum NAME",
        "Checksum for the store to verify: crc32, crc32c, crc64nvme, sha256 or md5.",
        type=click.Choice(["crc32", "crc32c", "crc64nvme", "sha256", "md5"]),
    ),
    option(
        "--no-clobber",
        "Fail if the object exists. If the store does not support preconditions, this is "
        "checked before the upload.",
    ),
    option("--if-match ETAG", "Fail unless the existing object has this ETag."),
    option("--sse TYPE", "Server-side encryption: AES256, aws:kms or aws:kms:dsse."),
    option("--sse-kms-key-id ID", "KMS key for aws:kms."),
    option("--lock-mode MODE", "Object lock mode: GOVERNANCE or COMPLIANCE."),
    option("--lock-until TIME", "End of the object lock, such as 2030-01-31T00:00Z."),
    option("--lock-hold", "Place a legal hold on the object."),
    option("--expect-size SIZE", "Store nothing unless the input has this size.", type=size),
    option("--fail-on-empty", "Store nothing if the input is empty."),
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ObjectOptions(Value):
    """Options for storing and reading objects (keywords of the S3 drivers), and for the input."""

    extra: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    write_keywords: dict[str, Any] = field(default_factory=dict, repr=False)
    no_clobber: bool = False
    expect_size: int | None = None
    fail_on_empty: bool = False

    def check_supported_by(self, store: Store) -> None:
        """:raises click.UsageError: the driver of ``store`` does not support an option."""
        if self.write_keywords and not store.is_s3:
            names = ", ".join(with_option_names(name) for name in self.write_keywords)
            raise click.UsageError(f"{store.driver.name} does not support {names}")

    @property
    def read_keywords(self) -> dict[str, Any]:
        """Those of :attr:`write_keywords` that reading takes as well."""
        return {
            name: self.write_keywords[name] for name in _READ_KEYWORDS & self.write_keywords.keys()
        }

    @property
    def needs_upload(self) -> bool:
        """Whether a copy within a store cannot have the options: it has fewer than an upload."""
        return self.no_clobber or not self.write_keywords.keys() <= {"ex_storage_class"}

    def precondition(self, store: Store, name: str) -> dict[str, Any]:
        """Keywords for ``--no-clobber``.

        :raises ObjectExistsError: the object exists, and the store has no preconditions.
        """
        if not self.no_clobber:
            return {}
        if store.driver.capabilities.conditional_writes:
            return {"ex_if_none_match": "*"}
        try:
            store.object(name)
        except ObjectDoesNotExistError:
            return {}
        raise ObjectExistsError("the object already exists and was not replaced")

    def check_size(self, size: int) -> None:
        if self.expect_size not in (None, size):
            raise InputError(f"the object has {count(size, 'byte')}: nothing was copied")
        if self.fail_on_empty and not size:
            raise InputError("the object is empty: nothing was copied")


def with_option_names(text: str) -> str:
    def named(match: re.Match[str]) -> str:
        return "--" + _RENAMED.get(match[1], match[1]).replace("_", "-")

    return _KEYWORD.sub(named, text)


def raise_as_usage_error(error: BaseException) -> None:
    """Turn a ``ValueError`` about a driver keyword into one about the option that set it."""
    # An error of the library with a class of its own is about one object, and contains its name.
    if not isinstance(error, ValueError) or isinstance(error, LibcloudError):
        return
    if "storage class" in str(error):
        raise click.UsageError(f"--storage-class: {error}") from error
    if _KEYWORD.search(str(error)):
        # The end of the message is advice for programmers.
        message = str(error).partition(". If it does, ")[0]
        raise click.UsageError(with_option_names(message)) from error


value_errors_as_usage = functools.partial(on_error, raise_as_usage_error)


def _with_object_options(options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    # The parameter names that click derives from the declarations.
    names = [param.name for param in reversed(options(lambda: None).__click_params__)]

    def decorate(command: Callable[..., Any]) -> Any:
        @functools.wraps(command)
        def run(**values: Any) -> Any:
            chosen = {name: values.pop(name) for name in names}
            return command(object_options=_object_options(**chosen), **values)

        return options(run)

    return decorate


# For commands that store objects, and that read objects.
write_options = _with_object_options(combined(_WRITE, _READ))
read_options = _with_object_options(_READ)


def _object_options(
    *,
    content_type: str | None = None,
    acl: str | None = None,
    metadata: tuple[str, ...] = (),
    header: tuple[str, ...] = (),
    no_clobber: bool = False,
    expect_size: int | None = None,
    fail_on_empty: bool = False,
    **others: Any,
) -> ObjectOptions:
    meta_data = dict(parse_pairs("--metadata", metadata))
    if meta_data:
        from libcloud.storage.metadata import metadata_headers

        try:
            metadata_headers(meta_data, "")
        except ValueError as error:
            raise click.UsageError(f"--metadata: {error}") from error
    extra = {"content_type": content_type, "acl": acl, "meta_data": meta_data}
    others["sse_c_key"] = _read_key(others.get("sse_c_key"))
    others["tag"] = dict(parse_pairs("--tag", others.get("tag", ())))
    others["lock_until"] = parse_time_option("--lock-until", others.get("lock_until"))
    given = {name: value for name, value in others.items() if value not in (None, False, {})}
    return ObjectOptions(
        {name: value for name, value in extra.items() if value},
        dict(_headers(header)),
        {_KEYWORDS.get(name, f"ex_{name}"): value for name, value in given.items()},
        no_clobber,
        expect_size,
        fail_on_empty,
    )


def parse_pairs(option: str, given: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for pair in given:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise click.UsageError(f"{option} {pair!r} is not of the form KEY=VALUE")
        yield key, value


def _headers(given: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for line in given:
        match = _HEADER.fullmatch(line)
        if match is None:
            raise click.UsageError(f"--header {line!r} is not of the form NAME:VALUE")
        yield match[1], match[2]


def parse_time_option(option: str, text: str | None) -> datetime | None:
    """An aware time; without a zone, local time."""
    if text is None:
        return None
    try:
        when = datetime.fromisoformat(re.sub(r"[Zz]$", "+00:00", text))
    except ValueError:
        raise click.UsageError(
            f"{option} {text!r} is not a valid time: use the form 2030-01-31T00:00Z"
        ) from None
    return when if when.tzinfo else when.astimezone()


def _read_key(path: str | None) -> bytes | None:
    if path is None:
        return None
    with open(path, "rb") as file:
        key = file.read(_KEY_SIZE + 1)
    if len(key) != _KEY_SIZE:
        size = os.path.getsize(path)
        raise click.UsageError(f"--sse-c-key: {path} has {size} bytes; a key must have {_KEY_SIZE}")
    return key
