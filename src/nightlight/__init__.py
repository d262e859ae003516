# SPDX-License-Identifier: Apache-2.0
"""Nightlight carries a tip about a child in danger from the platform that saw it to the officer who can act on it."""
