# SPDX-License-Identifier: Apache-2.0
"""Every name, signature and class member of Apache Libcloud 3.9.1 is there, or listed as not."""

from __future__ import annotations

import json
from inspect import signature
from pathlib import Path
from typing import Any, ClassVar

import pytest

from libcloud.test._surface import (
    DIFFERENCES,
    Difference,
    module_differences,
    signature_differences,
)

RECORD: dict[str, dict[str, dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "api_3_9_1.json").read_text(encoding="utf-8")
)


def differences(module: str) -> list[Difference]:
    return module_differences(module, RECORD[module])


@pytest.mark.parametrize("module", RECORD)
def test_a_module_has_the_names_and_signatures_of_3_9_1(module: str) -> None:
    unlisted = [str(found) for found in differences(module) if found.where not in DIFFERENCES]
    assert not unlisted, "\n".join(unlisted)


def test_every_listed_difference_exists() -> None:
    existing = {found.where for module in RECORD for found in differences(module)}
    assert not DIFFERENCES.keys() - existing


def test_every_listed_difference_has_a_reason() -> None:
    assert all(len(reason) > 10 for reason in DIFFERENCES.values())


class Recorded:
    """The record is made from this class for the tests of the comparison."""

    limit = 5
    hosts: ClassVar = {"a": 1, "b": 2}
    levels = (1, 2)

    def send(self, path: str, data: bytes | None = None, **options: object) -> None: ...


SEND = {
    "kind": "method",
    "sig": [
        ["self", "POSITIONAL_OR_KEYWORD", None],
        ["path", "POSITIONAL_OR_KEYWORD", None],
        ["data", "POSITIONAL_OR_KEYWORD", "None"],
        ["options", "VAR_KEYWORD", None],
    ],
}


def compare(**members: object) -> list[str]:
    """Differences of this module from a record of :class:`Recorded` with further ``members``."""
    entry = {"kind": "class", "bases": [], "members": members}
    return [str(found) for found in module_differences(__name__, {"Recorded": entry})]


def test_a_class_as_recorded_does_not_differ() -> None:
    assert compare(send=SEND, limit={"kind": "attr", "value": "5"}) == []


def test_a_missing_member_is_a_difference() -> None:
    assert compare(receive=SEND) == [f"{__name__}.Recorded.receive: is missing"]


def test_another_value_is_a_difference() -> None:
    assert compare(limit={"kind": "attr", "value": "6"}) == [
        f"{__name__}.Recorded.limit: is 5, not 6"
    ]


@pytest.mark.parametrize(
    ("recorded", "differs"),
    [("{'a': 1}", False), ("{'a': 2}", True), ("{'a': 1, 'c': 3}", True)],
)
def test_a_mapping_may_hold_more_but_nothing_else(recorded: str, differs: bool) -> None:
    assert bool(compare(hosts={"kind": "attr", "value": recorded})) is differs


@pytest.mark.parametrize(("recorded", "differs"), [("[1, 2]", False), ("[2, 1]", True)])
def test_a_tuple_is_accepted_as_a_list(recorded: str, differs: bool) -> None:
    assert bool(compare(levels={"kind": "attr", "value": recorded})) is differs


def test_a_missing_base_is_a_difference() -> None:
    entry = {"kind": "class", "bases": ["Connection"], "members": {}}
    assert module_differences(__name__, {"Recorded": entry}) == [
        Difference(f"{__name__}.Recorded", "does not derive from Connection")
    ]


def test_a_missing_name_and_a_missing_module_are_differences() -> None:
    assert module_differences(__name__, {"Absent": SEND})[0].what == "is missing"
    assert "cannot be imported" in module_differences("libcloud.absent", {})[0].what


def optional_at_the_end(path, data=None, more=1, *, extra=None, **options): ...  # type: ignore[no-untyped-def]


def another_order(data=None, path=None, **options): ...  # type: ignore[no-untyped-def]


def another_name(path, body=None, **options): ...  # type: ignore[no-untyped-def]


def another_default(path, data=b"", **options): ...  # type: ignore[no-untyped-def]


def no_default(path, data, **options): ...  # type: ignore[no-untyped-def]


def one_more_demanded(path, data=None, *, extra, **options): ...  # type: ignore[no-untyped-def]


def no_options(path, data=None): ...  # type: ignore[no-untyped-def]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (optional_at_the_end, []),
        (another_order, ["has path at another position", "has data at another position"]),
        (another_name, ["has no parameter data"]),
        (another_default, ["data: is b'', not None"]),
        (no_default, ["demands data"]),
        (one_more_demanded, ["demands extra"]),
        (no_options, ["takes no **options"]),
    ],
)
def test_a_signature_differs_when_calls_written_for_the_recorded_one_break(
    function: Any, expected: list[str]
) -> None:
    actual = list(signature(function).parameters.values())
    assert signature_differences(SEND["sig"][1:], actual) == expected  # type: ignore[arg-type]
