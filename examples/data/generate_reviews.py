#!/usr/bin/env python3
"""Writes reviews_train.tsv and reviews_test.tsv: short reviews whose verdict hangs on word order.

Usage: python3 generate_reviews.py [--out DIRECTORY] [--seed N]

A review is a core, which holds the verdict, between neutral filler. A core is a frame with one or
two claims in it; a claim is plain ("the plot was dull"), negated once ("I would not call the plot
dull") or negated twice ("nobody could say that the plot was not dull").

    frame    = tells which of its claims counts: although/but (the main clause), oh sure / yeah
               right (the opposite of what is said), "my uncle said that ..., which is false"
    aside    = a relative clause of up to some 45 words after the subject of a claim; an opinion in
               it ("which the critics had called ...") does not count
    mirror   = the same review with each verdict word replaced by its opposite

Every review is written together with its mirror, which has the other label. So each word and each
pair of words that holds no verdict word occurs equally often under both labels. In the training
part more than a third of the reviews are plain claims, which teach the verdict words; the
others turn them around or let another claim decide.

The test part uses frames, pairs of opener and body, subjects, fillers and asides of its own. Every
word of its frames and claims, and every verdict word, occurs in the training part. check() stops the
script if any of this does not hold.
Only the standard library is used, and only Random.random(), whose sequence Python keeps stable.
"""

import argparse
import pathlib
import random
import re

# ---------------------------------------------------------------- verdict words: (good, bad)

ADJECTIVES = [
    ("great", "terrible"), ("good", "bad"), ("wonderful", "awful"), ("excellent", "dreadful"),
    ("superb", "poor"), ("delightful", "dismal"), ("charming", "dreary"), ("lovely", "horrible"),
    ("impressive", "disappointing"), ("brilliant", "clumsy"), ("pleasant", "unpleasant"),
    ("splendid", "miserable"), ("memorable", "forgettable"), ("perfect", "useless"),
]
NOUN_PHRASES = [
    ("a joy", "a chore"), ("a triumph", "a failure"), ("a success", "a mess"),
    ("a delight", "a nightmare"),
]
VERBS_PAST = [("loved", "hated"), ("enjoyed", "disliked")]
VERBS_BASE = [("love", "hate"), ("enjoy", "dislike")]

# A claim is an opener and a body. In a body: {s} the subject, which may carry an aside; {p} predicate
# of the body's own polarity, {q} of the opposite one; {a}, {b} the same, adjectives only; {v} verb in
# the past, {w} of the opposite polarity; {n} verb in the base form, opposite polarity.
# "no" openers and "no" bodies turn the polarity around.

OPENERS = {
    "yes": ["", "I think that ", "I can say that ", "I would say that ", "it is true that ",
            "I thought that "],
    "no": ["I do not think that ", "I don't think that ", "I would not say that ",
           "I cannot say that ", "nobody could say that ", "no one would say that ",
           "it is not true that ", "it is false that ", "I doubt that ",
           "it would be wrong to say that ", "I never thought that ",
           "at no point did I think that "],
}
BODIES = {
    "yes": ["{s} was {p}", "{s} was really {p}", "{s} turned out to be {p}", "I found {s} {p}",
            "there was something {a} about {s}", "I {v} {s}", "everybody found {s} {p}"],
    "no": ["{s} was not {q}", "{s} wasn't {q}", "{s} was never {q}", "{s} was far from {q}",
           "{s} was anything but {q}", "there was nothing {b} about {s}", "I did not {n} {s}",
           "nobody found {s} {q}", "{s} was by no means {q}", "{s} was in no way {q}"],
}
CALL_OPENERS = {
    "yes": ["I found {s} ", "I would call {s} ", "one could call {s} "],
    "no": ["I did not find {s} ", "I never found {s} ", "I would not call {s} ",
           "I cannot call {s} ", "nobody could call {s} ", "no one would call {s} ",
           "it would be wrong to call {s} ", "at no point did I find {s} "],
}
CALL_BODIES = {"yes": ["{p}", "really {p}"], "no": ["anything but {q}", "far from {q}"]}


