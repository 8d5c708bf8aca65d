"""Remove single rows from Feast's online stores; Feast 0.67 can only remove whole views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from feast import FeatureStore, FeatureView
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.infra.online_stores.helpers import _redis_key, compute_table_id
from feast.protos.feast.types.EntityKey_pb2 import EntityKey


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
