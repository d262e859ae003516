# SPDX-License-Identifier: Apache-2.0
"""Two installations that exchange tips."""
