# SPDX-License-Identifier: Apache-2.0
"""The keyword arguments that methods of drivers share: their types, for editors and type checkers.

Methods take them as ``**options: Unpack[UploadKeywords]``. Each is described here once;
:func:`complete_help` adds them to the signatures and the help of the methods. Tests:
``libcloud/test/test_help.py`` and ``libcloud/test/typing/``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from libcloud.utils.help import complete, descriptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor
    from datetime import datetime
    from typing import TypedDict

    from libcloud.common.credentials.provider import Credentials
    from libcloud.storage.transfer.budget import MemoryBudget
    from libcloud.storage.transfer.progress import Listener
else:

    class TypedDict(dict):
        """A dictionary with annotations, without the 2 ms that Python's takes to compile them."""

        def __init_subclass__(cls, *, total: bool = True) -> None:
            places = (*cls.__bases__, cls)
            cls.__annotations__ = {
                name: text
                for place in places
                for name, text in getattr(place, "__annotations__", {}).items()
            }


class EngineKeywords(TypedDict, total=False):
    """Keywords of uploads, of every driver that uploads in parts.

    :param ex_part_size: size of the first part, bytes; raised to the store's smallest. Parts of a
        stream of unknown length grow from there as the store's limits require. ``None``: 8 MiB.
    :param ex_window: parts held in memory, and sent, at once; ``None``: 12.
    :param ex_max_memory: upper bound for the bytes of parts held at once: for large parts the
        window narrows, and then parts stop growing. A stream that does not fit in parts of that
        size is rejected as soon as its length is known. A
        :class:`~libcloud.storage.transfer.budget.MemoryBudget` bounds all uploads that it is passed
        to. ``None``: 128 MiB, or, if that is more, a whole window of parts of size
        ``ex_part_size``; or one part, however large it has to be.
    :param ex_size_hint: approximate size of the stream, bytes: part sizes are planned for it, and
        if they are large, ``ex_max_memory`` limits how many are sent at once.
    :param ex_size: exact size of the stream, bytes. Any other size is an error, and nothing is
        published. ``None``: unknown.
    :param ex_on_failure: ``"abort"`` removes the parts of a failed upload; ``"keep"`` leaves them
        in the store, and the exception has its ``upload_id``.
    :param ex_executor: threads to send parts with; ``None``: a new pool.
    :param on_event: called with each :class:`~libcloud.storage.transfer.progress.UploadEvent`, in
        the caller's thread.
    """

    ex_part_size: int | None
    ex_window: int | None
    ex_max_memory: int | MemoryBudget | None
    ex_size_hint: int | None
    ex_size: int | None
    ex_on_failure: str
    ex_executor: Executor | None
    on_event: Listener | None


class UploadKeywords(EngineKeywords, total=False):
    """Keywords of uploads with the S3 drivers.

    :param ex_checksum: checksum to send along: ``"crc32"``, ``"crc32c"``, ``"crc64nvme"`` (these
        two require the extra ``checksums``), ``"sha256"``, ``"md5"`` or ``None``. If not passed,
        the cheapest that the store verifies.
    :param ex_if_none_match: ``"*"``: only if no object of that name exists.
    :param ex_if_match: only if the existing object has this ETag.
    :param ex_tags: tags of the object; at most 10.
    :param ex_acl: a canned ACL, such as ``"public-read"``.
    :param ex_sse: ``"AES256"`` (keys of the store), ``"aws:kms"`` or ``"aws:kms:dsse"``.
    :param ex_sse_kms_key_id: the key for ``aws:kms``; ``None``: that of the account.
    :param ex_sse_kms_context: encryption context; names and values are logged by the key service.
    :param ex_sse_bucket_key: use a bucket key, which requires fewer requests to the key service.
    :param ex_sse_customer_key: a key of 32 bytes that the store does not keep: it is also required
        for reading. Over https only.
    :param ex_object_lock_mode: ``"GOVERNANCE"`` or ``"COMPLIANCE"``, with ``ex_object_lock_until``.
    :param ex_object_lock_until: an aware time until which this version cannot be deleted.
    :param ex_object_lock_hold: a legal hold: this version cannot be deleted until it is removed.
    :param ex_request_payer: accept the charges of a requester-pays bucket.
    :param ex_expected_bucket_owner: id of the account that must own the bucket.
    """

    ex_checksum: str | None

    ex_if_none_match: str | None
    ex_if_match: str | None
    ex_tags: Mapping[str, str] | None
    ex_acl: str | None
    ex_sse: str | None
    ex_sse_kms_key_id: str | None
    ex_sse_kms_context: Mapping[str, str] | None
    ex_sse_bucket_key: bool | None
    ex_sse_customer_key: bytes | None
    ex_object_lock_mode: str | None
    ex_object_lock_until: datetime | None
    ex_object_lock_hold: bool | None
    ex_request_payer: bool
    ex_expected_bucket_owner: str | None


