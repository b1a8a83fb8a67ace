"""What a person must decide about places, and what was decided. Method: docs/method/places.md."""

from __future__ import annotations

from datetime import date

import polars as pl

from dtm_pipeline.places.gazetteer import DECISION_SCHEMA, Gazetteer

ANSWERS = ("decided_admin1_code", "decided_admin2_code", "reason")
UNIT = ("location_code", "provider_admin1_name", "provider_admin1_code", "provider_admin2_name", "provider_admin2_code")
KEY = [UNIT[0], "place_id", *UNIT[1:]]
QUESTIONS = {
    "unresolved": "no unit is known for the declared name",
    "candidates": "the declared name could be several units",
    "another_parent": "the declared district is of another governorate",
    "likeness": "the declared name is taken by likeness; confirm it",
    "conflict": "code and declared name differ; the code leads",
    "far_point": "the point of the place lies far outside its declared district",
}
QUESTION_SCHEMA = pl.Schema(
    {
        "location_code": pl.String(),
        "question": pl.String(),
        "sentence": pl.String(),
        "place_id": pl.String(),
        "provider_admin1_name": pl.String(),
        "provider_admin1_code": pl.String(),
        "provider_admin2_name": pl.String(),
        "provider_admin2_code": pl.String(),
        "admin1_code": pl.String(),
        "admin2_code": pl.String(),
        "candidates": pl.String(),
        "point_distance_km": pl.Float64(),
        "rows": pl.Int64(),
        "newest_date": pl.Date(),
        "individuals_at_newest_date": pl.Int64(),
        **dict.fromkeys(ANSWERS, pl.String()),
    }
)


class DecisionError(Exception):
    """A review sheet that can't be taken; the sentence names the row and what to do."""


def open_questions(stock: pl.DataFrame, gazetteer: Gazetteer, far_km: float) -> pl.DataFrame:
    """Declared units and places that wait for a decision, those with the most people first.

    Args:
        stock: placed rows (core_dtm__stock). Reviewed rows ask nothing.
        gazetteer: names of the candidates.
        far_km: least distance of a point that is asked about; a point alone never moves people.

    Returns:
        A row a question (`QUESTION_SCHEMA`), the answers empty.
    """
    rows = stock.filter(pl.col("leads") & (pl.col("place_basis") != "reviewed"))
    declared = pl.any_horizontal(pl.col(UNIT[1:]).is_not_null())
    no_district = pl.all_horizontal(pl.col("provider_admin2_name", "provider_admin2_code").is_null())
    missing = pl.when(no_district).then("admin1_code").otherwise("admin2_code").is_null()
    question = (
        pl.when(missing & (pl.col("place_conflict") == "district_of_another_parent"))
        .then(pl.lit("another_parent"))
        .when(missing & pl.col("place_candidates").is_not_null())
        .then(pl.lit("candidates"))
        .when(missing)
        .then(pl.lit("unresolved"))
        .when(pl.col("place_conflict").is_not_null())
        .then(pl.lit("conflict"))
        .when(pl.col("place_score") < 1)
        .then(pl.lit("likeness"))
    )
    known = pl.col("location_code").is_in(sorted(gazetteer.countries()))
    units = rows.filter(known & declared).with_columns(question=question).filter(pl.col("question").is_not_null())
    distant = pl.col("point_conflict") & (pl.col("point_distance_m") >= far_km * 1000)
    far = rows.filter(known & distant & pl.col("place_id").is_not_null()).with_columns(question=pl.lit("far_point"))
    told = pl.concat(
        [_asked(units, [*UNIT, "question"]), _asked(far, ["location_code", "place_id", "question"])], how="diagonal"
    )
    return (
        _with_names(told, gazetteer)
        .with_columns(sentence=pl.col("question").replace_strict(QUESTIONS, return_dtype=pl.String))
        .with_columns(pl.lit(None, pl.String).alias(a) for a in ANSWERS)
        .sort(
            "individuals_at_newest_date",
            "location_code",
            "provider_admin2_name",
            descending=[True, False, False],
            nulls_last=True,
        )
        .select(pl.col(n).cast(t) for n, t in QUESTION_SCHEMA.items())
    )


