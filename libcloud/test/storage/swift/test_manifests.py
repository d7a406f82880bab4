# SPDX-License-Identifier: Apache-2.0
"""Manifests that are stored although the response says otherwise."""

from __future__ import annotations

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.fakes.swift import FakeSwift
from libcloud.test.storage.fakes.swift_faults import give_up

DATA = pattern(5000)


@pytest.mark.parametrize("status", [304, 403, 404, 409, 412, 501, 524])
def test_the_segments_of_an_object_that_is_stored_in_spite_of_a_refusal_are_kept(
    fake: FakeSwift, container: Container, status: int
) -> None:
    fake.faults.append(("PUT manifest", give_up(status)))
    with pytest.raises(LibcloudError):
        container.upload_object_via_stream(iter([DATA]), "big", ex_part_size=1000)
    assert fake.body("docs", "big") == DATA
