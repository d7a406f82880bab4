# SPDX-License-Identifier: Apache-2.0
"""Formatting and parsing of sizes, durations, ranges, names and URLs."""

from __future__ import annotations

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libcloud.cli import text
from libcloud.cli.targets import Target, is_url, parse_target
from libcloud.storage.capabilities import GIB, MIB, TIB


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("0", 0),
        ("1000", 1000),
        ("5B", 5),
        ("8MiB", 8 * MIB),
        ("8m", 8 * MIB),
        ("1.5 GiB", 3 * GIB // 2),
        ("2T", 2 * TIB),
        ("5GB", 5 * 10**9),
        ("7kb", 7000),
    ],
)
def test_sizes_are_parsed(written: str, size: int) -> None:
    assert text.parse_size(written) == size


@pytest.mark.parametrize("written", ["", "x", "-1", "5XB", "MiB", "1 2", "5IB", "5MMB"])
def test_an_invalid_size_is_rejected(written: str) -> None:
    with pytest.raises(ValueError, match="is not a valid size"):
        text.parse_size(written)


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (MIB - 1, "1.0 MiB"), (3 * TIB, "3.0 TiB")],
)
def test_sizes_are_formatted(size: int, shown: str) -> None:
    assert text.size_text(size) == shown


@given(st.integers(0, 2**60))
def test_a_size_never_shows_1024_of_a_unit_except_the_largest(size: int) -> None:
    shown, unit = text.size_text(size).split()
    assert float(shown) < 1024 or unit == "TiB"


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("0s", 0), ("90", 90), ("15m", 900), ("1.5h", 5400), ("7d", 604800), ("2w", 1209600)],
)
def test_durations_are_parsed(written: str, seconds: int) -> None:
    assert text.parse_duration(written).total_seconds() == seconds


@pytest.mark.parametrize("written", ["", "d", "-1d", "7y", "1d2h"])
def test_an_invalid_duration_is_rejected(written: str) -> None:
    with pytest.raises(ValueError, match="is not a valid duration"):
        text.parse_duration(written)


@given(st.text())
def test_printable_text_is_one_line_without_control_characters(name: str) -> None:
    assert text.printable(name).isprintable()


@given(st.text(), st.integers(0, 30))
def test_shortened_text_fits(name: str, columns: int) -> None:
    shown = text.shortened(text.printable(name), columns)
    assert text.width(shown) <= columns


def test_wide_characters_take_two_columns() -> None:
    assert text.width("名a") == 3


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("s3://", Target("s3", "s3")),
        ("s3://b", Target("s3", "s3", "b")),
        ("S3://b/", Target("s3", "s3", "b")),
        ("s3://b/a?b#c%20", Target("s3", "s3", "b", "a?b#c%20")),
        ("s3://b//x", Target("s3", "s3", "b", "/x")),
        ("gs://b/x", Target("gs", "google_storage", "b", "x")),
        ("s3_rgw://b/x", Target("s3_rgw", "s3_rgw", "b", "x")),
        ("digitalocean-spaces://b", Target("digitalocean-spaces", "digitalocean_spaces", "b")),
        ("file:///a/b/c", Target("file", "local", "b", "c", "/a")),
        ("file:///a/b/", Target("file", "local", "b", "", "/a")),
        ("file:///b/c", Target("file", "local", "b", "c", "/")),
    ],
)
def test_urls_are_parsed(url: str, expected: Target) -> None:
    assert parse_target(url) == expected


@pytest.mark.parametrize("url", ["", "b/k", "/a/b", "nobody://x", "file://relative/x", "file:///x"])
def test_an_invalid_url_is_rejected(url: str) -> None:
    with pytest.raises(click.UsageError):
        parse_target(url)


def test_the_provider_overrides_the_scheme() -> None:
    assert parse_target("s3://b/k", "minio") == Target("s3", "minio", "b", "k")


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_printed_url_parses_to_the_same_target(name: str) -> None:
    target = Target("s3", "s3", "bucket", name)
    assert is_url(str(target))
    assert parse_target(str(target)) == target
