from datetime import UTC, datetime, timedelta

import pytest

from nbo_client.webhooks import TOLERANCE_SECONDS, is_genuine

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "header", ["", "t=,v1=", "t=x,v1=00", "v1=00", "t=²,v1=00", "t=1772452800", f"t={NOW.timestamp():.0f},v1=é"]
)
def test_a_header_that_says_nothing_is_not_genuine(header):
    assert not is_genuine(b"{}", header, "secret", NOW)


def test_a_signature_made_elsewhere_is_genuine_for_some_minutes_and_for_its_body_alone():
    # printf '1772452800.{}' | openssl dgst -sha256 -hmac secret
    signature = "t=1772452800,v1=ed27af7df6d2d5a33313fa417c47513d6fbcf29415e32e3ff14c87dd1f95aff7"
    assert is_genuine(b"{}", signature, "secret", NOW)
    assert is_genuine(b"{}", signature, "secret", NOW - timedelta(seconds=TOLERANCE_SECONDS))
    assert not is_genuine(b"{}", signature, "secret", NOW + timedelta(seconds=TOLERANCE_SECONDS + 1))
    assert not is_genuine(b"{ }", signature, "secret", NOW)
    assert not is_genuine(b"{}", signature, "Secret", NOW)
