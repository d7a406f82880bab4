# SPDX-License-Identifier: Apache-2.0
"""Tests of the protocol of Azure Blob Storage, without a server."""
