# SPDX-License-Identifier: Apache-2.0
"""Small helpers without knowledge of any store or of HTTP.

May import the standard library (and lxml, in ``xml.py``), nothing of the layers above. Most modules
exist because users of the libcloud API import them. Tests: ``libcloud/test/test_utils.py``,
``test_files.py``, ``test_xml.py`` and ``test_retry_class.py``.

A module is imported when it is first used: after ``import libcloud``, programs use
``libcloud.utils.py3``.
"""

from __future__ import annotations

import warnings

TYPE_CHECKING = False  # importing typing would take longer than everything else here

SHOW_DEPRECATION_WARNING = True
SHOW_IN_DEVELOPMENT_WARNING = True
OLD_API_REMOVE_VERSION = "0.7.0"


def deprecated_warning(module: str) -> None:
    """Warn that ``module`` moved; silent when ``SHOW_DEPRECATION_WARNING`` is false."""
    if SHOW_DEPRECATION_WARNING:
        warnings.warn(
            f'This path is deprecated, the module is available at "libcloud.compute.{module}". '
            f"The path goes away in libcloud {OLD_API_REMOVE_VERSION}.",
            category=DeprecationWarning,
            stacklevel=2,
        )


def in_development_warning(module: str) -> None:
    """Warn that ``module`` is not finished, unless ``SHOW_IN_DEVELOPMENT_WARNING`` is false."""
    if SHOW_IN_DEVELOPMENT_WARNING:
        warnings.warn(
            f"The module {module} is still in development, do not use it in production.",
            category=FutureWarning,
            stacklevel=2,
        )


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        from libcloud.utils.lazy import submodules

        return submodules(__name__)(name)
