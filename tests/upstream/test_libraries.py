"""Facts about other people's libraries that decisions rest on. One that fails asks for the decision anew."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import duckdb
import fastexcel
import geopandas as gpd
import pandera.errors
import pandera.polars as pa
import polars as pl
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook
from shapely.geometry import Point, box

from dtm_pipeline.contracts import table
from dtm_pipeline.contracts.derive import arrow_schema, empty
from dtm_pipeline.storage.tables import write_table

SCHEMA = pa.DataFrameSchema({"n": pa.Column(pl.Int64, checks=pa.Check.ge(0))})


def test_pandera_passes_the_values_of_a_lazy_frame_unseen_so_only_eager_frames_are_judged() -> None:
    bad = pl.DataFrame({"n": [-1]})
    assert SCHEMA.validate(bad.lazy()).collect().height == 1
    with pytest.raises(pandera.errors.SchemaError):
        SCHEMA.validate(bad)


def test_pandera_names_the_rows_that_fail_a_check_and_none_for_a_wrong_type() -> None:
    with pytest.raises(pandera.errors.SchemaErrors) as rows:
        SCHEMA.validate(pl.DataFrame({"n": [1, -1, 2, -2]}), lazy=True)
    assert rows.value.failure_cases["index"].to_list() == [1, 3]
    with pytest.raises(pandera.errors.SchemaErrors) as shape:
        SCHEMA.validate(pl.DataFrame({"n": ["a"]}), lazy=True)
    assert shape.value.failure_cases.filter(pl.col("check").str.contains("dtype"))["index"].to_list() == [None]


def test_polars_sums_nothing_but_nulls_to_zero_and_duckdb_to_null() -> None:
    frame = pl.DataFrame({"n": [None, None]}, schema={"n": pl.Int64})
    assert frame["n"].sum() == 0
    assert duckdb.sql("SELECT sum(n) FROM (VALUES (NULL::BIGINT)) t(n)").fetchall() == [(None,)]


def test_polars_pads_short_csv_rows_without_a_word() -> None:
    assert pl.read_csv(b"a,b,c\n1,2\n", infer_schema=False).rows() == [("1", "2", None)]


def test_polars_loses_field_metadata_in_a_sink_and_the_projects_writer_keeps_it(tmp_path: Path) -> None:
    declared = table("out_dtm__latest")
    write_table(empty(declared), declared, tmp_path / "a.parquet")
    assert pq.read_schema(tmp_path / "a.parquet").equals(arrow_schema(declared), check_metadata=True)
    pl.scan_parquet(tmp_path / "a.parquet").sink_parquet(tmp_path / "b.parquet")
    assert pq.read_schema(tmp_path / "b.parquet").field("individuals").metadata in (None, {})


def test_geopandas_within_places_no_point_on_a_border_and_intersects_places_it_twice() -> None:
    shapes = gpd.GeoDataFrame({"code": ["a", "b"]}, geometry=[box(0, 0, 1, 1), box(1, 0, 2, 1)])
    point = gpd.GeoDataFrame(geometry=[Point(1, 0.5)])
    assert len(gpd.sjoin(point, shapes, predicate="within")) == 0
    assert sorted(gpd.sjoin(point, shapes, predicate="intersects")["code"]) == ["a", "b"]


def test_fastexcel_drops_leading_blank_columns_and_tells_where_the_first_stands() -> None:
    book = Workbook()
    book.active["C3"] = "x"
    buffer = io.BytesIO()
    book.save(buffer)
    sheet = fastexcel.read_excel(buffer.getvalue()).load_sheet(0, header_row=None, skip_rows=0, dtypes="string")
    assert sheet.available_columns()[0].absolute_index == 2
    assert sheet.to_polars().height == 3


def test_openpyxl_writes_no_dimensions_in_write_only_mode_and_fastexcel_reads_the_sheet_all_the_same(
    tmp_path: Path,
) -> None:
    import zipfile

    book = Workbook(write_only=True)
    book.create_sheet("s").append(["a", 6.0, 1 / 3])
    book.save(tmp_path / "a.xlsx")
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        assert b"<dimension" not in archive.read("xl/worksheets/sheet1.xml")
    sheet = fastexcel.read_excel(tmp_path / "a.xlsx").load_sheet(0, header_row=None, skip_rows=0, dtypes="string")
    assert sheet.to_polars().row(0) == ("a", "6", "0.333333333"), "numbers as text keep nine decimals"


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    code = "import sys, dtm_pipeline.cli; print(sorted({'polars', 'dagster', 'pandera', 'duckdb', 'rich'} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_polars_tells_a_fault_of_the_disk_in_words_alone(tmp_path: Path) -> None:
    # dtm_pipeline/storage/surroundings.py reads the number from them
    code = (
        "import resource, signal, polars as pl; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        f"try: pl.DataFrame({{'a': range(100_000)}}).write_parquet({str(tmp_path / 'a.parquet')!r})\n"
        "except pl.exceptions.PolarsError as error: print(error)\n"
        f"try: pl.read_parquet({str(tmp_path / 'none.parquet')!r})\n"
        "except OSError as error: print(error.errno, error)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert told[0] == "parquet: File out of specification: underlying IO error: File too large (os error 27)"
    assert told[1].startswith("None No such file or directory (os error 2): ")
