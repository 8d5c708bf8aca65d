"""Guesses what the files of an export are: who the customer is, which files hold events, contacts, attributes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from events.mapping import ROW_NUMBER
from events.profiling.columns import ColumnProfile
from events.profiling.files import FileProfile
from nbo.onboarding.names import name_of

Role = Literal["contacts", "events", "attributes", "unused"]


def _word(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?i)(^|[^a-zäöü])({words})")


CUSTOMER: Final = _word(
    r"customer|client|kunde|cust([_ ]|id)|cif|member|party|person|user([_ ]?id)|klient|subscriber|abonnent|teilnehmer|"
    r"insured|policy[_ ]?holder|versicherte|patient|guest|msisdn|rufnummer"
)
ACCOUNT: Final = _word(r"account|konto|card[_ ]?(id|no|nr)|household|case")
ID: Final = re.compile(r"(?i)(id|nr|no|num|number|nummer|key|code|ref)$")
TYPE: Final = _word(r"type|typ$|event|art$|kind|action|activit|operation|vorgang|buchungstext|aktivit|k_symbol")
AMOUNT: Final = _word(r"amount|betrag|value$|umsatz|summe|spend|volume|überweisung")
CHANNEL: Final = _word(r"channel|kanal|medium|contact$|device")
PRODUCT: Final = _word(r"product|produkt")
OFFER: Final = _word(r"offer|angebot|campaign|kampagne|treatment|creative|mailing|aktion|segment$")
ANSWER: Final = _word(r"answer|antwort|respon|result|ergebnis|accept|conver|outcome|reaktion|purchase|target|y$|bought")
CONSENT: Final = _word(
    r"consent|opt[_ -]?in|einwillig|permission|newsletter|werbe|werbung|marketing[_ ]?(ok|allowed)|gdpr|dsgvo"
)
PERSONAL: Final = _word(
    r"name|vorname|nachname|firstname|lastname|surname|e[_-]?mail|phone|telefon|rufnummer|msisdn|mobil|street|stra(ss|ß)e|iban|address|adresse"
)
PROTECTED: Final = _word(r"gender|geschlecht|sex$|religion|nationalit|ethnic|race$|marital|familienstand")
AFTERWARDS: Final = _word(r"duration|dauer|visit|click|opened|conver|respon|spend|reaktion")
"""What is known only when a contact is over."""
YES: Final = re.compile(
    r"(?i)(yes|y|ja|j|1|true|accept\w*|success\w*|(closed )?won|abschluss|abgeschlossen|angenommen|zugesagt|bestellt|"
    r"gekauft|unterschrieben|converted|bought|purchased|ordered|booked|subscribed|signed( up)?|agreed|taken|sold)"
)
NO: Final = re.compile(
    r"(?i)(no|n|nein|0|false|declin\w*|reject\w*|failure|lost|ablehn\w*|abgelehnt|kein interesse|refus\w*|not .*)"
)
SHOWN: Final = re.compile(
    r"(?i)(o_|.*(offer|angebot|campaign|kampagne|mailing|contact|proposal|coupon|voucher|gutschein)).*(sent|present|shown|made|deliver|verschickt|gesendet)$"
)
TAKEN: Final = re.compile(
    r"(?i)(o_|.*(offer|angebot|campaign|kampagne|proposal|coupon|voucher|gutschein)).*(accept\w*|taken|angenommen|conver\w*|redeemed|eingel(oe|ö)st)$"
)
REFUSED: Final = re.compile(
    r"(?i)(o_|.*(offer|angebot|campaign|kampagne|proposal|coupon|voucher|gutschein)).*(declin\w*|reject\w*|refus\w*|abgelehnt)$"
)
"""Event types that put an offer, accept and decline one."""
OF_A_STATE: Final = re.compile(
    r"(?i)birth|geburt|since|seit|join|regist|eintritt|open|begin|start|end|valid_?(to|until)"
)
"""Times that say since when or until when something holds, not when the event of a row happened."""
CONTROL: Final = re.compile(r"(?i)(no|none|control|kontroll\w*|kein\w*|nothing)([ _-].*)?")


MOST_ANSWERS: Final = 8
LEAST_ACCEPTANCE: Final = 0.001
MOST_ACCEPTANCE: Final = 0.5
ONCE: Final = 0.95
"""Customers per row, from which on a file counts as having one row for each."""
PANEL_SHARE: Final = 0.5
"""Share of customers and days with a row, from which on a file is taken for a description of customers over time."""


@dataclass(frozen=True, slots=True)
class Through:
    """How a file that does not have the customer's id finds it in another.

    Attributes:
        file: The other file.
        key: Its column, with another value in each row.
        column: The own column with these values.
    """

    file: FileSketch
    key: str
    column: str


@dataclass(slots=True, kw_only=True)
class FileSketch:
    """What a group of files with the same columns is taken for; `init` corrects it with the answers that it gets.

    Attributes:
        patterns: Patterns of the files.
        customer: Column of the customer's id; `#` if there is none.
        through: How the customer is found in another file.
        time: Column of the time of what a row says.
        type: Column of the type of event.
        offer: Column of the offer, of contacts.
        answer: Column of the answer, of contacts.
        answered_at: Column of the time of the answer.
        accepted: Answers that mean yes.
        declined: Answers that mean no.
    """

    name: str
    patterns: list[str]
    profile: FileProfile
    role: Role = "unused"
    customer: str = ROW_NUMBER
    through: Through | None = None
    time: str | None = None
    type: str | None = None
    amount: str | None = None
    channel: str | None = None
    product: str | None = None
    event_id: str | None = None
    offer: str | None = None
    answer: str | None = None
    answered_at: str | None = None
    accepted: list[str] = field(default_factory=list)
    declined: list[str] = field(default_factory=list)

    @property
    def columns(self) -> tuple[ColumnProfile, ...]:
        """The columns of the files."""
        return self.profile.columns

    @property
    def customers(self) -> ColumnProfile | None:
        """The column of the customer's id; None if the files do not have it."""
        return next((column for column in self.columns if column.name == self.customer), None)

    @property
    def repeats_customers(self) -> bool:
        """Whether customers have several rows; False without their id, for then each row is one."""
        return self.customers is not None and self.customers.distinct < ONCE * self.profile.rows

    def acceptance(self) -> float:
        """Return the share of the rows that say yes, with two digits, within what is plausible for an offer."""
        values = self.profile.column(self.answer).values if self.answer else {}
        share = sum(values.get(value, 0) for value in self.accepted) / max(self.profile.rows, 1)
        return float(f"{min(max(share, LEAST_ACCEPTANCE), MOST_ACCEPTANCE):.2g}")

    def used(self) -> set[str]:
        """Return the columns that have a role."""
        roles = (self.customer, self.time, self.type, self.amount, self.channel, self.product, self.event_id)
        return {name for name in (*roles, self.offer, self.answer, self.answered_at) if name is not None}


