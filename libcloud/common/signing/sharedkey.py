# SPDX-License-Identifier: Apache-2.0
"""Signatures of Azure Storage: Shared Key for requests, and shared access signatures (SAS).

References: Microsoft Learn, Azure Storage REST API, "Authorize with Shared Key" and "Create a
service SAS" (the string of version 2020-12-06).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

# In this order, one per line, empty where a request does not have it.
_STANDARD = """
    content-encoding content-language content-length content-md5 content-type date
    if-modified-since if-match if-none-match if-unmodified-since range
    """.split()


@dataclass(frozen=True, slots=True)
class AccountKey:
    account: str
    secret: str = field(repr=False)

    def sign(self, text: str) -> str:
        """The HMAC-SHA256 of ``text``, base64. :raises ValueError: the key is not base64."""
        try:
            key = base64.b64decode(self.secret.strip(), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("the account key is not base64") from None
        return base64.b64encode(hmac.digest(key, text.encode(), hashlib.sha256)).decode()

    def authorization(self, text: str) -> str:
        return f"SharedKey {self.account}:{self.sign(text)}"


def string_to_sign(
    method: str,
    path: str,
    params: Iterable[tuple[str, str | None]],
    headers: Mapping[str, str],
    *,
    account: str,
) -> str:
    """The string to sign for Shared Key; ``params`` are not encoded."""
    given = {name.lower(): str(value) for name, value in headers.items()}
    if given.get("content-length") == "0":
        given["content-length"] = ""
    if "x-ms-date" in given:
        given["date"] = ""
    lines = [method, *(given.get(name, "") for name in _STANDARD)]
    lines += [
        f"{name}:{' '.join(given[name].split())}" for name in sorted(given) if name[:5] == "x-ms-"
    ]
    return "\n".join([*lines, canonical_resource(path, params, account=account)])


def canonical_resource(path: str, params: Iterable[tuple[str, str | None]], *, account: str) -> str:
    """The resource in a string to sign: account, path and the sorted query."""
    values: dict[str, list[str]] = {}
    for name, value in params:
        values.setdefault(name.lower(), []).append(value or "")
    lines = [f"{name}:{','.join(sorted(values[name]))}" for name in sorted(values)]
    return "\n".join([f"/{account}{path}", *lines])


def blob_sas(
    key: AccountKey,
    container: str,
    blob: str,
    *,
    permissions: str,
    start: str,
    expiry: str,
    protocol: str,
    version: str,
) -> list[tuple[str, str]]:
    """Parameters that authorize requests for one blob.

    :param blob: its name, not encoded.
    :param permissions: letters in the order ``racwd``.
    :param start: ISO 8601, UTC; likewise ``expiry``.
    """
    resource = f"/blob/{key.account}/{container}/{blob}"
    fields = [permissions, start, expiry, resource, "", "", protocol, version, "b"]
    # Snapshot, encryption scope, and five headers of the response: none.
    signature = key.sign("\n".join([*fields, *[""] * 7]))
    return [
        ("st", start),
        ("se", expiry),
        ("sp", permissions),
        ("spr", protocol),
        ("sv", version),
        ("sr", "b"),
        ("sig", signature),
    ]
