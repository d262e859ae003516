# SPDX-License-Identifier: Apache-2.0
"""Tests of the Hash Sharing API. Partners are invented; fingerprints are random bytes of no file."""