def customer_column(columns: Sequence[ColumnProfile]) -> str | None:
    """Return the column that most likely names the customer."""
    return _best((column for column in columns if column.kind in ("text", "number") and column.distinct > 1), CUSTOMER)


def sketch(files: Sequence[FileSketch], customer: str | None = None) -> None:
    """Fill in the roles of files.

    Args:
        files: Groups of files with the same columns.
        customer: Column of the customer's id, where it is known.
    """
    for file in files:
        names = [column.name for column in file.columns]
        found = customer if customer in names else customer_column(file.columns)
        file.customer = found or ROW_NUMBER
    if all(file.customer == ROW_NUMBER for file in files):
        shared = _shared_key(files)
        for file in files:
            if shared in [column.name for column in file.columns]:
                file.customer = shared or ROW_NUMBER
    for file in files:
        if file.customer == ROW_NUMBER:
            _through_another(file, files)
    for file in files:
        if file.customer == ROW_NUMBER:
            file.customer = _best(file.columns, ACCOUNT) or ROW_NUMBER
        _columns(file)
        file.role = _role(file)


def _shared_key(files: Sequence[FileSketch]) -> str | None:
    """Return the column by which files belong together: each row of one has another value, which others repeat."""
    found: dict[str, list[ColumnProfile]] = {}
    for file in files:
        for column in file.columns:
            if column.kind in ("text", "number") and not column.is_category and column.distinct > 1:
                found.setdefault(column.name, []).append(column)
    keys = {name: columns for name, columns in found.items() if len(columns) > 1 and any(c.is_unique for c in columns)}
    return max(keys, key=lambda name: (len(keys[name]), bool(ID.search(name))), default=None)


