"""Packed states as rows of Feast's online store, whichever store is used; they can be removed one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from feast import FeatureStore, FeatureView
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.infra.online_stores.helpers import _redis_key, compute_table_id
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value

from features.store.definitions import STATE, STATE_VIEW
from features.store.repository import FeatureRepository, no_answer
from features.table import CUSTOMER_ID

Answer = TypeVar("Answer")


class StateRows:
    """Writes and reads one packed value for each customer.

    It calls the store directly rather than through `write_to_online_store` and `get_online_features`: one column needs
    none of their data frames, conversions and joins, which take most of the time.

    If a store that has answered before fails, the call is tried once more, because its server may have restarted and
    left the old connection broken. All calls can safely be repeated.

    Raises:
        StateError: From every method, if the store does not answer, or nothing is registered.
    """

    def __init__(self, repository: FeatureRepository) -> None:
        self._repository = repository
        self._answered = False

    @staticmethod
    def keys(customer_ids: Sequence[str]) -> list[EntityKey]:
        """Return Feast's keys of customers."""
        return [EntityKey(join_keys=[CUSTOMER_ID], entity_values=[Value(string_val=name)]) for name in customer_ids]

    @staticmethod
    def latest_key() -> EntityKey:
        """Return the key of the row about the store as a whole: its type differs from that of customers' keys."""
        return EntityKey(join_keys=[CUSTOMER_ID], entity_values=[Value(int64_val=0)])

    def read(self, keys: Sequence[EntityKey]) -> list[bytes | None]:
        """Read packed states; None for customers that the store does not have."""
        store, view = self._repository.store, self._view
        rows = self._ask(lambda: store.provider.online_read(store.config, view, list(keys), [STATE]))
        # for a missing customer Redis returns an empty value, other stores none
        return [values[STATE].bytes_val or None if values else None for _, values in rows]

    def write(self, keys: Sequence[EntityKey], packed: Sequence[bytes], written_at: datetime) -> None:
        """Write packed states, each completely or not at all; they are stored when this returns.

        Args:
            written_at: Feast's event time, naive UTC.
        """
        store, view = self._repository.store, self._view
        rows: list[tuple[EntityKey, dict[str, Value], datetime, datetime | None]] = [
            (key, {STATE: Value(bytes_val=state)}, written_at, None) for key, state in zip(keys, packed, strict=True)
        ]
        self._ask(lambda: store.provider.online_write_batch(store.config, view, rows, None))

    def remove(self, keys: Sequence[EntityKey]) -> None:
        """Remove the rows of customers; nothing of them is left in the store when this returns."""
        self._ask(lambda: remove_rows(self._repository.store, self._view, keys))

    @cached_property
    def _view(self) -> FeatureView:
        return self._repository.feature_view(STATE_VIEW)

    def _ask(self, question: Callable[[], Answer]) -> Answer:
        try:
            answer = self._once(question)
        except Exception as error:  # each store raises its driver's errors
            raise no_answer(error) from error
        self._answered = True
        return answer

    def _once(self, question: Callable[[], Answer]) -> Answer:
        try:
            return question()
        except Exception:
            if not self._answered:
                raise
        self._answered = False
        return question()


def remove_rows(store: FeatureStore, view: FeatureView, keys: Sequence[EntityKey]) -> None:
    """Remove rows and their keys from the store; nothing of them is left in it when this returns.

    PostgreSQL keeps removed rows in its files until it vacuums, which it does automatically.

    Args:
        store: A store with SQLite, Redis or PostgreSQL as its online store: those that `config.stores` knows.
        view: The view of the rows.
        keys: Keys of the rows; missing rows are ignored.
    """
    config = store.config
    online: Any = store.provider.online_store  # each removes in its own way
    version = config.entity_key_serialization_version
    if config.online_store.type == "redis":
        online._get_client(config.online_store).delete(*(_redis_key(config.project, key, version) for key in keys))
        return
    names = [(serialize_entity_key(key, version),) for key in keys]
    table = compute_table_id(config.project, view, config.registry.enable_online_feature_view_versioning)
    if config.online_store.type == "sqlite":
        _from_sqlite(online._get_conn(config), table, names)
    else:
        with online._get_conn(config, autocommit=True) as connection, connection.cursor() as cursor:
            cursor.executemany(f'DELETE FROM "{table}" WHERE entity_key = %s', names)  # noqa: S608  Feast's own name


def _from_sqlite(connection: Any, table: str, names: Sequence[tuple[bytes]]) -> None:
    # deleted rows are overwritten, and do not stay in the write-ahead log
    connection.execute("PRAGMA secure_delete=ON")
    with connection:
        connection.executemany(f'DELETE FROM "{table}" WHERE entity_key = ?', names)  # noqa: S608  Feast's own name
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
