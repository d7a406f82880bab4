# SPDX-License-Identifier: Apache-2.0
"""Looks up drivers by name in a table of module and class names."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from enum import Enum
from importlib import import_module
from typing import Any


def get_driver(
    drivers: Mapping[Any, tuple[str, str]],
    provider: Any,
    deprecated_providers: Mapping[Any, Mapping[str, str]] | None = None,
    deprecated_constants: Mapping[Any, str] | None = None,
) -> Any:
    """Return the class that ``drivers`` has for ``provider``; case-insensitive.

    :param drivers: constant -> (module, name of the class); the module is imported.
    :param deprecated_providers: removed providers -> ``{"reason": ..., "url": ...}``.
    :param deprecated_constants: old constants -> the new name.
    :raises AttributeError: there is no such provider.
    :raises Exception: it is a deprecated one; the message says what to do.
    """
    if deprecated_providers and provider in deprecated_providers:
        removed = deprecated_providers[provider]
        raise Exception(
            f"Provider {provider} is no longer supported: {removed['reason']}. See {removed['url']}"
        )
    if deprecated_constants and provider in deprecated_constants:
        raise Exception(
            f'Provider constant "{_name(provider).upper()}" has been removed. '
            f'New constant is now called "{deprecated_constants[provider].upper()}".'
        )
    wanted = _name(provider).lower()
    named = (found for key, found in drivers.items() if _name(key).lower() == wanted)
    entry = drivers.get(provider) or next(named, None)
    if entry is None:
        raise AttributeError(f"Provider {provider} does not exist")
    module, klass = entry
    return getattr(import_module(module), klass)


def set_driver(
    drivers: MutableMapping[Any, tuple[str, str]], provider: Any, module: str, klass: str
) -> Any:
    """Register a driver in ``drivers`` and return its class.

    :param module: name of the module that holds the class ``klass``.
    :raises AttributeError: the name is taken, or the module has no such class.
    :raises ImportError: the module cannot be imported. ``drivers`` is left as it was.
    """
    if provider in drivers:
        raise AttributeError(f"Provider {provider} already registered")
    drivers[provider] = (module, klass)
    try:
        return get_driver(drivers, provider)
    except (ImportError, AttributeError):
        # Otherwise the next lookup would fail.
        drivers.pop(provider)
        raise


def _name(provider: Any) -> str:
    return str(provider.value) if isinstance(provider, Enum) else str(provider)
