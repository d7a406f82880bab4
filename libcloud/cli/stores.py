# SPDX-License-Identifier: Apache-2.0
"""Creates the driver for a URL and the shared options."""

from __future__ import annotations

import contextlib
import importlib.util
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from libcloud.cli.errors import hide_secrets
from libcloud.cli.progress import print_stderr
from libcloud.cli.settings import Settings
from libcloud.cli.targets import Target, parse_target
from libcloud.common.credentials import CredentialsNotFoundError
from libcloud.common.types import InvalidCredsError, LibcloudError
from libcloud.storage.types import Provider

if TYPE_CHECKING:  # takes a quarter of a second; only commands that use a store import it
    from libcloud.common.credentials.discovery import Discovery
    from libcloud.storage.base import Container, Object, StorageDriver

SWIFT = (Provider.OPENSTACK_SWIFT, Provider.CLOUDFILES)
_NEEDS_ENDPOINT = (Provider.MINIO, Provider.S3_RGW)
# What messages call some capabilities.
_FEATURES = {
    "lifecycle": "lifecycle rules",
    "object_lock": "object lock",
    "versions": "versions of objects",
}


class Store(NamedTuple):
    target: Target
    driver: Any
    settings: Settings = Settings()

    def container(self, name: str | None = None) -> Container:
        """A container. For S3 its existence is not checked: the next request reports that."""
        name = self.target.container if name is None else name
        if self.is_s3:
            from libcloud.storage.base import Container

            return Container(name, {}, self.driver)
        driver: StorageDriver = self.driver
        return driver.get_container(name)

    def object(self, name: str, version_id: str | None = None, **keywords: Any) -> Object:
        """An existing object, or one version of it; ``keywords`` are those of the S3 drivers."""
        if version_id is not None:
            self.require("versions")
            keywords["ex_version_id"] = version_id
        if not keywords:
            return self.container().get_object(name)
        found: Object = self.driver.get_object(self.target.container, name, **keywords)
        return found

    def reference(self, name: str, version_id: str | None = None) -> Object:
        """The object, or one version of it, which may not exist; no request is sent."""
        from libcloud.storage.base import Object, ObjectVersion

        properties: Any = (name, 0, None, {}, {}, self.container(), self.driver)
        if version_id is None:
            return Object(*properties)
        self.require("versions")
        return ObjectVersion(*properties, version_id=version_id)

    @property
    def keeps_versions(self) -> bool:
        """Whether the bucket keeps versions of its objects, or did so before, if that is known."""
        if not self.driver.capabilities.versions:
            return False
        try:
            return bool(self.driver.ex_get_versioning(self.container()) != "disabled")
        except LibcloudError as error:
            is_denied = isinstance(error, InvalidCredsError)
            if is_denied or getattr(error, "status", None) in (400, 404, 405, 501):
                return False
            raise

    def require(self, feature: str) -> None:
        """:raises click.UsageError: the driver does not support ``feature``, a capability."""
        if not getattr(self.driver.capabilities, feature):
            text = _FEATURES.get(feature, feature)
            raise click.UsageError(f"{self.driver.name} does not support {text}")

    @property
    def host(self) -> str:
        """The host of the endpoint; B2 is queried for it; errors appear with the next request."""
        connection: Any = self.driver.connection
        with contextlib.suppress(LibcloudError):
            return str((getattr(connection, "addressing", None) or connection).host)
        return str(connection.host)

    def real_path(self, name: str) -> str:
        """The file or directory of that name, with links followed; empty unless local."""
        from libcloud.storage.copying import local_directory

        return local_directory(self.driver, self.target.container, name)

    @property
    def is_s3(self) -> bool:
        return hasattr(self.driver, "supports_s3_multipart_upload")

    def is_same_store(self, other: Store) -> bool:
        def facts(store: Store) -> tuple[object, ...]:
            target = store.target
            return target.provider, target.base, target.s3_profile, store.settings

        return facts(self) == facts(other)

    def is_at(self, other: Store) -> bool:
        from libcloud.storage.copying import store_address

        return store_address(self.driver) == store_address(other.driver)

    @property
    def supports_multipart(self) -> bool:
        """Whether uploads accept the engine's options: window, part size, listener."""
        return bool(self.driver.capabilities.multipart)

    @property
    def lists_uploads(self) -> bool:
        listed = self.is_s3 or self.driver.capabilities.list_uploads
        return bool(self.supports_multipart and listed)


