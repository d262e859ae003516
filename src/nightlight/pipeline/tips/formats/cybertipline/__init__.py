# SPDX-License-Identifier: Apache-2.0
"""The wire format of the CyberTipline Reporting API, as its clients speak it.

What a document must look like is data (`schema.toml`); from it come the XSD we serve, the checks, and the
words in which we refuse. What we answer is data too (`answers.toml`). Nothing here reads a clock, a database
or the network.
"""
