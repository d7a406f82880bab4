# SPDX-License-Identifier: Apache-2.0
"""Uploads that take longer than their credentials are valid, on a clock that the tests advance."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any
from unittest import mock
from urllib.request import urlopen

import pytest

from libcloud.common import aws
from libcloud.common.credentials import Credentials, CredentialsNotFoundError
from libcloud.common.credentials.provider import CredentialProvider
from libcloud.test.storage.fakes.faults import Status
from libcloud.test.storage.fakes.options import AMAZON, Issued
from libcloud.test.storage.s3_servers import BUCKET, PART, Store, pattern, store

LIFETIME = timedelta(seconds=2)
TICK = timedelta(seconds=0.5)
PARTS = 60


@dataclass
class Clock:
    """The time, for the server, for signatures and for credentials.

    It stands still while a request is on its way.
    """

    time: datetime = datetime(2026, 11, 28, 12, tzinfo=timezone.utc)
    _idle: threading.Condition = field(default_factory=threading.Condition)
    _travelling: int = 0

    def __call__(self) -> datetime:
        return self.time

    def move(self, span: timedelta) -> None:
        with self._idle:
            assert self._idle.wait_for(lambda: not self._travelling, timeout=60)
            self.time += span

    @contextlib.contextmanager
    def still(self) -> Iterator[None]:
        with self._idle:
            self._travelling += 1
        try:
            yield
        finally:
            with self._idle:
                self._travelling -= 1
                self._idle.notify_all()


@dataclass
class Office:
    """Gives out credentials that the server takes for two seconds.

    :param tells: they say when they expire.
    :param closed: nobody is there.
    :param often_closed: nobody is there every second time that somebody comes.
    """

    clock: Clock
    tells: bool = True
    closed: bool = False
    often_closed: bool = False
    visits: int = 0
    issued: dict[str, Issued] = field(default_factory=dict)

    def __call__(self) -> Credentials:
        self.visits += 1
        if self.closed or (self.often_closed and self.visits % 2 == 0):
            raise CredentialsNotFoundError("the office is closed")
        key = f"ASIA{len(self.issued):04}"
        made = Issued(f"secret-{key}", f"token-{key}", self.clock() + LIFETIME)
        self.issued[key] = made
        return Credentials(key, made.secret, made.token, made.expires if self.tells else None)


@dataclass(frozen=True)
class Days:
    """A store, and who gives out credentials for it."""

    there: Store
    clock: Clock
    office: Office

    def source(self, together: int = 1) -> Iterator[bytes]:
        """Some parts, then half a second for each, and so on."""
        for number in range(PARTS):
            yield pattern(PART, seed=number)
            if number % together == together - 1:
                self.clock.move(TICK * together)

    @property
    def data(self) -> bytes:
        return b"".join(pattern(PART, seed=number) for number in range(PARTS))

    @property
    def refused(self) -> list[str]:
        return [entry.code for entry in self.there.server.requests if entry.code]

    @property
    def keys(self) -> set[str]:
        """Those that requests were signed with."""
        heads = (dict(entry.headers)["authorization"] for entry in self.there.server.requests)
        return {head.partition("Credential=")[2].partition("/")[0] for head in heads}


@contextlib.contextmanager
def days(**keywords: Any) -> Iterator[Days]:
    clock = Clock()
    office = Office(clock, **keywords)
    source = CredentialProvider(office, now=clock)
    options = replace(AMAZON, clock=clock, issued=office.issued, key="none", secret="none")
    with (
        mock.patch.object(aws, "_now", clock),
        store(options, ex_credentials=source) as there,
    ):
        attempt = there.driver.connection._attempt

        def attempt_in_no_time(call: Any) -> Any:
            with clock.still():
                return attempt(call)

        there.driver.connection._attempt = attempt_in_no_time
        yield Days(there, clock, office)


def test_credentials_are_refreshed_before_they_expire_during_an_upload() -> None:
    with days() as day:
        day.there.stream(day.source(), ex_window=1)
        assert day.there.body() == day.data
        day.there.assert_nothing_is_left("object")
        assert day.refused == []
        # 30 seconds, in pieces of one: each is renewed when half of its time is over.
        assert len(day.keys) >= 25


def test_concurrent_parts_are_signed_with_valid_credentials() -> None:
    with days() as day:
        day.there.stream(day.source(together=4), ex_window=4)
        assert day.there.body() == day.data
        day.there.assert_nothing_is_left("object")
        assert day.refused == []
        # A part may be sent only when the credentials of its time have expired, four at most.
        assert PARTS // 8 <= len(day.keys) <= PARTS // 4 + 1


def test_credentials_that_expire_repeatedly_on_the_way_are_refreshed_repeatedly() -> None:
    with days() as day:
        for nth in (1, 2, 3):
            day.there.server.faults.add("UploadPart", Status(400, "ExpiredToken"), nth=nth)
        day.there.in_parts(2, ex_window=1)
        assert day.refused == ["ExpiredToken"] * 3
        assert len(day.office.issued) == 4
        day.there.assert_nothing_is_left("object")


def test_credentials_without_an_expiry_are_refreshed_after_a_refusal() -> None:
    with days(tells=False) as day:
        day.there.stream(day.source(), ex_window=1)
        assert day.there.body() == day.data
        day.there.assert_nothing_is_left("object")
        assert set(day.refused) == {"ExpiredToken"}
        assert len(day.refused) == len(day.office.issued) - 1
        assert 10 <= len(day.office.issued) <= 16


def test_a_temporary_failure_of_the_provider_is_tolerated() -> None:
    with days(often_closed=True) as day:
        day.there.stream(day.source(), ex_window=1)
        assert day.there.body() == day.data
        assert day.refused == []
        assert day.office.visits > len(day.office.issued) >= 10


def test_a_lasting_failure_of_the_provider_ends_the_upload_with_its_error() -> None:
    with days() as day:

        def source() -> Iterator[bytes]:
            for number, piece in enumerate(day.source()):
                day.office.closed = number > 10
                yield piece

        with pytest.raises(CredentialsNotFoundError, match="the office is closed") as caught:
            day.there.stream(source(), ex_window=1)
        assert not day.there.server.objects
        # Nobody could abort it either; the error says what is left behind.
        assert getattr(caught.value, "upload_id", None) is not None
        day.office.closed = False
        day.there.driver.ex_cleanup_all_multipart_uploads(day.there.container)
        day.there.assert_nothing_is_left()


def test_two_drivers_share_a_provider() -> None:
    with days() as day:
        source = day.there.driver.connection.credential_provider
        kind = type(day.there.driver)
        server = day.there.server
        where = {"host": server.host, "port": server.port, "secure": False}
        other = kind(ex_credentials=source, **where)
        other.get_container(BUCKET)
        day.there.driver.get_container(BUCKET)
        assert len(day.office.issued) == 1
        assert other.connection.credential_provider is source


def test_a_presigned_url_uses_the_current_credentials() -> None:
    with (
        days() as day,
        mock.patch.object(type(day.there.driver.connection), "server_time", day.clock),
    ):
        day.there.stream(iter([b"body"]))
        obj = day.there.driver.get_object(BUCKET, "object")
        day.clock.move(timedelta(seconds=60))
        with urlopen(day.there.driver.get_object_cdn_url(obj), timeout=30) as answer:
            assert answer.read() == b"body"
