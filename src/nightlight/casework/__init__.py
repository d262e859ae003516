# SPDX-License-Identifier: Apache-2.0
"""A lead becomes a child found safe: from an address to a person, and what follows."""
