"""The unit that a name stands for: spelled so, or alike enough and with no rival. Method: docs/method/places.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from dtm_pipeline.places.names import TYPE_WORDS, Sound, sound, words

if TYPE_CHECKING:
    import numpy as np

MATCH_COLUMNS = {
    "code": pl.String(),
    "score": pl.Float64(),
    "status": pl.String(),
    "rivals": pl.List(pl.String()),
}
VOWELLED_WEIGHT = 0.5
"""How much the consonants count where both names write their vowels; the rest is for the vowels."""
UNVOWELLED_WEIGHT = 0.75
"""The same where one is in Arabic letters, which leave short vowels out."""
SHORT_SKELETON = 2
"""Names of so few consonants are alike by chance: theirs must be the same."""
SHORT_LETTERS = 0.5
"""And so must half of their sounds, vowels included: Deir is not Dar'a."""
SHORT_ANYWHERE = 3
"""Where no parent narrows the choice, names of so few consonants must be spelled as a unit's."""
NAMED_RIVALS = 3
NAMES_AT_ONCE = 2_000
"""Names that are compared with all candidates at once: a matrix of some fifty megabytes."""
MOST_ALIKE = 0.99
"""A name that sounds the same and is spelled in another way; 1 is for names that are spelled so."""


@dataclass(frozen=True)
class Likeness:
    """When two names are taken for one. Values and their source: `[places]` in reference/thresholds.toml.

    Attributes:
        accept: least score of a district's name within a known governorate.
        accept_governorate: least score of a governorate's name.
        accept_anywhere: least score where no parent is declared.
        margin: how far the next unit must stay behind.
        rival: least score of a unit that is named as a candidate.
    """

    accept: float
    accept_governorate: float
    accept_anywhere: float
    margin: float
    rival: float


def match_names(
    asked: pl.DataFrame, names: pl.DataFrame, likeness: Likeness, others: pl.DataFrame | None = None
) -> pl.DataFrame:
    """The unit of each name, or the units that it could be.

    Args:
        asked: location_code, parent (code of the unit above; null = anywhere in the country), name, day.
        names: location_code, parent, name, code, status, valid_from, valid_to: every name of every unit of one level.
        likeness: thresholds.
        others: names of units of the other level: a name that is spelled as one of theirs is taken by no likeness.

    Returns:
        `asked` in its order with code (null = no match), score (1 = spelled so), status of the name that matched and
        rivals (codes that it could be, best first; also of the unmatched).
    """
    of = pl.col("location_code").is_in(asked["location_code"].drop_nulls().unique().to_list())
    names, others = names.filter(of), None if others is None else others.filter(of)
    rows = asked.with_row_index("_asked")
    told = _matched(rows, names, likeness, others)
    split = pl.col("name").map_elements(alternatives, return_dtype=pl.List(pl.String))
    several = (
        rows.join(told.filter(pl.col("code").is_null()).select("_asked"), on="_asked")
        .with_columns(name=split)
        .filter(pl.col("name").list.len() > 1)
    )
    if several.height:
        agreed = _agreed(several, names, likeness, others)
        told = pl.concat([told.join(agreed, on="_asked", how="anti"), agreed.select(told.columns)])
    return rows.join(told, on="_asked", how="left").sort("_asked").drop("_asked")


def _agreed(
    several: pl.DataFrame, names: pl.DataFrame, likeness: Likeness, others: pl.DataFrame | None
) -> pl.DataFrame:
    """Cells with several names, all of which are of one unit."""
    parts = several.explode("name").with_row_index("_part")
    asked = parts.drop("_asked").rename({"_part": "_asked"})
    told = _matched(asked, names, likeness, others).rename({"_asked": "_part"})
    each = parts.select("_part", "_asked").join(told, on="_part", how="left")
    return (
        each.group_by("_asked")
        .agg(
            pl.col("code").unique(),
            pl.col("score").min(),
            pl.col("status").first(),
        )
        .filter((pl.col("code").list.len() == 1) & pl.col("code").list.first().is_not_null())
        .with_columns(pl.col("code").list.first(), rivals=pl.lit(None, pl.List(pl.String)))
    )


def alternatives(name: str) -> list[str]:
    """The names that one cell gives a place: `Qaraqosh (Al-Hamdaniya)`, `Kirkuk/Ta'mim`.

    >>> alternatives("Qaraqosh (Al-Hamdaniya)")
    ['Qaraqosh', 'Al-Hamdaniya']
    """
    parts = [part.strip() for part in re.split(r"[()\[\]/]", name) if part.strip()]
    return [part for part in parts if not set(words(part)) <= TYPE_WORDS]


