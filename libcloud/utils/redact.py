# SPDX-License-Identifier: Apache-2.0
"""Removes secrets from logs, output and exceptions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

REDACTED = "[redacted]"

# Shorter texts are not secrets, and may be part of any word.
_SHORTEST = 8

# Expressions are compiled when they are first used: that takes longer than many a request.

# Headers that grant access, or contain a key (SSE-C, with any vendor's prefix).
_HEADER = (
    r"(?:proxy-)?authorization|(?:set-)?cookie|api-?key|private-token"
    r"|x-(?!(?:amz|goog)-meta-)[a-z0-9-]*(?:token|key|secret|password)"
)

# The same in a text: as a line, a parameter, or a member of an object in any notation.
_HEADER_LINE = (
    rf"(?i)((?<![\w-])(?:{_HEADER})\\?[\"']?\s*[:=]\s*\\?[\"']?)"
    r"[^\s\\\"'&<>][^\r\n\\\"'&<>]*"
)

# Parameters of a query or a form, and members of a JSON object. The signature of a presigned URL is
# sufficient to use it.
_PARAMETER = (
    r"(?i)((?:X-(?:Amz|Goog)-(?:Signature|Security-Token)|(?:(?<![A-Za-z-])|(?<=%3F)|(?<=%26))Signature"
    # The signature of a shared access signature, and the key in a connection string, of Azure.
    r"|(?:(?<![\w-])|(?<=%3F)|(?<=%26))(?:sig|AccountKey|SharedAccessSignature)"
    r"|access_token|refresh_token|id_token|client_secret|assertion|private_key|password"
    r"|temp_url_sig|api_?key|(?<=[\"'])secret"
    r"|secret_?access_?key|session_?token)(?:=|%3D|\\?[\"']\s*:\s*\\?[\"']))"
    r"(?:(?!%26)[^&\s\\\"'<>)])+"
)
# The id of a token, in the response of Keystone version 2, is the token.
_TOKEN_ID = r"(?i)(\"token\"\s*:\s*\{(?:[^{}]|\{[^{}]*\}){0,2000}?\"id\"\s*:\s*\")[^\"]+"
_ELEMENT = r"(<(?:SecretAccessKey|SessionToken)>)[^<]+"
_PRIVATE_KEY = r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
_PASSWORD_IN_URL = r"(://)[^\s/@:\"']*:[^\s/@\"']+(?=@)"

# Separators of the parts of an authorization header.
_BETWEEN_PARTS = r"[\s,:]+|\bSignature="

# A header whose only secret is the signature, its end. Names of accounts belong in messages.
_SIGNED = (
    r"(?:(?:AWS|GOOG1|SharedKey(?:Lite)?)\s+\S+:"
    r"|[A-Z0-9-]+\s+Credential=\S+,\s*SignedHeaders=\S+,\s*Signature=)(\S+)"
)

# Attributes in which exceptions of the standard library store texts, besides ``args``.
_TEXTS = ("strerror", "filename", "object", "reason", "msg", "text")


def redact_headers(headers: Mapping[str, object]) -> dict[str, object]:
    return {name: REDACTED if _is_secret(str(name)) else value for name, value in headers.items()}


def _is_secret(name: str) -> bool:
    return re.fullmatch(_HEADER, name, re.IGNORECASE) is not None


def secrets_in(headers: object) -> list[str]:
    found: set[str] = set()
    for name, value in headers.items() if isinstance(headers, Mapping) else ():
        if _is_secret(_text(name)):
            found.update(forms_of(_text(value)))
    return sorted(found, key=len, reverse=True)


def forms_of(value: str) -> list[str]:
    """The forms in which texts may repeat a secret header value: in part, or quoted."""
    bare = value.strip()
    signed = re.fullmatch(_SIGNED, bare)
    parts = [signed[1]] if signed else re.split(_BETWEEN_PARTS, bare)
    found = {bare, repr(value)[1:-1], *parts}
    found.update([quote(form, safe="") for form in found])
    return sorted((form for form in found if len(form) >= _SHORTEST), key=len, reverse=True)


def redact_text(text: str, secrets: Iterable[str] = ()) -> str:
    """Remove ``secrets``, and signatures, tokens and keys in URLs, headers, JSON and XML.

    >>> redact_text("/b/k?X-Amz-Expires=60&X-Amz-Signature=0a1b2c")
    '/b/k?X-Amz-Expires=60&X-Amz-Signature=[redacted]'
    """
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    text = re.sub(_PRIVATE_KEY, REDACTED, text)
    for pattern in (_HEADER_LINE, _PARAMETER, _TOKEN_ID, _ELEMENT, _PASSWORD_IN_URL):
        text = re.sub(pattern, rf"\g<1>{REDACTED}", text)
    return text


def redact_exception(error: BaseException, secrets: Iterable[str] = ()) -> list[BaseException]:
    """Remove secrets from ``error``, its causes and its contexts, in place; return all of these."""
    secrets = list(secrets)
    found: dict[int, BaseException] = {}
    waiting: list[object] = [error]
    while waiting:
        current = waiting.pop()
        if not isinstance(current, BaseException) or id(current) in found:
            continue
        found[id(current)] = current
        waiting += [current.__cause__, current.__context__, *current.args, *vars(current).values()]
        args = tuple(_redacted(part, secrets) for part in current.args)
        if args != current.args:
            current.args = args
        for name, value in _texts_of(current):
            clean = _redacted(value, secrets)
            if clean != value:
                with suppress(AttributeError, TypeError):  # read-only
                    setattr(current, name, clean)
    return list(found.values())


def _texts_of(error: BaseException) -> Iterator[tuple[str, object]]:
    named = {name: getattr(error, name, None) for name in _TEXTS}
    for name, value in {**named, **vars(error)}.items():
        if isinstance(value, str) or name == "__notes__":
            yield name, value


def _redacted(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, str):
        return redact_text(value, secrets)
    if isinstance(value, list):
        return [_redacted(item, secrets) for item in value]
    return value


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