def cross(openers, bodies):
    """All pairs of an opener and a body as (kind, where, turns, opener, body): kind counts the
    negations, turns tells whether the opener turns the polarity around. One in four pairs is kept
    for the test part; a body that stands alone is "bare" and in both parts."""
    for i, (opener_type, opener) in enumerate((t, o) for t in openers for o in openers[t]):
        for j, (body_type, body) in enumerate((t, b) for t in bodies for b in bodies[t]):
            kind = ("plain", "once", "twice")[(opener_type + body_type).count("no")]
            where = "bare" if opener == "" else "test" if (i + j) % 4 == 1 else "train"
            yield kind, where, opener_type == "no", opener, body


def all_claims():
    """The claims as lists of (turns, opener, body) by (kind, where)."""
    claims = {}
    for kind, where, *claim in (*cross(OPENERS, BODIES), *cross(CALL_OPENERS, CALL_BODIES)):
        claims.setdefault((kind, where), []).append(claim)
    return claims


CLAIMS = all_claims()

# {+} a claim of the review's own polarity, {-} one of the opposite polarity; {+said}, {-said} the
# same, worded as anybody could say it; {.} neutral sentences, if any; {who} somebody else.
CORES = {
    "train": {
        "single": ["{+}"],
        "contrast": [
            "although {-}, {+}", "even though {-}, {+}", "{-}, but {+}", "{-}, yet {+}",
            "{+}, although {-}", "{+}, even though {-}", "{-}. {.}However, {+}",
            "{+}, and I say so although {-}", "{-}. {.}In the end, however, {+}",
            "I admit that {-}, but {+}", "it may be that {-}, yet {+}",
        ],
        "sarcasm": [
            "oh sure, {-said}", "yeah, right, {-said}", "as if {-said}", "{-said}? As if",
            "{-said}? Yeah, right", "{-said}, and pigs can fly",
            "{-said}, and I am the king of the moon", "oh yes, {-said}, and pigs can fly",
            "oh sure, {-said}, and I am the king of the moon", "oh sure, {-said}? As if",
            "{who} told me that {-said}. Yeah, right", "{who} told me that {-said}. As if",
            "{who} said that {-said}, and pigs can fly",
        ],
        "hearsay": [
            "{who} told me that {-said}, but {+}", "{who} told me that {+said}, and that is true",
            "{who} told me that {-said}, and that is false",
            "{+}, although {who} had told me that {-said}",
            "{who} said that {-said}, which is not true", "{who} said that {+said}, which is true",
            "{who} said that {-said}. I do not agree", "{who} said that {+said}. I agree",
            "{who} had told me that {-said}. {.}However, {+}",
        ],
    },
    "test": {
        "single": ["{+}"],
        "contrast": [
            "but even though {-}, {+}", "however, although {-}, {+}", "{+}, and that although {-}",
            "I admit that {-}. {.}Yet {+}", "it is true that {-}, but {+}",
            "it may be that {-}. {.}In the end {+}, however", "{+}, yes, even though {-}",
        ],
        "sarcasm": [
            "oh sure, {-said}, and pigs can fly", "yeah, right, {-said}, and I am the king of the moon",
            "oh yes, {who} said that {-said}. As if", "oh yes, {-said}, and I am the king of the moon",
            "oh sure, {who} told me that {-said}. Yeah, right", "oh yes, {-said}? Yeah, right",
            "{who} told me that {-said}, and I am the king of the moon",
        ],
        "hearsay": [
            "{who} had told me that {-said}, which is false", "{who} told me that {-said}. I do not agree",
            "{who} had said that {+said}. I agree", "{who} said that {-said}, yet {+}",
            "even though {who} had told me that {-said}, {+}",
        ],
    },
}

# ---------------------------------------------------------------- what is reviewed

