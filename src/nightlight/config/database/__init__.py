# SPDX-License-Identifier: Apache-2.0
"""Django's PostgreSQL connection, which tells the server for whom each statement is run."""
