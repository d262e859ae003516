# SPDX-License-Identifier: Apache-2.0
"""Lets ``python -m nightlight`` do what ``nightlight`` does."""

from nightlight.cli import main

main()
