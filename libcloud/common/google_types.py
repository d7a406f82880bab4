# SPDX-License-Identifier: Apache-2.0
"""How a user is known to Google, and the metadata server that may tell.

``GoogleAuthType`` is public as ``libcloud.common.google.GoogleAuthType``.

Reference: Google Compute Engine, "View and query VM metadata".
"""

from __future__ import annotations

from libcloud.utils.connection import get_response_object

__all__ = ["GoogleAuthType", "gce_metadata"]

_METADATA_URL = "http://metadata.google.internal/computeMetadata/v1/"


def gce_metadata(
    path: str = "", retry_failed: bool | None = None
) -> tuple[int | None, str, str | None]:
    """Status, reason and body of an answer of the metadata server; status ``None`` without one."""
    try:
        response = get_response_object(
            _METADATA_URL + path.lstrip("/"),
            headers={"Metadata-Flavor": "Google"},
            retry_failed=retry_failed,
        )
    except Exception as error:  # it may be anything that keeps a machine from a host
        return None, str(error), None
    return int(response.status), "", response.body


class GoogleAuthType:
    """How a user is known to Google."""

    SA = "SA"
    """Service account: a private key."""
    IA = "IA"
    """Installed application: a user agreed in a browser."""
    GCE = "GCE"
    """The service account of the Compute Engine instance this runs on."""
    GCS_S3 = "GCS_S3"
    """Cloud Storage's interoperable access: an access key and a secret."""

    ALL_TYPES = (SA, IA, GCE, GCS_S3)
    OAUTH2_TYPES = (SA, IA, GCE)

    @classmethod
    def guess_type(cls, user_id: str | None) -> str:
        """The type that the form of ``user_id`` tells. May ask the metadata server."""
        user_id = user_id or ""
        if cls._is_sa(user_id):
            return cls.SA
        if cls._is_gcs_s3(user_id):
            return cls.GCS_S3
        if cls._is_installed_application(user_id):
            return cls.IA
        return cls.GCE if cls._is_gce() else cls.IA

    @classmethod
    def is_oauth2(cls, auth_type: str) -> bool:
        """Whether requests carry an access token."""
        return auth_type in cls.OAUTH2_TYPES

    @staticmethod
    def _is_installed_application(user_id: str) -> bool:
        return user_id.endswith("apps.googleusercontent.com")

    @staticmethod
    def _is_sa(user_id: str) -> bool:
        return user_id.endswith(".gserviceaccount.com")

    @staticmethod
    def _is_gcs_s3(user_id: str) -> bool:
        return user_id.startswith("GOOG")

    @staticmethod
    def _is_gce() -> bool:
        import libcloud.common.google

        # Looked up where callers and tests of Apache Libcloud know it, and replace it.
        status, _, _ = libcloud.common.google._get_gce_metadata(retry_failed=False)
        return status == 200
