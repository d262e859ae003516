# SPDX-License-Identifier: Apache-2.0
"""What the unit's own lists say of addresses, kept as of every day they covered."""
