# SPDX-License-Identifier: Apache-2.0
"""``libcloud doctor``: checks settings, credentials and access, and suggests fixes."""

from __future__ import annotations

import os
import platform
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime, timezone
from itertools import chain

import click

from libcloud import __version__
from libcloud.cli.errors import (
    ACCESS,
    USAGE,
    ReportedError,
    describe,
    exit_status,
    hide_secrets,
    hint_for,
    redact,
    set_subject,
    store_response,
)
from libcloud.cli.progress import is_interactive
from libcloud.cli.settings import Settings, argument, option, store_options
from libcloud.cli.stores import SWIFT, Store, connect, find_settings
from libcloud.cli.targets import Target, parse_target
from libcloud.cli.text import count, printable, size_text
from libcloud.common.credentials import CredentialsNotFoundError, MalformedCredentialsError, masked
from libcloud.common.credentials.discovery import Discovery
from libcloud.common.credentials.provider import ProfileFileError
from libcloud.common.types import LibcloudError
from libcloud.storage.capabilities import Capabilities
from libcloud.storage.types import Provider
from libcloud.utils.headers import http_date

_MARKS = {"ok": "ok   ", "note": "     ", "warning": "WARN ", "failure": "FAIL "}
_COLORS = {"warning": "yellow", "failure": "red"}
_NAME_COLUMNS = 14

# Amazon S3 API Reference, "RequestTimeTooSkewed".
_MAX_CLOCK_SKEW = 15 * 60
_NOTABLE_CLOCK_SKEW = 60
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SAMPLE = b"libcloud doctor was here"


@dataclass(frozen=True, slots=True)
class Check:
    kind: str
    name: str
    text: str
    hint: str = ""
    status: int = 0


@click.command()
@argument("url", default="s3://")
@option("--write", "Also upload, download and delete a small object at URL.")
@store_options
def doctor(settings: Settings, *, url: str, write: bool) -> None:
    """Show which credentials, endpoint and region are used for URL, and check that they work.

    Each setting is shown with its origin; secrets are not shown. The command also checks the clock,
    lists the features of the store and, if URL names a bucket, tests access to it. The exit status
    is that of the first failed check.
    """
    target = parse_target(url, settings.provider)
    if write and not target.container:
        raise click.UsageError("--write requires a bucket: libcloud doctor --write s3://BUCKET")
    status = 0
    _print_check(Check("note", "libcloud", f"{__version__}, Python {platform.python_version()}"))
    for step in _steps(target, settings, write=write):
        for check in step:
            _print_check(check)
            status = status or check.status
        if status:
            raise ReportedError(status)


def _print_check(check: Check) -> None:
    mark, color = _MARKS[check.kind], _COLORS.get(check.kind)
    indent = " " * (len(mark) + _NAME_COLUMNS)
    if color and is_interactive(sys.stdout) and not os.environ.get("NO_COLOR"):
        mark = click.style(mark, fg=color)
    # Not wrapped: in a terminal that wraps lines, variables and commands can be copied whole.
    click.echo(redact(f"{mark}{check.name:<{_NAME_COLUMNS}}{printable(check.text)}"))
    if check.hint:
        click.echo(redact(f"{indent}-> {printable(check.hint)}"))


def _steps(target: Target, settings: Settings, *, write: bool) -> Iterator[Iterable[Check]]:
    """The checks in steps; a failure in one of them makes the next ones pointless."""
    yield _settings(target, settings)
    try:
        store = Store(target, connect(target, settings))
    except (LibcloudError, click.UsageError) as error:
        text = error.format_message() if isinstance(error, click.UsageError) else describe(error)
        yield [Check("failure", "driver", text, status=USAGE)]
        return
    if store.is_s3:
        yield chain(_endpoint(store), _access(store), _addressing(store))
    elif target.provider in SWIFT:
        yield [_attempt("access", lambda: _ask_account(store))]
    yield chain(_capabilities(store.driver.capabilities), _bucket(store, write))


def _settings(target: Target, settings: Settings) -> Iterator[Check]:
    yield Check("note", "provider", target.provider)
    try:
        if target.provider in SWIFT:
            yield _openstack_settings(settings)
        elif target.provider == Provider.AZURE_BLOBS:
            yield from _azure_account(target, settings)
        elif target.provider not in (Provider.LOCAL, Provider.DUMMY):
            yield from _aws_settings(target, settings)
    except ProfileFileError as error:
        yield Check("failure", "profile", str(error), status=USAGE)
    except (CredentialsNotFoundError, MalformedCredentialsError) as error:
        yield Check("failure", "credentials", describe(error), hint_for(error), ACCESS)


