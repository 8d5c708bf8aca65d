"""Features and their values in the words of a page."""

from __future__ import annotations

from console.languages import Texts
from features.definitions import Feature
from serving.reasons import Reason


def feature_title(feature: Feature, texts: Texts) -> str:
    """Return what a feature says of the customer, with its channel or product and its window."""
    about = [] if feature.member is None else [texts.name(feature.member)]
    if feature.window_days is not None:
        about.append(texts("last {n} days", n=feature.window_days))
    description = texts(feature.description)
    return f"{description} ({', '.join(about)})" if about else description


def reason_words(reason: Reason, feature: Feature | None, texts: Texts) -> str:
    """Return a reason for an offer as a part of a sentence.

    Args:
        reason: The reason.
        feature: Its feature; None if it is about the offer.
        texts: Language of the page.
    """
    title = texts(reason.description) if feature is None else feature_title(feature, texts)
    words = title[:1].lower() + title[1:]
    return f"{words}: {texts(reason.value.replace('_', ' '))}" if reason.value else words