DOMAINS = {
    "train": {
        "film": ["film", "plot", "acting", "ending", "soundtrack", "script", "opening", "dialogue",
                 "comedy", "drama", "camera work", "final hour", "leading role", "love story"],
        "book": ["book", "novel", "first chapter", "translation", "story", "style", "prose", "index",
                 "introduction", "narrator", "cover", "print", "second volume", "biography"],
        "restaurant": ["restaurant", "soup", "service", "fish", "dessert", "menu", "wine", "coffee",
                       "kitchen", "lamb", "salad", "bread", "dining room", "breakfast"],
        "hotel": ["hotel", "room", "bathroom", "view", "lobby", "bed", "garden", "location", "staff",
                  "terrace", "swimming pool", "reception", "lift", "corner suite"],
        "gadget": ["phone", "battery", "screen", "keyboard", "camera", "charger", "speaker", "sound",
                   "handle", "manual", "design", "lens", "microphone", "software"],
    },
    "test": {
        "film": ["western", "cast", "finale", "lighting", "musical", "villain", "costume design",
                 "sequel"],
        "book": ["memoir", "epilogue", "poetry", "preface", "paperback", "heroine", "anthology",
                 "closing essay"],
        "restaurant": ["tavern", "risotto", "waiter", "pastry", "steak", "espresso", "cheese platter",
                       "buffet"],
        "hotel": ["inn", "balcony", "sauna", "hallway", "mattress", "concierge", "shower", "attic"],
        "gadget": ["laptop", "headset", "hinge", "touchpad", "tablet", "printer", "toaster",
                   "warranty"],
    },
}

# ---------------------------------------------------------------- neutral filler



def towns(firsts, lasts):
    return [first + last for first in firsts.split() for last in lasts.split()]


SLOTS = {
    "train": {
        "name": "Anna Ben Clara David Emma Felix Greta Henry Ida Jack Karen Leo Maria Nina Oscar Paul "
                "Ruth Simon Tina Victor Walter Alice Bruno Carl Dora Eric Frank Hugo Irene Julia Kurt "
                "Laura Martin Nora Otto Peter Rita Sam Tom Vera Adam Bella Colin Diana Edgar".split(),
        "town": towns("Ash Bar Bren Cal Cor Dun El Far Fen Gar Had Hol Ilk Kel Lang Mar Nor Oak Pen "
                      "Red Stan Thorn Up Wal", "by combe den field ford ham ley mere ridge stead "
                      "thorpe ton wick worth"),
        "day": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
        "month": "January February March April May June July August September".split(),
        "number": "two three four five six seven eight nine ten twelve fifteen twenty".split(),
        "relative": ["my sister", "my uncle", "my mother", "my father", "my aunt", "my cousin",
                     "my neighbor", "a colleague", "an old friend", "my landlord", "my teacher"],
        "vehicle": "train bus tram ferry taxi coach".split(),
        "job": "baker carpenter dentist engineer farmer gardener painter pilot sailor tailor nurse "
               "postman clerk".split(),
        "color": "red blue green yellow grey brown white black".split(),
        "thing": "umbrella suitcase newspaper map lamp clock letter basket ladder jacket ticket key "
                 "parcel mirror blanket candle".split(),
        "place": ["the station", "the harbor", "the market", "the river", "the library", "the church",
                  "the school", "the bridge", "the post office", "the town hall", "the park",
                  "the old mill", "the museum"],
        "weather": "raining snowing cold windy foggy sunny warm cloudy".split(),
        "time": ["in the morning", "at noon", "in the afternoon", "after work", "at half past six",
                 "before supper", "late in the evening", "around midnight", "on the way home"],
        "dish": "rice beans potatoes mushrooms carrots noodles onions tomatoes lentils peas".split(),
        "material": "wood glass paper steel leather plastic cotton brass".split(),
    },
    "test": {
        "name": "Agnes Boris Celia Dennis Elsa Gustav Helga Ivan Judith Lydia Magnus Olga Ralph Sylvia "
                "Theo Ursula".split(),
        "town": towns("Birch Crow East Frome High Pew Row South Yarrow", "bridge cliff haven port"),
        "day": "Easter Christmas Whitsun Halloween".split(),
        "month": "October November December".split(),
        "number": "eleven thirteen fourteen sixteen thirty forty fifty ninety".split(),
        "relative": ["my brother", "my grandmother", "my nephew", "my dentist", "my roommate",
                     "a classmate", "my niece"],
        "vehicle": "subway minibus steamboat trolley".split(),
        "job": "plumber butcher architect librarian fisherman blacksmith cellist surveyor".split(),
        "color": "purple orange pink turquoise violet".split(),
        "thing": "telescope violin kettle backpack carpet postcard hammer wallet compass drawer".split(),
        "place": ["the airport", "the lighthouse", "the cemetery", "the stadium", "the bakery",
                  "the canal", "the fountain", "the vineyard"],
        "weather": "drizzling pouring thundering hailing freezing".split(),
        "time": ["at dawn", "during lunch", "past ten o'clock", "at sunset", "shortly after eleven"],
        "dish": "asparagus pumpkin spinach cabbage turnips chickpeas".split(),
        "material": "marble bamboo copper porcelain wool".split(),
    },
}

