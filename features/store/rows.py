"""The packed states as rows of Feast's online store, whichever that is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from typing import TypeVar

from feast import FeatureView
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value

from features.store.definitions import STATE, STATE_VIEW
from features.store.removing import remove_rows
from features.store.repository import FeatureRepository, no_answer
from features.table import CUSTOMER_ID

Answer = TypeVar("Answer")


class StateRows:
    """Writes and reads the one packed value of each customer.

    Both go to the store itself instead of through `write_to_online_store` and `get_online_features`: one column needs
    none of the frame, the conversions and the joins that these add, which are most of the time.

    A store that has answered before and fails now is asked a second time, for its server may have been started anew
    and the first question only found the old connection broken. Both questions may be asked twice: writing the same
    again changes nothing.

    Raises:
        StateError: From every method, where the store does not answer, or nothing is registered.
    """

    def __init__(self, repository: FeatureRepository) -> None:
        self._repository = repository
        self._answered = False

    @staticmethod
    def keys(customer_ids: Sequence[str]) -> list[EntityKey]:
        """Feast's keys of customers."""
        return [EntityKey(join_keys=[CUSTOMER_ID], entity_values=[Value(string_val=name)]) for name in customer_ids]

    @staticmethod
    def latest_key() -> EntityKey:
        """Key of the row about the store as a whole: of another type than customers' keys, so equal to none."""
        return EntityKey(join_keys=[CUSTOMER_ID], entity_values=[Value(int64_val=0)])

    def read(self, keys: Sequence[EntityKey]) -> list[bytes | None]:
        """Read the packed states of customers, None for those the store does not know."""
        store, view = self._repository.store, self._view
        rows = self._ask(lambda: store.provider.online_read(store.config, view, list(keys), [STATE]))
        # Redis answers with an empty value, the others without any
        return [values[STATE].bytes_val or None if values else None for _, values in rows]

    def write(self, keys: Sequence[EntityKey], packed: Sequence[bytes], written_at: datetime) -> None:
        """Write packed states, each whole or not at all; there when this returns.

        Args:
            written_at: Feast's event time, naive UTC.
        """
        store, view = self._repository.store, self._view
        rows: list[tuple[EntityKey, dict[str, Value], datetime, datetime | None]] = [
            (key, {STATE: Value(bytes_val=state)}, written_at, None) for key, state in zip(keys, packed, strict=True)
        ]
        self._ask(lambda: store.provider.online_write_batch(store.config, view, rows, None))

    def remove(self, keys: Sequence[EntityKey]) -> None:
        """Remove the rows of customers; there is nothing of them in the store when this returns."""
        self._ask(lambda: remove_rows(self._repository.store, self._view, keys))

    @cached_property
    def _view(self) -> FeatureView:
        return self._repository.feature_view(STATE_VIEW)

    def _ask(self, question: Callable[[], Answer]) -> Answer:
        try:
            answer = self._once(question)
        except Exception as error:  # every store has its driver's errors
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
