# SPDX-License-Identifier: Apache-2.0
"""A throw-away certificate for https on loopback, made with the ``openssl`` tool."""

from __future__ import annotations

import atexit
import functools
import shutil
import ssl
import subprocess
import tempfile
from pathlib import Path

_NAMES = "IP:127.0.0.1,DNS:localhost,DNS:store.test,DNS:*.store.test"


@functools.lru_cache(maxsize=1)
def make_certificate() -> tuple[str, str]:
    """Paths of a certificate and of its key; made once a process.

    It is for 127.0.0.1, localhost, store.test and one label before that, as those of stores are.
    """
    folder = Path(tempfile.mkdtemp(prefix="fake-s3-tls-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-days", "2", "-newkey", "rsa:2048"),
            *("-subj", "/CN=127.0.0.1"),
            *("-addext", f"subjectAltName={_NAMES}"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return str(certificate), str(key)


def server_context() -> tuple[ssl.SSLContext, str]:
    """A context for the listening socket, and the path of the certificate clients must trust."""
    certificate, key = make_certificate()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate
