# SPDX-License-Identifier: Apache-2.0
"""Credentials that botocore obtains: single sign-on, roles, web identity, processes, metadata.

botocore comes with the extra ``aws``. It is imported when the first credentials are needed, reads
the environment and ``~/.aws`` by itself, and renews what it has obtained before that expires.
"""

from __future__ import annotations

import importlib.util
from contextlib import suppress
from threading import RLock
from typing import Any

from libcloud.common.credential_renewal import CredentialSource
from libcloud.common.credentials import Credentials, CredentialsNotFoundError
from libcloud.utils.per_process import PerProcess
from libcloud.utils.redact import redact_text
from libcloud.utils.terminal import can_ask_user

__all__ = ["MISSING_EXTRA", "BotocoreSource", "is_installed"]

MISSING_EXTRA = "that takes botocore: pip install 'libcloud-storage[aws]'"

# Errors whose text holds what a program of the user's wrote, which nobody knows.
_UNSAFE = ("CredentialRetrievalError",)

# Errors of a log-in that is over, or was never made.
_LOG_IN = ("SSOTokenLoadError", "TokenRetrievalError", "UnauthorizedSSOTokenError")


def is_installed() -> bool:
    """Whether botocore can be imported."""
    return importlib.util.find_spec("botocore") is not None


class BotocoreSource(CredentialSource):
    """Credentials by botocore's own chain, asked for each request and renewed when it is time.

    :param profile: of ``~/.aws``; ``None``: as the environment says, whose keys then go first.
    :param otherwise: what to tell if botocore finds nothing.
    :param session: of botocore; ``None``: a new one.
    """

    def __init__(
        self, profile: str | None = None, *, otherwise: str = "", session: Any = None
    ) -> None:
        super().__init__(self._frozen)
        self._profile = profile
        self._otherwise = otherwise or "botocore finds no credentials"
        self._session = session
        # botocore's credentials have locks of their own, so that a forked child takes others.
        self._obtained: PerProcess[list[Any]] = PerProcess(list)
        self._making = PerProcess(RLock)

    def __getstate__(self) -> dict[str, Any]:
        """How to obtain credentials, and none that were obtained."""
        return {**super().__getstate__(), "_session": None}

    @property
    def method(self) -> str:
        """How botocore obtains them, such as ``"sso"``.

        :raises CredentialsNotFoundError: there are none.
        """
        return str(self._chain().method)

    def current(self) -> Credentials:
        """What botocore has; it has renewed that by now if it was about to expire.

        :raises CredentialsNotFoundError: there are none, botocore cannot obtain them, or it is not
            installed.
        """
        return self._frozen()

    def renew(self, refused: Credentials, *, certain: bool = True) -> bool:
        """Have botocore begin anew because ``refused`` were refused; whether that gave others."""
        with self._lock():
            if self._frozen() != refused:
                return True
            if not certain and self._doubted == refused:
                return False
            self._doubted = refused
            with self._making():
                self._obtained().clear()
                self._session = None
            return self._frozen() != refused

    def _frozen(self) -> Credentials:
        try:
            frozen = self._chain().get_frozen_credentials()
        except Exception as error:
            failure = self._translated(error)
        else:
            return Credentials(frozen.access_key, frozen.secret_key, frozen.token or None)
        raise failure

    def _chain(self) -> Any:
        """botocore's credentials, which renew themselves."""
        with self._making():
            obtained = self._obtained()
            if not obtained:
                obtained.append(self._look())
            return obtained[0]

    def _look(self) -> Any:
        if not is_installed():
            raise CredentialsNotFoundError(f"{self._otherwise}; {MISSING_EXTRA}")
        import botocore.session

        try:
            session = self._session or botocore.session.Session(profile=self._profile)
            if not can_ask_user():
                _refuse_prompts(session)
            found = session.get_credentials()
        except Exception as error:
            failure = self._translated(error)
        else:
            if found is None:
                raise CredentialsNotFoundError(self._otherwise)
            return found
        raise failure

    def _translated(self, error: Exception) -> CredentialsNotFoundError:
        """An error that says the same and shows no secret; ``error`` must not be its context."""
        if isinstance(error, CredentialsNotFoundError):
            return error
        name = type(error).__name__
        text = "" if name in _UNSAFE else f": {' '.join(redact_text(str(error)).split())}"
        if name in _LOG_IN:
            profile = f" --profile {self._profile}" if self._profile else ""
            text = f"{text.rstrip('.')}; log in by: aws sso login{profile}"
        return CredentialsNotFoundError(f"botocore cannot obtain credentials ({name}){text}")


def _refuse_prompts(session: Any) -> None:
    """Let ``session`` fail where it would wait for the code of an MFA device, by ``getpass``.

    Without a terminal that would read standard input, which may be the data to upload.
    """
    with suppress(Exception):  # a session without such a provider asks nobody
        provider = session.get_component("credential_provider").get_provider("assume-role")
        provider._prompter = _no_terminal


def _no_terminal(prompt: str) -> str:
    raise CredentialsNotFoundError(
        "the profile asks for the code of an MFA device, and there is no terminal to ask for it"
    )
