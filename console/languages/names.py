"""Names that every bank shares, so that `Texts.name` can translate them; a bank's own names stay as they are.

What declarations of other rooms list, such as stages, kinds of rules and roles, `extraction` takes from there.
"""

from __future__ import annotations

from typing import Final

from console.languages import N_

NAMES: Final = (
    # of customers without a stage, and of all
    *(N_("no stage"), N_("none"), N_("all")),
    # steps of a product journey that every bank has by default
    *(N_("viewed"), N_("calculated"), N_("started"), N_("submitted"), N_("opened")),
    # what came after a broken journey
    *(N_("same channel"), N_("silent")),
    # how soon a complaint was resolved, and the answer about it
    *(N_("within 2 days"), N_("3 to 7 days"), N_("8 to 14 days"), N_("later"), N_("not resolved")),
    *(N_("satisfied"), N_("dissatisfied"), N_("no answer")),
    # verdicts about a touchpoint
    *(N_("pain point"), N_("opportunity")),
    # journey figures
    *(N_("stage sizes"), N_("stage flows"), N_("stage months"), N_("time in stage"), N_("before leaving")),
    *(N_("funnel"), N_("broken journeys"), N_("experience map"), N_("moments of truth")),
    *(N_("active customers"), N_("retention"), N_("cross sell"), N_("channel switches"), N_("referral")),
    # what was done to a proposal
    *(N_("proposed"), N_("edited"), N_("tried out"), N_("approved"), N_("returned"), N_("timetable")),
    # channels
    *(N_("app"), N_("web"), N_("email"), N_("push"), N_("call centre"), N_("branch"), N_("atm"), N_("sms")),
    # what has versions
    *(N_("bank"), N_("policy"), N_("model")),
    # fields of entries that can be proposed, and their values
    *(N_("description"), N_("value"), N_("treatments"), N_("stages"), N_("product"), N_("cost"), N_("attributes")),
    *(
        N_("signed off by"),
        N_("counts as"),
        N_("valid from"),
        N_("valid until"),
        N_("steps"),
        N_("offer class"),
        N_("response window days"),
    ),
    *(N_("expected acceptance"), N_("tags"), N_("kind"), N_("require"), N_("channels"), N_("products"), N_("offers")),
    *(N_("except tags"), N_("per"), N_("at most"), N_("days"), N_("of"), N_("after offers"), N_("factor"), N_("when")),
    *(N_("amount"), N_("unit"), N_("period"), N_("charged on"), N_("charge"), N_("contact"), N_("acceptance")),
    *(N_("channel"), N_("customer"), N_("presented"), N_("clicked"), N_("accepted"), N_("declined"), N_("exit")),
    # what else keeps an offer away
    *(N_("quiet hours"), N_("score")),
    # models
    *(N_("churn"), N_("propensity"), N_("champion"), N_("challenger"), N_("shadow"), N_("slice")),
    # control arms, and what models are compared with
    *(N_("holdout"), N_("random offer"), N_("propensity only"), N_("no levers"), N_("eligibility only")),
    *(N_("random propensity"), N_("prevalence"), N_("most popular offer"), N_("per offer logistic")),
    # colours
    *(N_("auto"), N_("light"), N_("dark")),
    # what is fresh
    *(N_("event log"), N_("online states")),
    # groups that are compared, and how alarms are told
    *(N_("programme"), N_("standard")),
    *(N_("mail"), N_("webhook"), N_("usual")),
    # yes and no
    *(N_("yes"), N_("no")),
    # features of the journey, and a reason for an offer that is not about the customer
    N_("Lifecycle stage at the last midnight"),
    N_("Lifecycle stage before this one"),
    N_("Local days since the customer entered the stage"),
    N_("Step of the sub-journey with the product"),
    N_("How this offer is usually received"),
    # an entry of the timeline
    N_("decision"),
)
