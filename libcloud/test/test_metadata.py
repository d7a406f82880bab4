# SPDX-License-Identifier: Apache-2.0
"""What an installation brings along, by the metadata of the distribution that is installed."""

from __future__ import annotations

import re
from importlib import metadata

import pytest

REQUIREMENTS = metadata.requires("libcloud-storage") or []


def names(extra: str | None = None) -> set[str]:
    """Distributions that are needed without any extra, or that ``extra`` adds."""
    marker = re.compile(r"extra == ['\"]([\w-]+)['\"]")
    found = {line: marker.search(line) for line in REQUIREMENTS}
    wanted = [line for line, match in found.items() if (match[1] if match else None) == extra]
    return {re.split(r"[^A-Za-z0-9_.-]", line, maxsplit=1)[0].lower() for line in wanted}


def test_the_library_itself_needs_three_distributions() -> None:
    assert names() == {"requests", "lxml", "zlib-ng"}


def test_zlib_ng_is_not_required_where_it_would_have_to_be_compiled() -> None:
    (line,) = (line for line in REQUIREMENTS if line.startswith("zlib-ng") and "extra" not in line)
    assert "platform_machine" in line and "implementation_name" in line


@pytest.mark.parametrize(
    ("extra", "added"),
    [
        ("aws", {"botocore"}),
        ("cli", {"click"}),
        ("fsspec", {"fsspec"}),
        ("google", {"cryptography"}),
        ("local", {"fasteners"}),
    ],
)
def test_an_extra_adds_what_it_is_for_and_nothing_else(extra: str, added: set[str]) -> None:
    assert names(extra) == added


def test_every_requirement_has_a_floor() -> None:
    assert [line for line in REQUIREMENTS if ">=" not in line] == []


def test_the_command_and_the_file_system_are_entry_points() -> None:
    found = {
        (point.group, point.name): point.value
        for point in metadata.distribution("libcloud-storage").entry_points
    }
    assert found["console_scripts", "libcloud"] == "libcloud.__main__:main"
    assert ("fsspec.specs", "libcloud+s3") in found
