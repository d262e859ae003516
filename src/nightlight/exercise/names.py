# SPDX-License-Identifier: Apache-2.0
"""Word lists: names to be drawn at random, towns for routing, and streets that do not exist."""

from __future__ import annotations

FIRST_NAMES = {
    "IN": (
        "Anoop",
        "Bijoy",
        "Chandran",
        "Deepak",
        "Eldho",
        "Faisal",
        "Girish",
        "Harish",
        "Imran",
        "Jayan",
        "Kiran",
        "Latha",
        "Manoj",
        "Nisha",
        "Omana",
        "Prakash",
        "Rekha",
        "Sajan",
        "Tarun",
        "Uday",
        "Vinod",
        "Yash",
    ),
    "US": ("Alder", "Blaine", "Corey", "Dana", "Ellis", "Frankie", "Grady", "Harley", "Jordan", "Kendall"),
    "NO": ("Arve", "Bjarte", "Dagny", "Eirik", "Frode", "Gunvor", "Halvard", "Ingrid", "Jorunn", "Torgeir"),
    "DE": ("Anselm", "Bernd", "Christel", "Detlef", "Elke", "Falk", "Gerlinde", "Holger", "Jutta", "Kersten"),
}

LAST_NAMES = {
    "IN": (
        "Kuttiparambil",
        "Vellarikkal",
        "Moolamattom",
        "Chettiyar",
        "Deshkari",
        "Palodekar",
        "Raskhan",
        "Tharayil",
        "Mundakkal",
        "Oorambath",
        "Nandipur",
        "Bhosari",
        "Sindgikar",
        "Valluvanad",
        "Kaithapram",
        "Edavanakad",
    ),
    "US": (
        "Fernhollow",
        "Marlowick",
        "Stonebrook",
        "Pinecrest",
        "Waverling",
        "Oakhurst",
        "Tillandale",
        "Redfield",
    ),
    "NO": ("Fjordheim", "Granlien", "Myrstrand", "Skogholt", "Steinvik", "Tangenes", "Ulvedal", "Vassbotn"),
    "DE": (
        "Birkenrode",
        "Eichwalder",
        "Finkenau",
        "Grauthal",
        "Lindenhoff",
        "Moosbrunn",
        "Tannwieser",
        "Wiesenkamp",
    ),
}

NATIVE_NAMES = {
    "IN": ("അനൂപ്", "നിഷ", "മനോജ്", "राकेश", "दीपक", "லதா", "Anoop 🌴", "കിരൺ"),
    "US": ("JB", "the_captain", "Harley 🎣"),
    "NO": ("Bjørn", "Åse", "Øystein"),
    "DE": ("Jürgen", "Käthe", "Wölfchen"),
}

SCREEN_WORDS = (
    "mango",
    "river",
    "kite",
    "lantern",
    "pepper",
    "cricket",
    "monsoon",
    "banyan",
    "tiffin",
    "scooter",
    "sparrow",
    "marble",
    "copper",
    "harbour",
    "teak",
    "jasmine",
    "thunder",
    "bicycle",
)

MAIL_HOSTS = ("example.org", "example.com", "example.net")

BIOS = (
    "Tea, trains and cricket.",
    "Here for the match scores.",
    "Photographs of bridges and boats.",
    "Tuition for classes 6 to 10. Mathematics and science.",
    "School van driver. Call between 9 and 5.",
    "Learning the veena.",
    "മഴയും യാത്രയും.",
    "New here, be kind.",
)

WORK_BIOS = tuple(bio for bio in BIOS if "Tuition" in bio or "driver" in bio)
"""Profiles that speak of work with children; they are among the ordinary ones as well."""

STREETS = (
    "Lotus Lane",
    "Banyan Cross",
    "Second Canal Road",
    "Old Ferry Street",
    "Mango Grove Path",
    "Temple Tank Road",
    "Signal Hill Way",
    "Weaver Street",
    "Lighthouse Close",
    "Toll Gate Road",
)

TOWNS = {
    "IN": (
        ("Kochi", "Kerala", "682000"),
        ("Kollam", "Kerala", "691000"),
        ("Kozhikode", "Kerala", "673000"),
        ("Thrissur", "Kerala", "680000"),
        ("Thiruvananthapuram", "Kerala", "695000"),
        ("Kannur", "Kerala", "670000"),
        ("Chennai", "Tamil Nadu", "600000"),
        ("Bengaluru", "Karnataka", "560000"),
        ("Pune", "Maharashtra", "411000"),
        ("Jaipur", "Rajasthan", "302000"),
        ("Guwahati", "Assam", "781000"),
        ("Lucknow", "Uttar Pradesh", "226000"),
    ),
    "US": (("Boise", "ID", "83700"), ("Omaha", "NE", "68100"), ("Tulsa", "OK", "74100")),
    "NO": (("Bergen", "Vestland", "5000"), ("Hamar", "Innlandet", "2300")),
    "DE": (("Jena", "Thueringen", "07700"), ("Emden", "Niedersachsen", "26700")),
}

PUPIL_NAMES = ("Aswin", "Meera", "Nandu", "Tessa", "Rohan", "Ammu", "Pilar", "Jonas", "Sofie", "Kunjan")

SCHOOLS = (
    "Lotus Hill Public School",
    "Canal Road High School",
    "Model School, Example Nagar",
    "Hillview Lower Secondary",
)

GROUPS = ("Evening Match Scores", "Van Timings 10B", "Monsoon Photos", "Trading Corner", "Old Town Friends")

GAMES = ("Kite Battle Arena", "Paper Boat Racers", "Carrom Kings")

ROOMS = ("lobby-3", "after-class", "match-day", "general", "trade-post")

PHONE_MODELS = ("Examplephone 3", "Examplephone 3 Mini", "Samplecam A10", "Protofone X")

FILE_WORDS = ("IMG", "DSC", "WA", "Screenshot", "photo", "scan", "frame")
