# SPDX-License-Identifier: Apache-2.0
"""The complete build: all of Apache Libcloud, on the HTTP, connections and storage of this library.

Builds a wheel of the distribution ``apache-libcloud`` from Apache Libcloud's source distribution,
which is downloaded and checked, and from this library's files, which replace those of the same
name. Proof: ``libcloud/test/fork/``, and ``contrib/upstream_suite.py``, which runs all tests of
Apache Libcloud on it.
"""
