# SPDX-License-Identifier: Apache-2.0
"""The languages reports arrive in: one module or package for each file format and wire protocol."""
