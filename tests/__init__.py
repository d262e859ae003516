# SPDX-License-Identifier: Apache-2.0
"""Tests of the whole: a running installation, from outside."""
