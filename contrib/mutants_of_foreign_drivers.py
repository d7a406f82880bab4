# SPDX-License-Identifier: Apache-2.0
"""Planted bugs of what drivers of Apache Libcloud rely on; see ``mutant_list.py``."""

from __future__ import annotations

from mutant import Mutant

__all__ = ["MUTANTS"]

_FOREIGN = ("libcloud/test/test_foreign_drivers.py",)
_BUILDS = ("libcloud/test/test_builds.py",)

MUTANTS = (
    Mutant(
        "of a pair of ports, that for http taken for https",
        "libcloud/common/settings.py",
        "port[1] if self.secure else port[0]",
        "port[0]",
        _FOREIGN,
    ),
    Mutant(
        "a name without its value sent by every connection",
        "libcloud/common/settings.py",
        "    bare_keys = False\n",
        "    bare_keys = True\n",
        _FOREIGN,
    ),
    Mutant(
        "an exception gets the whole context",
        "libcloud/common/aws.py",
        "**_accepted(failure, context)",
        "**context",
        _FOREIGN,
    ),
    Mutant(
        "a date that does not exist is another error",
        "libcloud/utils/iso8601.py",
        "class ParseError(ValueError):",
        "class ParseError(Exception):",
        _FOREIGN,
    ),
    Mutant(
        "a finished file sent empty",
        "libcloud/storage/driver_helpers.py",
        "    _rewinds_finished_streams = True\n",
        "    _rewinds_finished_streams = False\n",
        _FOREIGN,
    ),
    Mutant(
        "a missing module without a reason",
        "libcloud/utils/builds.py",
        "if fullname in self._modules:",
        "if False:",
        _BUILDS,
    ),
    Mutant(
        "a driver of another type found to be unknown",
        "libcloud/base.py",
        "        raise UnavailableDriverTypeError(package)\n",
        "        raise DriverTypeNotFoundError(package)\n",
        _BUILDS,
    ),
)
