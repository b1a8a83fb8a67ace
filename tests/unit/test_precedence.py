"""Which delivery replaces which, and which source leads."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from dtm_pipeline.domain.precedence import Reissue, align_dates, delivery_roles, leading_sources
from dtm_pipeline.domain.series import Series, series_of_rows
from dtm_pipeline.storage.reference import Reference

DAY = date(2020, 2, 29)


def deliveries(*told: tuple[str, int, str | None, int]) -> pl.DataFrame:
    """Deliveries of one key: snapshot, intake, statement, number of locations."""
    return pl.DataFrame(
        [
            ("irq_idp", "master_list", 4, DAY, snapshot, sequence, statement, f"p{i}", 1000 * count + i)
            for snapshot, sequence, statement, count in told
            for i in range(count)
        ],
        schema=[
            "series_id",
            "source_kind",
            "admin_level",
            "source_reference_date",
            "snapshot_id",
            "intake",
            "statement",
            "location_key",
            "content",
        ],
        orient="row",
        infer_schema_length=None,
    )


def roles(*told: tuple[str, int, str | None, int]) -> dict[str, str]:
    return dict(delivery_roles(deliveries(*told), Reissue(0.05)).select("snapshot_id", "role").rows())


def test_the_newest_delivery_leads_whole() -> None:
    assert roles(("a", 1, None, 100), ("b", 2, None, 100)) == {"a": "replaced", "b": "leads"}


def test_newest_is_by_intake_and_not_by_name() -> None:
    assert roles(("z", 1, None, 100), ("a", 2, None, 120)) == {"z": "replaced", "a": "leads"}


@pytest.mark.parametrize(("locations", "role"), [(95, "leads"), (94, "held"), (10, "held")])
def test_a_newer_delivery_that_lacks_more_than_a_twentieth_of_the_locations_is_held(locations: int, role: str) -> None:
    assert roles(("a", 1, None, 100), ("b", 2, None, locations))["b"] == role


def test_a_held_delivery_leaves_the_one_before_in_the_lead() -> None:
    assert roles(("a", 1, None, 100), ("b", 2, None, 10)) == {"a": "leads", "b": "held"}


def test_a_sidecar_that_says_replaces_lets_a_short_delivery_lead() -> None:
    assert roles(("a", 1, None, 100), ("b", 2, "replaces", 10)) == {"a": "replaced", "b": "leads"}


def test_a_sidecar_that_says_adds_leaves_both_in_use() -> None:
    assert roles(("a", 1, None, 100), ("b", 2, "adds", 10)) == {"a": "leads", "b": "adds"}


def test_an_addition_goes_with_the_delivery_that_it_was_added_to() -> None:
    assert roles(("a", 1, None, 100), ("b", 2, "adds", 10), ("c", 3, None, 100)) == {
        "a": "replaced",
        "b": "replaced",
        "c": "leads",
    }


def sources(*told: tuple[str, str, int, date]) -> pl.DataFrame:
    return pl.DataFrame(told, schema=["series_id", "source_kind", "admin_level", "source_reference_date"], orient="row")


@pytest.fixture
def iraq(reference: Reference) -> tuple[Series, ...]:
    return reference.series


def test_an_api_date_a_day_off_joins_the_date_of_the_list(iraq: tuple[Series, ...]) -> None:
    told = align_dates(sources(("irq_idp", "master_list", 4, DAY), ("irq_idp", "dtm_api", 2, date(2020, 3, 1))), iraq)
    assert told["reference_date"].to_list() == [DAY, DAY]


def test_a_date_outside_the_tolerance_stays_its_own(iraq: tuple[Series, ...]) -> None:
    told = align_dates(sources(("irq_idp", "master_list", 4, DAY), ("irq_idp", "dtm_api", 2, date(2020, 3, 31))), iraq)
    assert told["reference_date"].to_list() == [DAY, date(2020, 3, 31)]


def test_only_one_date_of_a_source_joins_a_date_of_the_list(iraq: tuple[Series, ...]) -> None:
    told = align_dates(
        sources(
            ("irq_idp", "master_list", 4, DAY),
            ("irq_idp", "dtm_api", 2, date(2020, 2, 28)),
            ("irq_idp", "dtm_api", 2, date(2020, 3, 1)),
        ),
        iraq,
    )
    assert sorted(told["reference_date"].to_list()) == [DAY, DAY, date(2020, 3, 1)]


def test_the_deepest_level_leads_and_then_the_declared_order(iraq: tuple[Series, ...]) -> None:
    totals = pl.DataFrame(
        [("irq_idp", DAY, "dtm_api", level) for level in (0, 1, 2)] + [("irq_idp", DAY, "master_list", 4)],
        schema=["series_id", "reference_date", "source_kind", "admin_level"],
        orient="row",
    )
    told = leading_sources(totals, iraq)
    assert told.filter("leads").select("source_kind", "admin_level").rows() == [("master_list", 4)]
    assert set(told.filter(~pl.col("leads"))["why"]) == {"compared: master_list at location level leads"}


@pytest.mark.parametrize("mirrored", [False, True])
def test_population_groups_of_one_operation_are_series_apart(reference: Reference, mirrored: bool) -> None:
    told = [("TCD", group, "Lake Chad Basin Crisis", "BA", None) for group in ("idp", "idp_returnee")]
    _, series = series_of_rows(provider_names(told[::-1] if mirrored else told), reference.series, reference.words)
    assert {(s.series_id, s.population_group) for s in series} == {
        ("tcd_lake-chad-basin-crisis_ba", "idp"),
        ("tcd_lake-chad-basin-crisis_idp_returnee_ba", "idp_returnee"),
    }


def provider_names(told: list[tuple[str, str, str, str, None]]) -> pl.DataFrame:
    return pl.DataFrame(
        told,
        schema={
            "location_code": pl.String,
            "population_group": pl.String,
            "operation": pl.String,
            "assessment_type": pl.String,
            "series_id": pl.String,
        },
        orient="row",
    )


def test_assessment_types_of_one_operation_are_series_apart(reference: Reference) -> None:
    rows = provider_names([("TCD", "idp", "Lake Chad Basin Crisis", kind, None) for kind in ("BA", "SA")])
    placed, series = series_of_rows(rows, reference.series, reference.words)
    assert placed["series_id"].to_list() == ["tcd_lake-chad-basin-crisis_ba", "tcd_lake-chad-basin-crisis_sa"]
    assert {s.overlap_group for s in series} == {"tcd_idp"}
    assert not any(s.headline for s in series)
