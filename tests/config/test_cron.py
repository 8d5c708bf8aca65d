import pytest

from config.checks.operations import cron_mistake


@pytest.mark.parametrize(
    "line",
    [
        "15 2 * * *",
        "*/5 * * * *",
        "0 4 * * 0",
        "0 4 * * 7",
        "0 8-18/2 1,15 jan-mar MON-FRI",
        "0 0 29 2 *",
        "0 0 31 2 mon",
    ],
)
def test_a_line_that_cron_understands_is_good(line: str) -> None:
    assert cron_mistake(line) is None


@pytest.mark.parametrize(
    "line",
    [
        "",
        "@daily",
        "0 4 * *",
        "0 4 * * 0 0",
        "60 4 * * 0",
        "0 24 * * 0",
        "0 4 0 * *",
        "0 4 32 * *",
        "0 4 * 13 *",
        "0 4 * * 8",
        "0 4 * * funday",
        "-1 4 * * *",
        "5-1 4 * * *",
        "*/0 4 * * *",
        "1,,2 4 * * *",
        "0 4 31 2,4 *",
        "٣ 4 * * *",
    ],
)
def test_a_line_that_never_runs_is_a_mistake(line: str) -> None:
    assert cron_mistake(line) is not None
