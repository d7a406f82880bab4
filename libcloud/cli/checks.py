# SPDX-License-Identifier: Apache-2.0
"""What ``libcloud doctor`` looks at, until something makes the rest pointless."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

import click

from libcloud.cli.errors import (
    ACCESS,
    USAGE,
    answer_of,
    exit_status,
    hint_for,
    keep_out,
    what_of,
    without_secrets,
)
from libcloud.cli.settings import Settings
from libcloud.cli.stores import Store, connect, find_settings
from libcloud.cli.targets import Target
from libcloud.cli.text import count, size_text
from libcloud.common.credentials import (
    CredentialsNotFoundError,
    MalformedCredentialsError,
    masked,
)
from libcloud.common.credentials.discovery import Discovery
from libcloud.common.credentials.profiles import ProfileFileError
from libcloud.common.types import LibcloudError
from libcloud.storage.capabilities import Capabilities
from libcloud.storage.s3api import operations
from libcloud.storage.types import Provider

__all__ = ["Check", "checks"]

# Amazon S3 API Reference, "RequestTimeTooSkewed".
_SKEW_REFUSED = 15 * 60
_SKEW_NOTABLE = 60
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SAMPLE = b"libcloud doctor was here"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    :param kind: ``"ok"``, ``"note"``, ``"warning"`` or ``"failure"``.
    :param hint: what to do.
    :param status: to exit with; 0 unless it is a failure.
    """

    kind: str
    name: str
    text: str
    hint: str = ""
    status: int = 0


def checks(target: Target, settings: Settings, *, write: bool) -> Iterator[Check]:
    """All checks of ``target``."""
    yield Check("note", "provider", target.provider)
    if target.provider not in (Provider.LOCAL, Provider.DUMMY):
        try:
            settled = list(_settings(target, settings))
        except ProfileFileError as error:
            yield Check("failure", "profile", str(error), status=USAGE)
            return
        except (CredentialsNotFoundError, MalformedCredentialsError) as error:
            yield Check("failure", "credentials", what_of(error), hint_for(error), ACCESS)
            return
        yield from settled
        if any(check.kind == "failure" for check in settled):
            return
    try:
        store = Store(target, connect(target, settings))
    except (LibcloudError, click.UsageError) as error:
        text = error.format_message() if isinstance(error, click.UsageError) else what_of(error)
        yield Check("failure", "driver", text, status=USAGE)
        return
    if store.speaks_s3:
        yield from _endpoint(store)
        reached = list(_answers(store))
        yield from reached
        yield from _route(store)
        if any(check.kind == "failure" for check in reached):
            return
    yield from _capabilities(store.driver.capabilities)
    if target.container:
        yield from _container(store, write)


def _settings(target: Target, settings: Settings) -> Iterator[Check]:
    """Credentials, region and endpoint, as they are found."""
    found = find_settings(target, settings)
    yield _credentials(found, settings)
    if found.problem:
        yield Check("warning", "profile", f"{found.problem}: it counts as none")
    for name, setting in (
        ("region", found.region),
        ("endpoint", found.endpoint_url),
    ):
        if setting is None:
            yield Check("note", name, "not set: the provider's own")
        else:
            yield Check("ok", name, f"{setting.value}, from {setting.origin}")
    for name, setting in (
        ("style", found.addressing_style),
        ("checksums", found.checksums),
        ("dual-stack", found.use_dualstack),
        ("FIPS", found.use_fips),
        ("certificates", found.ca_bundle),
    ):
        if setting is not None:
            yield Check("note", name, f"{setting.value}, from {setting.origin}")


def _credentials(found: Discovery, settings: Settings) -> Check:
    """Who asks. What has to be obtained is obtained now."""
    if settings.no_sign_request:
        return Check("note", "credentials", "none are used, by --no-sign-request")
    hint = found.hint
    if found.provider is None:
        return Check("failure", "credentials", f"none: {found.missing}", hint, ACCESS)
    try:
        used = found.provider()
    except CredentialsNotFoundError as error:
        text = f"none: {without_secrets(str(error))}"
        if found.credentials_origin:
            text += f" ({found.credentials_origin})"
        return Check("failure", "credentials", text, hint, ACCESS)
    except MalformedCredentialsError as error:
        return Check("failure", "credentials", what_of(error), hint_for(error), ACCESS)
    keep_out(used.secret, used.token)
    kind = ", with a session token" if used.token else ""
    return Check("ok", "credentials", f"{masked(used.key)}{kind}, from {found.credentials_origin}")


def _endpoint(store: Store) -> Iterator[Check]:
    """Where requests go."""
    connection = store.driver.connection
    scheme = "https" if connection.secure else "http"
    path = connection.request_path or ""
    host = f"[{connection.host}]" if ":" in connection.host else connection.host
    yield Check("note", "host", f"{scheme}://{host}:{connection.port}{path}")
    yield Check("note", "store", store.driver.profile.name)
    if not connection.secure and connection.host not in _LOOPBACK:
        hint = "data and names can be read and changed on the way: use an https endpoint"
        yield Check("warning", "encryption", "plain http", hint)


