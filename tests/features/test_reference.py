from features.reference import features_reference
from tests.features.build import ROOT, bank

CATALOGUE, _, _, _ = bank("demo")
PAGE = features_reference(CATALOGUE, "demo")


def test_every_declared_feature_is_in_the_reference_and_no_internal_one() -> None:
    for name, feature in CATALOGUE.features.items():
        assert (f"`{name}`" in PAGE) != feature.internal


def test_the_reference_is_the_same_every_time() -> None:
    assert features_reference(CATALOGUE, "demo") == PAGE


def test_what_does_not_apply_is_listed() -> None:
    page = features_reference(bank("bpi2012")[0], "bpi2012")
    assert "- `login_count`: no event type has the group: 'login'" in page


def test_the_page_in_the_docs_is_what_the_definitions_say() -> None:
    assert (ROOT / "docs" / "features.md").read_text(encoding="utf-8") == PAGE, (
        "features have changed: write the result of features_reference to docs/features.md again"
    )