class AzureUploadKeywords(EngineKeywords, total=False):
    """Keywords of uploads to Azure Blob Storage.

    :param ex_checksum: ``"md5"``, also if not passed: send the MD5 of each block, which Azure
        verifies; ``None``: none.
    :param ex_storage_class: an access tier: ``"Hot"``, ``"Cool"``, ``"Cold"`` or ``"Archive"``.
    """

    ex_checksum: str | None
    ex_if_match: str | None
    ex_if_none_match: str | None
    ex_storage_class: str | None


class SwiftUploadKeywords(EngineKeywords, total=False):
    """Keywords of uploads to OpenStack Swift."""

    ex_if_none_match: str | None


class AnyUploadKeywords(UploadKeywords, total=False):
    """Keywords of uploads with any driver; a driver rejects those that it does not have.

    :param ex_storage_class: storage class, in any case: ``"standard_ia"``, ``"glacier"``; for
        Azure, an access tier. ``None``: the store's default.
    :param ex_use_lease: Azure: hold a lease on the blob during the upload, if it exists.
    """

    ex_storage_class: str | None
    ex_use_lease: bool


class ManyUploadKeywords(AnyUploadKeywords, total=False):
    """Keywords of ``upload_object`` for many files.

    :param extra: ``content_type``, ``meta_data`` (a dictionary), and more, depending on the driver.
    :param verify_hash: compare the store's hash with that of the data.
    :param headers: further headers of the upload.
    """

    extra: dict[str, Any] | None
    verify_hash: bool
    headers: dict[str, str] | None


class ReadKeywords(TypedDict, total=False):
    """Keywords of ``get_object`` and the download methods of the S3 drivers.

    :param ex_sse_customer_key: the key of 32 bytes that the object was written with.
    :param ex_request_payer: accept the charges of a requester-pays bucket.
    :param ex_expected_bucket_owner: id of the account that must own the bucket.
    """

    ex_sse_customer_key: bytes | None
    ex_request_payer: bool
    ex_expected_bucket_owner: str | None


class StreamKeywords(ReadKeywords, total=False):
    """Keywords of downloads as a stream, with any driver that has them.

    :param ex_verify_hash: what the bytes are compared with. ``None``: the checksum that the store
        keeps with the object, if it reports one. ``True``: otherwise an ETag that is an MD5, which
        takes several times the CPU time of the download. ``False``: nothing.
    """

    ex_verify_hash: bool | None


class DownloadKeywords(StreamKeywords, total=False):
    """Keywords of downloads to a file, with any driver that has them.

    :param ex_window: connections at once. ``None``: up to 16, while more are faster. A
        download that keeps a partial file (``delete_on_failure=False``), or is compared with a hash
        that cannot be combined from parts, uses one.
    :param ex_part_size: bytes that one connection requests at a time; ``None``: 8 MiB.
    :param on_bytes: called with the number of bytes of each piece received, by the thread that
        received it; with several connections too. If it raises in the calling thread, the download
        ends, and no file appears.
    """

    ex_window: int | None
    ex_part_size: int | None
    on_bytes: Callable[[int], object] | None


class ManyDownloadKeywords(DownloadKeywords, total=False):
    """Keywords of ``download_object`` for many objects.

    :param overwrite_existing: replace the file if there is one.
    :param delete_on_failure: leave no partial file.
    """

    overwrite_existing: bool
    delete_on_failure: bool


class CopyKeywords(AnyUploadKeywords, total=False):
    """Keywords of ``ex_copy_object``, or of ``upload_object_via_stream`` if there is none.

    :param metadata: of the copy; ``None``: that of the object.
    :param content_type: of the copy; ``None``: that of the object.
    :param headers: further headers; each request gets those that belong to it.
    """

    metadata: Mapping[str, object] | None
    content_type: str | None
    extra: dict[str, Any] | None
    headers: Mapping[str, str] | None


class ConnectionKeywords(TypedDict, total=False):
    """Keywords of every driver that uses a network.

    :param timeout: seconds to connect and seconds without a byte to or from the store, or a pair of
        both; ``None``: 10 and 60. At least 4 KiB of a response must arrive in a minute.
    :param retry_delay: seconds before a request is repeated, if ``RETRY_FAILED_HTTP_REQUESTS``.
    :param backoff: factor by which ``retry_delay`` grows.
    :param proxy_url: URL of an HTTP proxy: ``http://user:password@host:port``.
    """

    timeout: float | tuple[float, float] | None
    retry_delay: float | None
    backoff: float | None
    proxy_url: str | None


