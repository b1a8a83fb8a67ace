"""The code location: what the UI shows, what the schedule and the sensor do, what a run records."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log import InMemoryEventLogStorage, SqliteEventLogStorage

from dtm_pipeline.contracts import TABLES
from dtm_pipeline.definitions import JOB, build_definitions
from dtm_pipeline.execute import instance_of
from dtm_pipeline.storage.holder import read_holder
from tests.conftest import dtm
from tests.pipeline.test_runs import answer


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
        columns = node.metadata["dagster/column_schema"].columns
        assert [c.name for c in columns] == table.column_names


def test_the_schedule_stands_at_night_in_baghdad_and_is_stopped_by_default(definitions: dg.Definitions) -> None:
    nightly, inbox = definitions.resolve_schedule_def("nightly"), definitions.resolve_sensor_def("inbox")
    assert (nightly.cron_schedule, nightly.execution_timezone) == ("30 2 * * *", "Asia/Baghdad")
    assert nightly.default_status == dg.DefaultScheduleStatus.STOPPED
    assert inbox.default_status == dg.DefaultSensorStatus.STOPPED


def test_a_run_leaves_its_whole_log_to_dagsters_own_storage_and_no_open_database(tmp_path: Path) -> None:
    answer(tmp_path / "inbox" / "a.json", ("2020-02-29", 600))
    assert dtm("run", "--inbox", tmp_path / "inbox", "--home", tmp_path / "home").code == 0
    assert list((tmp_path / "home" / "dagster").rglob("*-wal")) == [], "the last connection that closes takes it along"
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path / "home" / "dagster"))) as instance:
        assert type(instance.event_log_storage) is SqliteEventLogStorage
        (run,) = instance.get_runs()
        kinds = Counter(e.dagster_event_type for e in instance.all_logs(run.run_id))
        latest = instance.get_latest_materialization_event(dg.AssetKey("out_dtm__latest"))
    assert kinds[dg.DagsterEventType.RUN_SUCCESS] == 1
    assert kinds[dg.DagsterEventType.STEP_START] == kinds[dg.DagsterEventType.STEP_SUCCESS] > 10
    assert latest is not None
    assert latest.run_id == run.run_id


def test_an_event_log_that_dagster_yaml_names_is_left_as_it_is(tmp_path: Path) -> None:
    log = {"module": "dagster._core.storage.event_log", "class": "InMemoryEventLogStorage"}
    (tmp_path / "dagster.yaml").write_text(json.dumps({"event_log_storage": log}))
    with dg.DagsterInstance.from_ref(instance_of(tmp_path)) as instance:
        assert type(instance.event_log_storage) is InMemoryEventLogStorage


@pytest.mark.parametrize("named", [{"root": "/elsewhere"}, {"reference_folder": "/elsewhere"}, {"waivers": {"a": "b"}}])
def test_the_configuration_of_a_run_can_name_no_home_reference_folder_or_waiver(
    tmp_path: Path, named: dict[str, Any]
) -> None:
    job = build_definitions(tmp_path / "home").resolve_job_def(JOB)
    with pytest.raises(dg.DagsterInvalidConfigError, match="workspace"):
        job.execute_in_process(run_config={"resources": {"workspace": {"config": named}}})
    assert not (tmp_path / "home").exists()


def tick(home: Path) -> tuple[Any, Any]:
    """What the schedule and the sensor of a home decide now."""
    definitions = build_definitions(home)
    night = datetime(2026, 1, 5, 2, 30, tzinfo=ZoneInfo("Asia/Baghdad"))
    (home / "dagster").mkdir(parents=True, exist_ok=True)
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home / "dagster"))) as instance:
        with dg.build_schedule_context(instance=instance, scheduled_execution_time=night) as context:
            scheduled = definitions.resolve_schedule_def("nightly").evaluate_tick(context)
        with dg.build_sensor_context(instance=instance) as context:
            sensed = definitions.resolve_sensor_def("inbox").evaluate_tick(context)
    return scheduled, sensed


def test_an_empty_plan_starts_no_run(tmp_path: Path) -> None:
    for told in tick(tmp_path):
        assert (list(told.run_requests), told.skip_message) == ([], "nothing is new")


def test_a_new_delivery_and_a_new_sidecar_each_start_a_run(tmp_path: Path) -> None:
    path = answer(tmp_path / "inbox" / "a.json", ("2020-02-29", 600))
    assert [len(told.run_requests) for told in tick(tmp_path)] == [1, 1]
    assert dtm("run", "--home", tmp_path).code == 0
    assert [len(told.run_requests) for told in tick(tmp_path)] == [0, 0]
    path.with_suffix(".toml").write_text('terms = "CC BY-IGO"\n')
    assert [len(told.run_requests) for told in tick(tmp_path)] == [1, 1]


def test_while_another_run_holds_the_home_no_run_is_started_and_the_work_is_not_forgotten(tmp_path: Path) -> None:
    answer(tmp_path / "inbox" / "a.json", ("2020-02-29", 600))
    code = "import sys; from pathlib import Path; from dtm_pipeline.storage.home import Home\nwith Home(Path(sys.argv[1])).create().held():\n    print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == "held"
        assert all("another run holds this home (process" in str(told.skip_message) for told in tick(tmp_path))
        other.kill()
    assert [len(told.run_requests) for told in tick(tmp_path)] == [1, 1]


def test_a_run_whose_process_was_killed_is_marked_failed_and_the_schedule_goes_on(tmp_path: Path) -> None:
    answer(tmp_path / "inbox" / "a.json", ("2020-02-29", 600))
    run = [str(Path(sys.executable).parent / "dtm"), "run", "--home", str(tmp_path)]
    with subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as killed:
        while (holder := read_holder(tmp_path)) is None or holder.run is None:
            time.sleep(0.05)
            assert killed.poll() is None, "the run ended before it was killed"
        assert "a run is at work: process" in dtm("status", "--home", tmp_path).out
        killed.kill()
    assert "a run died; the next one goes on from there: process" in dtm("status", "--home", tmp_path).out
    assert "a run that was killed left the home" in dtm("doctor", "--home", tmp_path).out
    assert [len(told.run_requests) for told in tick(tmp_path)] == [1, 1]
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path / "dagster"))) as instance:
        [run_then] = instance.get_runs()
        assert (run_then.run_id, run_then.status) == (holder.run, dg.DagsterRunStatus.FAILURE)
    assert dtm("run", "--home", tmp_path).code == 0


def test_a_run_that_never_came_to_its_start_is_marked_failed_when_its_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(tmp_path / "inbox" / "a.json", ("2020-02-29", 600))
    assert [len(told.run_requests) for told in tick(tmp_path)] == [1, 1]
    job = build_definitions(tmp_path).resolve_job_def("nightly_release")
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path / "dagster"))) as instance:
        lost = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTING).run_id
        assert [told.skip_message for told in tick(tmp_path)] == ["a run is under way"] * 2
        monkeypatch.setenv("DTM_START_SECONDS", "0.1")
        time.sleep(0.2)
        assert [len(told.run_requests) for told in tick(tmp_path)] == [1, 1]
        told = instance.get_run_by_id(lost)
        assert told is not None
        assert told.status == dg.DagsterRunStatus.FAILURE


def test_the_job_of_the_schedule_releases_and_records_rows_bytes_and_sha256_without_values(tmp_path: Path) -> None:
    answer(tmp_path / "inbox" / "a.json", ("2020-02-29", 600))
    scheduled, _ = tick(tmp_path)
    assert len(scheduled.run_requests) == 1
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
        "levels_add_up",
        "every_delivery_was_used",
        "nothing_is_held",
    }
    assert all(c.passed for c in checks)
    assert (tmp_path / "releases" / "partner" / "latest.json").is_file()


def test_checks_that_do_not_pass_carry_names_and_reasons(tmp_path: Path) -> None:
    answer(tmp_path / "inbox" / "a.json", ("2020-02-29", 600))
    answer(tmp_path / "inbox" / "b.json", ("2020-02-29", 700))
    (tmp_path / "inbox" / "odd.csv").write_text("a,b\n1,2\n")
    tick(tmp_path)
    job = build_definitions(tmp_path).resolve_job_def("nightly_release")
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            instance=instance, run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        )
        checks = {c.check_name: c for c in result.get_asset_check_evaluations()}
    used, held = checks["every_delivery_was_used"], checks["nothing_is_held"]
    assert (used.passed, held.passed) == (False, False)
    (refused,) = used.metadata["refused_because"].value.items()
    assert refused[0].startswith("delivery ")
    assert refused[1].startswith("expected ")
    assert "odd.csv" not in str(refused)
    assert "one of several deliveries of one intake" in held.metadata["held_because"].value[0]


def test_the_shipped_instance_file_sends_nothing_and_keeps_no_console_logs(tmp_path: Path) -> None:
    from dtm_pipeline.settings import Settings

    shutil.copy(Settings().dagster_yaml, tmp_path / "dagster.yaml")
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path))) as instance:
        assert instance.telemetry_enabled is False
        assert type(instance.compute_log_manager).__name__ == "NoOpComputeLogManager"
