# SPDX-License-Identifier: Apache-2.0
"""Every driver behaves as the contract says: each behaviour on each target that it concerns."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from libcloud.test.storage.conformance import (
    containers,
    failures,
    files,
    listings,
    metadata,
    names,
    streams,
    uploads,
    writers,
)
from libcloud.test.storage.conformance.harness import Behaviour, Harness, behaviours
from libcloud.test.storage.conformance.targets import SMALL_PART, Target, targets
from libcloud.test.storage.fakes.servers import Endpoint, MissingServerError

SUITE = list(
    behaviours(containers, streams, writers, failures, files, listings, names, metadata, uploads)
)


def _cases() -> list[object]:
    """Target by target, so that one server runs at a time."""
    return [
        pytest.param(
            target,
            behaviour,
            id=f"{target.name}-{behaviour.name}",
            marks=[pytest.mark.slow] if target.part_size > SMALL_PART else [],
        )
        for target in targets()
        for behaviour in SUITE
        if behaviour.concerns(target.features())
    ]


@pytest.fixture(scope="module")
def endpoint_of() -> Iterator[Callable[[Target], Endpoint]]:
    """Starts the server of a target when it is first needed; ends them all."""
    started: dict[str, Endpoint] = {}
    missing: dict[str, str] = {}
    with contextlib.ExitStack() as stack:

        def start(target: Target) -> Endpoint:
            if target.name not in started and target.name not in missing:
                try:
                    started[target.name] = stack.enter_context(target.launch())
                except MissingServerError as error:
                    missing[target.name] = f"missing: {error}"
            if target.name in missing:
                pytest.skip(missing[target.name])
            return started[target.name]

        yield start


@pytest.mark.parametrize(("target", "behaviour"), _cases())
def test_behaviour(
    target: Target,
    behaviour: Behaviour,
    endpoint_of: Callable[[Target], Endpoint],
    tmp_path: Path,
) -> None:
    endpoint = endpoint_of(target)
    store, folder = tmp_path / "store", tmp_path / "work"
    store.mkdir()
    folder.mkdir()
    driver = target.connect(endpoint, store)
    harness = Harness(driver, target.features(), target.part_size, folder)
    try:
        behaviour.check(harness)
    finally:
        harness.clean_up()
    fake = endpoint.fake or endpoint.azure or endpoint.swift
    if fake is not None:
        violations = list(fake.violations)
        fake.reset()
        assert violations == []


def test_the_suite_is_whole() -> None:
    assert len({behaviour.name for behaviour in SUITE}) == len(SUITE) >= 100


@pytest.mark.parametrize("target", targets(), ids=lambda target: target.name)
def test_deviations_are_needed_and_explained(target: Target) -> None:
    assert target.features()
    assert all(len(deviation.reason) > 20 for deviation in target.deviations)
