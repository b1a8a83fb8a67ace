"""The code location: what the UI shows, what the schedule and the sensor do, what a run records."""

from __future__ import annotations

import shutil
import warnings
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from dtm_pipeline.contracts import TABLES
from dtm_pipeline.definitions import build_definitions, inbox, nightly
from tests.pipeline.test_runs import answer

warnings.filterwarnings("ignore")


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    return build_definitions(tmp_path_factory.mktemp("home"))


def test_the_definitions_load(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


def test_every_table_is_an_asset_in_its_group_with_description_owner_kinds_and_columns(
    definitions: dg.Definitions,
) -> None:
    graph = definitions.resolve_asset_graph()
    names = {k.path[-1] for k in graph.get_all_asset_keys()}
    assert names == {*TABLES, "release_dtm__partner"}
    for name, table in TABLES.items():
        node = graph.get(dg.AssetKey(name))
        assert node.group_name == table.layer
        assert node.description == table.description
        assert node.owners == ["team:dtm"]
        assert "parquet" in node.kinds
        columns = node.metadata["dagster/column_schema"].value.columns
        assert [c.name for c in columns] == table.column_names


def test_the_schedule_stands_at_night_in_baghdad_and_is_stopped_by_default() -> None:
    assert (nightly.cron_schedule, nightly.execution_timezone) == ("30 2 * * *", "Asia/Baghdad")
    assert nightly.default_status == dg.DefaultScheduleStatus.STOPPED
    assert inbox.default_status == dg.DefaultSensorStatus.STOPPED


def tick(home: Path, cursor: str | None = None) -> tuple[object, object]:
    workspace = build_definitions(home).resources["workspace"]  # type: ignore[index]
    night = datetime(2026, 1, 5, 2, 30, tzinfo=ZoneInfo("Asia/Baghdad"))
    with dg.DagsterInstance.ephemeral() as instance:
        with dg.build_schedule_context(
            instance=instance, resources={"workspace": workspace}, scheduled_execution_time=night
        ) as context:
            scheduled = nightly.evaluate_tick(context)
        with dg.build_sensor_context(instance=instance, resources={"workspace": workspace}, cursor=cursor) as context:
            sensed = inbox.evaluate_tick(context)
    return scheduled, sensed


def test_an_empty_plan_starts_no_run(tmp_path: Path) -> None:
    scheduled, sensed = tick(tmp_path)
    assert (scheduled.run_requests, scheduled.skip_message) == ([], "nothing is new")  # type: ignore[attr-defined]
    assert (sensed.run_requests, sensed.skip_message) == ([], "the inbox is empty")  # type: ignore[attr-defined]


def test_a_new_delivery_in_the_inbox_starts_one_run_and_the_same_inbox_no_second(tmp_path: Path) -> None:
    answer(tmp_path / "inbox" / "a.json", ("2020-02-29", 600))
    scheduled, sensed = tick(tmp_path)
    assert [r.run_key for r in scheduled.run_requests] == ["2026-01-05"]  # type: ignore[attr-defined]
    assert len(sensed.run_requests) == 1  # type: ignore[attr-defined]
    again = tick(tmp_path, sensed.cursor)[1]  # type: ignore[attr-defined]
    assert (again.run_requests, again.skip_message) == ([], "the inbox has not changed")  # type: ignore[attr-defined]


def test_the_job_of_the_schedule_releases_and_records_rows_bytes_and_sha256_without_values(tmp_path: Path) -> None:
    answer(tmp_path / "inbox" / "a.json", ("2020-02-29", 600))
    scheduled, _ = tick(tmp_path)
    assert scheduled.run_requests  # type: ignore[attr-defined]
    job = build_definitions(tmp_path).resolve_job_def("nightly_release")
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            instance=instance, run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        )
        assert result.success
        stored = {
            e.asset_key.path[-1]: e.step_materialization_data.materialization.metadata
            for e in result.get_asset_materialization_events()
        }
        checks = result.get_asset_check_evaluations()
    assert set(stored) == {*TABLES, "release_dtm__partner"}
    district = stored["out_dtm__district_idp"]
    assert district["dagster/row_count"].value == 1
    assert len(district["sha256"].value) == 64
    assert {c.check_name for c in checks} >= {
        "rows_and_persons_are_conserved",
        "one_source_leads",
        "districts_add_up_to_governorates",
        "every_delivery_was_used",
    }
    assert all(c.passed for c in checks)
    assert (tmp_path / "releases" / "partner" / "latest.json").is_file()


def test_the_shipped_instance_file_sends_nothing_and_keeps_no_console_logs(tmp_path: Path) -> None:
    from dagster._core.instance.ref import InstanceRef

    from dtm_pipeline.settings import Settings

    shutil.copy(Settings().dagster_yaml, tmp_path / "dagster.yaml")
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path))) as instance:
        assert instance.telemetry_enabled is False
        assert type(instance.compute_log_manager).__name__ == "NoOpComputeLogManager"
