# SPDX-License-Identifier: Apache-2.0
"""Tests of the wire of the Hash Sharing API."""
