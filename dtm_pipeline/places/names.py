"""Names of places as they sound: one form for what is written in Latin, Arabic or Kurdish letters.

Method and its limits: docs/method/places.md. Pure; knows no gazetteer.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

# Words that say what kind of unit it is, not which. Latin ones without accents, Arabic ones as `_folded` leaves them.
_TYPE_WORDS = """
    governorate governerate gov province district dist subdistrict sub city town centre center oasis the
    muhafazat muhafazah muhafaza mohafazat mohafaza muhafadha muhafadhat qadaa qada qadha qaza kaza caza kada
    nahiya nahia nahiyah liwa liwaa qasabet qasabat qasaba qasabah markaz markz merkez merkezi kism qism kesm il ili ilce ilcesi
    vilayet vilayeti parezga parezgay qeza qezay bajer mantiqa mintaqa madinat madinah madina
    محافظة قضاء لواء مركز قسم ناحية منطقة مدينة قصبة واحة
    پارێزگا پارێزگای قەزا قەزای شار شاری ناحیە ناحیەی
"""
# Words that tell one unit from its neighbour: a name that lacks one, or has another, is another unit's.
_MARKS = {
    "north": "north shamal shamali shimal shimali shamaliya shamaliyya shamaliyah ashamali ashamalya chamal kuzey bakur شمال شمالي شماليه باكور",
    "south": "south janub janubi janoub janoubi junub junubi janubiya janubiyya janubiyah ganub ganubi ganoub guney bashur جنوب جنوبي جنوبيه باشور",
    "east": "east eastern sharq sharqi sharki sharky shark sharqiya sharqiyya sharqiyah charqi dogu rojhilat شرق شرقي شرقيه",
    "west": "west western gharb gharbi gharbiya gharbiyya gharbiyah gharbeyyah bati rojava غرب غربي غربيه",
    "new": "new jadid jadida jadidah jadeed jadeeda gadid gadida gadeda gedida yeni nwe جديد جديده نوي",
    "old": "old qadim qadima qadimah kadim eski قديم قديمه",
    "rural": "rural rif reef countryside ريف",
    "mount": "mount mt jabal jebel jbel gabal djebel جبل",
    "upper": "upper ulya olia yukari عليا",
    "lower": "lower sufla asagi سفلي",
    "1": "first awal awwal oula اول اولي",
    "2": "ii second than thani sani tani ثان ثاني",
    "3": "iii third thalith talit ثالث",
    "4": "fourth rabi رابع",
}
_SUN = ["t", "th", "d", "dh", "r", "z", "s", "sh", "s", "d", "t", "z", "l", "n"]
_ARTICLES = frozenset({"al", "el", "ul", "il", *(v + c for v in "aeu" for c in _SUN)})
# Alhamdaniya, Assafira, Ezzor: the same names as with a hyphen
_JOINED_ARTICLE = re.compile(r"^(?:[ae]l(?=[^l].{3})|[aeu](?=(sh|th|dh|[sdtrzln])\1..)(?:sh|th|dh|[sdtrzln]))")
_ARABIC = "\u0600-\u06ff"

_FOLDED = str.maketrans(
    {
        "ı": "i", "ø": "o", "ß": "ss", "æ": "a", "ə": "a",
        "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ٲ": "ا", "ى": "ي", "ی": "ي", "ې": "ي", "ؤ": "و", "ئ": "ي", "ة": "ه", "ۃ": "ه",
        "ہ": "ه", "ھ": "ه", "ۀ": "ه", "ك": "ك", "ک": "ك", "ڪ": "ك", "ڕ": "ر", "ڵ": "ل", "ۆ": "و", "ێ": "ي", "ۊ": "و", "ۇ": "و",
    }
)  # fmt: skip
_DROPPED = re.compile(r"[\u0300-\u036f\u0640\u064b-\u065f\u0670\u200b-\u200f\u02b0-\u02ff'’‘`´ʿʾءʹ]")
_SOUND_OF_ARABIC = {
    "ا": "a", "ب": "b", "پ": "p", "ت": "t", "ث": "T", "ج": "j", "چ": "J", "ح": "h", "خ": "x", "د": "d", "ذ": "D", "ر": "r", "ز": "z",
    "ژ": "j", "س": "s", "ش": "S", "ص": "s", "ض": "d", "ط": "t", "ظ": "D", "ع": "a", "غ": "g", "ف": "f", "ڤ": "v", "ق": "q", "ك": "k",
    "گ": "g", "ل": "l", "م": "m", "ن": "n", "ه": "h", "و": "w", "ي": "y", "ە": "a",
}  # fmt: skip
_DIGRAPHS = (
    ("sch", "S"), ("tch", "J"), ("sh", "S"), ("ch", "J"), ("kh", "x"), ("gh", "g"), ("th", "T"), ("dh", "D"), ("dj", "j"), ("zh", "j"),
    ("ph", "f"), ("ck", "k"), ("ee", "i"), ("oo", "u"),
)  # fmt: skip
# What a letter stands for where it differs: c is j in Turkish and in Latin Kurdish; French spellings of Lebanon write sh as ch.
_BEFORE = {"TUR": (("c", "j"),), "LBN": (("ch", "S"),)}
_AFTER = {"IRQ": (("c", "j"),), "SYR": (("c", "j"),)}
_SKELETON = str.maketrans({"p": "b", "q": "k", "c": "k", "g": "j", "J": "j", "T": "t", "D": "d", "v": "w"})
_VOWELS = "aeiouwy"


@dataclass(frozen=True)
class Sound:
    """A name in the forms that are compared.

    Attributes:
        spelling: folded letters and digits in order, kind words and articles kept apart: an exact match.
        bare: the same without words that say what kind of unit it is.
        letters: consonants and vowel classes.
        skeleton: consonants only, what Arabic and Latin spellings share.
        marks: numbers, directions, new and old: names whose marks differ are never alike.
        arabic: whether it is written in Arabic letters, where short vowels are not.
    """

    spelling: str
    bare: str
    letters: str
    skeleton: str
    marks: tuple[str, ...]
    arabic: bool


def folded(name: str) -> str:
    """Lower-case letters without accents, tatweel and points; one form for the letters that spellings mix up."""
    # Turkish capital İ would leave a combining dot, and I stands for ı and i alike
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).replace("İ", "i")).casefold()
    plain = unicodedata.normalize("NFC", _DROPPED.sub("", plain)).translate(_FOLDED)
    return _DROPPED.sub("", "".join(str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c for c in plain))


TYPE_WORDS = frozenset(folded(w) for w in _TYPE_WORDS.split())
MARKS = {folded(word): mark for mark, told in _MARKS.items() for word in told.split()}


def words(name: str) -> list[str]:
    """The words of a name: split at whatever is no letter, and between letters and digits; `Qantara, al-` turned round."""
    plain = folded(name)
    inverted = re.fullmatch(r"(.+?),\s*(al|el)-?\s*", plain)
    if inverted:
        plain = f"{inverted[2]} {inverted[1]}"
    return re.findall(r"[^\W\d_]+|\d+", plain)


def _without_articles(parts: list[str], country: str) -> list[str]:
    """Words without the definite article, which stands before a word, joined to it, or not at all."""
    kept = []
    for i, word in enumerate(parts):
        if re.match(f"[{_ARABIC}]", word):
            kept.append(re.sub(r"^(?:وال|ال)(?=..)", "", word))
        elif word in _ARTICLES and i < len(parts) - 1:
            if word not in ("al", "el", "ul", "il") and not parts[i + 1].startswith(word[1:]):
                kept.append(word)
        elif country != "TUR":
            kept.append(_JOINED_ARTICLE.sub("", word))
        else:
            kept.append(word)
    return kept


def _letters(word: str, country: str) -> str:
    """A word as sounds; capital letters are the sounds that Latin writes with two."""
    if re.match(f"[{_ARABIC}]", word):
        # a final h is how an unpointed ta marbuta is typed, and a vowel
        sounds = "".join(_SOUND_OF_ARABIC.get(c, "") for c in re.sub(r"ه$", "ا", word))
    else:
        sounds = word
        for written, sound in (*_BEFORE.get(country, ()), *_DIGRAPHS, *_AFTER.get(country, ())):
            sounds = sounds.replace(written, sound)
        sounds = re.sub(r"h$", "", sounds)
    return re.sub(r"(.)\1+", r"\1", sounds)


def _with_vowel_classes(sounds: str) -> str:
    """Each run of vowels as one of a, i, u: spellings agree on little more."""

    def kind(run: re.Match[str]) -> str:
        if run.start() == 0 and run[0][0] in "wy" and len(run[0]) > 1:
            return run[0][0] + kind_of(run[0][1:])
        return kind_of(run[0])

    def kind_of(run: str) -> str:
        return "u" if set(run) & set("uow") else "i" if set(run) & set("iy") else "a"

    return re.sub(f"[{_VOWELS}]+", kind, sounds)


def _skeleton(sounds: str) -> str:
    """Consonants; a first vowel is kept as one, w, y and h only in front."""
    if not sounds:
        return ""
    first = "w" if sounds[0] in "wv" else "y" if sounds[0] == "y" else "a" if sounds[0] in "aeiou" else sounds[0]
    rest = re.sub("[aeiouwyhv]", "", sounds[1:])
    return (first + rest).translate(_SKELETON)


@lru_cache(maxsize=100_000)
def sound(name: str, country: str) -> Sound:
    """A name in the forms that are compared.

    >>> sound("Al-Ba'aj", "IRQ").skeleton == sound("البعاج", "IRQ").skeleton
    True
    >>> sound("Hurghada 1", "EGY").marks
    ('1',)
    """
    # Turkish lists drop the cedilla of ş as often as they write it; elsewhere it is Kurdish, and sh
    written = name if country == "TUR" else re.sub("[şŞ]", "sh", unicodedata.normalize("NFC", name))
    parts = _without_articles(words(written), country)
    kept = [w for w in parts if w not in TYPE_WORDS] or parts
    marks = tuple(sorted(MARKS.get(w, w) for w in kept if w in MARKS or w.isdigit()))
    # a name of nothing but words for units ("Center", "المدينة") is spelled so or is none; it sounds like no other
    told = [w for w in kept if w not in MARKS and not w.isdigit() and w not in TYPE_WORDS]
    sounds = "".join(_letters(w, country) for w in told)
    sounds = re.sub(r"(.)\1+", r"\1", sounds)
    return Sound(
        spelling="".join(parts),
        bare="".join(kept),
        letters=_with_vowel_classes(sounds),
        skeleton=_skeleton(sounds),
        marks=marks,
        arabic=any(re.match(f"[{_ARABIC}]", w) for w in parts),
    )


def name_key(name: pl.Expr) -> pl.Expr:
    """Letters and digits of a name, without case, article, apostrophes, hyphens, tatweel and accents.

    `Al-Ba'aj`, `al Baaj` and `Baaj` share a key; nothing is compared by likeness.
    """
    return (
        name.str.normalize("NFKD")
        .str.replace_all(r"[\u0300-\u036f\u0640\u02b0-\u02ff]", "")
        .str.to_lowercase()
        .str.strip_chars()
        .str.replace(r"^(al|el)[\s\-]+", "")
        .str.replace_all(r"[^\p{L}\p{N}]", "")
    )


BETWEEN_DIGITS = "\u01c0"
"""A letter that no name has, for what stands between two numbers: sector 1/12 is not sector 11/2."""


def spelling_key(name: pl.Expr) -> pl.Expr:
    """As `name_key`, with numbers kept apart: for places that no list names, and that only their spelling tells apart."""
    apart = name
    for _ in range(2):  # `1-2-3`: a match ends with the digit that the next one needs
        apart = apart.str.replace_all(r"(\d)[^\p{L}\p{N}]+(\d)", "${1}" + BETWEEN_DIGITS + "${2}")
    return name_key(apart)


# What a unit of a level is called, beside its name: in no country of the global p-code table but Kazakhstan do two units of
# one parent differ in nothing else. Words such as centre, city, markaz and qism are left: they tell units apart.
_UNIT_WORDS = {
    1: "governorate governerate gov province muhafazat muhafazah muhafaza mohafazat mohafaza parezga parezgay vilayet vilayeti ili محافظة محافظه پارێزگا پارێزگای",
    2: "district dist qadaa qada qadha qaza kaza caza qeza qezay ilcesi قضاء قەزا قەزای",
    3: "subdistrict sub-district nahiya nahia nahiyah ناحية ناحیە ناحیەی",
}


def unit_key(name: pl.Expr, level: int) -> pl.Expr:
    """As `spelling_key`, without the word for a unit of its level: `Mosul District` is Mosul among districts."""
    told = "|".join(re.escape(w) for w in _UNIT_WORDS[level].split())
    bare = name.str.replace(rf"(?i)^\s*(?:the\s+)?(?:{told})(?:\s+of)?\s+", "").str.replace(
        rf"(?i)\s+(?:{told})\.?\s*$", ""
    )
    return spelling_key(bare)
