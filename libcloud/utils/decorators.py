# SPDX-License-Identifier: Apache-2.0
"""Decorators for methods of drivers."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from libcloud.common.types import LibcloudError

_P = ParamSpec("_P")
_T = TypeVar("_T")


def wrap_non_libcloud_exceptions(func: Callable[_P, _T]) -> Callable[_P, _T]:
    """``func`` with errors turned into :class:`LibcloudError`; its first argument is the driver."""

    @wraps(func)
    def wrapped(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return func(*args, **kwargs)
        except LibcloudError:
            raise
        except Exception as error:
            driver = args[0] if args else None
            raise LibcloudError(str(error), driver=driver) from error

    return wrapped
