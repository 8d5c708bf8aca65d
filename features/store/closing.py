"""Close connections that Feast leaves open: Feast 0.67 closes neither its registry nor an SQLite or Redis store."""

from __future__ import annotations

from typing import Any

from feast import FeatureStore


def close_connections(store: FeatureStore) -> None:
    """Close the connections of the registry and the online store; the next use opens new ones.

    Args:
        store: A store with an SQL registry, and an online store that `config.stores` knows.
    """
    registry: Any = store._registry  # `store.registry` would open it
    if registry is not None:
        registry.write_engine.dispose()
    online: Any = store.provider.online_store  # each closes in its own way
    match store.config.online_store.type:
        case "sqlite":
            if online._conn is not None:
                online._conn.close()
                online._conn = None
        case "redis":
            if online._client is not None:
                online._client.close()
        case _:
            online.disconnect()