class S3Keywords(ConnectionKeywords, total=False):
    """Keywords of the constructors of S3 drivers; see :class:`BaseS3StorageDriver`."""

    ex_credentials: Callable[[], Credentials] | None
    ex_anonymous: bool
    ex_checksum_calculation: str
    ex_addressing_style: str
    ex_use_dualstack: bool
    ex_use_fips: bool
    ex_total_timeout: float | None
    ex_ca_bundle: str | None


# What a constructor passes on is what it does not name itself.


class S3ConstructorKeywords(S3Keywords, total=False):
    """Keywords that constructors of S3 drivers pass on.

    :param api_version: not used.
    :param signature_version: ``"2"`` or ``"4"``, if the store supports both.
    """

    api_version: str | None
    endpoint_url: str | None
    signature_version: str | int | None


class S3CompatibleKeywords(S3Keywords, total=False):
    """Keywords that the constructor of :class:`S3CompatibleStorageDriver` passes on."""

    endpoint_url: str | None


class S3ServiceKeywords(S3CompatibleKeywords, total=False):
    """Keywords that the constructors of drivers for single services pass on."""

    signature_version: str | int | None
    token: str | None
    name: str | None
    ex_profile: Any
    ex_s3_profile: str | None


class S3RegionalKeywords(S3ServiceKeywords, total=False):
    """Keywords that the constructors of drivers for OVH and Scaleway pass on."""

    api_version: str | None


class EnvironmentKeywords(TypedDict, total=False):
    """Keywords of ``from_env`` and ``from_url`` of every driver: those of the constructor."""

    key: str | None
    secret: str | None
    secure: bool
    host: str | None
    port: int | None


class S3EnvironmentKeywords(EnvironmentKeywords, S3Keywords, total=False):
    """The same for S3 drivers.

    :param token: session token of temporary credentials.
    :param ex_s3_profile: the name of a profile, such as ``"r2"``; see
        :data:`~libcloud.storage.s3.profiles.PROFILES`.
    :param ex_profile: the differences of the store, from ``s3/profiles``; ``None``: chosen by host.
    """

    token: str | None
    api_version: str | None
    signature_version: str | int | None
    ex_profile: Any
    ex_s3_profile: str | None


class S3UrlKeywords(S3EnvironmentKeywords, total=False):
    """Keywords of ``from_url``, which take precedence over the URL.

    :param profile: in ``~/.aws``; ``None``: that of ``AWS_PROFILE``, or ``default``.
    """

    profile: str | None
    region: str | None
    endpoint_url: str | None


class GoogleKeywords(S3Keywords, total=False):
    """Keywords that the constructor of the driver for Google Cloud Storage passes on."""

    api_version: str | None
    region: str | None
    signature_version: str | int | None


class IgnoredKeywords(ConnectionKeywords, total=False):
    """Keywords that drivers without regions accept, as all drivers do, and do not use."""

    api_version: str | None
    region: str | None


class AzureEnvironmentKeywords(EnvironmentKeywords, IgnoredKeywords, total=False):
    """The same for Azure.

    :param connection_string: of the account, as the portal of Azure shows it.
    """

    connection_string: str | None
    tenant_id: str | None
    identity: str | None
    auth_type: str | None
    cloud_environment: str | Mapping[str, str]
    ex_sas_token: str | None
    ex_credential: Any
    ex_anonymous: bool
    endpoint_url: str | None


class SwiftKeywords(ConnectionKeywords, total=False):
    """Keywords of the constructors of Swift drivers that describe the account and its catalog.

    :param ex_auth_cache: a cache of tokens, as Apache Libcloud's drivers take it.
    :param ex_ca_bundle: file, or directory, of the certificates of trusted authorities.
    :param ex_domain_name: domain of the user.
    :param ex_force_auth_token: a token that is used without authentication.
    :param ex_force_auth_url: URL at which tokens are requested.
    :param ex_force_auth_version: ``"1.0"`` (TempAuth), ``"2.0_password"``, ``"3.x_password"``, ...
    :param ex_force_base_url: storage URL of the account, in place of the one that authentication
        returns.
    :param ex_force_microversion: not used.
    :param ex_force_service_name: name of the service in the catalog.
    :param ex_force_service_region: its region; see ``region``.
    :param ex_force_service_type: its type; ``None``: ``object-store``.
    :param ex_interface: ``public``, ``internal`` or ``admin`` endpoint.
    :param ex_tenant_domain_id: id of the project's domain.
    :param ex_tenant_domain_name: name of the project's domain, in place of its id.
    :param ex_tenant_id: id of the project, in place of ``ex_tenant_name``.
    :param ex_tenant_name: name of the project.
    :param ex_token_scope: ``"project"``, ``"domain"`` or ``"unscoped"``.
    """

    api_version: str | None
    ex_auth_cache: Any
    ex_ca_bundle: str | None
    ex_domain_name: str
    ex_force_auth_token: str | None
    ex_force_auth_url: str | None
    ex_force_auth_version: str | None
    ex_force_base_url: str | None
    ex_force_microversion: str | None
    ex_force_service_name: str | None
    ex_force_service_region: str | None
    ex_force_service_type: str | None
    ex_interface: str | None
    ex_tenant_domain_id: str
    ex_tenant_domain_name: str | None
    ex_tenant_id: str | None
    ex_tenant_name: str | None
    ex_token_scope: str