def _route(store: Store) -> Iterator[Check]:
    """Where requests for the container go, and for which region they are signed."""
    driver, name = store.driver, store.target.container
    routes = getattr(driver.connection, "routes", None)
    if routes is None:
        return
    region = getattr(driver, "region_name", None) or ""
    if not name:
        yield Check("note", "style", f"{routes.style}, signed for {region or 'no region'}")
        return
    route = routes.of(driver._get_container_path(store.container()))
    style = f"the name of the host: {route.host}" if route.in_host else "the path"
    yield Check("note", "style", f"the container stands in {style}")
    if route.region is not None and route.region != region:
        text = f"the container is in {route.region}, and requests for it go there"
        yield Check("warning", "region", text, f"--region {route.region} saves a request")
    else:
        yield Check("note", "signed for", region or "no region")


def _answers(store: Store) -> Iterator[Check]:
    """Whether the store answers and takes the credentials, and what its clock says."""
    driver, name = store.driver, store.target.container
    request = operations.list_buckets()
    if name:
        request = operations.list_objects_v1(
            driver._get_container_path(store.container()), page_size=1
        )
    date: datetime | None = None
    try:
        answer = driver._call(request, "Error asking the store", container_name=name, ok=(200, 404))
        date = _date(answer.headers.get("date", ""))
        signed = "without any" if driver.connection.anonymous else "and takes the"
        yield Check("ok", "access", f"the store answers, {signed} credentials")
    except LibcloudError as error:
        detail = getattr(error, "detail", None)
        date = getattr(detail, "date", None)
        yield _refusal(error, name)
    if date is not None:
        yield _clock((date - datetime.now(timezone.utc)).total_seconds())


def _refusal(error: LibcloudError, container: str) -> Check:
    """What an error of the first request means."""
    detail = getattr(error, "detail", None)
    code = getattr(detail, "code", "")
    if detail is not None and detail.status == 403 and code in ("", "AccessDenied"):
        # Many a key may use one container and not list all.
        what = "list the container" if container else "list containers"
        text = f"the store answers; these credentials may not {what} ({answer_of(error)})"
        hint = "that may be intended" if container else "try: libcloud doctor s3://CONTAINER"
        return Check("warning", "access", text, hint)
    return Check("failure", "access", what_of(error), _hint(error), exit_status(error))


def _clock(offset: float) -> Check:
    """Whether the two clocks agree; the answer was a moment on its way."""
    if abs(offset) < _SKEW_NOTABLE:
        # An answer tells whole seconds, and was on its way.
        by = f"{abs(offset):.0f} seconds apart" if abs(offset) >= 2 else "within a second"
        return Check("ok", "clock", f"agrees with the store's ({by})")
    direction = "behind" if offset > 0 else "ahead of"
    text = f"{abs(offset):.0f} seconds {direction} the store's"
    hint = "set this machine's clock, by NTP"
    if abs(offset) < _SKEW_REFUSED:
        return Check("warning", "clock", text, hint)
    return Check("warning", "clock", f"{text}: signatures of other programs are refused", hint)


def _capabilities(can: Capabilities) -> Iterator[Check]:
    """What the driver promises of the store."""
    chosen = {field.name: getattr(can, field.name) for field in fields(can)}
    yes = [name.replace("_", " ") for name, value in chosen.items() if value is True]
    no = [name.replace("_", " ") for name, value in chosen.items() if value is False]
    yield Check("note", "supports", ", ".join(yes))
    yield Check("note", "not assumed", ", ".join(no) or "-")
    if can.checksums:
        yield Check("note", "checksums", ", ".join(can.checksums))
    if can.multipart:
        limits = can.limits
        yield Check(
            "note",
            "limits",
            f"objects up to {size_text(limits.max_object_size)}, in {limits.max_parts:,} parts of "
            f"{size_text(limits.min_part_size)} to {size_text(limits.max_part_size)}",
        )


def _container(store: Store, write: bool) -> Iterator[Check]:
    """What may be done with the container."""
    try:
        store.driver.get_container(store.target.container)
    except (LibcloudError, OSError) as error:
        yield Check("failure", "container", what_of(error), _hint(error), exit_status(error))
        return
    yield Check("ok", "container", f"{store.target.container!r} is there")
    yield _tried("listing", lambda: _list_one(store))
    if store.in_parts:
        yield _tried("uploads", lambda: _unfinished(store))
    if write:
        yield _tried("writing", lambda: _write(store))


def _tried(name: str, action: Any) -> Check:
    """What ``action`` tells, or what it fails with."""
    try:
        return Check("ok", name, action())
    except (LibcloudError, OSError) as error:
        return Check("failure", name, what_of(error), _hint(error), exit_status(error))


def _list_one(store: Store) -> str:
    objects = store.container().iterate_objects(prefix=store.target.name or None)
    return "allowed" if next(iter(objects), None) is not None else "allowed; there is no object"


def _unfinished(store: Store) -> str:
    found = store.driver.ex_iterate_multipart_uploads(store.container())
    number = sum(1 for _ in found)
    look = f": see libcloud uploads ls {store.target.with_name('')}" if number else ""
    return f"{count(number, 'upload')} unfinished{look}"


def _write(store: Store) -> str:
    name = f"{store.target.as_directory().name}libcloud-doctor-{secrets.token_hex(8)}"
    container = store.container()
    store.driver.upload_object_via_stream(iter([_SAMPLE]), container, name)
    obj = container.get_object(name)
    try:
        read = b"".join(obj.as_stream())
    finally:
        obj.delete()
    if read != _SAMPLE:
        raise LibcloudError("what was read is not what was written", store.driver)
    return "an object was written, read and deleted"


def _hint(error: BaseException) -> str:
    return hint_for(error).partition(": see libcloud doctor")[0].partition("? See")[0]


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
