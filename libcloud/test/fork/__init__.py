# SPDX-License-Identifier: Apache-2.0
"""The two distributions called ``apache-libcloud``, installed in fresh environments.

They are built and installed by pip and uv, which need a package index, so these tests have a tox
environment of their own, ``upstream``; the others leave this directory out.
"""