class CloudFilesKeywords(SwiftKeywords, total=False):
    """Keywords that the constructor of the driver for Cloud Files passes on.

    :param ex_segment_container: container of the segments of large objects; ``{container}`` is
        replaced by the name of the object's container.
    """

    ex_segment_container: str


class OpenStackKeywords(CloudFilesKeywords, total=False):
    """Keywords that the constructor of the driver for OpenStack Swift passes on.

    :param use_internal_url: use the endpoint for machines in the same network.
    """

    use_internal_url: bool


class OpenStackEnvironmentKeywords(EnvironmentKeywords, OpenStackKeywords, total=False):
    """The same for OpenStack.

    :param region: of the service in Keystone's catalog.
    """

    region: str | None


class _Terms:
    """Parameters that many methods share.

    :param obj: the object; any that has ``name`` and ``container`` will do.
    :param container: the container.
    :param meta_data: the user's metadata, which replaces what there is.
    :param storage_class: an access tier.
    :param container_name: name of the container.
    :param object_name: name of the object in its container; ``/`` in it is a character as others.
    :param file_path: path of the file to upload.
    :param destination_path: a file, or an existing directory if it ends in a separator.
    :param start_bytes: first byte, from 0.
    :param end_bytes: the byte after the last one; ``None`` for the end of the object.
    :param prefix: only names that start with it; ``None`` for all.
    :param key: user name, or access key.
    :param secret: password, or secret key.
    :param secure: use https.
    :param host: of the store; ``None``: the usual one.
    :param port: ``None``: the usual one.
    :param region: of the store; ``None``: the default.
    :param api_version: not used.
    :param endpoint_url: ``https://HOST:PORT``, in place of ``host``, ``port`` and ``secure``.
    :param url: the URL of a container; it is no secret, and must contain none.
    :param executor: any :class:`concurrent.futures.Executor`, or what
        :class:`~libcloud.storage.scaleout.futures.PartExecutor` describes.
    :param pieces: of the object, in order: bytes, or functions that return bytes, an iterable of
        bytes or a binary file. A function must return the same bytes each time, because it may be
        called again. What iterables and files yield is not held in memory.
    :param sizes: of the pieces, bytes. ``None``: the executor reports them; or else each piece
        becomes a temporary object first.
    :param ex_connect: called on a worker, it returns the driver to use there; ``None``: the
        workers find their own credentials.
    :param ex_on_session: called with the text of the session when the upload has started, and
        again when all parts are stored: keep the latest. With it, the object is recognized by its
        ETag or checksum if this process ends while it is published; otherwise by size and age.
    :param session: its text, or the session.
    :param upload: an upload in progress, from ``ex_iterate_multipart_uploads``.
    :param ex_method: the HTTP method that the URL is for: ``"GET"`` or ``"PUT"``, for example.
    :param name: name of the instance, for ``driver.name``.
    """


@cache
def _glossary() -> dict[str, str]:
    return descriptions(
        _Terms,
        *(AnyUploadKeywords, ManyUploadKeywords, UploadKeywords, EngineKeywords),
        *(ManyDownloadKeywords, DownloadKeywords, StreamKeywords, ReadKeywords),
        *(CopyKeywords, ConnectionKeywords, S3UrlKeywords, S3EnvironmentKeywords),
        S3ConstructorKeywords,
        *(AzureEnvironmentKeywords, SwiftKeywords, CloudFilesKeywords, OpenStackKeywords),
    )


COMPLETES_HELP = True
"""Whether classes that are defined from now on get complete help: the command shows none."""

_RAISES = """\
:raises InvalidCredsError: the store rejects the credentials.
:raises LibcloudError: the store does not respond, or returns another error."""


def complete_help(kind: type, *others: type) -> None:
    """Complete signatures and help of a driver, or of a class whose methods call those of a driver.

    Under ``python -OO`` there are no docstrings to complete.

    :param others: classes whose methods the docstrings refer to.
    """
    if COMPLETES_HELP and complete_help.__doc__ is not None:
        complete(kind, _glossary(), others=others, raises=_RAISES)
