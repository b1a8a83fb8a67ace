"""The publication gates. Great Expectations judges small summaries of the candidate; results hold no values."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from dtm_pipeline.contracts import published_tables
from dtm_pipeline.contracts.core import BREAKDOWN_DIMENSIONS
from dtm_pipeline.domain.consistency import follows_households
from dtm_pipeline.domain.invariants import accounts_compared, country_compared, leaders, levels_compared
from dtm_pipeline.release.changes import figures
from dtm_pipeline.release.gates import Candidate, GateResult

STOCKS = {"idp": "idp_individuals", "returnee": "returnee_individuals"}
SCOPE = ["location_code", "series_id", "reference_date"]


@dataclass(frozen=True)
class Expectation:
    """A statement about a summary frame."""

    gate: str
    table: str
    sentence: str
    frame: pl.DataFrame
    name: str
    arguments: dict[str, Any]


def expectations(candidate: Candidate) -> Iterator[Expectation]:
    """Every statement that the candidate must fulfil, with the frame that it is about."""
    yield _leaders(candidate)
    yield from _hierarchy(candidate)
    yield from _breakdowns(candidate)
    yield from _households(candidate)
    yield from _headline(candidate)
    yield from _coverage(candidate)
    yield from _classified(candidate)
    yield _conservation(candidate)


def _leaders(candidate: Candidate) -> Expectation:
    """Exactly one source and level leads each series and date of which anything is used."""
    return Expectation(
        "one_source_leads",
        "out_meta__round",
        "exactly one source and level leads each series and date",
        leaders(candidate.tables["out_meta__round"]).select("location_code", "leaders", "expected"),
        "ExpectColumnPairValuesToBeEqual",
        {"column_A": "leaders", "column_B": "expected"},
    )


def _hierarchy(candidate: Candidate) -> Iterator[Expectation]:
    """Districts add up to governorates, and governorates to the country, to the person."""
    for name, measure in (*STOCKS.items(), ("severity_class", "individuals")):
        governorates, districts = (candidate.tables[f"out_dtm__{n}_{name}"] for n in ("governorate", "district"))
        both = levels_compared(governorates, districts, measure)
        yield Expectation(
            "hierarchy_adds_up",
            f"out_dtm__district_{name}",
            "the districts of a governorate add up to it, for every series and date",
            both.select("location_code", pl.col("governorate", "district").fill_null(-1)),
            "ExpectColumnPairValuesToBeEqual",
            {"column_A": "governorate", "column_B": "district"},
        )
    for name, measure in STOCKS.items():
        whole = country_compared(
            candidate.tables[f"out_dtm__governorate_{name}"],
            candidate.tables["out_meta__round"],
            measure,
            "individuals",
        )
        yield Expectation(
            "hierarchy_adds_up",
            f"out_dtm__governorate_{name}",
            "the governorates add up to what the source that leads says of the country, for every series and date",
            whole.select("location_code", pl.col("country", "governorates").fill_null(-1)),
            "ExpectColumnPairValuesToBeEqual",
            {"column_A": "country", "column_B": "governorates"},
        )


def _breakdowns(candidate: Candidate) -> Iterator[Expectation]:
    """The cells of an area sum to its stock, in the unit that the list breaks down; no visible cell is small."""
    for level, codes in (("governorate", ["admin1_code"]), ("district", ["admin1_code", "admin2_code"])):
        stock = pl.concat(
            [
                candidate.tables[f"out_dtm__{level}_{n}"].select(
                    *SCOPE, *codes, stock_h=f"{n}_households", stock_i=f"{n}_individuals"
                )
                for n in STOCKS
            ]
            + [_climate_lists(candidate.tables[f"out_dtm__{level}_climate"], [*SCOPE, *codes])]
        )
        for dimension in BREAKDOWN_DIMENSIONS:
            yield from _cells(candidate, f"out_dtm__{level}_{dimension}", stock, [*SCOPE, *codes])


def _climate_lists(climate: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """The stock of lists of people displaced by the climate; rows of events have a type and no breakdown."""
    return climate.filter(pl.col("event_type").is_null()).select(*key, stock_h="households", stock_i="individuals")


def _cells(candidate: Candidate, name: str, stock: pl.DataFrame, key: list[str]) -> Iterator[Expectation]:
    cells = candidate.tables[name]
    by_households = pl.col("share_denominator") == pl.col("stock_h")
    sums = cells.group_by(key).agg(
        pl.col("share_denominator").first(),
        # of cells that are partly unknown no sum is the whole
        *(pl.when(pl.col(u).null_count() == 0).then(pl.col(u).sum()).alias(u) for u in ("households", "individuals")),
    )
    compared = sums.join(stock, on=key, how="left", nulls_equal=True).select(
        "location_code",
        cells=pl.when(by_households).then("households").otherwise("individuals"),
        stock=pl.when(by_households).then("stock_h").otherwise("stock_i"),
    )
    yield Expectation(
        "breakdown_sums_to_stock",
        name,
        "the categories of an area sum to its stock",
        compared.filter(pl.col("cells").is_not_null()).with_columns(pl.col("stock").fill_null(-1)),
        "ExpectColumnPairValuesToBeEqual",
        {"column_A": "cells", "column_B": "stock"},
    )
    small = candidate.thresholds["small_cell_households"]
    visible = cells.filter(~pl.col("withheld") & pl.col("households").is_not_null())
    yield Expectation(
        "small_cells_are_withheld",
        name,
        f"no category of fewer than {small:g} households is shown",
        visible.select("location_code", "households"),
        "ExpectColumnValuesToBeBetween",
        {"column": "households", "min_value": small},
    )


def _households(candidate: Candidate) -> Iterator[Expectation]:
    """People by one size rule lie between the households times its two sizes."""
    sizes = candidate.size_rules.select(
        household_size_rule_id="rule_id",
        least=pl.min_horizontal("size_in_camp", "size_out_of_camp"),
        greatest=pl.max_horizontal("size_in_camp", "size_out_of_camp"),
    ).unique()
    for name in STOCKS:
        households, individuals = pl.col(f"{name}_households"), pl.col(f"{name}_individuals")
        figures = candidate.tables[f"out_dtm__district_{name}"].filter(individuals_basis="rule")
        told = figures.join(sizes, on="household_size_rule_id").select(
            "location_code",
            follows=follows_households(
                households, individuals, pl.col("least"), pl.col("greatest"), pl.col("locations_assessed")
            ),
        )
        yield Expectation(
            "individuals_follow_households",
            f"out_dtm__district_{name}",
            "people by a size rule lie between the households times its two sizes",
            told.with_columns(pl.col("follows").fill_null(True)),
            "ExpectColumnValuesToBeInSet",
            {"column": "follows", "value_set": [True]},
        )


def _headline(candidate: Candidate) -> Iterator[Expectation]:
    """No headline figure of the release before vanishes or jumps."""
    before = figures(candidate.previous)
    if candidate.previous:
        headline = candidate.previous["out_meta__series"].filter("headline")["series_id"].to_list()
        before = before.filter(pl.col("series_id").is_in(headline))
    now = figures(candidate.tables).select("series_id", "reference_date", now="individuals")
    both = before.join(now, on=["series_id", "reference_date"], how="left").with_columns(
        present=pl.col("now").is_not_null(),
        moved=((pl.col("now") - pl.col("individuals")) / pl.col("individuals")).fill_nan(0.0),
    )
    limit = candidate.thresholds["max_headline_jump"]
    # what a person rejected, or whose acceptance one took back, is meant to go
    kept = both.join(candidate.taken_back, on=["series_id", "reference_date"], how="anti")
    yield Expectation(
        "no_headline_figure_vanishes",
        "out_dtm__governorate_idp, _returnee",
        "every headline series and date of the release before is still there" + _worst(kept.filter(~pl.col("present"))),
        kept.select("location_code", "present"),
        "ExpectColumnValuesToBeInSet",
        {"column": "present", "value_set": [True]},
    )
    # what a person accepted of a date with its evidence before them is not asked again
    asked = both.filter(pl.col("moved").is_not_null())
    asked = asked.join(candidate.accepted, on=["series_id", "reference_date"], how="anti")
    yield Expectation(
        "no_headline_figure_jumps",
        "out_dtm__governorate_idp, _returnee",
        f"no headline figure of a date moves by more than {limit:.0%} from the release before"
        + _worst(asked.filter(pl.col("moved").abs() > limit)),
        asked.select("location_code", "moved"),
        "ExpectColumnValuesToBeBetween",
        {"column": "moved", "min_value": -limit, "max_value": limit},
    )


SHOWN_FIGURES = 3


def _worst(broken: pl.DataFrame) -> str:
    """The largest figures that break an expectation: before, and now."""
    if broken.is_empty():
        return ""
    most = broken.sort("individuals", descending=True).head(SHOWN_FIGURES)
    told = [
        f"{series} on {day}: {before:,} before, {'no figure' if now is None else format(now, ',')} now"
        for series, day, before, now in most.select("series_id", "reference_date", "individuals", "now").rows()
    ]
    more = f"; and {broken.height - most.height} more" if broken.height > most.height else ""
    return f" ({'; '.join(told)}{more})"


def _coverage(candidate: Candidate) -> Iterator[Expectation]:
    """People whose governorate is not known stay a small part, where the source tells governorates at all."""
    limit = candidate.thresholds["max_unplaced_share"]
    depth = candidate.tables["out_meta__round"].filter("leads").select(*SCOPE, "admin_level")
    for name, measure in STOCKS.items():
        frame = candidate.tables[f"out_dtm__governorate_{name}"].join(depth, on=SCOPE).filter(pl.col("admin_level") > 0)
        shares = frame.group_by(SCOPE).agg(
            unplaced=pl.col(measure).filter(pl.col("admin1_code").is_null()).sum() / pl.col(measure).sum()
        )
        yield Expectation(
            "people_are_placed",
            f"out_dtm__governorate_{name}",
            f"at most {limit:.0%} of the people of a series and date have no known governorate",
            shares.select("location_code", pl.col("unplaced").fill_nan(0.0)),
            "ExpectColumnValuesToBeBetween",
            {"column": "unplaced", "max_value": limit},
        )


def _classified(candidate: Candidate) -> Iterator[Expectation]:
    """Nothing leaves without a dissemination class, and nothing sensitive leaves."""
    columns = pl.DataFrame(
        [(t.name, c.name, c.dissemination) for t in published_tables() for c in t.columns],
        schema=["table", "column", "dissemination"],
        orient="row",
    )
    yield Expectation(
        "nothing_unclassified",
        "all tables",
        "every published column is public or partner",
        columns.select("dissemination"),
        "ExpectColumnValuesToBeInSet",
        {"column": "dissemination", "value_set": ["public", "partner"]},
    )
    for dimension in BREAKDOWN_DIMENSIONS:
        known = candidate.categories.filter(dimension=dimension).select("category_code", "dissemination")
        used = candidate.tables[f"out_dtm__district_{dimension}"].select("location_code", "category_code").unique()
        yield Expectation(
            "nothing_unclassified",
            f"out_dtm__district_{dimension}",
            "every published category has a class, and it is public or partner",
            used.join(known, on="category_code", how="left").select(
                "location_code", pl.col("dissemination").fill_null("none")
            ),
            "ExpectColumnValuesToBeInSet",
            {"column": "dissemination", "value_set": ["public", "partner"]},
        )


def _conservation(candidate: Candidate) -> Expectation:
    return Expectation(
        "rows_and_persons_are_conserved",
        "deliveries",
        "rows and persons of every delivery are valid + rejected",
        accounts_compared(candidate.accounts).select("location_code", "lost"),
        "ExpectColumnValuesToBeInSet",
        {"column": "lost", "value_set": [0]},
    )


def judge(candidate: Candidate) -> list[GateResult]:
    """Every expectation's answer, without values; the pages about it are written into the home."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import tqdm

    tqdm.tqdm.monitor_interval = 0
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = {"globally": False}
    _docs(context, candidate.docs)
    source = context.data_sources.add_or_update_pandas("candidate")
    results = []
    for number, expected in enumerate(expectations(candidate)):
        # a summary without rows holds nothing that could break the expectation
        name = f"{number:02d} {expected.gate} {expected.table}"
        success = expected.frame.is_empty() or _ask(context, source, name, expected)
        countries = () if success else _failing_countries(context, source, name, expected)
        told = (expected.gate, expected.table, expected.name, expected.sentence, success)
        results.append(GateResult(*told, countries=countries))
    context.build_data_docs()
    return results


