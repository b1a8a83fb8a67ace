"""The declarations, and what is derived from them."""

from __future__ import annotations

from pathlib import Path

import pandera.errors
import polars as pl
import pytest

from dtm_pipeline.contracts import TABLES, Table, published_tables
from dtm_pipeline.contracts.derive import arrow_schema, empty, frictionless_resource, pandera_schema, polars_schema
from dtm_pipeline.contracts.model import Column
from dtm_pipeline.release.documents import documents

ROOT = Path(__file__).parent.parent.parent
EVERY = pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
MEASURES = {"stock", "flow", "count", "share", "score"}


def test_generated_documents_are_what_the_contracts_say() -> None:
    stale = [path for path, content in documents().items() if (ROOT / path).read_text(encoding="utf-8") != content]
    assert not stale, "run `make docs`"


@EVERY
def test_every_column_is_described_and_every_measure_has_a_unit(table: Table) -> None:
    assert table.description
    assert [c.name for c in table.columns if not c.description] == []
    assert [c.name for c in table.columns if c.kind in MEASURES and not c.unit] == []


@pytest.mark.parametrize("table", published_tables(), ids=lambda t: t.name)
def test_no_published_table_holds_a_column_that_may_not_leave(table: Table) -> None:
    assert [c.name for c in table.columns if c.dissemination == "sensitive"] == []


@pytest.mark.parametrize("table", published_tables(), ids=lambda t: t.name)
def test_no_stock_is_added_along_dates(table: Table) -> None:
    if any(c.kind == "stock" for c in table.columns):
        assert not {"reference_date", "series_id", "assessment_type"} & set(table.added_along)


def test_a_name_has_one_type_and_one_unit_in_every_published_table() -> None:
    seen: dict[str, tuple[str, str]] = {}
    for table in published_tables():
        for c in table.columns:
            assert seen.setdefault(c.name, (c.type, c.unit)) == (c.type, c.unit), f"{table.name}.{c.name}"


@EVERY
def test_every_derived_schema_has_the_columns_of_the_declaration(table: Table) -> None:
    names = table.column_names
    assert list(polars_schema(table)) == names
    assert arrow_schema(table).names == names
    assert list(pandera_schema(table).columns) == names
    assert [f["name"] for f in frictionless_resource(table)["schema"]["fields"]] == names


@EVERY
def test_an_empty_table_keeps_its_contract(table: Table) -> None:
    assert pandera_schema(table).validate(empty(table), lazy=True).is_empty()


@EVERY
def test_every_rule_is_a_condition_on_columns_of_the_table(table: Table) -> None:
    frame = empty(table)
    for rule in table.rules:
        assert frame.select(pl.sql_expr(rule.condition)).is_empty(), rule.name


def test_field_metadata_tells_description_unit_and_class() -> None:
    field = arrow_schema(TABLES["out_dtm__district_idp"]).field("idp_individuals")
    assert field.metadata[b"unit"] == b"persons"
    assert field.metadata[b"dissemination"] == b"public"
    assert field.metadata[b"description"]


def test_a_row_that_breaks_the_contract_is_refused() -> None:
    table = TABLES["core_dtm__border_flow"]
    row = {c.name: "x" if c.type == "string" else 1 for c in table.columns}
    frame = pl.DataFrame(
        [row], schema={n: t if t != pl.Date else pl.Int64 for n, t in polars_schema(table).items()}
    ).with_columns(pl.col("observed_on").cast(pl.Int32).cast(pl.Date))
    with pytest.raises(pandera.errors.SchemaErrors, match="direction is one of in, out"):
        pandera_schema(table).validate(frame, lazy=True)


def test_a_declaration_whose_grain_names_no_column_is_refused() -> None:
    with pytest.raises(ValueError, match="grain names no column"):
        Table("t", "raw", "T", ("missing",), (Column("a", "string", "key", "A"),))


def test_a_declaration_with_a_column_twice_is_refused() -> None:
    column = Column("a", "string", "key", "A")
    with pytest.raises(ValueError, match="stands twice"):
        Table("t", "raw", "T", (), (column, column))
