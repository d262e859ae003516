# SPDX-License-Identifier: Apache-2.0
"""Short invented chats in four languages: lines of a child in need, and lines that only look like them.

English, Hindi, Marathi and Malayalam, the last three in their own script and written with Latin letters. Every chat is
sober and says no more than a police report would. `CRISIS` has one per need and voice; `LOOK_ALIKE` one per trap and
voice: the words stand there, and nobody is in need (denied, quoted from a play, everyday talk). They were written for
this exercise without a look at the word lists of any reader, and no native speaker has gone over them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Need(StrEnum):
    """What the young person in a chat is in need of help for."""

    MEETING = "meeting arranged"
    SELF_HARM = "does not want to live"
    HOME = "afraid to go home"
    PRESSURE = "put under pressure for money"


class Trap(StrEnum):
    """Why words that sound like a need are none."""

    DENIED = "denied"
    QUOTED = "quoted"
    EVERYDAY = "everyday"


@dataclass(frozen=True, slots=True)
class Voice:
    """A language (ISO 639-1) and whether it is written with Latin letters that are not its own script."""

    language: str
    romanised: bool = False


EN = Voice("en")
HI, HI_LATIN = Voice("hi"), Voice("hi", romanised=True)
MR, MR_LATIN = Voice("mr"), Voice("mr", romanised=True)
ML, ML_LATIN = Voice("ml"), Voice("ml", romanised=True)
VOICES = (EN, HI, HI_LATIN, MR, MR_LATIN, ML, ML_LATIN)

HELPLINE = "System: a helpline number was shown."

Chat = tuple[str, ...]

CRISIS: dict[Voice, dict[Need, Chat]] = {
    EN: {
        Need.MEETING: (
            "A: After tuition come to the bus stand.", "B: By the ticket window?",
            "A: Yes, at five. Do not tell them at home.", "B: All right.",
        ),
        Need.SELF_HARM: (
            "B: I do not want to live any more.", "A: Talk to somebody.", "B: There is nobody who listens.", HELPLINE,
        ),
        Need.HOME: (
            "B: I am afraid to go home tonight.", "A: What happened?", "B: He is there and he locks the door.",
            "A: Can you go to your aunt?",
        ),
        Need.PRESSURE: (
            "A: Pay by six or I write to your whole class.", "B: I have no money left.", "A: Then ask at home.",
            "B: Please do not write to anybody.",
        ),
    },
    HI: {
        Need.MEETING: (
            "A: ट्यूशन के बाद बस स्टैंड पर मिलना।", "B: कितने बजे?", "A: पाँच बजे। घर पर किसी को मत बताना।", "B: ठीक है।",
        ),
        Need.SELF_HARM: ("B: अब मैं जीना नहीं चाहती।", "A: किसी से बात करो।", "B: कोई नहीं सुनता।", HELPLINE),
        Need.HOME: (
            "B: मुझे आज घर जाने से डर लगता है।", "A: क्या हुआ?", "B: वह दरवाज़ा बंद कर देता है।", "A: मौसी के यहाँ चली जाओ।",
        ),
        Need.PRESSURE: (
            "A: शाम तक पैसे भेजो, नहीं तो पूरी कक्षा को लिख दूँगा।", "B: मेरे पास पैसे नहीं हैं।", "A: घर से माँगो।",
            "B: किसी को मत लिखना।",
        ),
    },
    HI_LATIN: {
        Need.MEETING: (
            "A: Tuition ke baad bus stand par milna.", "B: Kitne baje?",
            "A: Paanch baje. Ghar par kisi ko mat batana.", "B: Theek hai.",
        ),
        Need.SELF_HARM: ("B: Ab main jeena nahi chahta.", "A: Kisi se baat karo.", "B: Koi nahi sunta.", HELPLINE),
        Need.HOME: (
            "B: Mujhe aaj ghar jaane se dar lagta hai.", "A: Kya hua?", "B: Woh darwaza band kar deta hai.",
            "A: Mausi ke yahan chale jao.",
        ),
        Need.PRESSURE: (
            "A: Shaam tak paise bhejo, nahi to poori class ko likh doonga.", "B: Mere paas paise nahi hain.",
            "A: Ghar se maango.",
        ),
    },
    MR: {
        Need.MEETING: (
            "A: ट्यूशननंतर बस स्थानकावर ये.", "B: किती वाजता?", "A: पाच वाजता. घरी कोणाला सांगू नकोस.", "B: बरं.",
        ),
        Need.SELF_HARM: ("B: मला आता जगायचं नाही.", "A: कोणाशी तरी बोल.", "B: कोणी ऐकत नाही.", HELPLINE),
        Need.HOME: ("B: आज घरी जायची भीती वाटते.", "A: काय झालं?", "B: तो दार बंद करतो.", "A: मावशीकडे जा."),
        Need.PRESSURE: (
            "A: संध्याकाळपर्यंत पैसे पाठव, नाहीतर सगळ्या वर्गाला सांगेन.", "B: माझ्याकडे पैसे नाहीत.", "A: घरून माग.",
        ),
    },
    MR_LATIN: {
        Need.MEETING: (
            "A: Tuition nantar bus standvar ye.", "B: Kiti vajta?", "A: Paach vajta. Ghari konala sangu nakos.",
            "B: Bara.",
        ),
        Need.SELF_HARM: ("B: Mala aata jagaycha nahi.", "A: Konashi tari bol.", "B: Koni aikat nahi.", HELPLINE),
        Need.HOME: (
            "B: Aaj ghari jaychi bhiti vatte.", "A: Kay zala?", "B: To daar band karto.", "A: Mavshikade ja.",
        ),
        Need.PRESSURE: (
            "A: Sandhyakalparyant paise pathav, nahitar saglya vargala sangen.", "B: Majhyakade paise nahit.",
            "A: Gharun maag.",
        ),
    },
    ML: {
        Need.MEETING: (
            "A: ട്യൂഷൻ കഴിഞ്ഞ് ബസ് സ്റ്റാൻഡിൽ വരണം.", "B: എത്ര മണിക്ക്?", "A: അഞ്ചു മണിക്ക്. വീട്ടിൽ ആരോടും പറയരുത്.",
            "B: ശരി.",
        ),
        Need.SELF_HARM: (
            "B: എനിക്ക് ഇനി ജീവിക്കണ്ട.", "A: ആരോടെങ്കിലും സംസാരിക്ക്.", "B: ആരും കേൾക്കുന്നില്ല.", HELPLINE,
        ),
        Need.HOME: (
            "B: ഇന്ന് വീട്ടിൽ പോകാൻ പേടിയാണ്.", "A: എന്തു പറ്റി?", "B: അയാൾ വാതിൽ പൂട്ടും.", "A: അമ്മായിയുടെ അടുത്ത് പോ.",
        ),
        Need.PRESSURE: (
            "A: വൈകുന്നേരത്തിനകം പണം അയയ്ക്ക്, ഇല്ലെങ്കിൽ ക്ലാസിൽ എല്ലാവർക്കും എഴുതും.", "B: എന്റെ കൈയിൽ പണമില്ല.",
            "A: വീട്ടിൽ ചോദിക്ക്.",
        ),
    },
    ML_LATIN: {
        Need.MEETING: (
            "A: Tuition kazhinju bus standil varanam.", "B: Ethra manikku?",
            "A: Anchu manikku. Veettil aarodum parayaruthu.", "B: Shari.",
        ),
        Need.SELF_HARM: (
            "B: Enikku ini jeevikkanda.", "A: Aarodenkilum samsarikku.", "B: Aarum kelkkunnilla.", HELPLINE,
        ),
        Need.HOME: (
            "B: Innu veettil pokan pediyanu.", "A: Enthu patti?", "B: Ayal vaathil poottum.",
            "A: Ammayiyude aduthu po.",
        ),
        Need.PRESSURE: (
            "A: Vaikunneram munpu panam ayakku, illenkil classil ellavarkkum ezhuthum.",
            "B: Ente kaiyil panamilla.", "A: Veettil chodikku.",
        ),
    },
}  # fmt: skip

LOOK_ALIKE: dict[Voice, dict[Trap, Chat]] = {
    EN: {
        Trap.DENIED: ("A: Shall we meet at the station?", "B: No, I am not coming. I told my mother.", "A: All right."),
        Trap.QUOTED: (
            "A: In the play she says 'I do not want to live any more'.", "B: Is that the line of act two?",
            "A: Yes, we rehearse at four.",
        ),
        Trap.EVERYDAY: (
            "A: This homework kills me.", "B: Meet at the bus stand as always?", "A: Yes, my mother drives us.",
        ),
    },
    HI: {
        Trap.DENIED: ("A: स्टेशन पर मिलोगे?", "B: नहीं, मैं नहीं आऊँगा। माँ को बता दिया है।", "A: ठीक है।"),
        Trap.QUOTED: (
            'A: नाटक में वह कहती है, "मैं जीना नहीं चाहती"।', "B: यह दूसरे अंक की पंक्ति है?", "A: हाँ, चार बजे अभ्यास है।",
        ),
        Trap.EVERYDAY: ("A: इस गृहकार्य ने तो मार डाला।", "B: रोज़ की तरह बस स्टैंड पर मिलें?", "A: हाँ, पापा छोड़ देंगे।"),
    },
    HI_LATIN: {
        Trap.DENIED: ("A: Station par miloge?", "B: Nahi, main nahi aaunga. Maa ko bata diya hai.", "A: Theek hai."),
        Trap.QUOTED: (
            "A: Natak mein woh kehti hai, 'main jeena nahi chahti'.", "B: Yeh doosre ank ki line hai?",
            "A: Haan, chaar baje abhyas hai.",
        ),
        Trap.EVERYDAY: (
            "A: Is homework ne to maar daala.", "B: Roz ki tarah bus stand par milein?", "A: Haan, papa chhod denge.",
        ),
    },
    MR: {
        Trap.DENIED: ("A: स्टेशनवर भेटायचं का?", "B: नाही, मी येणार नाही. आईला सांगितलं आहे.", "A: बरं."),
        Trap.QUOTED: (
            'A: नाटकात ती म्हणते, "मला जगायचं नाही".', "B: हे दुसऱ्या अंकातलं वाक्य आहे का?", "A: हो, चार वाजता तालीम आहे.",
        ),
        Trap.EVERYDAY: ("A: या गृहपाठाने जीव घेतला.", "B: नेहमीसारखं बस स्थानकावर भेटू?", "A: हो, बाबा सोडतील."),
    },
    MR_LATIN: {
        Trap.DENIED: ("A: Stationvar bhetaycha ka?", "B: Nahi, mi yenar nahi. Aaila sangitla aahe.", "A: Bara."),
        Trap.QUOTED: (
            "A: Natakat ti mhante, 'mala jagaycha nahi'.", "B: He dusrya ankatla vakya aahe ka?",
            "A: Ho, chaar vajta talim aahe.",
        ),
        Trap.EVERYDAY: (
            "A: Ya homeworkne jeev ghetla.", "B: Nehmisarkha bus standvar bhetu?", "A: Ho, baba sodtil.",
        ),
    },
    ML: {
        Trap.DENIED: ("A: സ്റ്റേഷനിൽ കാണാമോ?", "B: ഇല്ല, ഞാൻ വരില്ല. അമ്മയോട് പറഞ്ഞിട്ടുണ്ട്.", "A: ശരി."),
        Trap.QUOTED: (
            'A: നാടകത്തിൽ അവൾ പറയുന്നു, "എനിക്ക് ഇനി ജീവിക്കണ്ട".', "B: അത് രണ്ടാം അങ്കത്തിലെ വരിയല്ലേ?",
            "A: അതെ, നാലു മണിക്ക് റിഹേഴ്സൽ.",
        ),
        Trap.EVERYDAY: (
            "A: ഈ ഹോംവർക്ക് എന്നെ കൊല്ലും.", "B: പതിവുപോലെ ബസ് സ്റ്റാൻഡിൽ കാണാം?", "A: കാണാം, അച്ഛൻ കൊണ്ടുവിടും.",
        ),
    },
    ML_LATIN: {
        Trap.DENIED: ("A: Stationil kaanamo?", "B: Illa, njan varilla. Ammayodu paranjittundu.", "A: Shari."),
        Trap.QUOTED: (
            "A: Nadakathil aval parayunnu, 'enikku ini jeevikkanda'.", "B: Athu randam ankathile variyalle?",
            "A: Athe, naalu manikku rehearsal.",
        ),
        Trap.EVERYDAY: (
            "A: Ee homework enne kollum.", "B: Pathivupole bus standil kaanam?", "A: Kaanam, achan konduvidum.",
        ),
    },
}  # fmt: skip


def chat(lines: Chat) -> str:
    """Return the lines as one text, as a platform copies them into a report."""
    return "\n".join(lines)
