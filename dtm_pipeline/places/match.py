"""The unit that a name stands for: spelled so, or alike enough and with no rival. Method: docs/method/places.md."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from dtm_pipeline.places.names import Sound, sound

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
SHORT_ANYWHERE = 3
"""Where no parent narrows the choice, names of so few consonants must be spelled as a unit's."""
NAMED_RIVALS = 3
MOST_ALIKE = 0.99
"""A name that sounds the same and is spelled in another way; 1 is for names that are spelled so."""


@dataclass(frozen=True)
class Likeness:
    """When two names are taken for one. Values and their source: `[places]` in reference/thresholds.toml.

    Attributes:
        accept: least score of a name within a known parent.
        accept_anywhere: least score where no parent is declared.
        margin: how far the next unit must stay behind.
        rival: least score of a unit that is named as a candidate.
    """

    accept: float
    accept_anywhere: float
    margin: float
    rival: float


def match_names(asked: pl.DataFrame, names: pl.DataFrame, likeness: Likeness) -> pl.DataFrame:
    """The unit of each name, or the units that it could be.

    Args:
        asked: location_code, parent (code of the unit above; null = anywhere in the country), name, day.
        names: location_code, parent, name, code, status, valid_from, valid_to: every name of every unit of one level.
        likeness: thresholds.

    Returns:
        `asked` in its order with code (null = no match), score (1 = spelled so), status of the name that matched and
        rivals (codes that it could be, best first; also of the unmatched).
    """
    rows = asked.with_row_index("_asked")
    told = _matched(rows, names, likeness)
    several = rows.join(told.filter(pl.col("code").is_null()).select("_asked"), on="_asked").with_columns(
        name=pl.col("name").map_elements(alternatives, return_dtype=pl.List(pl.String))
    )
    others = several.filter(pl.col("name").list.len() > 1).explode("name").with_row_index("_part")
    if others.height:
        parts = others.select("_part", whole="_asked").join(
            _matched(others.drop("_asked").rename({"_part": "_asked"}), names, likeness),
            left_on="_part",
            right_on="_asked",
        )
        agreed = (
            parts.filter(pl.col("code").is_not_null())
            .group_by(_asked="whole")
            .agg(pl.col("code").unique(), pl.col("score").min(), pl.col("status").first())
            .filter(pl.col("code").list.len() == 1)
            .select(
                pl.col("_asked"),
                pl.col("code").list.first(),
                "score",
                "status",
                rivals=pl.lit(None, pl.List(pl.String)),
            )
        )
        told = pl.concat([told.join(agreed, on="_asked", how="anti"), agreed.select(told.columns)])
    joined = rows.join(told, on="_asked", how="left").sort("_asked")
    return joined.drop("_asked")


def alternatives(name: str) -> list[str]:
    """The names that one cell gives a place: `Qaraqosh (Al-Hamdaniya)`, `Kirkuk/Ta'mim`.

    >>> alternatives("Qaraqosh (Al-Hamdaniya)")
    ['Qaraqosh', 'Al-Hamdaniya']
    """
    return [part.strip() for part in re.split(r"[()\[\]/]", name) if part.strip()]


def _matched(rows: pl.DataFrame, names: pl.DataFrame, likeness: Likeness) -> pl.DataFrame:
    """What each numbered name stands for: _asked and the columns of a match."""
    forms = _forms(pl.concat([rows.select("location_code", "name"), names.select("location_code", "name")]))
    known = names.join(forms, on=["location_code", "name"])
    left = rows.join(forms, on=["location_code", "name"])
    found = []
    for form in ("spelling", "bare"):
        exact = _spelled(left, known, form)
        found.append(exact)
        left = left.join(exact, on="_asked", how="anti")
    found.append(_alike(left, known, likeness))
    told = pl.concat(found)
    elsewhere = _elsewhere(rows.join(forms, on=["location_code", "name"]), known)
    joined = rows.select("_asked").join(told, on="_asked", how="left").join(elsewhere, on="_asked", how="left")
    return joined.with_columns(
        rivals=pl.when(pl.col("rivals").list.len() > 0).then("rivals").otherwise(pl.coalesce("elsewhere", "rivals"))
    ).drop("elsewhere")


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


def _alike(left: pl.DataFrame, known: pl.DataFrame, likeness: Likeness) -> pl.DataFrame:
    """The names that no unit spells: each parent's names against its units."""
    told: list[tuple[int, str | None, float | None, str | None, list[str]]] = []
    groups = known.partition_by("location_code", "parent", as_dict=True)
    countries = known.partition_by("location_code", as_dict=True)
    for key, asked in left.partition_by("location_code", "parent", as_dict=True).items():
        country, parent = key
        candidates = groups.get((country, parent)) if parent is not None else countries.get((country,))
        if candidates is None:
            continue
        told += _best(asked, candidates, str(country), parent, likeness)
    return pl.DataFrame(told, schema=pl.Schema({"_asked": left.schema["_asked"], **MATCH_COLUMNS}), orient="row")


def _best(
    asked: pl.DataFrame, candidates: pl.DataFrame, country: str, parent: str | None, likeness: Likeness
) -> list[tuple[int, str | None, float | None, str | None, list[str]]]:
    """For each name the best unit and its rivals, or none where it is too far or too close to another."""
    import numpy as np

    least = likeness.accept if parent is not None else likeness.accept_anywhere
    codes = candidates["code"].to_list()
    distinct = asked.select("name").unique(maintain_order=True)
    scores = likeness_matrix(
        [sound(n, country) for n in distinct["name"]], [sound(n, country) for n in candidates["name"]]
    )
    outcome: dict[str, tuple[list[str | None], list[float], list[int]]] = {}
    for name, row in zip(distinct["name"], scores, strict=True):
        order = np.argsort(-row, kind="stable")
        units: dict[str | None, tuple[float, int]] = {}
        for at in order:
            if row[at] < likeness.rival or len(units) > NAMED_RIVALS:
                break
            units.setdefault(codes[at], (float(row[at]), int(at)))
        outcome[name] = (list(units), [s for s, _ in units.values()], [i for _, i in units.values()])
    told: list[tuple[int, str | None, float | None, str | None, list[str]]] = []
    statuses, begins, ends = (candidates[c].to_list() for c in ("status", "valid_from", "valid_to"))
    for number, name, day in asked.select("_asked", "name", "day").iter_rows():
        units_of, scores_of, at_of = outcome[name]
        rivals = [unit for unit in units_of if unit is not None][:NAMED_RIVALS]
        close = len(scores_of) > 1 and scores_of[0] - scores_of[1] < likeness.margin
        lone = parent is None and len(sound(name, country).skeleton) <= SHORT_ANYWHERE
        if not scores_of or scores_of[0] < least or close or lone:
            told.append((number, None, None, None, rivals))
            continue
        first, last = begins[at_of[0]], ends[at_of[0]]
        holds = day is None or ((first is None or day >= first) and (last is None or day <= last))
        told.append(
            (number, units_of[0], min(round(scores_of[0], 3), MOST_ALIKE), statuses[at_of[0]], [])
            if holds and units_of[0] is not None
            else (number, None, None, None, rivals)
        )
    return told


def likeness_matrix(asked: list[Sound], names: list[Sound]) -> np.ndarray:
    """How alike names are, 0 to 1: asked x names.

    The share of consonants and of vowel classes that needs no edit (optimal string alignment, normalised: a swap is one edit), weighted; none where
    marks (numbers, directions, new and old) differ, where a first consonant differs by more than a vowel, or where a
    name of one or two consonants has others.
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
    return np.where(differ("marks") | differ("first") | (short & (skeleton < 1)), 0.0, np.asarray(scores))


def _told(of: Sound, key: str) -> object:
    """What must be the same in two names: a tuple is told as text, for numpy takes it apart."""
    if key == "first":
        return of.skeleton[:1].replace("d", "t")
    value = getattr(of, key)
    return " ".join(value) if isinstance(value, tuple) else value


def _elsewhere(rows: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Units of other parents that are spelled as the name: never the answer, but worth naming."""
    return (
        rows.filter(pl.col("parent").is_not_null())
        .select("_asked", "location_code", "bare")
        .join(known.select("location_code", "bare", "code"), on=["location_code", "bare"])
        .group_by("_asked")
        .agg(elsewhere=pl.col("code").unique().sort().head(NAMED_RIVALS))
    )
