"""Dagster's event log in SQLite, on one open connection a database for as long as a run lasts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import StaticPool


class OpenEventLog(SqliteEventLogStorage):
    """The same files and rows as Dagster's own storage, which makes an engine and a connection for each statement.

    A small run writes some 540 events by 1,000 statements; most of their time went into compiling each statement anew
    and into opening and syncing the file (docs/adr/0030). The log is no truth of ours: it may lose its last events
    when the machine loses its power, and is whole after that (SQLite's WAL with `synchronous = NORMAL`).
    """

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, object]
    ) -> OpenEventLog:
        """As Dagster makes it from its configuration: `base_dir`, the folder of the databases."""
        return cls(str(config_value["base_dir"]), inst_data)

    def _engine(self, shard: str) -> Engine:
        engines: dict[str, Engine] = self.__dict__.setdefault("_engines", {})
        if shard not in engines:
            engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=StaticPool,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            event.listen(engine, "connect", lambda c, _: c.execute("PRAGMA synchronous = NORMAL"))
            engines[shard] = engine
        return engines[shard]

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def dispose(self) -> None:
        """Close the connections, as the instance does when a run has ended."""
        for engine in self.__dict__.pop("_engines", {}).values():
            engine.dispose()
        super().dispose()
