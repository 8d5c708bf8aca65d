from benchmarks.deciding import beside


def test_the_rules_of_a_policy_allow_what_duckdb_allows_by_the_same_sql():
    found = beside(3_000)  # raises where the two differ
    assert 0 < found["allowed"] < 3_000 * 60
