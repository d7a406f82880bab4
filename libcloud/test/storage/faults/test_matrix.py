# SPDX-License-Identifier: Apache-2.0
"""Every fault at every operation comes to what the table says, on each server."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator

import pytest

from libcloud.test.storage.fakes.servers import Endpoint, MissingServerError
from libcloud.test.storage.faults import matrix
from libcloud.test.storage.faults.expected import allowed, problems

# A server is started for a few of its faults, as they happen to be in one process.
PAIRS = [
    (server, fault)
    for server in matrix.SERVERS
    for fault in dict.fromkeys(cell.fault for cell in matrix.cells(server))
]


@pytest.fixture(scope="module")
def endpoint_of() -> Iterator[Callable[[str], Endpoint]]:
    """Starts a server when it is first needed; ends them all."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def start(server: str) -> Endpoint:
            try:
                return stack.enter_context(matrix.running(server))
            except MissingServerError as error:
                pytest.skip(f"missing: {error}")

        yield start


@pytest.mark.slow
@pytest.mark.parametrize(
    ("server", "fault"), PAIRS, ids=[f"{server}-{fault}" for server, fault in PAIRS]
)
def test_every_fault_has_the_outcome_in_the_table(
    endpoint_of: Callable[[str], Endpoint], server: str, fault: str
) -> None:
    found = matrix.play_fault(server, endpoint_of(server), fault)

    assert found
    assert problems(server, found) == []


@pytest.mark.parametrize("server", matrix.SERVERS)
def test_no_outcome_in_the_table_is_worse_than_an_error(server: str) -> None:
    table = allowed(server)

    ends = {word for words in table.values() for word in words}
    assert not [word for word in ends if " " in word or word.isupper()]
    assert len(table) == len(list(matrix.cells(server)))


def test_a_deviation_from_the_table_is_reported() -> None:
    found = {cell: sorted(words)[0] for cell, words in allowed("fake").items()}
    assert problems("fake", found) == []

    cell = matrix.Cell("lost-answer", "complete", True)
    assert problems("fake", {**found, cell: "done AND DAMAGED"}) == [
        "fake: lost-answer.complete.always came to 'done AND DAMAGED' and not to done"
    ]


def test_the_printed_table_has_a_row_for_each_fault_and_a_column_for_each_operation() -> None:
    text = matrix.printed({matrix.Cell("503", "put", False): "done"})

    lines = text.splitlines()
    assert lines[0].split() == list(matrix.OPERATIONS)
    assert [line.split()[0] for line in lines[1:]] == list(matrix.FAULTS)
    assert "done/-" in text