def _failing_countries(context: Any, source: Any, name: str, expected: Expectation) -> tuple[str, ...]:
    """The countries of a summary in which an expectation does not hold; none where the summary is of no country."""
    if "location_code" not in expected.frame.columns:
        return ()
    if expected.frame["location_code"].null_count():
        return ()
    parts = expected.frame.partition_by("location_code", as_dict=True)
    asked = ((str(c), _ask(context, source, f"{name} {c}", replace(expected, frame=f))) for (c,), f in parts.items())
    failing = tuple(sorted(country for country, holds in asked if not holds))
    return failing or tuple(sorted(str(c) for (c,) in parts))


def _docs(context: Any, folder: Path) -> None:
    """Data Docs of the last judgement only: their pages load from the network and stay in the home."""
    for site in list(context.get_site_names()):
        context.delete_data_docs_site(site)
    shutil.rmtree(folder, ignore_errors=True)
    context.add_data_docs_site(
        "home",
        {
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "store_backend": {
                "class_name": "TupleFilesystemStoreBackend",
                "base_directory": str(folder.resolve()),
            },
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        },
    )


def _ask(context: Any, source: Any, name: str, expected: Expectation) -> bool:
    """Whether the expectation holds. One that could not be asked has not passed."""
    import great_expectations as gx
    import great_expectations.expectations as gxe
    from great_expectations.checkpoint import Checkpoint

    question = getattr(gxe, expected.name)(**expected.arguments, description=expected.sentence)
    suite = context.suites.add_or_update(gx.ExpectationSuite(name, expectations=[question]))
    batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("whole")
    validation = context.validation_definitions.add_or_update(
        gx.ValidationDefinition(name=name, data=batch, suite=suite)
    )
    checkpoint = context.checkpoints.add_or_update(
        Checkpoint(name=name, validation_definitions=[validation], actions=[], result_format="BOOLEAN_ONLY")
    )
    answer = checkpoint.run(batch_parameters={"dataframe": expected.frame.to_pandas()})
    return all(bool(r.success) for run in answer.run_results.values() for r in run.results)