def open_store(url: str, settings: Settings) -> Store:
    """The store of a URL. :raises click.UsageError: the URL or an option is invalid."""
    target = parse_target(url, settings.provider)
    return Store(target, connect(target, settings), settings)


def connect(target: Target, settings: Settings) -> Any:
    """A driver for ``target``. Sends nothing."""
    from libcloud.storage.providers import get_driver

    kind: Any = get_driver(target.provider)
    if target.provider == Provider.LOCAL:
        # Renaming is atomic with and without locks.
        locks = importlib.util.find_spec("fasteners") is not None
        return kind(target.base, ex_use_locking=locks)
    if target.provider == Provider.DUMMY:
        return kind("key", "secret")
    _set_up_certificates(settings)
    if target.provider in SWIFT:
        return _connect_swift(kind, settings)
    try:
        if target.provider == Provider.AZURE_BLOBS:
            return _connect_azure(kind, target, settings)
        found = find_settings(target, settings)
        return kind(**_driver_options(kind, target, found, settings))
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _connect_swift(kind: Any, settings: Settings) -> Any:
    """``--profile`` is a cloud in clouds.yaml, ``--endpoint-url`` is where tokens are requested."""
    from libcloud.common.credentials.openstack import discover_openstack

    found = discover_openstack(settings.profile)
    hide_secrets(found.get("secret", ""), found.get("ex_force_auth_token", ""))
    given = {"region": settings.region, "ex_force_auth_url": settings.endpoint_url}
    found.update({name: value for name, value in given.items() if value})
    return kind(**found)


def _connect_azure(kind: Any, target: Target, settings: Settings) -> Any:
    driver = kind.from_env(
        key=target.account or None,
        endpoint_url=settings.endpoint_url,
        ex_anonymous=settings.no_sign_request or None,
    )
    hide_secrets(driver.secret, *driver.connection.secrets())
    return driver


def _set_up_certificates(settings: Settings) -> None:
    if not settings.ca_bundle and not settings.no_verify_ssl:
        return
    from libcloud import security

    if settings.ca_bundle:
        security.CA_CERTS_PATH = settings.ca_bundle
    if settings.no_verify_ssl and security.VERIFY_SSL_CERT:
        security.VERIFY_SSL_CERT = False
        warnings.filterwarnings("ignore", message="Unverified HTTPS request")
        print_stderr("libcloud: warning: certificates are not verified (--no-verify-ssl)")


def find_settings(target: Target, settings: Settings) -> Discovery:
    from libcloud.storage.providers import get_driver
    from libcloud.storage.s3 import access, profiles

    return access.find_settings(
        get_driver(target.provider),
        profile=settings.profile,
        region=settings.region,
        endpoint_url=settings.endpoint_url,
        store=profiles.profile_named(target.s3_profile) if target.s3_profile else None,
    )


def _driver_options(
    kind: Any, target: Target, found: Discovery, settings: Settings
) -> dict[str, Any]:
    """Keywords of the driver class. Obtains the credentials."""
    from libcloud.storage.s3.access import driver_options

    if found.endpoint_url is None and target.provider in _NEEDS_ENDPOINT:
        raise click.UsageError(
            f"{target.scheme}:// has no default endpoint: set --endpoint-url or AWS_ENDPOINT_URL"
        )
    if settings.ca_bundle or settings.no_verify_ssl:
        found = found._replace(ca_bundle=None)
    if settings.no_sign_request:
        if target.provider == Provider.GOOGLE_STORAGE:
            raise click.UsageError(
                f"{target.scheme}:// requires credentials: --no-sign-request cannot be used"
            )
        options = {**driver_options(kind, found._replace(provider=None)), "ex_anonymous": True}
    elif found.provider is None:
        raise CredentialsNotFoundError(found.missing, hint=found.hint)
    else:
        credentials = found.provider()
        hide_secrets(credentials.secret, credentials.token)
        options = driver_options(kind, found)
    if target.s3_profile:
        options["ex_s3_profile"] = target.s3_profile
    if settings.addressing_style and target.provider != Provider.GOOGLE_STORAGE:
        options["ex_addressing_style"] = settings.addressing_style
    return options
