# SPDX-License-Identifier: Apache-2.0
"""Who may see and do what, asked of every page and every table: what is not stated here fails."""
