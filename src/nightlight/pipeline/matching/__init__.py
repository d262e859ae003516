# SPDX-License-Identifier: Apache-2.0
"""Is the file known? Every file of every tip is looked up, and nothing known within reach is missed.

Digests are compared byte by byte, pictures by all perceptual hashes within Hamming distance 31, never by an
approximation. A match brings the classification of the list it stands in, as that list words it; that a hash is known
never means that somebody here looked. A new or withdrawn entry counts at once, and what the look-ups rest on is
rebuilt from the database while they go on.
"""