def _asked(rows: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """One question a unit or place, with how many rows and people hang on it."""
    newest = pl.col("reference_date") == pl.col("reference_date").max()
    kept = [c for c in UNIT[1:] if c not in by]
    return rows.group_by(by).agg(
        *(pl.col(c).drop_nulls().first() for c in kept),
        pl.col("admin1_code").drop_nulls().first(),
        pl.col("admin2_code").drop_nulls().first(),
        candidates=pl.col("place_candidates").drop_nulls().first(),
        point_distance_km=(pl.col("point_distance_m").max() / 1000).round(1)
        if "place_id" in by
        else pl.lit(None, pl.Float64),
        rows=pl.len().cast(pl.Int64),
        newest_date=pl.col("reference_date").max(),
        individuals_at_newest_date=pl.when(pl.col("individuals").filter(newest).is_not_null().any()).then(
            pl.col("individuals").filter(newest).sum()
        ),
    )


def _with_names(told: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    """Candidates as `CODE Name; CODE Name`."""
    names = dict(gazetteer.units.select("code", named=pl.format("{} {}", "code", "name_en")).iter_rows())
    each = (
        pl.col("candidates")
        .str.split(" ")
        .list.eval(pl.element().replace_strict(names, default=pl.element(), return_dtype=pl.String))
    )
    return told.with_columns(candidates=each.list.join("; "))


def decisions_of(sheet: pl.DataFrame, gazetteer: Gazetteer, decided_by: str, decided_on: date) -> pl.DataFrame:
    """The decisions of a filled review sheet, in the form of the register.

    Args:
        sheet: columns of `QUESTION_SCHEMA` as text; rows whose answers are empty decide nothing.
        gazetteer: units that a decision may name.
        decided_by: who decided. decided_on: when.

    Raises:
        DecisionError: a code that is no unit, a district outside the governorate, or a row that names neither place nor
            declared unit.
    """
    needed = {*UNIT, "place_id", "question", *ANSWERS}
    if lacking := sorted(needed - set(sheet.columns)):
        raise DecisionError(f"the sheet lacks the columns {', '.join(lacking)}; use the sheet of `dtm places review`")
    text = sheet.with_row_index("_line", offset=2).with_columns(
        # an apostrophe keeps a word that begins like a formula from being one
        pl.col(sorted(needed)).cast(pl.String).str.strip_chars().str.replace(r"^'([=+\-@])", "${1}").replace("", None)
    )
    answered = text.filter(pl.any_horizontal(pl.col("decided_admin1_code", "decided_admin2_code").is_not_null()))
    units = {
        (c, code): (level, parent)
        for c, code, level, parent in gazetteer.units.select(
            "location_code", "code", "admin_level", "parent_code"
        ).iter_rows()
    }
    for line, country, first, second in answered.select(
        "_line", "location_code", "decided_admin1_code", "decided_admin2_code"
    ).iter_rows():
        for code, level in ((first, 1), (second, 2)):
            if code is not None and units.get((country, code), (0, ""))[0] != level:
                raise DecisionError(
                    f"row {line}: {code} is no admin {level} unit of {country}; write a code of the gazetteer"
                )
        if first is not None and second is not None and units[(country, second)][1] != first:
            raise DecisionError(
                f"row {line}: {second} lies in {units[(country, second)][1]}, not in {first}; correct one of them"
            )
    parents = {code: parent for (_, code), (level, parent) in units.items() if level == 2}
    strange = answered.filter(~pl.col("question").is_in(sorted(QUESTIONS)).fill_null(False))
    if strange.height:
        raise DecisionError(
            f"row {strange['_line'][0]}: asks no question that is known; leave the column question as it was"
        )
    by_place = pl.col("question") == "far_point"
    of_nothing = (
        pl.when(by_place).then(pl.col("place_id").is_null()).otherwise(pl.all_horizontal(pl.col(UNIT[1:]).is_null()))
    )
    nameless = answered.filter(of_nothing)
    if nameless.height:
        raise DecisionError(
            f"row {nameless['_line'][0]}: names neither a place nor a declared unit; leave its first columns as they were"
        )
    decided = answered.select(
        "_line",
        "location_code",
        place_id=pl.when(by_place).then("place_id"),
        **{name: pl.when(~by_place).then(name) for name in UNIT[1:]},
        admin1_code=pl.coalesce(
            "decided_admin1_code",
            pl.col("decided_admin2_code").replace_strict(parents, default=None, return_dtype=pl.String),
        ),
        admin2_code="decided_admin2_code",
        decided_by=pl.lit(decided_by),
        decided_on=pl.lit(decided_on),
        reason="reason",
    )
    contrary = decided.filter(pl.struct("admin1_code", "admin2_code").n_unique().over(KEY) > 1)
    if contrary.height:
        lines = " and ".join(str(line) for line in contrary["_line"].head(2))
        raise DecisionError(f"rows {lines}: decide one unit or place in two ways; keep one of them")
    return decided.drop("_line").match_to_schema(pl.Schema(DECISION_SCHEMA))


def register(known: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """The register with new decisions; a later decision about one unit or place stands for the earlier."""
    return pl.concat([known, decided]).unique(KEY, keep="last", maintain_order=True)


def unmapped_units(stock: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    """Declared units that no name, code, crosswalk or decision maps: country, names, and the rows that hang on them."""
    known = pl.col("location_code").is_in(sorted(gazetteer.countries()))
    first = pl.col("admin1_code").is_null() & pl.any_horizontal(
        pl.col("provider_admin1_name", "provider_admin1_code").is_not_null()
    )
    second = pl.col("admin2_code").is_null() & pl.any_horizontal(
        pl.col("provider_admin2_name", "provider_admin2_code").is_not_null()
    )
    return (
        stock.filter(known & (first | second))
        .group_by(UNIT)
        .agg(
            rows=pl.len().cast(pl.Int64),
            first_date=pl.col("reference_date").min(),
            last_date=pl.col("reference_date").max(),
        )
        .sort("rows", *UNIT, descending=[True, *(False for _ in UNIT)])
    )