def _aws_settings(target: Target, settings: Settings) -> Iterator[Check]:
    found = find_settings(target, settings)
    yield _credentials(found, settings)
    if found.problem:
        yield Check("warning", "profile", f"{found.problem}: it is ignored")
    shown = {
        "region": found.region,
        "endpoint": found.endpoint_url,
        "style": found.addressing_style,
        "checksums": found.checksums,
        "dual-stack": found.use_dualstack,
        "FIPS": found.use_fips,
        "certificates": found.ca_bundle,
    }
    for name, setting in shown.items():
        has_default = name in ("region", "endpoint")
        if setting is not None:
            kind = "ok" if has_default else "note"
            yield Check(kind, name, f"{setting.value}, from {setting.origin}")
        elif has_default:
            yield Check("note", name, "not set: the provider's default")


def _azure_account(target: Target, settings: Settings) -> Iterator[Check]:
    try:
        connection = connect(target, settings).connection
        text = f"{connection.describe_credentials()}, account {connection.user_id}"
    except (LibcloudError, ValueError) as error:
        yield Check("failure", "credentials", redact(str(error)), status=ACCESS)
        return
    yield Check("ok", "credentials", text)
    yield Check("note", "host", f"{connection.host}:{connection.port}")


def _openstack_settings(settings: Settings) -> Check:
    from libcloud.common.credentials.openstack import discover_openstack

    found = discover_openstack(settings.profile)
    if "ex_force_base_url" in found:
        return Check("ok", "credentials", f"a token for {found['ex_force_base_url']}")
    version = str(found.get("ex_force_auth_version", "")).partition("_")[0]
    text = f"{masked(found['key'])}, at {found.get('ex_force_auth_url')} (version {version})"
    return Check("ok", "credentials", text)


def _credentials(found: Discovery, settings: Settings) -> Check:
    if settings.no_sign_request:
        return Check("note", "credentials", "not used, because of --no-sign-request")
    if found.provider is None:
        return Check("failure", "credentials", f"none: {found.missing}", found.hint, ACCESS)
    try:
        credentials = found.provider()
    except CredentialsNotFoundError as error:
        text = f"none: {redact(str(error))}"
        if found.credentials_origin:
            text += f" ({found.credentials_origin})"
        return Check("failure", "credentials", text, found.hint, ACCESS)
    hide_secrets(credentials.secret, credentials.token)
    token = ", with a session token" if credentials.token else ""
    text = f"{masked(credentials.key)}{token}, from {found.credentials_origin}"
    return Check("ok", "credentials", text)


def _endpoint(store: Store) -> Iterator[Check]:
    connection = store.driver.connection
    scheme = "https" if connection.secure else "http"
    name, path = store.host, connection.request_path or ""
    host = f"[{name}]" if ":" in name else name
    yield Check("note", "host", f"{scheme}://{host}:{connection.port}{path}")
    yield Check("note", "store", store.driver.profile.name)
    if not connection.secure and name not in _LOOPBACK:
        hint = "others can read and change data and names in transit: use an https endpoint"
        yield Check("warning", "encryption", "plain http", hint)


def _addressing(store: Store) -> Iterator[Check]:
    driver, name = store.driver, store.target.container
    addressing = getattr(driver.connection, "addressing", None)
    if addressing is None:
        return
    region = getattr(driver, "region_name", None) or ""
    if not name:
        yield Check("note", "style", f"{addressing.style}, signed for {region or 'no region'}")
        return
    address = addressing.resolve(driver._get_container_path(store.container()))
    style = f"virtual-hosted, host {address.host}" if address.in_host else "path"
    yield Check("note", "style", style)
    if address.region is not None and address.region != region:
        text = f"the bucket is in {address.region}, where requests for it are sent"
        yield Check("warning", "region", text, f"--region {address.region} saves a request")
    else:
        yield Check("note", "signed for", region or "no region")


def _access(store: Store) -> Iterator[Check]:
    from libcloud.storage.s3 import requests

    driver, name = store.driver, store.target.container
    request = requests.list_buckets()
    if name:
        request = requests.list_objects(driver._get_container_path(store.container()), page_size=1)
    date: datetime | None = None
    try:
        response = driver._client.send(
            request, "Error asking the store", names=(name, ""), ok=(200, 404)
        )
        date = http_date(response.headers.get("date", ""))
        accepted = "anonymous requests" if driver.connection.anonymous else "the credentials"
        yield Check("ok", "access", f"the store accepts {accepted}")
    except LibcloudError as error:
        detail = getattr(error, "detail", None)
        date = getattr(detail, "date", None)
        yield _access_error(error, name)
    if date is not None:
        yield _clock((date - datetime.now(timezone.utc)).total_seconds())