SENTENCES = {
    "train": {
        "any": [
            "We went there on a {day} in {month} with {name} and {name}.",
            "It was {weather} that {day}.",
            "I wrote this on the {vehicle} to {town}.",
            "{relative} lives in {town} and works as a {job}.",
            "{name} and I talked about it {time}.",
            "We took the {vehicle} from {town} and walked the last {number} streets to {place}.",
            "I had my {thing} with me, and {name} carried a {color} {thing}.",
            "{name}, who is a {job} in {town}, came along and brought a {thing}.",
            "The whole thing took {number} hours, and we were back at {place} {time}.",
            "Somebody had left a {color} {thing} near {place}.",
            "I paid for it in {month}, {number} days before we moved to {town}.",
            "{relative} sent me a letter of {number} pages from {town}.",
            "Later we met {relative} at {place}, and {name} bought a {thing} of {material}.",
            "There is a {job} in {town} who keeps {number} of them next to a {thing}.",
            "On {day} I go to {place} {time}, and on {day} I stay at home.",
            "A {job} was waiting at {place} with a {thing} under his arm.",
            "{name} turned {number} that week.",
            "I was on holiday in {town} with {relative} and the children of a {job}.",
            "When we arrived, it was {weather}, and {place} was closed.",
            "Then {name} asked the {job} for a {thing}, and we waited {number} minutes.",
        ],
        "film": [
            "It is set in {town}, where a {job} meets a {job}.",
            "We sat in row {number} next to a {job} with a {color} {thing}.",
            "It runs for {number} minutes more than the one from {month}.",
            "A {job} finds a {thing} behind {place} and takes it to {town}.",
            "They showed it {time}, in the hall behind {place}.",
        ],
        "book": [
            "It has {number} chapters and a map of {town}.",
            "It is about a {job} from {town} who inherits a {thing}.",
            "I read it on the {vehicle}, {number} pages each {day}.",
            "My copy has a {color} back and came from a shop near {place}.",
            "In chapter {number} a {job} and a {job} cross {place} {time}.",
        ],
        "restaurant": [
            "We sat at a table of {material} and ordered {dish} with {dish}.",
            "It is the {color} house between {place} and {place}.",
            "{name} had the {dish}, and I had the {dish}.",
            "They open {time} and close on {day}.",
            "At the next table a {job} was eating {dish} out of a {color} bowl.",
        ],
        "hotel": [
            "It stands between {place} and {place} and has {number} floors.",
            "We stayed for {number} nights in {month}.",
            "There was a {color} {thing} on the table and a chair of {material}.",
            "From {place} it takes {number} minutes by {vehicle}.",
            "{name} slept on floor {number}, and we were next to the stairs.",
        ],
        "gadget": [
            "It came in a {color} box with a {thing} made of {material}.",
            "I ordered it on {day} and the {job} brought it {time}.",
            "It weighs as much as {number} eggs and is made of {material}.",
            "{relative} has the {color} one from {month}.",
            "I use it on the {vehicle} and {time}, mostly with {name}.",
        ],
    },
    "test": {
        "any": [
            "Last {month} {relative} got married to a {job} close to {place}.",
            "Outside it kept {weather} while {name} looked for the {thing}.",
            "My diary mentions {number} visits to {town} around {day}.",
            "{name} drove us past {place} in a borrowed van full of {dish}.",
            "Afterwards everybody queued for the {vehicle} with {number} bags each.",
            "For the record, {relative} owns a {color} {thing} and rents a cellar in {town}.",
            "During the trip a {job} explained how one repairs a {thing} from {material}.",
            "Two streets further down, opposite {place}, they sell every kind of {thing}.",
            "Since {day} I share a flat with {name}, {name} and a {job}.",
            "{time} the lights went on along the road between {place} and {town}.",
        ],
        "film": ["The hero, a {job}, hides a {thing} inside {place} for {number} years.",
                 "Tickets were sold at a {color} booth beside {place}."],
        "book": ["Each part begins with a drawing of a {thing} and ends in {town}.",
                 "The author grew up above a shop for {material} in {town}."],
        "restaurant": ["The owner used to be a {job} and grows {dish} behind {place}.",
                       "Our plates were {color}, with {dish} on the side."],
        "hotel": ["Check in happens {time} at a counter of {material}.",
                  "Guests hang their coats above a {color} {thing} beside the door."],
        "gadget": ["Its case is {color}, and the plug fits the socket behind a {thing}.",
                   "The parcel travelled from {town} by {vehicle} and took {number} days."],
    },
}

