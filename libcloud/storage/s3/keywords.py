# SPDX-License-Identifier: Apache-2.0
"""The keywords of uploads to S3, for those who read and for those who check types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict

from libcloud.storage import s3
from libcloud.storage.transfer.upload.options import EngineKeywords
from libcloud.utils.arguments import unexpected_keyword

if TYPE_CHECKING:
    from libcloud.storage.s3.profiles import S3Profile
    from libcloud.storage.s3.write_options import WriteOptions

__all__ = [
    "ReadKeywords",
    "UploadKeywords",
    "read_headers",
    "split_keywords",
    "write_headers",
]


class UploadKeywords(EngineKeywords, total=False):
    """Keywords of ``upload_object``, ``upload_object_via_stream`` and ``ex_open_writer``.

    Those of the object are the fields of
    :class:`~libcloud.storage.s3.write_options.WriteOptions`.
    """

    ex_checksum: str | None

    ex_if_none_match: str | None
    ex_if_match: str | None
    ex_tags: Mapping[str, str] | None
    ex_acl: str | None
    ex_sse: str | None
    ex_sse_kms_key_id: str | None
    ex_sse_kms_context: Mapping[str, str] | None
    ex_sse_bucket_key: bool | None
    ex_sse_customer_key: bytes | None
    ex_object_lock_mode: str | None
    ex_object_lock_until: datetime | None
    ex_object_lock_hold: bool | None
    ex_request_payer: bool
    ex_expected_bucket_owner: str | None


class ReadKeywords(TypedDict, total=False):
    """What ``get_object`` and the methods that download take.

    They are told in :class:`~libcloud.storage.s3.write_options.ReadOptions`.
    """

    ex_sse_customer_key: bytes | None
    ex_request_payer: bool
    ex_expected_bucket_owner: str | None


def split_keywords(given: Mapping[str, Any]) -> tuple[WriteOptions, dict[str, Any]]:
    """Options of the object, and what is left for the engine.

    :raises TypeError: no such keyword.
    :raises ValueError: a value that makes no sense.
    """
    kind = s3.write_options
    if not given:
        return kind.NOTHING_ASKED, {}
    _check_names(given, UploadKeywords.__annotations__)
    of_object = {f"ex_{name}": name for name in kind.names(kind.WriteOptions)}
    chosen = {of_object[name]: value for name, value in given.items() if name in of_object}
    rest = {name: value for name, value in given.items() if name not in of_object}
    return kind.WriteOptions(**chosen), rest


def _check_names(given: Iterable[str], known: Iterable[str]) -> None:
    for name in given:
        if name not in known:
            raise unexpected_keyword(name, known)


def read_headers(given: Mapping[str, Any], *, prefix: str, secure: bool) -> dict[str, str]:
    """The headers that keywords of a read ask for.

    :param prefix: see :func:`write_headers`.
    :raises TypeError: no such keyword.
    :raises ValueError: a value that makes no sense, or the store has no such thing.
    """
    _check_names(given, ReadKeywords.__annotations__)
    options = s3.write_options.ReadOptions(
        **{name.removeprefix("ex_"): value for name, value in given.items()}
    )
    asked = options.headers()
    _check_sent(asked, prefix=prefix, secure=secure or options.sse_customer_key is None)
    return asked


def _check_sent(asked: Iterable[str], *, prefix: str, secure: bool) -> None:
    """:param secure: over https, or nothing that needs it."""
    foreign = sorted(name for name in asked if name.startswith("x-amz-") and prefix != "x-amz")
    if foreign:
        raise ValueError(f"{', '.join(foreign)}: headers of this store begin with {prefix}")
    if not secure:
        raise ValueError("ex_sse_customer_key goes over https only")


def write_headers(
    options: WriteOptions,
    headers: Mapping[str, str] | None,
    *,
    profile: S3Profile,
    prefix: str,
    secure: bool,
) -> dict[str, str]:
    """A copy of ``headers`` with those that ``options`` ask for.

    :param prefix: of the store's own headers: only S3's own has all of the options.
    :raises ValueError: the store has no such thing, or ``headers`` say something else.
    """
    if options is s3.write_options.NOTHING_ASKED:
        return dict(headers or {})
    asked = options.headers()
    _check_sent(asked, prefix=prefix, secure=secure or options.sse_customer_key is None)
    if options.conditional and not profile.conditional_writes:
        raise ValueError(
            f"ex_if_none_match and ex_if_match: {profile.name} is not known to hold to conditions "
            "of writes, and might overwrite what is there. If it does, say so by the driver's "
            "ex_profile (conditional_writes=True)"
        )
    by_lower = {name.lower(): name for name in asked}
    sent = dict(asked)
    for name, value in (headers or {}).items():
        known = by_lower.get(name.lower())
        if known is None:
            sent[name] = value
        elif value != asked[known]:
            raise ValueError(f"headers and a keyword say two things of {name}")
    return sent