def _access_error(error: LibcloudError, bucket: str) -> Check:
    detail = getattr(error, "detail", None)
    code = getattr(detail, "code", "")
    if detail is not None and detail.status == 403 and code in ("", "AccessDenied"):
        # Many access keys may use one bucket but not list all of them.
        what = "list the bucket" if bucket else "list all buckets"
        text = f"these credentials are not allowed to {what} ({store_response(error)})"
        hint = "this may be intended" if bucket else "check a bucket: libcloud doctor s3://BUCKET"
        return Check("warning", "access", text, hint)
    return _failure("access", error)


def _clock(offset: float) -> Check:
    if abs(offset) < _NOTABLE_CLOCK_SKEW:
        # The date header has whole seconds, and the response took time to arrive.
        skew = f"{abs(offset):.0f} seconds" if abs(offset) >= 2 else "less than 2 seconds"
        return Check("ok", "clock", f"in sync with the store (difference: {skew})")
    direction = "behind" if offset > 0 else "ahead of"
    text = f"{abs(offset):.0f} seconds {direction} the store's"
    if abs(offset) >= _MAX_CLOCK_SKEW:
        text += ": the store rejects signatures of programs that do not correct this"
    return Check(
        "warning", "clock", text, "synchronize the clock of this machine, for example by NTP"
    )


def _capabilities(capabilities: Capabilities) -> Iterator[Check]:
    values = {field.name: getattr(capabilities, field.name) for field in fields(capabilities)}
    yes = [name.replace("_", " ") for name, value in values.items() if value is True]
    no = [name.replace("_", " ") for name, value in values.items() if value is False]
    yield Check("note", "supports", ", ".join(yes))
    yield Check("note", "not assumed", ", ".join(no) or "-")
    if capabilities.checksums:
        yield Check("note", "checksums", ", ".join(capabilities.checksums))
    if capabilities.multipart:
        limits = capabilities.limits
        yield Check(
            "note",
            "limits",
            f"objects up to {size_text(limits.max_object_size)}, in {limits.max_parts:,} parts of "
            f"{size_text(limits.min_part_size)} to {size_text(limits.max_part_size)}",
        )


def _bucket(store: Store, write: bool) -> Iterator[Check]:
    if not store.target.container:
        return
    try:
        store.driver.get_container(store.target.container)
    except (LibcloudError, OSError) as error:
        set_subject(error, store.target)  # the hint names the bucket
        yield _failure("bucket", error)
        return
    yield Check("ok", "bucket", f"{store.target.container!r} exists")
    yield _attempt("listing", lambda: _list_one(store))
    if store.lists_uploads:
        yield _attempt("uploads", lambda: _count_uploads(store))
    if write:
        yield _attempt("writing", lambda: _write_sample(store))


def _attempt(name: str, action: Callable[[], str]) -> Check:
    try:
        return Check("ok", name, action())
    except (LibcloudError, OSError) as error:
        return _failure(name, error)


def _failure(name: str, error: LibcloudError | OSError) -> Check:
    hint = hint_for(error).partition(": run libcloud doctor")[0].partition(", or run")[0]
    return Check("failure", name, describe(error), hint.partition(" or run")[0], exit_status(error))


def _ask_account(store: Store) -> str:
    containers = store.driver.ex_get_meta_data()["container_count"]
    return f"{store.driver.connection.get_endpoint()} has {count(containers, 'container')}"


def _list_one(store: Store) -> str:
    objects = store.container().iterate_objects(prefix=store.target.name or None)
    return "allowed" if next(iter(objects), None) is not None else "allowed; no objects match"


def _count_uploads(store: Store) -> str:
    uploads = store.driver.ex_iterate_multipart_uploads(store.container())
    number = sum(1 for _ in uploads)
    hint = f": see libcloud uploads ls {store.target.with_name('')}" if number else ""
    return f"{count(number, 'upload')} in progress{hint}"


def _write_sample(store: Store) -> str:
    name = f"{store.target.as_directory().name}libcloud-doctor-{secrets.token_hex(8)}"
    container = store.container()
    store.driver.upload_object_via_stream(iter([_SAMPLE]), container, name)
    obj = container.get_object(name)
    try:
        read = b"".join(obj.as_stream())
    finally:
        obj.delete()
    if read != _SAMPLE:
        raise LibcloudError("the downloaded data differs from the uploaded data", store.driver)
    return "uploaded, downloaded and deleted an object"