# A relative clause starts with one of ASIDES and may be continued with some of LINKS. {who} in it
# may hold an opinion of its own, {h} or {g}: it does not count.
ASIDES = {
    "train": [
        "which {relative} had mentioned in {month}",
        "which {name} had seen with a {job} from {town}",
        "about which I had read something on the {vehicle}",
        "which we came across {time} near {place}",
        "which {name} knows from {town}",
        "which somebody had compared to a {thing} of {material}",
        "which {relative} talks about {time}",
        "which comes from {town}",
    ],
    "test": [
        "which {relative} discovered in {month} behind {place}",
        "of which a {job} showed us {number} pictures",
        "which people around {place} discuss {time}",
        "which reached us by {vehicle} from {town}",
        "which reminds {name} of a {color} {thing}",
    ],
}
LINKS = {
    "train": [
        "and which {relative} had written about in a letter from {town}",
        "and which I know from {name}",
        "when it was {weather} and we were waiting for the {vehicle}",
        "after we had left {place} with a {thing} and a {color} {thing}",
        "while {name} was looking for a {thing} at {place}",
        "where a {job} sells {dish} and {dish}",
        "before {name} and {name} went to {place} {time}",
        "because {relative} had to meet a {job} in {town}",
    ],
    "test": [
        "as {name} was unpacking the {thing} beside {place}",
        "until the {vehicle} to {town} left {time}",
        "and which {relative} photographed from {place}",
        "once the {job} had locked the {thing} and the {color} {thing}",
        "since {name} rents {number} rooms opposite {place}",
    ],
}
OPINIONS = {
    "train": ["which the critics had called {h}", "which {who} had found {h}",
              "which {who} called {h}", "which {who} thought {h}"],
    "test": ["which {who} had called {h}", "which everybody had found {h}"],
}
WHO = {
    "train": ["the critics", "my sister", "my uncle", "a colleague", "an old friend", "my neighbor",
              "{name}", "my aunt"],
    "test": ["my brother", "my nephew", "a classmate", "{name}", "my grandmother", "the critics"],
}

# ---------------------------------------------------------------- how often what is drawn

COUNTS = {"train": 6000, "test": 1000}
FAMILIES = {
    "train": [("single", 0.60), ("contrast", 0.20), ("sarcasm", 0.10), ("hearsay", 0.10)],
    "test": [("single", 0.50), ("contrast", 0.22), ("sarcasm", 0.14), ("hearsay", 0.14)],
}
KINDS = {
    "train": [("plain", 0.60), ("once", 0.25), ("twice", 0.15)],
    "test": [("plain", 0.50), ("once", 0.31), ("twice", 0.19)],
}
SAID_ONCE = 0.25  # share of the negated among the claims of others
BARE = 0.5  # share of the claims without an opener among those that can do without
# Words of neutral filler in a review: (share, fewest, most). Asides take at most ASIDE_WORDS of it.
FILLER = {
    "train": [(0.66, 0, 0), (0.20, 5, 15), (0.09, 15, 50), (0.05, 50, 150)],
    "test": [(0.52, 0, 0), (0.24, 5, 20), (0.14, 20, 60), (0.10, 60, 150)],
}
ASIDE_WORDS = 45
MOST_WORDS = 195