def _matched(rows: pl.DataFrame, names: pl.DataFrame, likeness: Likeness, others: pl.DataFrame | None) -> pl.DataFrame:
    """What each numbered name stands for: _asked and the columns of a match."""
    forms = _forms(pl.concat([rows.select("location_code", "name"), names.select("location_code", "name")]))
    known = names.join(forms, on=["location_code", "name"])
    left = rows.join(forms, on=["location_code", "name"])
    found = []
    for form in ("spelling", "bare"):
        exact = _spelled(left, known, form)
        found.append(exact)
        left = left.join(exact, on="_asked", how="anti")
    # a name that is spelled as a unit elsewhere, or of the other level, is that unit's and of no other by likeness
    elsewhere = _elsewhere(left, known, others)
    alike = _alike(left, known, likeness).join(elsewhere.select("_asked", "kin"), on="_asked", how="left")
    foreign = pl.col("kin").is_not_null() & ~pl.col("kin").list.contains(pl.col("code")).fill_null(False)
    found.append(alike.filter(~foreign).drop("kin"))
    told = pl.concat(found)
    joined = rows.select("_asked").join(told, on="_asked", how="left").join(elsewhere, on="_asked", how="left")
    return joined.with_columns(
        rivals=pl.when(pl.col("rivals").list.len() > 0).then("rivals").otherwise(pl.coalesce("elsewhere", "rivals"))
    ).drop("elsewhere", "kin")


def _forms(names: pl.DataFrame) -> pl.DataFrame:
    """Each distinct name with the forms in which it is compared."""
    distinct = names.filter(pl.col("name").str.strip_chars() != "").unique(maintain_order=True)
    told = [sound(name, country) for country, name in distinct.iter_rows()]
    return distinct.with_columns(
        pl.Series("spelling", [t.spelling for t in told], pl.String),
        pl.Series("bare", [t.bare for t in told], pl.String),
    ).filter(pl.col("bare") != "")


def _valid() -> pl.Expr:
    """Whether a dated name holds on the day that is asked for; a row without a day takes every name."""
    began = pl.col("valid_from").is_null() | (pl.col("day") >= pl.col("valid_from")).fill_null(True)
    lasts = pl.col("valid_to").is_null() | (pl.col("day") <= pl.col("valid_to")).fill_null(True)
    return began & lasts


def _spelled(left: pl.DataFrame, known: pl.DataFrame, form: str) -> pl.DataFrame:
    """Names that are spelled as a unit's: the unit, or all of them where several share the name."""
    names = known.select("location_code", "parent", form, "code", "status", "valid_from", "valid_to")
    asked = left.select("_asked", "location_code", "parent", "day", form)
    inside = asked.filter(pl.col("parent").is_not_null()).join(names, on=["location_code", "parent", form])
    anywhere = (
        asked.filter(pl.col("parent").is_null()).drop("parent").join(names.drop("parent"), on=["location_code", form])
    )
    return (
        pl.concat([inside.drop("parent"), anywhere], how="diagonal")
        .filter(_valid())
        .group_by("_asked", maintain_order=True)
        .agg(
            pl.when(pl.col("code").n_unique() == 1).then(pl.col("code").first()).alias("code"),
            pl.when(pl.col("code").drop_nulls().n_unique() == 1).then(1.0).alias("score"),
            pl.col("status").first(),
            pl.when(pl.col("code").n_unique() > 1).then(pl.col("code").unique().sort()).alias("rivals"),
        )
        .cast(pl.Schema({"_asked": left.schema["_asked"], **MATCH_COLUMNS}))
    )


Told = tuple[int, str | None, float | None, str | None, list[str]]
"""_asked and the columns of a match."""


@dataclass(frozen=True)
class _Ranked:
    """The units that a name is most like, best first: codes (None = a name that no unit has), scores, rows of the names."""

    codes: list[str | None]
    scores: list[float]
    rows: list[int]


def _alike(left: pl.DataFrame, known: pl.DataFrame, likeness: Likeness) -> pl.DataFrame:
    """The names that no unit spells: each parent's names against its units."""
    told: list[Told] = []
    groups = known.partition_by("location_code", "parent", as_dict=True)
    countries = known.partition_by("location_code", as_dict=True)
    for (country, parent), asked in left.partition_by("location_code", "parent", as_dict=True).items():
        candidates = groups.get((country, parent)) if parent is not None else countries.get((country,))
        if candidates is not None:
            told += _best(asked, candidates, str(country), anywhere=parent is None, likeness=likeness)
    return pl.DataFrame(told, schema=pl.Schema({"_asked": left.schema["_asked"], **MATCH_COLUMNS}), orient="row")


