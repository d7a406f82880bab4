# SPDX-License-Identifier: Apache-2.0
"""The stores and their quirks, from the profiles and the comments on their values."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator

from feature_table import size_text

from libcloud.storage.s3 import profiles
from libcloud.storage.s3.profiles import PROFILES, S3Profile, servers, services

WITH_A_PAGE = (
    "amazon",
    "auroraobjects",
    "b2",
    "ceph",
    "digitalocean",
    "google",
    "minio",
    "oss",
    "outscale",
    "ovh",
    "r2",
    "scaleway",
    "wasabi",
)
"""Profiles of providers that have a page."""


def stores_table() -> str:
    """A table of the main differences between stores."""
    lines = [
        "| profile | store | largest object | parts | part size | conditions | MD5 ETag |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, profile in PROFILES.items():
        limits = profile.limits
        parts = f"{limits.max_parts:,}{', equal' if limits.equal_parts else ''}"
        sizes = f"{size_text(limits.min_part_size)} to {size_text(limits.max_part_size)}"
        cells = [f"`{name}`", profile.name, size_text(limits.max_object_size), parts, sizes]
        cells += [_mark(profile.conditional_writes), _mark(profile.etag_is_md5)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def store_notes() -> str:
    """A section for each store: its hosts, what is assumed about it, and the sources."""
    found = notes()
    return "\n".join(
        line for name, profile in PROFILES.items() for line in _section(name, profile, found)
    )


def notes_on(name: str) -> str:
    """The section of one profile without its heading, for the page of a provider."""
    lines = list(_section(name, PROFILES[name], notes()))
    return "\n".join(lines[1:]).strip() + "\n"


def notes() -> dict[str, list[str]]:
    """The comments of each profile, by its constant."""
    by_constant: dict[str, list[str]] = {}
    for module in (services, servers):
        source = inspect.getsource(module)
        for node in ast.parse(source).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("S3Profile("):
                comments = _comments(source.splitlines(), node.lineno, node.end_lineno or 0)
                by_constant[ast.unparse(node.targets[0])] = list(comments)
    return by_constant


def _section(name: str, profile: S3Profile, found: dict[str, list[str]]) -> Iterator[str]:
    yield f"### {profile.name}\n"
    yield f"Profile `{name}`. {_hosts(profile)}\n"
    versions = " or ".join(profile.signature_versions)
    region = f"; the region is `{profile.default_region}` by default" * bool(profile.default_region)
    yield f"- Requests are signed with Signature Version {versions}{region}."
    yield f"- {_limits_text(profile)}"
    if profile.checksums:
        yield f"- Verified checksums: {', '.join(profile.checksums)}."
    lacking = [text for field, text in _LACKING.items() if not getattr(profile, field)]
    if lacking:
        yield f"- Not assumed: {', '.join(lacking)}."
    for note in found.get(_constant(profile), []):
        yield f"- {note}"
    yield ""


_LACKING = {
    "etag_is_md5": "an ETag that is an MD5",
    "conditional_writes": "conditional writes",
    "supports_copy_part": "server-side copies in parts",
    "bulk_delete": "bulk deletion",
    "checks_payload": "verification of the signed digest of a body",
    "nested_names": "both `x` and `x/y` as objects",
    "metadata": "unchanged metadata",
}


def _constant(profile: S3Profile) -> str:
    return next(name for name, value in vars(profiles).items() if value is profile)


def _hosts(profile: S3Profile) -> str:
    hosts = sorted(set(profile.hosts.values()))
    if profile.host_pattern:
        return f"Its hosts are `{profile.host_pattern}`."
    if len(hosts) > 3:
        return f"It has {len(hosts)} hosts, such as `{hosts[0]}`."
    return (
        f"Its host is {', '.join(f'`{host}`' for host in hosts)}."
        if hosts
        else "There is no default host."
    )


def _limits_text(profile: S3Profile) -> str:
    limits = profile.limits
    equal = ", all of equal size except the last" if limits.equal_parts else ""
    return (
        f"Objects up to {size_text(limits.max_object_size)}; in one request up to "
        f"{size_text(limits.max_put_size)}; up to {limits.max_parts:,} parts of "
        f"{size_text(limits.min_part_size)} to {size_text(limits.max_part_size)}{equal}."
    )


def _mark(value: bool) -> str:
    return "✓" if value else "-"


def _comments(lines: list[str], first: int, last: int) -> Iterator[str]:
    """Comments above and inside of an assignment, each as one line of Markdown."""
    while first > 1 and lines[first - 2].startswith("#"):
        first -= 1
    paragraph: list[str] = []
    for line in [*lines[first - 1 : last], ""]:
        comment = re.match(r"\s*# ?(.*)", line)
        if comment:
            paragraph.append(comment[1])
        elif paragraph:
            yield _escaped(" ".join(paragraph))
            paragraph = []


def _escaped(text: str) -> str:
    """A comment, as Markdown that means the same."""
    return re.sub(r"([*_<>\[\]|])", r"\\\1", text)
