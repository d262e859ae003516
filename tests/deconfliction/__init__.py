# SPDX-License-Identifier: Apache-2.0
"""Deconfliction with the rights that an installation has."""
