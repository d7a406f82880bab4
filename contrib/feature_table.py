# SPDX-License-Identifier: Apache-2.0
"""A table of the capabilities that each driver declares.

The conformance suite tests drivers against the same values.

    python contrib/feature_table.py        prints it as Markdown
"""

from __future__ import annotations

import tempfile
from dataclasses import fields
from typing import Any

from libcloud.storage.capabilities import GIB, KIB, MIB, TIB, Capabilities
from libcloud.storage.providers import DRIVERS, get_driver
from libcloud.storage.types import Provider

# Drivers without a default host.
_NEED_A_HOST = {Provider.MINIO, Provider.S3_RGW}

_UNITS = {"TiB": TIB, "GiB": GIB, "MiB": MIB, "KiB": KIB}
_UNITS |= {"TB": 1000**4, "GB": 1000**3, "MB": 1000**2}
_MOST = 10_000

# The labels of the rows, in order. All fields of Capabilities but the limits are here.
ROWS = {
    "multipart": "multipart upload of streams of unknown length",
    "chunked_encoding": "upload of streams in one request",
    "conditional_writes": "conditional writes",
    "list_uploads": "list in-progress uploads",
    "range_reads": "range reads",
    "metadata": "metadata",
    "content_type": "content type",
    "etag_is_md5": "ETag is an MD5 (one request)",
    "checksums": "verified checksums",
    "any_object_name": "any text as object name",
    "nested_names": "both `x` and `x/y` as objects",
    "prefix_listing": "listing by prefix",
    "url_encoded_listing": "percent-encoded listing",
    "presigned_urls": "presigned URLs",
    "versions": "versions of objects",
    "tags": "tags",
    "object_lock": "legal holds and retention",
    "lifecycle": "expiry of unfinished uploads",
}


def one_of_each() -> list[str]:
    """Providers with a separate driver class; Amazon's regions count as one."""
    regions = {provider for provider in DRIVERS if provider.startswith("s3_")}
    return sorted(set(DRIVERS) - regions | {Provider.S3_RGW, Provider.S3_RGW_OUTSCALE})


def capabilities_of(provider: str) -> Capabilities:
    """The capabilities of a driver."""
    kind: Any = get_driver(provider)
    with tempfile.TemporaryDirectory() as directory:
        if provider == Provider.LOCAL:
            driver = kind(directory)
        elif provider == Provider.GOOGLE_STORAGE:  # with an HMAC key, which needs no login
            driver = kind("GOOG" + "0" * 16, "secret")
        elif provider in _NEED_A_HOST:
            driver = kind("key", "secret", host="store.example")
        else:
            driver = kind("key", "secret")
        found: Capabilities = driver.capabilities
        return found


def feature_table() -> str:
    """All drivers, as a table of Markdown: a row for each capability, a column for each driver."""
    declared = {field.name for field in fields(Capabilities)} - {"limits"}
    if declared != set(ROWS):
        raise LookupError(f"rows and capabilities differ: {declared ^ set(ROWS)}")
    drivers = {provider: capabilities_of(provider) for provider in one_of_each()}
    lines = [_row(["", *map(_constant, drivers)]), _row(["---"] * (len(drivers) + 1))]
    for field, text in ROWS.items():
        cells = ["\u2713" if getattr(found, field) else "-" for found in drivers.values()]
        lines.append(_row([text, *cells]))
    return "\n".join(lines) + "\n"


def size_text(size: int) -> str:
    """Bytes in the unit that shows them by the smallest whole number; rounded if none fits.

    >>> size_text(5 * 1024**3), size_text(5 * 1000**3), size_text(10_000 * 5 * 1024**3)
    ('5 GiB', '5 GB', '48.8 TiB')
    """
    exact = [(size // unit, name) for name, unit in _UNITS.items() if size and size % unit == 0]
    number, name = min(exact, default=(size, "bytes"))
    return f"{number} {name}" if number < _MOST else f"{size / TIB:.1f} TiB"


def _constant(provider: str) -> str:
    names = [name for name, value in vars(Provider).items() if value == provider]
    return names[0] if names else provider


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(feature_table(), end="")