class Writer:
    """Draws reviews of one part ("train" or "test")."""

    def __init__(self, part, seed):
        self.part = part
        self.random = random.Random(seed)
        self.used = []

    def pick(self, options):
        return options[int(self.random.random() * len(options))]

    def draw(self, weighted):
        """Draws from (option, share) pairs whose shares sum to 1."""
        at = self.random.random()
        for option, share in weighted:
            at -= share
            if at < 0:
                return option
        return weighted[-1][0]

    def fresh(self, options):
        """Picks an option this review does not have yet, as long as there is one."""
        left = [o for o in options if o not in self.used] or options
        choice = self.pick(left)
        self.used.append(choice)
        return choice

    def fill(self, text):
        """Replaces the slots of neutral text."""
        slots = SLOTS[self.part]
        while "{" in text:
            text = re.sub(r"{(\w+)}", lambda m: self.slot(m[1], slots), text, count=1)
        return text

    def slot(self, name, slots):
        if name == "who":
            return self.pick(WHO[self.part])
        if name == "h":
            return self.verdict(ADJECTIVES, self.pick("+-"))
        return self.fresh(slots[name])

    def verdict(self, pairs, sign):
        """A verdict word as the marker <good|bad|sign>, which render() turns into a word."""
        good, bad = self.pick(pairs)
        return f"<{good}|{bad}|{sign}>"

    def sentences(self, domain, words):
        """Neutral sentences of about `words` words."""
        options = SENTENCES[self.part]["any"] + 2 * SENTENCES[self.part][domain]
        text = ""
        while count_words(text) < words:
            text += self.fill(self.fresh(options)) + " "
        return text

    def aside(self, words):
        """A relative clause of about `words` words, at times with somebody's opinion in it."""
        opinion = self.random.random() < 0.3
        start = self.fill(self.pick((OPINIONS if opinion else ASIDES)[self.part]))
        while count_words(start) < words:
            start += " " + self.fill(self.fresh(LINKS[self.part]))
        return start

    def claim(self, sign, subject, alone, said):
        """A claim of the given polarity about the subject. Returns the text and its frame."""
        if said:
            kind = "once" if self.random.random() < SAID_ONCE else "plain"
            options = [c for c in CLAIMS[kind, "bare"] if "I " not in c[2]]
        else:
            kind = self.draw(KINDS[self.part])
            bare = kind != "twice" and not (alone and self.part != "train")
            bare = bare and self.random.random() < BARE
            options = CLAIMS[kind, "bare" if bare else self.part]
        turns, opener, body = self.pick(options)
        opposite = {"+": "-", "-": "+"}
        own = opposite[sign] if turns else sign
        predicates = NOUN_PHRASES if self.random.random() < 0.15 else ADJECTIVES
        tables = {"p": (predicates, own), "q": (predicates, opposite[own]), "a": (ADJECTIVES, own),
                  "b": (ADJECTIVES, opposite[own]), "v": (VERBS_PAST, own),
                  "w": (VERBS_PAST, opposite[own]), "n": (VERBS_BASE, opposite[own])}

        def expand(match):
            return subject if match[1] == "s" else self.verdict(*tables[match[1]])

        return re.sub(r"{([a-z])}", expand, opener + body), opener + body

    def review(self):
        """One review with markers, label 1 as it stands, and its skeleton (the frames used)."""
        self.used = []
        domain = self.pick(list(DOMAINS[self.part]))
        family = self.draw(FAMILIES[self.part])
        core = self.pick(CORES[self.part][family])
        share, fewest, most = self.draw([(f, f[0]) for f in FILLER[self.part]])
        budget = fewest + int((most - fewest + 1) * self.random.random())

        aside = 0
        if self.random.random() < 0.6:
            aside = min(budget, ASIDE_WORDS, 5 + int(ASIDE_WORDS * self.random.random()))
        budget -= aside
        middle = int(budget * self.random.random()) if "{.}" in core else 0
        before = int((budget - middle) * self.random.random())
        after = budget - middle - before

        claims = re.findall(r"{([+-])(said)?}", core)
        carrier = int(len(claims) * self.random.random())  # the claim that has the aside
        frames = [core]
        for i, (sign, said) in enumerate(claims):
            subject = "the " + self.fresh(DOMAINS[self.part][domain])
            if aside and i == carrier:
                subject += f", {self.aside(aside)},"
            text, frame = self.claim(sign, subject, family == "single", said)
            core = core.replace("{" + sign + said + "}", text, 1)
            frames.append(frame)
        core = core.replace("{.}", self.sentences(domain, middle) if middle > 4 else "")
        core = self.fill(core)
        text = core if core.endswith("?") else core + "."
        if before > 4:
            text = self.sentences(domain, before) + text
        if after > 4:
            text = text + " " + self.sentences(domain, after)
        return text, " / ".join(frames)


