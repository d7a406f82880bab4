# SPDX-License-Identifier: Apache-2.0
"""Planted bugs in how arguments are checked and passed on; see ``mutants.py``."""

from __future__ import annotations

from mutant import Mutant

__all__ = ["MUTANTS"]

_TESTS = "libcloud/test"
_DRIVERS = "libcloud/storage/drivers"

_KEYWORDS = (f"{_TESTS}/storage/test_driver_keywords.py",)
_METHODS = (f"{_TESTS}/storage/test_method_arguments.py",)
_BASE_DRIVER = (f"{_TESTS}/common/test_base_driver.py",)
_HELPERS = (f"{_TESTS}/test_helpers.py",)
_CONNECTION = (f"{_TESTS}/test_connection.py",)

MUTANTS = (
    Mutant(
        "a mock is taken for a path",
        "libcloud/storage/base.py",
        "(str, bytes, bytearray, PurePath, Object)",
        "(str, bytes, bytearray, os.PathLike, Object)",
        _METHODS,
    ),
    Mutant(
        "drivers that send nothing take texts only",
        "libcloud/storage/arguments.py",
        "    check_extra(extra, values=False)\n",
        "    check_extra(extra)\n",
        _METHODS,
    ),
    Mutant(
        "the host of the hook is a second one",
        "libcloud/common/base.py",
        'settings.pop("host", None) or host, settings.pop("port", None) or port',
        "host, port",
        _BASE_DRIVER,
    ),
    Mutant(
        "a mock sees numbers in headers",
        f"{_TESTS}/_mock_http.py",
        "        headers = self._normalize_headers(headers=headers)\n        self._replies",
        "        self._replies",
        _HELPERS,
    ),
    Mutant(
        "no host is the host None",
        "libcloud/common/connection.py",
        "            if self.host is not None:\n",
        "            if True:\n",
        _CONNECTION,
    ),
    Mutant(
        "unknown keywords of a constructor are ignored",
        f"{_DRIVERS}/s3.py",
        "        check_known_keywords(type(self), kwargs)\n",
        "",
        _KEYWORDS,
    ),
    Mutant(
        "unknown keywords are found after the credentials",
        "libcloud/storage/s3/discovery.py",
        "    check_known_keywords(kind, options)\n",
        "",
        _KEYWORDS,
    ),
    Mutant(
        "drivers of other projects cannot hand on keywords",
        "libcloud/storage/arguments.py",
        "        if strict:\n",
        "        if True:\n",
        _KEYWORDS,
    ),
    Mutant(
        "a URL is a host",
        "libcloud/storage/s3/access.py",
        "        _check_host(host, port)\n",
        "",
        _KEYWORDS,
    ),
    Mutant(
        "a path is a container",
        "libcloud/storage/base.py",
        "    if is_other or not",
        "    if not",
        _METHODS,
    ),
    Mutant(
        "misspelled keys of extra are lost",
        "libcloud/storage/arguments.py",
        "            if meant is not None:\n",
        "            if False:\n",
        _METHODS,
    ),
    Mutant(
        "headers without a value are sent",
        "libcloud/utils/arguments.py",
        "for name, value in headers.items() if value is not None}",
        "for name, value in headers.items()}",
        _METHODS,
    ),
    Mutant(
        "True is a size",
        "libcloud/utils/arguments.py",
        "    if isinstance(value, bool) or not hasattr(value",
        "    if not hasattr(value",
        (f"{_TESTS}/test_arguments.py",),
    ),
    Mutant(
        "directories with an empty name are hidden",
        "libcloud/storage/filesystem/entries.py",
        '    return path if path.endswith("//") else path.rstrip("/")\n',
        '    return path.rstrip("/")\n',
        (f"{_TESTS}/storage/test_filesystem_names.py",),
    ),
    Mutant(
        "the word no is true",
        "libcloud/storage/s3/options.py",
        "        if value is not None and not isinstance(value, kind):\n",
        "        if False:\n",
        _METHODS,
    ),
)
