# SPDX-License-Identifier: Apache-2.0
"""Words that name nobody, in the languages of the hotline, and how names are taken from what people type.

People write "not known", "my sister" or "yes" where a form asks for a name or a number. Masked wherever they stand,
such words would black out the report.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIGNS = ".,;:!?()[]{}<>\"'|/\\-\u2013\u2014\u2018\u2019\u201c\u201d\u0964"
MOST_WORDS = 6  # what has more words is a sentence, in which only words written large may be names
_BEFORE_PLACES = frozenset({"in", "at", "from", "near", "of", "to", "on"})
_AFTER_PLACES = frozenset({"में", "से", "मध्ये", "का", "की", "के", "को", "पर"})

# Whatever of these stands in a field for a name is no name. Lower case; letters only.
_ENGLISH = """
a about after age aged all also am an and any anonymous another any anybody anyone app are ask asked at aunt baby be
because before big boy boys brother but by call calls caller can cannot child children class contact cousin dad daughter
day days did do does dont email evening evenings everyone family father female for friend friends from girl girls good
grandfather grandmother had has have he her here him his home house how i id if in inside is it its kid kids know known
later little living lives mail male man me mobile mother mum mummy my n na name named names near neighbour neighbor nil
no nobody none not nothing now number of office often ok okay old on one only or other our out parents person persons
phone please police private pupil put refused said same says school secret see send she sister small some somebody
someone son stranger student sure tell telegram telephone teacher that the their them there they this time to today told
tomorrow two uncle unknown us very wa want was we week were what whatsapp when where which who why will with woman
worker year years yes you young your signal instagram facebook snapchat
"""
_HINDI_AND_MARATHI = """
नहीं नही नाही हाँ हां हा हो होय पता मालूम मालुम माहीत माहित माहिती जानते जानता जानती नाम नाव मेरा मेरी मेरे माझा माझी माझे
बहन बहिण बहीण भाई भाऊ बेटा बेटी मुलगा मुलगी मुलगे मुले मूल लड़का लड़की लड़के बच्चा बच्ची बच्चे बाळ एक दो दोन वह वो यह
तो ती ते है हैं आहे आहेत था थी थे होता होती का की के को से ला ने में मध्ये पर और आणि या कोई कोणी किसी अज्ञात अनाम गुप्त
घर घरी स्कूल शाळा शाळेत गाँव गांव गाव फोन नंबर मोबाइल संपर्क नका मत कुछ काही नंतर बाद शाम संध्याकाळी पड़ोसी शेजारी
शिक्षक माँ मां आई पिता बाप वडील चाचा काका मामा अंकल आंटी
"""
_MALAYALAM = """
അറിയില്ല അറിഞ്ഞുകൂടാ ഇല്ല അല്ല അതെ ഉണ്ട് ഉവ്വ് പേര് പേര എന്റെ ഒരു കുട്ടി പെൺകുട്ടി ആൺകുട്ടി മകൻ മകൾ സഹോദരി സഹോദരൻ
അനിയൻ അനിയത്തി ചേട്ടൻ ചേച്ചി അവൻ അവൾ അവർ ഇത് അത് ആരും ആരോ വീട് വീട്ടിൽ സ്കൂൾ ഫോൺ നമ്പർ മൊബൈൽ വേണ്ട പിന്നെ അജ്ഞാതൻ
അയൽക്കാരൻ അധ്യാപകൻ അമ്മ അച്ഛൻ അമ്മാവൻ രഹസ്യം നിന്ന് ഒന്നും വൈകുന്നേരം
"""


def plain(word: str) -> str:
    """A word as it is compared: one way of writing its letters, small, without signs around it."""
    return re.sub(r"[^\w\u0900-\u0dff]+", "", unicodedata.normalize("NFC", word).casefold())


STOP = frozenset(
    plain(word) for language in (_ENGLISH, _HINDI_AND_MARATHI, _MALAYALAM) for word in language.split() if word
)


def words_in(text: str) -> list[str]:
    """The words of a text without the signs around them."""
    parts = (part.strip(_SIGNS) for part in re.split(r"[\s,;/|<>()]+", text))
    return [part for part in parts if part]


def says_nothing(text: str) -> bool:
    """Whether a text holds no word that could name somebody."""
    return all(plain(word) in STOP or not plain(word) for word in words_in(text))


def name_words(text: str) -> Iterator[str]:
    """The words of what was typed as a name that may name somebody, the whole first.

    "Meera Nair" gives itself and both words, "my sister Meera" the last; "a girl in Delhi" none: the word of a
    place is not taken for that of a person.
    """
    words = words_in(text)
    if says_nothing(text):
        return
    yield " ".join(text.split())
    for number, word in enumerate(words):
        before = plain(words[number - 1]) if number else ""
        after = plain(words[number + 1]) if number + 1 < len(words) else ""
        if len(word) < 2 or plain(word) in STOP or before in _BEFORE_PLACES or after in _AFTER_PLACES:
            continue
        if len(words) <= MOST_WORDS or (number and word[:1].isupper() and not text.isupper()):
            yield word


def scripts(text: str) -> frozenset[str]:
    """The scripts of the letters in a text: "LATIN", "DEVANAGARI", "MALAYALAM", and whatever else there is."""
    return frozenset(unicodedata.name(letter, "").partition(" ")[0] for letter in text if letter.isalpha())
