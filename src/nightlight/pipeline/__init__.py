# SPDX-License-Identifier: Apache-2.0
"""A tip becomes a lead."""
