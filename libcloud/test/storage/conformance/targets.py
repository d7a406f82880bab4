# SPDX-License-Identifier: Apache-2.0
"""The table of drivers and servers that the conformance suite runs against.

What a driver is held to is what its ``capabilities`` say, and the promises of :mod:`.harness`.
Where a server cannot keep what its driver declares, a :class:`Deviation` takes it away, with the
reason; nothing else does.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from libcloud.storage.base import StorageDriver
from libcloud.storage.capabilities import KIB, MIB
from libcloud.storage.drivers.azure_blobs import AzureBlobsStorageDriver
from libcloud.storage.drivers.cloudfiles import OpenStackSwiftStorageDriver
from libcloud.storage.drivers.dummy import DummyStorageDriver
from libcloud.storage.drivers.local import LocalStorageDriver
from libcloud.storage.drivers.rgw import S3RGWStorageDriver
from libcloud.storage.drivers.s3 import BaseS3StorageDriver, S3StorageDriver
from libcloud.storage.s3 import profiles
from libcloud.storage.s3.profiles import S3Profile
from libcloud.test.storage.conformance.harness import FEATURES, declared
from libcloud.test.storage.fakes import options
from libcloud.test.storage.fakes.azurite import azurite_server
from libcloud.test.storage.fakes.options import Options
from libcloud.test.storage.fakes.servers import (
    Endpoint,
    endpoint_from_environment,
    fake_azure_server,
    fake_server,
    fake_swift_server,
    juicefs_server,
    moto_server,
    rclone_server,
    seaweedfs_server,
)

# Small enough that an upload of several parts takes no time, and no power of two.
SMALL_PART = 1000

# A name, so that buckets can be part of it.
NOWHERE = Endpoint("nowhere", "nowhere.invalid", 9, key="key", secret="secret")


@dataclass(frozen=True, slots=True)
class Deviation:
    """A feature that is not there, or is there undeclared, and why."""

    feature: str
    reason: str
    present: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """One line of the table.

    :param launch: starts the server, once for all behaviours.
    :param connect: makes the driver for one behaviour, from the server and an empty folder. It
        sends nothing: it is also called with no server there, to see what the driver declares.
    :param part_size: bytes; a smaller one is refused by the server.
    """

    name: str
    launch: Callable[[], AbstractContextManager[Endpoint]]
    connect: Callable[[Endpoint, Path], StorageDriver]
    part_size: int = SMALL_PART
    deviations: tuple[Deviation, ...] = ()

    def features(self) -> frozenset[str]:
        """What the target is held to."""
        # The temporary directory is never written to: nothing is done with this driver.
        driver = self.connect(NOWHERE, Path("/"))
        found = set(declared(driver.capabilities))
        for deviation in self.deviations:
            if deviation.present == (deviation.feature in found):
                raise ValueError(f"{self.name}: the deviation {deviation.feature} is not needed")
            found ^= {deviation.feature}
        return frozenset(found)


@contextlib.contextmanager
def _no_server() -> Iterator[Endpoint]:
    yield NOWHERE


def _dummy(endpoint: Endpoint, folder: Path) -> StorageDriver:
    return DummyStorageDriver(endpoint.key, endpoint.secret)


def _local(endpoint: Endpoint, folder: Path) -> StorageDriver:
    return LocalStorageDriver(str(folder))


def _s3(
    profile: S3Profile, base: type[BaseS3StorageDriver] = S3StorageDriver, **rest: str
) -> Callable[[Endpoint, Path], StorageDriver]:
    """Connects a driver of class ``base`` to servers of ``profile``."""
    driver_type = type(base.__name__, (base,), {"profile": profile})

    def connect(endpoint: Endpoint, folder: Path) -> StorageDriver:
        driver: BaseS3StorageDriver = driver_type(
            endpoint.key,
            endpoint.secret,
            secure=endpoint.secure,
            host=endpoint.host,
            port=endpoint.port,
            **{"region": endpoint.region, **rest},
        )
        if endpoint.certificate is not None:
            driver.connection.connection._setup_ca_cert(ca_cert=endpoint.certificate)
        return driver

    return connect


def _azure(endpoint: Endpoint, folder: Path) -> StorageDriver:
    driver: StorageDriver = AzureBlobsStorageDriver(
        endpoint.key, endpoint.secret, secure=False, host=endpoint.host, port=endpoint.port
    )
    return driver


def swift_driver(endpoint: Endpoint, folder: Path) -> StorageDriver:
    """A driver for a Swift with TempAuth."""
    return OpenStackSwiftStorageDriver(
        endpoint.key, endpoint.secret, secure=False, host=endpoint.host, port=endpoint.port
    )


def _small_parts(profile: S3Profile) -> S3Profile:
    return replace(profile, limits=replace(profile.limits, min_part_size=1))


def _fake(
    name: str,
    profile: S3Profile,
    fake: Options,
    base: type[BaseS3StorageDriver] = S3StorageDriver,
    **rest: str,
) -> Target:
    """The fake server, with small parts and pages."""
    fake = replace(fake, min_part_size=SMALL_PART, page_size=7)
    return Target(name, lambda: fake_server(fake), _s3(_small_parts(profile), base, **rest))


def _in_memory() -> list[Target]:
    return [
        Target("dummy", _no_server, _dummy),
        Target("local", _no_server, _local),
    ]


def _fakes() -> list[Target]:
    amazon = replace(options.AMAZON, region="eu-central-1")
    return [
        _fake("fake-amazon", profiles.AMAZON, amazon),
        # Over https the body is not signed; a checksum replaces the signature.
        _fake("fake-https", profiles.AMAZON, replace(amazon, tls=True)),
        _fake("fake-no-namespace", profiles.GENERIC, options.NO_NAMESPACE),
        _fake("fake-equal-parts", profiles.R2, options.EQUAL_PARTS),
        _fake("fake-sigv2", profiles.RGW, options.SIGV2, S3RGWStorageDriver),
        Target("fake-azure", fake_azure_server, _azure, deviations=_AZURE),
        Target("fake-swift", fake_swift_server, swift_driver),
    ]


def _real() -> list[Target]:
    # Not us-east-1, where creating a container that one has is no conflict: Amazon S3 API,
    # CreateBucket, "BucketAlreadyOwnedByYou".
    moto = _s3(profiles.MOTO, region="eu-central-1")
    return [
        Target("moto", moto_server, moto, part_size=5 * MIB, deviations=_MOTO),
        Target(
            "rclone", rclone_server, _s3(profiles.RCLONE), part_size=5 * MIB, deviations=_RCLONE
        ),
        Target("seaweedfs", seaweedfs_server, _s3(profiles.SEAWEEDFS), part_size=5 * MIB),
        Target("azurite", azurite_server, _azure, part_size=64 * KIB, deviations=_AZURE),
        Target("juicefs", juicefs_server, _s3(profiles.JUICEFS), part_size=5 * MIB),
    ]


_AZURE = (
    Deviation("metadata_dashes", "the keys of metadata are identifiers of C#: REST API, Naming"),
)

# Seen with moto 5.2.5.
_MOTO = (
    Deviation("line_breaks", "its routes do not match a path with a line break: 404 and HTML"),
    Deviation(
        "foreign_abort",
        "it answers 500 to a part of an aborted upload, so the error comes after all attempts",
    ),
)

# Seen with rclone 1.75.2.
_RCLONE = (
    Deviation("container_conflict", "it answers BucketAlreadyExists, as if it were not one's own"),
    Deviation("same_hash", "HEAD gives the MD5 of the whole, not the md5-N of Complete's answer"),
)


def targets() -> list[Target]:
    """The table; the server named by the environment is its last line."""
    table = [*_in_memory(), *_fakes(), *_real()]
    endpoint = endpoint_from_environment()
    if endpoint is not None:
        table.append(target_from_environment(endpoint))
    return table


def target_from_environment(endpoint: Endpoint) -> Target:
    """``endpoint``, as ``LIBCLOUD_TEST_S3_PROFILE`` and the like say; see ``contrib/HACKING.md``.

    :raises ValueError: one of them makes no sense.
    """

    def setting(name: str, default: str = "") -> str:
        return os.environ.get(f"LIBCLOUD_TEST_S3_{name}") or default

    profile = profiles.profile_named(setting("PROFILE", "generic"))
    version = setting("SIGNATURE", profile.signature_versions[0])
    if version not in ("2", "4"):
        raise ValueError(f"LIBCLOUD_TEST_S3_SIGNATURE is 2 or 4, not {version}")
    # Amazon S3 itself answers by 200 in us-east-1.
    absent = {"container_conflict", *_words(setting("ABSENT"))} - set(_words(setting("PRESENT")))
    connect = _s3(
        replace(profile, signature_versions=(version,)),
        S3RGWStorageDriver if version == "2" else S3StorageDriver,
        ex_addressing_style=setting("ADDRESSING", "path"),
    )
    target = Target("environment", lambda: contextlib.nullcontext(endpoint), connect, 5 * MIB)
    has = target.features()
    unknown = {*absent, *_words(setting("PRESENT"))} - FEATURES
    if unknown:
        raise ValueError(f"there are no features {', '.join(sorted(unknown))}")
    deviations = [Deviation(name, _SAID) for name in sorted(absent & has)]
    present = sorted(set(_words(setting("PRESENT"))) - has)
    deviations += [Deviation(name, _SAID, present=True) for name in present]
    return replace(target, deviations=tuple(deviations))


_SAID = "as the environment says, or as it is with Amazon S3 in us-east-1"


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()
