"""The page that the reader of a release finds beside the tables."""

from __future__ import annotations

import polars as pl

from dtm_pipeline.domain.words import Words
from dtm_pipeline.storage.snapshots import Snapshot

CAVEATS = """## What the figures mean, and what they do not

- A **stock** counts people at one reference date. It is never summed over dates, over series of one overlap group, or
  over assessment types.
- **Latest** is the newest figure of each active headline series; its age runs to the newest date of this release.
- **Null is unknown**, not zero. A district without a row may have been assessed and have nobody, not have been assessed, or
  be unknown: `out_meta__coverage` tells the four apart for every district, series and date. `assessed`: people were counted;
  `zero`: the source states that there are none; `unknown`: people of the date stand in the governorate or the country without
  a district, and some may be there; `not_assessed`: nothing stands, or all that stands was carried forward.
- A **date** is `complete`, `partial` (much was rejected, or a delivery waits), `held` (nothing of it is used until a person says
  which delivery counts) or `refused` (a gate refused it): `out_meta__round`. `kept_from_release` names the release that a
  country's figures are of where a gate refused newer ones.
- A **change** between two dates is not only movement: lists lose and gain locations, and size rules change.
- **Flows** are movements counted at the points observed, not persons; the two sides of a crossing are never added.
- **Severity** is of conditions at locations. Where `model_illustrative` is true the model's weights and cut-offs are ours. It is
  not people in need, and not IOM's own score.
- **Points** are tested against a boundary edition where one is at hand; elsewhere only against the outline of the country.
- **Origin** is the governorate of origin for IDPs and of last displacement for returnees: opposite concepts.
- Cells below 5 households or on fewer than 3 locations are pooled in category `withheld`; totals are whole.
- `unlisted-` with eight characters stands for a provider's word (an operation, a nationality, a flow point ...) that no public list
  has. The same word has the same stand-in everywhere; the publisher of this release can say what it is, or list it.
- Names and boundaries imply no opinion on the legal status of any area.
"""


def _terms(said: str, words: Words) -> str:
    """The terms of a source: a licence of the list, or that others are on record."""
    return said if words.in_list("terms", said) else "on record with the publisher of this release"


def readme(name: str, snapshots: list[Snapshot], tables: dict[str, pl.DataFrame], words: Words) -> str:
    """README.md of a release: sources and their terms, citation, caveats."""
    used = [s for s in snapshots if s.status == "accepted"]
    terms = sorted({(s.kind or "", _terms(str(s.statement.get("terms", "not on record")), words)) for s in used})
    lines = [
        f"# Displacement figures, release {name}",
        "",
        "For partners. Not for publication: a public release is promoted from this one by a named person.",
        "",
        "Tables are in `tables/`, one Parquet file each; `data_dictionary.md` explains every column, `report/index.html`",
        "shows the figures, `changes.json` says what changed and why, `manifest.json` lists every file with its sha256.",
        "",
        "## Sources and their terms",
        "",
        *[f"- {kind}: terms {said}" for kind, said in terms],
        "",
        "Gazetteer: OCHA COD-AB. Country outlines: Natural Earth.",
        "",
        "## Citation",
        "",
        f"dtm-pipeline, release {name}, from IOM DTM deliveries; next release: after the next nightly run with new content.",
        "",
        CAVEATS,
        "## Tables",
        "",
        *[f"- `{table}`: {frame.height:,} rows" for table, frame in tables.items()],
        "",
    ]
    return "\n".join(lines)
