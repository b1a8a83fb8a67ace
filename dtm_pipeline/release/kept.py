"""A country that a gate refuses keeps its last good tables; the others are released. Method: docs/method/rounds.md."""

from __future__ import annotations

import polars as pl

from dtm_pipeline.contracts import table
from dtm_pipeline.contracts.derive import conform
from dtm_pipeline.contracts.out import LATEST, LATEST_ALL, ROUND
from dtm_pipeline.domain.series import Series
from dtm_pipeline.domain.stocks import with_ages
from dtm_pipeline.release.gates import GateResult

Tables = dict[str, pl.DataFrame]
MARKS = ("kept_from_release", "kept_age_days", "kept_because")


def with_kept_countries(
    tables: Tables,
    previous: Tables,
    refused: dict[str, list[GateResult]],
    previous_release: str | None,
    series: tuple[Series, ...],
) -> Tables:
    """The tables with the refused countries as the release before has them; a country that it has not is left out.

    `out_meta__round` says of each of their dates from which release the figures are, how old they are, and which gate
    refused newer ones.

    Args:
        tables: every out table of the candidate.
        previous: those of the release before, empty before the first.
        refused: the gates that refuse each country.
        series: the series of reference/series.toml, for the ages of the latest figures.
    """
    countries = list(refused)
    whole = {
        name: pl.concat(
            [
                frame.filter(~pl.col("location_code").is_in(countries)),
                conform(previous.get(name, frame.clear()), table(name)).filter(
                    pl.col("location_code").is_in(countries)
                ),
            ]
        )
        for name, frame in tables.items()
    }
    whole[ROUND.name] = _marked(whole[ROUND.name], tables[ROUND.name], refused, previous_release)
    whole |= _aged(whole, series)
    return {name: frame.sort(table(name).grain, nulls_last=True) for name, frame in whole.items()}


def reasons(refused: dict[str, list[GateResult]]) -> dict[str, str]:
    """Why each country was refused, in words."""
    return {
        country: "; ".join(dict.fromkeys(f"{r.gate} ({r.table}): {r.sentence} does not hold" for r in results))
        for country, results in refused.items()
    }


def _marked(
    rounds: pl.DataFrame, current: pl.DataFrame, refused: dict[str, list[GateResult]], release: str | None
) -> pl.DataFrame:
    """Rounds with the marks of kept countries; of one that was never released the dates, without figures."""
    why = pl.col("location_code").replace_strict(reasons(refused), default=None, return_dtype=pl.String)
    kept = pl.col("location_code").is_in(list(refused))
    known = set(rounds.filter(kept)["location_code"])
    never = current.filter(pl.col("location_code").is_in([c for c in refused if c not in known])).with_columns(
        leads=pl.lit(False),
        why=pl.lit("refused: a gate refused the country, which has no release before"),
        status=pl.lit("refused"),
        rows=pl.lit(0, pl.Int64),
        **{
            c: pl.lit(None, pl.Int64)
            for c in ("households", "individuals", "difference_individuals", "rejected_individuals")
        },
    )
    newest = pl.col("reference_date").filter("leads").max()
    age = (newest - newest.over("location_code")).dt.total_days()
    marked = rounds.with_columns(
        kept_age_days=pl.when(kept).then(age),
        kept_from_release=pl.when(kept).then(pl.coalesce("kept_from_release", pl.lit(release, pl.String))),
    )
    return pl.concat([marked, never]).with_columns(kept_because=pl.when(kept).then(why))


def _aged(tables: Tables, series: tuple[Series, ...]) -> Tables:
    """The latest figures with ages to the newest date of what is released, which may be an older one now."""
    known = {s.series_id: s for s in series}
    both = pl.concat([tables[LATEST.name], tables[LATEST_ALL.name]], how="diagonal")
    declared = pl.DataFrame(
        [
            (name, known[name].headline, known[name].status, known[name].max_age_days, known[name].overlap_group)
            if name in known
            else (name, False, "unregistered", None, None)
            for name in both["series_id"].unique()
        ],
        schema={"series_id": pl.String, "headline": pl.Boolean, "series_status": pl.String, "max_age_days": pl.Int64, "_group": pl.String},
        orient="row",
    )  # fmt: skip
    figures = both.drop("age_days", "why_not_latest").join(declared, on="series_id", how="left")
    aged = with_ages(figures.with_columns(overlap_group=pl.coalesce("_group", "overlap_group")))
    is_latest = pl.col("why_not_latest").is_null()
    return {
        LATEST.name: conform(aged.filter(is_latest), LATEST),
        LATEST_ALL.name: conform(aged.filter(~is_latest), LATEST_ALL),
    }


def same_figures(some: Tables, others: Tables) -> bool:
    """Whether two releases hold the same but for the marks of kept countries."""
    return (
        all(
            frame.drop(MARKS, strict=False).equals(others[name].drop(MARKS, strict=False))
            for name, frame in some.items()
            if name in others
        )
        and some.keys() == others.keys()
    )