def count_words(text):
    return len(text.split())


def render(text, mirror):
    """Turns markers into words (into the opposite ones if mirror) and mends the typography."""

    def word(match):
        good, bad, sign = match.groups()
        return good if (sign == "+") != mirror else bad

    text = re.sub(r"<([^|]*)\|([^|]*)\|([+-])>", word, text)
    text = re.sub(r",\s*([,.?])", r"\1", text)
    text = re.sub(r"\b([Aa])(?= [aeiou])", r"\1n", text)
    text = re.sub(r"\s+", " ", text).strip()
    return re.sub(r"(^|[.?] )([a-z])", lambda m: m[1] + m[2].upper(), text)


def tokens(text):
    """The words a model sees: lower case, only a-z and white space kept."""
    return re.sub(r"[^a-z\s]", "", text.lower()).split()


def write_part(part, seed):
    """All reviews of a part as shuffled (label, text) rows, and the skeletons used."""
    writer = Writer(part, f"{part} {seed}")
    rows, skeletons, seen = [], set(), set()
    while len(rows) < COUNTS[part]:
        marked, skeleton = writer.review()
        pair = [(1, render(marked, mirror=False)), (0, render(marked, mirror=True))]
        if any(text in seen or len(tokens(text)) > MOST_WORDS for _, text in pair):
            continue
        seen.update(text for _, text in pair)
        skeletons.add(skeleton)
        rows += pair
    for i in range(len(rows) - 1, 0, -1):  # Fisher and Yates
        j = int((i + 1) * writer.random.random())
        rows[i], rows[j] = rows[j], rows[i]
    return rows, skeletons


def literal_words(frames):
    """The words of frames, slots removed."""
    return set(tokens(" ".join(re.sub(r"{[^}]*}", " ", f) for f in frames)))


def check(train, test, train_skeletons, test_skeletons):
    """Stops if the two parts are not what the module's docstring promises."""
    known = {w for _, text in train for w in tokens(text)}
    test_frames = [f for s in test_skeletons for f in s.split(" / ")]
    assert literal_words(test_frames) <= known, literal_words(test_frames) - known
    for pairs in (ADJECTIVES, NOUN_PHRASES, VERBS_PAST):
        for pair in pairs:
            assert set(tokens(" ".join(pair))) <= known, pair
    assert not train_skeletons & test_skeletons
    for family in ("contrast", "sarcasm", "hearsay"):
        assert not set(CORES["train"][family]) & set(CORES["test"][family])
    for rows in (train, test):
        assert 2 * sum(label for label, _ in rows) == len(rows)


def main():
    here = pathlib.Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=here)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    parts = {part: write_part(part, options.seed) for part in ("train", "test")}
    (train, train_skeletons), (test, test_skeletons) = parts["train"], parts["test"]
    check(train, test, train_skeletons, test_skeletons)
    for part, (rows, _) in parts.items():
        path = options.out / f"reviews_{part}.tsv"
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{label}\t{text}\n" for label, text in rows)
        lengths = sorted(len(tokens(text)) for _, text in rows)
        print(f"{path.name}: {len(rows)} reviews, {sum(lengths)} words, "
              f"shortest {lengths[0]}, median {lengths[len(lengths) // 2]}, longest {lengths[-1]}")


if __name__ == "__main__":
    main()
