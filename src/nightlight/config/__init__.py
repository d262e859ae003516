# SPDX-License-Identifier: Apache-2.0
"""How an installation is configured and started: settings from the environment, the embedded database, URLs, WSGI."""
