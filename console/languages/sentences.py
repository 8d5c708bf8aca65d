"""Sentences that other rooms say in English, such as readings and verdicts, in the language of the page."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from console.languages import N_, Texts

NAMES: Final = frozenset({"offer", "arm", "channel", "side", "baseline", "feature"})
"""Values that are names of the bank or the system."""

SENTENCES: Final = (
    # notes of journey figures
    *(N_("fewer than {n} customers"), N_("next: fewer than {n} customers"), N_("too young: complete on {day}")),
    N_("not over"),
    # readings
    *(N_("there are no events yet"), N_("the event log is {n} hours old"), N_("the decided night is {n} hours old")),
    *(N_("there is no event log yet"), N_("there is no decided night yet")),
    N_("{n} events on {day}, {usual} usually on this weekday"),
    N_("only one night was decided by these models, so that nothing can have moved"),
    N_("{feature} has moved by {n} since {day}, {chance} may be chance"),
    N_("{offer}: acceptances are {n} times what propensities say ({low} to {high})"),
    N_("{offer}: realised value is {n} times what was expected ({low} to {high})"),
    N_("{offer} was presented {n} times in {days} days"),
    N_("{side}: too few matured impressions to compare acceptance"),
    N_("{side}: {now} accepted in the last {days} matured days, {before} in those before"),
    N_("{channel} ({side}) has no offer for {share} of the customers"),
    N_("{channel}: {n} exported, {confirmed} confirmed"),
    # effects
    N_("nothing was decided yet, so that no arm can differ"),
    N_("{arm}: outcomes count from {day} on, and those after {until} can still be undone"),
    N_("without `counts_as`, the effect of {offers} is not measured"),
    # verdicts of trials
    N_("an arm has fewer than {n} customers, too few to tell anything"),
    N_("{arm} has more {events} than the control arm, beyond chance"),
    N_("arms have other sizes than declared (p = {p}): find the cause first"),
    N_("{arm} loses {gain} a customer ({low} to {high}), whenever one looks"),
    N_("{arm} gains {gain} a customer ({low} to {high}), which is not surely above {least}"),
    N_("{arm} gains {gain} a customer ({low} to {high}), but {days} days are not whole weeks"),
    N_("{arm} gains {gain} a customer ({low} to {high}), but the last response window has not ended"),
    N_("{arm} gains {gain} a customer ({low} to {high}); expect {left}, because winners look good"),
    # triggered analysis
    N_("decisions that cannot be replayed differ between arms (p = {p}): those left over cannot be compared"),
    N_("nobody's decisions can be replayed"),
    N_("nothing would have differed, so that the trial cannot have changed anything"),
    *(N_("the files of the night are gone"), N_("the record is no longer kept")),
    *(N_("the policy no longer has the channel"), N_("today's policy or models decide otherwise")),
    # verdicts and warnings of evaluations, what they leave out, and their estimators
    N_("it earns more than the policy that was logged: {gain} for each decision ({low} to {high})"),
    N_("it earns less than the policy that was logged: {gain} for each decision ({low} to {high})"),
    N_("it may earn less than the {least} that are asked for: {gain} for each decision ({low} to {high})"),
    N_("cannot tell yet whether it earns more: {gain} for each decision ({low} to {high})"),
    N_(
        "cannot tell yet whether it earns more: {gain} for each decision ({low} to {high}); about {n} decisions would "
        "tell"
    ),
    N_("{n} decisions are too few for an interval"),
    N_(
        "the logged policy never makes about {share} of this policy's decisions (at least {least}), so that nothing is "
        "known of them"
    ),
    N_("{n} logged decisions tell as much as {effective} of this policy's own; at least {least} are needed"),
    N_("1 % of the decisions carry {share} of all weight"),
    *(N_("cite no decision"), N_("not matured"), N_("not the first offer of their decision")),
    *(N_("decided without a probability"), N_("features are no longer kept"), N_("decision is archived or unknown")),
    *(N_("made before the model's last training data"), N_("not among today's offers of their channel")),
    *(N_("later than the longest response window ago"), N_("not among the {n} contacts that were drawn")),
    N_("older than the latest {n} decisions"),
    *(N_("inverse propensity weights"), N_("the same, self-normalised"), N_("outcome model alone")),
    *(N_("doubly robust"), N_("doubly robust, without the largest weights"), N_("doubly robust, weights shrunk")),
    # gates of models
    N_("{n} positives in the test folds, at least {least} needed"),
    N_("AUC {auc}; above {most} a leak is more likely than a miracle"),
    N_("calibration error {n} (interval {low} to {high}), at most {most} allowed beyond noise"),
    N_("{feature} alone has AUC {auc}, at most {most} allowed"),
    *(
        N_(
            "log loss {n} better (interval {low} to {high}) than baseline {baseline}, must be better by more than "
            "noise"
        ),
        N_("log loss {n} worse (interval {low} to {high}) than baseline {baseline}, must be better by more than noise"),
        N_(
            "log loss {n} better (interval {low} to {high}) than baseline {baseline}, must not be worse by more than "
            "{most} beyond noise"
        ),
        N_(
            "log loss {n} worse (interval {low} to {high}) than baseline {baseline}, must not be worse by more than "
            "{most} beyond noise"
        ),
        N_(
            "log loss {n} better (interval {low} to {high}) than baseline {baseline}, must not be worse by more than "
            "noise"
        ),
        N_(
            "log loss {n} worse (interval {low} to {high}) than baseline {baseline}, must not be worse by more than "
            "noise"
        ),
        N_(
            "no row was scored by the champion as well, so that the two cannot be compared; the champion stays until "
            "a challenger passes"
        ),
        N_(
            "log loss {n} better (interval {low} to {high}) than the champion ({where}), must not be worse by more "
            "than {most} beyond noise; the champion stays until a challenger passes"
        ),
        N_(
            "log loss {n} worse (interval {low} to {high}) than the champion ({where}), must not be worse by more "
            "than {most} beyond noise; the champion stays until a challenger passes"
        ),
        N_(
            "log loss {n} better (interval {low} to {high}) than the champion ({where}), must not be worse by more "
            "than noise; the champion stays until a challenger passes"
        ),
        N_(
            "log loss {n} worse (interval {low} to {high}) than the champion ({where}), must not be worse by more "
            "than noise; the champion stays until a challenger passes"
        ),
    ),
)  # fmt: skip
"""Each as it is said, with names for its values: the English text is the message that is translated."""


def in_words(said: str, texts: Texts) -> str:
    """Return a sentence in the language of the page, with the names of offers and channels in words.

    Example:
        >>> from zoneinfo import ZoneInfo
        >>> in_words("budget_check was presented 0 times in 28 days", Texts("en", ZoneInfo("UTC"), "EUR"))
        'Budget check was presented 0 times in 28 days'
    """
    words = translated(said, texts)
    return words[:1].upper() + words[1:]


def translated(said: str, texts: Texts) -> str:
    """Return a sentence as `in_words` does, beginning as it did; one that is not known stays as it is."""
    for pattern, message in _patterns():
        found = pattern.fullmatch(said)
        if found is not None:
            values = {key: texts.name(value) if key in NAMES else value for key, value in found.groupdict().items()}
            return texts(message, **values)
    return said


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(_pattern_of(message)), message) for message in SENTENCES)


def _pattern_of(message: str) -> str:
    """Return the pattern of a message, in which each value is as short as it can be."""
    parts = re.split(r"\{(\w+)\}", message)
    return "".join(rf"(?P<{part}>.+?)" if at % 2 else re.escape(part) for at, part in enumerate(parts))
