# SPDX-License-Identifier: Apache-2.0
"""One module per page: each view parses, calls one query or action, and answers."""
