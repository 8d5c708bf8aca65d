import numpy as np
import pytest

from domain.errors import DataError
from features.catalogue import family_column
from features.definitions import Where
from tests.features.build import aggregate, catalogue

PAYMENTS = catalogue(aggregate("payments", "count", Where(types=("payment",)), per="product"))
COLUMNS = {"savings_payments": np.array([1.0, 2.0]), "loan_payments": np.array([3.0, 4.0])}


def test_each_product_has_its_own_column_and_none_has_none() -> None:
    matrix = family_column(COLUMNS, PAYMENTS, "payments", ["loan", None, "savings", "loan"])
    np.testing.assert_array_equal(matrix, [[3, np.nan, 1, 3], [4, np.nan, 2, 4]])


def test_an_unknown_family_is_an_error_with_the_nearest_name() -> None:
    with pytest.raises(DataError, match="'payments'"):
        family_column(COLUMNS, PAYMENTS, "payment", ["loan"])


def test_a_missing_feature_of_the_family_is_an_error() -> None:
    with pytest.raises(DataError, match="savings_payments"):
        family_column({"loan_payments": np.array([1.0])}, PAYMENTS, "payments", ["savings"])
