# SPDX-License-Identifier: Apache-2.0
"""The certificates that are trusted.

The settings are read when a connection is made; an application sets them once, at its start::

    import libcloud.security

    libcloud.security.CA_CERTS_PATH = "/etc/ssl/certs/our-own.pem"

The environment variable ``SSL_CERT_FILE`` does the same without code. Where neither is set,
``REQUESTS_CA_BUNDLE`` is used, or ``CURL_CA_BUNDLE``, as by the library requests: they may name a
directory, too. ``AWS_CA_BUNDLE``, and ``ca_bundle`` of a profile, are used by what reads the
settings of the AWS tools (``from_env()``, the command, the file system), and come before these.
"""

from __future__ import annotations

import os
import sys
from typing import Any

__all__ = ["CA_CERTS_PATH", "VERIFY_SSL_CERT", "trusted_certificates"]

VERIFY_SSL_CERT = True
"""Whether certificates are checked. ``False`` makes every connection readable for others."""

USE_CERTIFI = os.environ.get("LIBCLOUD_SSL_USE_CERTIFI", "1").lower() in ("1", "true")
"""Whether the bundle of the package certifi is the default of ``CA_CERTS_PATH``."""

CA_CERTS_PATH: str | None
"""File with the certificates of trusted authorities; ``None`` leaves it to the HTTP library."""

has_certifi: bool
certifi_ca_bundle_path: str | None

globals().pop("CA_CERTS_PATH", None)  # when the module is loaded again


def __getattr__(name: str) -> Any:
    """What depends on certifi, which takes 10 ms to import, and which http does not need."""
    if name == "CA_CERTS_PATH":
        return _of_certifi() if USE_CERTIFI else None
    if name == "certifi_ca_bundle_path":
        return _of_certifi()
    if name == "has_certifi":
        return _of_certifi() is not None
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _of_certifi() -> str | None:
    try:
        import certifi
    except ImportError:
        return None
    return certifi.where()


environment_cert_file = os.environ.get("SSL_CERT_FILE")
if environment_cert_file:  # one that is empty counts as not set
    if not os.path.exists(environment_cert_file):
        raise ValueError(f"Certificate file {environment_cert_file} doesn't exist")
    if not os.path.isfile(environment_cert_file):
        raise ValueError("Certificate file can't be a directory")
    CA_CERTS_PATH = environment_cert_file

CA_CERTS_UNAVAILABLE_ERROR_MSG = (
    "There are no certificates of trusted authorities at CA_CERTS_PATH. Install the package "
    "certifi, or set SSL_CERT_FILE to a file that holds them."
)
VERIFY_SSL_DISABLED_MSG = (
    "The certificates of servers are not checked: everything sent can be read and changed on its "
    "way. Set libcloud.security.VERIFY_SSL_CERT to True to check them."
)


def trusted_certificates(*, secure: bool = True) -> str | None:
    """Path of the certificates that a connection trusts; ``None`` leaves it to the HTTP library.

    :param secure: it uses https. Otherwise a redirect may, for which the HTTP library itself has
        the certificates of certifi.
    """
    chosen: str | None = globals().get("CA_CERTS_PATH")
    of_requests = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if chosen is not None and (of_requests in (None, "", chosen) or chosen != _of_certifi()):
        return chosen
    return of_requests or (sys.modules[__name__].CA_CERTS_PATH if secure else None)
