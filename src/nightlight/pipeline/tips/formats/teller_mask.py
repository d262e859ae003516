# SPDX-License-Identifier: Apache-2.0
"""Masks whoever told something, wherever they wrote how to reach them: by what it is, not by how it was written.

E-mail addresses and numbers are found within what was typed as a contact, which is free text. A number is the same with
or without the code of its country, however it is spaced, in the digits of any script.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from nightlight.pipeline.tips.told_words import STOP, name_words, plain, says_nothing
from nightlight.pipeline.tips.withholding import mask_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONTACT = "contact of the person who told us"
LABEL = f"[{CONTACT}]"
_EMAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_LONGEST_NUMBER = 13  # digits, with the code of a country; more are two numbers
_LOCAL_DIGITS = 10
_LEAST_DIGITS = 6
_LONG_NAME = 6  # letters from which on the part before the "@" is looked for by itself
_BETWEEN = r"[\s().,/_\u2010-\u2015\u200b-\u200d-]{0,3}"
_CALLS_IT = re.compile(r"[a-z]{2,20}:/{0,2}", re.IGNORECASE)  # "telegram:", "mailto:", "https://"


def of(caller: str, contact: str) -> Callable[[str], str]:
    """Return what masks the teller in a text."""
    plain_contact = unicodedata.normalize("NFKC", contact)
    emails = _EMAIL.findall(plain_contact)
    rest = _EMAIL.sub(" ", plain_contact)
    numbers = list(dict.fromkeys(_numbers(rest)))
    words = [*emails, *_local_parts(emails), *_handles(rest), *_names(caller), *_names(_without_numbers(rest))]
    if not says_nothing(contact):
        words.insert(0, contact)
    masked = mask_of([(word, CONTACT) for word in words])
    forms = "|".join(_number_pattern(number) for number in numbers)
    number = re.compile(rf"(?<!\d)(?:{forms})(?!\d)") if forms else None

    def mask(text: str) -> str:
        # Numbers last: the contact as a whole goes first, and its parts where they stand alone.
        found = masked(text)
        return number.sub(LABEL, found) if number else found

    return mask


def left_nothing_of(line: str) -> bool:
    """Whether a line that was masked held nothing but the teller's own contact."""
    return LABEL in line and not re.search(r"\w", line.replace(LABEL, ""))


def _numbers(text: str) -> Iterator[str]:
    """The telephone numbers in a text, digits only, the last ten where there are more."""
    for run in re.findall(r"\+?[\d\s().\u2010-\u2015-]*\d[\d\s().\u2010-\u2015-]*", text):
        parts = [_ascii(part) for part in re.split(r"\s+(?=[+\d(])", run.strip()) if re.search(r"\d", part)]
        if sum(map(len, parts)) <= _LONGEST_NUMBER:
            yield from _long_enough("".join(parts))
            continue
        taken = ""
        for part in parts:
            taken += part
            if len(taken) >= _LOCAL_DIGITS:
                yield from _long_enough(taken)
                taken = ""
        yield from _long_enough(taken)


def _long_enough(digits: str) -> Iterator[str]:
    if len(digits) >= _LEAST_DIGITS:
        yield digits[-_LOCAL_DIGITS:]


def _ascii(text: str) -> str:
    return "".join(str(unicodedata.digit(letter)) for letter in text if letter.isdecimal())


@cache
def _digit(value: str) -> str:
    """Whatever is written for a digit, in any script."""
    found = [chr(code) for code in range(0x10000) if unicodedata.decimal(chr(code), None) == int(value)]
    return f"[{''.join(found)}]"


def _number_pattern(digits: str) -> str:
    whole = _BETWEEN.join(_digit(one) for one in digits)
    if len(digits) < _LOCAL_DIGITS:
        return whole
    return rf"(?:\+?\d{{1,4}}{_BETWEEN})?{whole}"


def _without_numbers(text: str) -> str:
    return " ".join(word for word in text.split() if not re.search(r"\d", word) and "@" not in word)


def _words(text: str) -> Iterator[str]:
    for part in re.split(r"[\s,;|<>()]+", text):
        yield _CALLS_IT.sub("", part).strip(".:\"'")


def _handles(text: str) -> Iterator[str]:
    """Names of accounts: with an "@", a page, or letters together with a digit, a dot or a line below."""
    for word in _words(text):
        bare = word.rstrip("/").rpartition("/")[2].lstrip("@")
        account = "@" in word or "/" in word or bool(re.search(r"[^\W\d_]", bare) and re.search(r"[\d_.]", bare))
        if account and len(bare) > 1 and plain(bare) not in STOP and re.search(r"[^\W\d_]", bare):
            yield bare


def _local_parts(emails: list[str]) -> Iterator[str]:
    for email in emails:
        name = email.partition("@")[0]
        if name.isalpha():
            if len(name) >= _LONG_NAME and plain(name) not in STOP:
                yield name
        elif re.search(r"[^\W\d_]", name):
            yield name


def _names(text: str) -> Iterator[str]:
    """Words that name the teller."""
    yield from (word for word in name_words(" ".join(_words(text))) if len(word) > 1)
