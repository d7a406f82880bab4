# SPDX-License-Identifier: Apache-2.0
"""Credentials from botocore: single sign-on, roles, web identity, processes, instance metadata.

botocore, the extra ``aws``, is imported when credentials are first needed, reads the environment
and ``~/.aws`` itself, and refreshes temporary credentials before they expire.
"""

from __future__ import annotations

import importlib.util
from contextlib import suppress
from typing import Any

from libcloud.common.credentials.provider import (
    CredentialProvider,
    Credentials,
    CredentialsNotFoundError,
)
from libcloud.utils.environment import can_ask_user
from libcloud.utils.local import PerProcess
from libcloud.utils.redact import redact_text

MISSING_EXTRA = "this needs botocore: pip install 'libcloud-storage[aws]'"

# The text of these errors contains the output of an external process, possibly secrets.
_UNSAFE = ("CredentialRetrievalError",)

# Raised when the user has to log in (again).
_LOGIN = ("SSOTokenLoadError", "TokenRetrievalError", "UnauthorizedSSOTokenError")


def is_installed() -> bool:
    return importlib.util.find_spec("botocore") is not None


class BotocoreProvider(CredentialProvider):
    """Credentials from botocore's provider chain, which also refreshes them.

    :param profile: ``None``: botocore follows the environment, whose keys then take precedence.
    :param not_found: the message if botocore finds no credentials.
    """

    def __init__(self, profile: str | None = None, *, not_found: str = "") -> None:
        super().__init__(self.current)
        self._profile = profile
        self._not_found = not_found or "botocore finds no credentials"
        # botocore's credentials contain locks, so a forked child needs its own.
        self._obtained: PerProcess[list[Any]] = PerProcess(list)

    @property
    def method(self) -> str:
        """How botocore obtains the credentials, such as ``"sso"``."""
        return str(self._chain().method)

    def current(self) -> Credentials:
        try:
            frozen = self._chain().get_frozen_credentials()
        except Exception as error:
            failure = self._translated(error)
        else:
            return Credentials(frozen.access_key, frozen.secret_key, frozen.token or None)
        raise failure

    _known = current

    def _fetch_again(self) -> None:
        self._obtained().clear()

    def _chain(self) -> Any:
        obtained = self._obtained()
        with suppress(IndexError):  # none, or another thread has discarded it
            return obtained[0]  # without the lock, which is held during a refresh
        with self._lock():
            if not obtained:
                obtained.append(self._load())
            return obtained[0]

    def _load(self) -> Any:
        if not is_installed():
            raise CredentialsNotFoundError(f"{self._not_found}; {MISSING_EXTRA}")
        import botocore.session

        try:
            session = botocore.session.Session(profile=self._profile)
            if not can_ask_user():
                _disable_prompts(session)
            found = session.get_credentials()
        except Exception as error:
            failure = self._translated(error)
        else:
            if found is None:
                raise CredentialsNotFoundError(self._not_found)
            return found
        raise failure

    def _translated(self, error: Exception) -> CredentialsNotFoundError:
        """Return an equivalent error without secrets; ``error`` must not become its context."""
        if isinstance(error, CredentialsNotFoundError):
            return error
        name = type(error).__name__
        text = "" if name in _UNSAFE else f": {' '.join(redact_text(str(error)).split())}"
        if name in _LOGIN:
            profile = f" --profile {self._profile}" if self._profile else ""
            text = f"{text.rstrip('.')}; log in with: aws sso login{profile}"
        return CredentialsNotFoundError(f"botocore cannot obtain credentials ({name}){text}")


def _disable_prompts(session: Any) -> None:
    """Make ``session`` fail where it would prompt for an MFA code with ``getpass``.

    That reads standard input without a terminal, which may be the data to upload.
    """
    with suppress(Exception):  # a session without this provider does not prompt
        provider = session.get_component("credential_provider").get_provider("assume-role")
        provider._prompter = _no_terminal


def _no_terminal(prompt: str) -> str:
    raise CredentialsNotFoundError(
        "the profile requires an MFA code, and there is no terminal to ask for it"
    )