def _through_another(file: FileSketch, files: Sequence[FileSketch]) -> None:
    """Find a file that has the customer, and a key that this file has too."""
    for other in files:
        if other is file or other.customer == ROW_NUMBER:
            continue
        for column in other.columns:
            if not column.is_unique or column.name == other.customer:
                continue
            mine = next((one for one in file.columns if _last(one.name) == _last(column.name)), None)
            if mine and (ID.search(column.name) or (column.kind == "text" and not mine.is_category)):
                file.through, file.customer = Through(other, column.name, mine.name), other.customer
                return


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _columns(file: FileSketch) -> None:
    columns = [column for column in file.columns if column.name != file.customer]
    times = [column for column in columns if column.kind == "time"]
    answers = [
        c
        for c in columns
        if ANSWER.search(c.name) and c.kind in ("boolean", "text") and 2 <= c.distinct <= MOST_ANSWERS
    ]
    # of several, the one that says yes or no; "outcome of the previous campaign" is not this campaign's
    answers.sort(
        key=lambda c: (bool(re.search("(?i)prev|^p[a-z]*outcome", c.name)), not any(map(YES.fullmatch, c.values)))
    )
    file.answer = next((column.name for column in answers if any(map(YES.fullmatch, column.values))), None)
    if file.answer:
        values = list(file.profile.column(file.answer).values)
        file.accepted = [value for value in values if YES.fullmatch(value)]
        file.declined = [value for value in values if value not in file.accepted and NO.fullmatch(value)]
    answer_times = [column for column in times if ANSWER.search(column.name)]
    file.answered_at = answer_times[0].name if answer_times and file.answer else None
    others = [column for column in times if column.name != file.answered_at]
    others.sort(key=lambda column: -column.distinct)  # the time of an event differs more than that of its case
    file.time = next((column.name for column in others if not OF_A_STATE.search(column.name)), None)
    categories = [column for column in columns if column.kind in ("text", "boolean", "number") and column.is_category]
    texts = [column for column in categories if column.kind == "text"]
    file.offer = _best([c for c in texts if c.name != file.answer], OFFER) if file.answer else None
    file.type = _best([c for c in texts if c.name not in (file.answer, file.offer)], TYPE)
    if file.type is None and file.answer is None:  # a log's entries say what they are by a name
        file.type = next((c.name for c in texts if c.name.lower() in ("name", "verb")), None)
    file.channel = _best([c for c in texts if c.name not in (file.answer, file.offer, file.type)], CHANNEL)
    file.product = _best([c for c in texts if c.name not in (file.answer, file.offer, file.type)], PRODUCT)
    if file.answer and file.offer is None:
        file.offer = file.product  # what was asked about is the offer
    file.amount = _best([column for column in columns if column.kind == "number"], AMOUNT)
    ids = [column for column in columns if column.is_unique and column.kind in ("text", "number")]
    file.event_id = _best(ids, ID)


def _role(file: FileSketch) -> Role:
    if file.answer and (
        file.offer or _word(r"contact|kontakt|campaign|kampagn|offer|angebot|mail|marketing").search(file.name)
    ):
        return "contacts"
    if file.customer == ROW_NUMBER and file.answer:
        return "contacts"
    if file.customers is not None and file.type is None and _is_panel(file, file.customers):
        return "attributes"
    once = file.customers is not None and not file.repeats_customers
    if once and not (file.type and file.time and ":" in str(file.profile.column(file.time).minimum)):
        return "attributes"  # what happens has a time of day, even if it happens to each customer once
    return "events" if file.time else "unused"


def _is_panel(file: FileSketch, customers: ColumnProfile) -> bool:
    """Return whether the file says the same of most customers on each of its days, such as every month."""
    if file.time is None:
        return False
    days = file.profile.column(file.time)
    of_days = ":" not in str(days.minimum) and 2 <= days.distinct < customers.distinct
    return of_days and file.profile.rows >= PANEL_SHARE * customers.distinct * days.distinct


def _best(columns: Iterable[ColumnProfile], words: re.Pattern[str]) -> str | None:
    """Return the column whose name fits best: the earlier in the name the better, an id before others."""
    fits = [(column, found) for column in columns if (found := words.search(column.name))]
    key = min(
        fits,
        key=lambda pair: (ID.search(pair[0].name) is None if words is CUSTOMER else 0, pair[1].start()),
        default=None,
    )
    return key[0].name if key else None


def source_name(file: FileSketch) -> str:
    """Return a name for the source of a group of files."""
    return name_of(file.name, "source")