def _best(
    asked: pl.DataFrame, candidates: pl.DataFrame, country: str, *, anywhere: bool, likeness: Likeness
) -> Iterator[Told]:
    """For each name the best unit, or its rivals where it is too far or too close to another."""
    of_country = not anywhere and candidates["parent"][0] == country
    least = likeness.accept_anywhere if anywhere else likeness.accept_governorate if of_country else likeness.accept
    statuses, begins, ends = (candidates[c].to_list() for c in ("status", "valid_from", "valid_to"))
    ranked = _ranked(asked["name"].unique(maintain_order=True).to_list(), candidates, country, likeness.rival)
    for number, name, day in asked.select("_asked", "name", "day").iter_rows():
        found = ranked[name]
        rivals = [code for code in found.codes if code is not None][:NAMED_RIVALS]
        close = len(found.scores) > 1 and found.scores[0] - found.scores[1] < likeness.margin
        lone = anywhere and len(sound(name, country).skeleton) <= SHORT_ANYWHERE
        if not found.scores or found.scores[0] < least or close or lone or found.codes[0] is None:
            yield number, None, None, None, rivals
            continue
        row = found.rows[0]
        holds = day is None or ((begins[row] or day) <= day <= (ends[row] or day))
        score = min(round(found.scores[0], 3), MOST_ALIKE)
        yield (number, found.codes[0], score, statuses[row], []) if holds else (number, None, None, None, rivals)


def _ranked(asked: list[str], candidates: pl.DataFrame, country: str, least: float) -> dict[str, _Ranked]:
    """The units that each name is most like, by the best of their names; a part of the names at a time."""
    import numpy as np

    codes = candidates["code"].to_list()
    names = [sound(n, country) for n in candidates["name"]]
    told: dict[str, _Ranked] = {}
    for begin in range(0, len(asked), NAMES_AT_ONCE):
        part = asked[begin : begin + NAMES_AT_ONCE]
        for name, scores in zip(part, likeness_matrix([sound(n, country) for n in part], names), strict=True):
            units: dict[str | None, int] = {}
            for at in np.argsort(-scores, kind="stable"):
                if scores[at] < least or len(units) > NAMED_RIVALS:
                    break
                units.setdefault(codes[at], int(at))
            rows = list(units.values())
            told[name] = _Ranked(list(units), [float(scores[at]) for at in rows], rows)
    return told


def likeness_matrix(asked: list[Sound], names: list[Sound]) -> np.ndarray:
    """How alike names are, 0 to 1: asked x names.

    The share of consonants and of vowel classes that needs no edit (optimal string alignment, normalised: a swap is
    one edit), weighted; none where marks (numbers, directions, new and old) differ, where the first consonant differs,
    or where a name of one or two consonants has others, or hardly shares its vowels.
    """
    import numpy as np
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import cdist

    def compared(form: str) -> np.ndarray:
        ours, theirs = ([getattr(s, form) for s in side] for side in (asked, names))
        return np.asarray(cdist(ours, theirs, scorer=OSA.normalized_similarity, dtype=np.float64))

    def differ(key: str) -> np.ndarray:
        ours: np.ndarray
        theirs: np.ndarray
        ours, theirs = (np.array([_told(s, key) for s in side], dtype=object) for side in (asked, names))
        return np.asarray(ours[:, None] != theirs[None, :])

    skeleton, letters = compared("skeleton"), compared("letters")
    weight = np.where(differ("arabic"), UNVOWELLED_WEIGHT, VOWELLED_WEIGHT)
    scores = weight * skeleton + (1 - weight) * letters
    short = np.minimum.outer([len(a.skeleton) for a in asked], [len(n.skeleton) for n in names]) <= SHORT_SKELETON
    by_chance = short & ((skeleton < 1) | (letters < SHORT_LETTERS))
    return np.where(differ("marks") | differ("first") | by_chance, 0.0, np.asarray(scores))


def _told(of: Sound, key: str) -> object:
    """What must be the same in two names: a tuple is told as text, for numpy takes it apart."""
    if key == "first":
        return of.skeleton[:1].replace("d", "t")
    value = getattr(of, key)
    return " ".join(value) if isinstance(value, tuple) else value


def _elsewhere(left: pl.DataFrame, known: pl.DataFrame, others: pl.DataFrame | None) -> pl.DataFrame:
    """Units of other parents, or of the other level, that are spelled as the name: never the answer, but worth naming.

    `kin` are the units that the name may still be taken for: a governorate, where the name is one of its districts'.
    """
    same = known.select("location_code", "bare", "code", above=pl.lit(None, pl.String))
    if others is not None and others.height:
        forms = _forms(others.select("location_code", "name"))
        other = others.join(forms, on=["location_code", "name"])
        same = pl.concat([same, other.select("location_code", "bare", "code", above="parent")])
    return (
        left.filter(pl.col("parent").is_not_null())
        .select("_asked", "location_code", "parent", "bare")
        .join(same.filter(pl.col("code").is_not_null()), on=["location_code", "bare"])
        # the capital's district is often called as its governorate
        .filter(pl.col("code") != pl.col("parent"))
        .group_by("_asked")
        .agg(elsewhere=pl.col("code").unique().sort().head(NAMED_RIVALS), kin=pl.col("above").drop_nulls().unique())
    )
