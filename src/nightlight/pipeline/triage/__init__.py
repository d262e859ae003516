# SPDX-License-Identifier: Apache-2.0
"""How urgent is a tip, how soon is what it rests on gone, can anybody act on it, and why: the endangered child on top.

Three numbers that are never merged into one, each with its reasons, worked out by rules that are data and that say what
is not known. No name, address, place, language, religion or caste can become an input.
"""
