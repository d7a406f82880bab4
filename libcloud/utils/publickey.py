# SPDX-License-Identifier: Apache-2.0
"""Fingerprints and comments of public keys."""

from __future__ import annotations

import base64
import hashlib


def get_pubkey_openssh_fingerprint(pubkey: str) -> str:
    return _fingerprint(base64.b64decode(pubkey.split()[1]))


def get_pubkey_comment(pubkey: str, default: str | None = None) -> str:
    """The comment of a key in OpenSSH's one-line format, or ``default``.

    :raises ValueError: the key has no comment, and there is no default.

    >>> get_pubkey_comment("ssh-ed25519 AAAAC3Nz ann@example.org")
    'ann@example.org'
    """
    words = pubkey.split(None, 2)
    if len(words) == 3 and words[0][0].isalpha():
        return words[2].strip()
    if default is None:
        raise ValueError("Public key is not in a supported format, or has no comment")
    return default


def get_pubkey_ssh2_fingerprint(pubkey: str) -> str:
    """The fingerprint of the key in DER format, as Amazon shows it; needs ``cryptography``."""
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_ssh_public_key(pubkey.encode("utf-8"))
    return _fingerprint(
        key.public_bytes(
            encoding=serialization.Encoding.DER,
            format=serialization.PublicFormat.SubjectPublicKeyInfo,
        )
    )


def _fingerprint(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).digest().hex(":")
