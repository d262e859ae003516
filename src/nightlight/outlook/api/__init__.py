# SPDX-License-Identifier: Apache-2.0
"""The API for partners' systems: answers a token and nothing else, in JSON, refusals as RFC 9457 problems.

Promise: no cookie opens it, and no token opens a page made for people.
"""
