"""What assets are given: the home, the reference data, and the one IO manager."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg
from upath import UPath

from dtm_pipeline.contracts import Table, table
from dtm_pipeline.places.gazetteer import Gazetteer
from dtm_pipeline.quality.split import ConservationError
from dtm_pipeline.release.gates import GateRefusedError
from dtm_pipeline.storage.errors import InternalError, write_error_log
from dtm_pipeline.storage.home import Home, HomeError
from dtm_pipeline.storage.plan import Plan, country_fingerprints, make_plan, read_state
from dtm_pipeline.storage.reference import Reference
from dtm_pipeline.storage.snapshots import Snapshot, SnapshotStore
from dtm_pipeline.storage.surroundings import SurroundingsError, passing_fault
from dtm_pipeline.storage.tables import ContractBrokenError, Parts, StoredParts, stored

progress = logging.getLogger("dtm_pipeline.progress")
OWNER = "team:dtm"
TOLD = (GateRefusedError, HomeError, ConservationError, ContractBrokenError, InternalError, SurroundingsError)
"""Errors whose words hold no values of rows."""

Body = TypeVar("Body", bound=Callable[..., Any])


@contextmanager
def without_values(folder: Path) -> Iterator[None]:
    """Turn whatever goes wrong into an error that names its type and a log in the home.

    Polars and Pandera quote values of rows in their messages, and Dagster stores the messages of failed steps.
    """
    try:
        yield
    except TOLD:
        raise
    except Exception as error:
        if fault := passing_fault(error):
            raise fault from None
        log = write_error_log(error, folder)
        raise InternalError(f"{type(error).__name__}, see {log}") from None


def guarded(body: Body) -> Body:
    """The body of an asset or check with `workspace`, its errors without values."""
    if inspect.isgeneratorfunction(body):

        @wraps(body)
        def steps(*args: Any, workspace: Workspace, **kwargs: Any) -> Any:
            with without_values(workspace.home.logs):
                yield from body(*args, workspace=workspace, **kwargs)

        return steps  # type: ignore[return-value]  # the same signature

    @wraps(body)
    def whole(*args: Any, workspace: Workspace, **kwargs: Any) -> Any:
        with without_values(workspace.home.logs):
            return body(*args, workspace=workspace, **kwargs)

    return whole  # type: ignore[return-value]  # the same signature


@dataclass(frozen=True)
class Workspace:
    """The home that a run works in. It is wired with the code location: no configuration of a run can name another.

    Attributes:
        root: of the home.
        reference_folder: the shipped reference data.
        only_country: ISO 3166-1 alpha-3 of the one country to compute; empty for all.
        waivers: gates that a person lets pass, with the reason.
        strict: nothing is released unless all of the deliveries in `asked` (sha256) are taken.
    """

    root: Path
    reference_folder: Path
    only_country: str = ""
    waivers: dict[str, str] = field(default_factory=dict)
    strict: bool = False
    asked: tuple[str, ...] = ()

    @property
    def strict_about(self) -> frozenset[str] | None:
        """The deliveries of which all must be taken; None where the run is not strict."""
        return frozenset(self.asked) if self.strict else None

    @property
    def home(self) -> Home:
        return Home(self.root)

    @property
    def reference(self) -> Reference:
        return Reference(self.reference_folder, self.home.reference)

    def gazetteer(self) -> Gazetteer:
        return self.reference.gazetteer(self.home.decisions)

    def snapshots(self) -> list[Snapshot]:
        return SnapshotStore(self.home).all()

    def plan(self) -> Plan:
        return make_plan(self.home, self.reference.fingerprint(), self.only_country or None)

    def fingerprints(self) -> dict[str, str]:
        """What each country's figures depend on now."""
        return country_fingerprints(self.home, self.snapshots(), self.reference.fingerprint())

    def accepted(self, country: str) -> list[Snapshot]:
        return [s for s in self.snapshots() if s.status == "accepted" and country in s.countries]

    def stale_and_gone(self) -> tuple[list[str], set[str]]:
        """Countries to compute, as they were when all deliveries were read, and countries that no delivery is of any more."""
        stale = read_state(self.home)["computing"]
        present = set(self.fingerprints())
        return [c for c in stale if c in present], {c for c in stale if c not in present}


InWorkspace = dg.ResourceParam[Workspace]
"""How an asset or check asks for the workspace."""


def workspace_resource(workspace: Workspace) -> dg.ResourceDefinition:
    """The resource that holds the home for a run, started by the CLI or by the daemon alike."""

    # an empty schema: what a run's configuration says of it is refused
    @dg.resource(config_schema={})
    def held(context: dg.InitResourceContext) -> Iterator[Workspace]:
        with workspace.home.create().held(context.run.run_id if context.run else None):
            yield workspace

    return held


class PartsIOManager(dg.UPathIOManager):
    """Tables as folders of Parquet parts: a snapshot a file in raw, a country a file in core and out."""

    def __init__(self, home: Home) -> None:
        super().__init__(base_path=UPath(home.warehouse))
        self._home = home

    def _stored(self, context: Any) -> StoredParts:
        return stored(self._home.warehouse, table(context.asset_key.path[-1]))

    def _get_path(self, context: Any) -> UPath:
        return UPath(self._stored(context).folder)

    def handle_output(self, context: dg.OutputContext, obj: Parts) -> None:
        """Store a table's parts. (The parent's own logs a line a table, which costs an event in the database.)"""
        self.dump_to_path(context, obj, self._get_path(context))

    def load_input(self, context: dg.InputContext) -> StoredParts:
        return self.load_from_path(context, self._get_path(context))

    def dump_to_path(self, context: dg.OutputContext, obj: Parts, path: UPath) -> None:
        with without_values(self._home.logs):
            facts = self._stored(context).store(obj)
        context.add_output_metadata(
            {
                "dagster/row_count": facts.rows,
                "bytes": facts.bytes,
                "sha256": facts.sha256,
                "parts_written": len(obj.frames) + len(obj.written),
            }
        )

    def load_from_path(self, context: dg.InputContext, path: UPath) -> StoredParts:
        return self._stored(context)


@dg.io_manager(required_resource_keys={"workspace"})
def parts_io_manager(context: dg.InitResourceContext) -> PartsIOManager:
    return PartsIOManager(context.resources.workspace.home)


def column_schema(declared: Table) -> dg.TableSchema:
    """Dagster's view of a contract."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                c.name,
                c.type,
                description=f"{c.description}{f' ({c.unit})' if c.unit else ''}",
                constraints=dg.TableColumnConstraints(nullable=c.nullable),
                tags={"dissemination": c.dissemination, "kind": c.kind},
            )
            for c in declared.columns
        ],
        constraints=dg.TableConstraints(
            other=[f"one row for each {', '.join(declared.grain)}"] if declared.grain else []
        ),
    )


def spec(name: str, kinds: set[str]) -> dict[str, Any]:
    """Description, group, kinds, owner and columns of a table's asset, from its contract."""
    declared = table(name)
    return {
        "group_name": declared.layer,
        "description": declared.description,
        "kinds": kinds,
        "owners": [OWNER],
        "code_version": declared.version,
        "metadata": {"dagster/column_schema": column_schema(declared)},
    }
