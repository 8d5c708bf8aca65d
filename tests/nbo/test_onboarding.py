"""A bank's folder made from exports."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from config.reading import load_bank
from config.schemas import file_names, schema_of
from domain.errors import DataError
from events.importing import import_sources
from events.log import EventLog
from events.report import ImportReport
from features.calendar import Calendar
from models.labels import anchors, churn_known_at
from models.splits import evaluation_folds
from nbo.onboarding.init import Given, NewBank, init_bank

NOW = datetime(2026, 7, 1, tzinfo=UTC)
MOST_QUESTIONS = 10


class Desk:
    """A folder of exports, and a bank made from them."""

    def __init__(self, folder: Path) -> None:
        self.exports, self.bank, self.folder = folder / "exports", folder / "bank", folder
        self.exports.mkdir()
        self.questions: list[str] = []

    def put(self, name: str, text: str, encoding: str = "utf-8") -> None:
        (self.exports / name).write_bytes(text.encode(encoding))

    def init(self, given: Given | None = None) -> NewBank:
        def ask(question: str, proposed: str) -> str:
            self.questions.append(question)
            return proposed

        return init_bank(self.bank, [self.exports], given or Given(), ask)

    def run(self) -> tuple[ImportReport, list[dict[str, object]]]:
        bank = load_bank(self.bank)
        log = EventLog(self.folder / "log", buckets=2)
        report = import_sources(
            log, bank.sources, bank.vocabulary, self.bank / "exports", self.folder / "quarantine", now=NOW
        )
        return report, [row for bucket in range(2) for row in log.read_bucket(bucket).to_pylist()]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def _contacts(count: int = 40) -> str:
    answers = [("ja", "{:02d}.03.2025"), ("nein", "{:02d}.03.2025"), ("", "")]
    rows = []
    for number in range(count):
        answer, day = answers[number % 3]
        money = "1.234,50" if answer == "ja" else ""
        channel = ("Telefon", "E-Mail")[number % 2]
        row = (1000 + number, f"{1 + number % 9:02d}.03.2025 09:30", channel, "Tagesgeld Plus", answer)
        rows.append(";".join(map(str, (*row, day.format(10 + number % 9), money))))
    head = "Kampagne März;;;;;;\nKundennr;Kontakt am;Kanal;Angebot;Antwort;Antwort am;Betrag\n"
    return head + "\n".join(rows) + "\nSumme;40;;;;;\n"


def _customers(count: int = 40) -> str:
    head = "Kundennr;Stand;Geschlecht;Beruf;Einwilligung_Telefon;E-Mail\n"
    rows = (f"{1000 + n};02.01.2025;{'wm'[n % 2]};{('Köchin', 'Ärztin')[n % 2]};{('ja', 'nein')[n % 2]};k{n}@b.example"
            for n in range(count))  # fmt: skip
    return head + "\n".join(rows) + "\n"


def test_german_exports_become_a_bank_that_imports_every_row(desk: Desk) -> None:
    desk.put("kontakte.csv", _contacts(), "latin-1")
    desk.put("kunden.csv", _customers(), "latin-1")
    new = desk.init()
    assert len(desk.questions) <= MOST_QUESTIONS
    report, events = desk.run()
    assert report.total.quarantined == 0
    types = [event["type"] for event in events]
    assert {kind: types.count(kind) for kind in set(types)} == {
        "offer_presented": 40, "offer_accepted": 14, "offer_declined": 13, "customer_attributes": 40,
    }  # fmt: skip
    accepted = [event for event in events if event["type"] == "offer_accepted"]
    assert {event["amount"] for event in accepted} == {1234.5}
    assert new.draft.channels == ["telefon", "e_mail"]
    assert [offer.name for offer in load_bank(desk.bank).offers] == ["tagesgeld_plus"]
    assert "e_mail" not in new.draft.attributes, "an address is left out"
    assert new.draft.attributes["geschlecht"]["protected"]
    assert load_bank(desk.bank).policy.consent["telefon"] == "einwilligung_telefon"


def test_a_trial_without_ids_or_times_becomes_one_customer_a_row(desk: Desk) -> None:
    rows = "".join(
        f"{20 + n % 50},{('Mail A', 'Mail B', 'No mail')[n % 3]},{int(n % 7 == 0)},{n % 7}\n" for n in range(90)
    )
    desk.put("trial.csv", f"age,segment,conversion,visit\n{rows}")
    new = desk.init(Given(as_of=date(2025, 3, 1)))
    report, events = desk.run()
    assert (report.total.quarantined, len({event["customer_id"] for event in events})) == (0, 90)
    assert list(new.draft.offers) == ["mail_a", "mail_b"], "the control group is no offer"
    assert sum(event["type"] == "offer_presented" for event in events) == 60
    assert any("visit: it is known only when the contact is over" in what for what in new.draft.left_out)
    assert any("each row is a customer" in note for note in new.notes)


def test_the_customer_of_an_account_is_found_through_another_file(desk: Desk) -> None:
    desk.put("accounts.csv", "account_id,client_id,opened\n" + "".join(f"A{n},K{n},2024-01-01\n" for n in range(30)))
    rows = "".join(f"{n},A{n % 30},9301{2 + n % 27:02d},{n - 50}.5\n" for n in range(100))
    desk.put("trans.csv", f"trans_id,account_id,date,amount\n{rows}")
    desk.init()
    report, events = desk.run()
    assert report.total.quarantined == 0
    booked = [event for event in events if str(event["type"]).startswith("trans")]
    assert {event["customer_id"] for event in booked} == {f"K{n}" for n in range(30)}
    assert {event["type"] for event in booked} == {"trans_out", "trans_in"}
    assert min(event["occurred_at"].year for event in booked) == 1993  # type: ignore[attr-defined]


def _phones(count: int = 60) -> list[str]:
    return [f"0601{number * 7919:07d}" for number in range(count)]


def test_files_belong_together_by_the_column_that_is_unique_in_one_of_them(desk: Desk) -> None:
    """A spreadsheet's way: serial days with decimal commas, and a phone number for an id."""
    lines = "".join(
        f"{phone};{'SML'[n % 3]};{43_800 + n};{('Ja', 'Nein')[n % 2]}\r\n" for n, phone in enumerate(_phones())
    )
    desk.put("anschluesse.csv", f"Anschluss;Tarif;Vertragsbeginn;Werbung erlaubt\r\n{lines}", "utf-8-sig")
    used = "".join(
        f"{phone};{45_700 + n + part / 4!s};Daten\r\n".replace(".", ",")
        for n, phone in enumerate(_phones())
        for part in (1, 2)
    )
    desk.put("nutzung.csv", f"Anschluss;Zeit;Art\r\n{used}", "utf-8-sig")
    asked = "".join(
        f"{phone};{45_690 + n};Familientarif;{('Abschluss', 'Ablehnung', '')[n % 3]}\r\n"
        for n, phone in enumerate(_phones())
    )
    desk.put("kampagnen.csv", f"Anschluss;Kontaktdatum;Kampagne;Ergebnis\r\n{asked}", "utf-8-sig")
    new = desk.init()
    assert {(file.name, file.role, file.customer) for file in new.files} == {
        ("anschluesse", "attributes", "Anschluss"),
        ("nutzung", "events", "Anschluss"),
        ("kampagnen", "contacts", "Anschluss"),
    }
    report, events = desk.run()
    assert report.total.quarantined == 0
    assert {event["customer_id"] for event in events} == set(_phones())
    types = [event["type"] for event in events]
    assert {kind: types.count(kind) for kind in set(types)} == {
        "customer_attributes": 60, "offer_presented": 60, "offer_accepted": 20, "offer_declined": 20, "daten": 120,
    }  # fmt: skip
    hours = {
        event["occurred_at"].astimezone(ZoneInfo("Europe/Berlin")).hour for event in events if event["type"] == "daten"
    }
    assert hours == {6, 12}
    assert new.draft.consents == ["werbung_erlaubt"]


def test_a_row_for_every_customer_and_month_describes_customers_and_a_product_asked_about_is_the_offer(
    desk: Desk,
) -> None:
    holders = [f"P-{number:04d}" for number in range(40)]
    rows = "".join(
        f"{one},2025-{month:02d}-01,{n % 2},{20.5 + n}\n" for n, one in enumerate(holders) for month in range(1, 7)
    )
    desk.put("policies_monthly.csv", f"policy_holder,month,home,premium\n{rows}")
    answers = ("signed", "not interested", "no answer")
    places = [(n, one, *at) for n, one in enumerate(holders) for at in ((1, "home"), (2, "car"))]
    asked = "".join(
        f"{one},2025-0{part}-{5 + n % 20:02d},{'letter' if part == 1 else 'phone'},{product},{answers[n % 3]},A\n"
        for n, one, part, product in places
    )
    desk.put("campaign_2025.csv", f"policy_holder,contacted_on,medium,product,response,agent\n{asked}")
    new = desk.init()
    assert {(file.name, file.role, file.offer) for file in new.files} == {
        ("policies_monthly", "attributes", None),
        ("campaign", "contacts", "product"),
    }
    assert any("agent: said of the contact" in one for one in new.draft.left_out)
    report, events = desk.run()
    assert report.total.quarantined == 0
    told = [event for event in events if event["type"] == "customer_attributes"]
    assert (len(told), len({event["occurred_at"] for event in told})) == (240, 6)
    types = [event["type"] for event in events]
    assert (types.count("offer_presented"), types.count("offer_accepted")) == (80, 28)
    assert [offer.name for offer in load_bank(desk.bank).offers] == ["home", "car"]


def test_objects_within_json_lines_are_read_by_path_and_customers_found_by_their_login(desk: Desk) -> None:
    start = 1_738_371_600_000
    lines = []
    for number in range(120):
        name = ("page_view", "coupon_sent", "coupon_redeemed")[number % 3]
        who = {"login": f"u{number % 40:03d}", "device": ("ios", "web")[number % 2]}
        lines.append(json.dumps({"id": f"e{number}", "ts": start + number * 3_600_000, "name": name, "visitor": who}))
    desk.put("events.jsonl", "\n".join(lines) + "\n")
    rows = "".join(f"C{900 + n},u{n:03d},2024-05-{1 + n % 28:02d},{('yes', 'no')[n % 2]}\n" for n in range(40))
    desk.put("customers.csv", f"customer_no,login,joined,newsletter\n{rows}")
    new = desk.init()
    assert new.draft.roles == {"presented": "coupon_sent", "accepted": "coupon_redeemed"}
    report, events = desk.run()
    assert report.total.quarantined == 0
    assert {event["customer_id"] for event in events} == {f"C{900 + n}" for n in range(40)}
    assert {event["channel"] for event in events if event["type"] == "page_view"} == {"ios", "web"}
    told = {event["occurred_at"] for event in events if event["type"] == "customer_attributes"}
    assert max(told) < min(event["occurred_at"] for event in events if event["type"] == "coupon_sent")


def test_an_answer_that_is_not_understood_is_asked_for_with_the_command(desk: Desk) -> None:
    rows = "".join(f"c{n},2025-03-{1 + n % 28:02d},{('blau', 'gelb')[n % 2]}\n" for n in range(60))
    desk.put("campaign.csv", f"customer,contacted_on,response\n{rows}")
    [note] = [one for one in desk.init().notes if "--accepted" in one]
    assert note == (
        "campaign.csv: if response is the answer to an offer, say what means yes: --contacts campaign.csv "
        "--answer 'response' --accepted 'blau'"
    )


def test_an_id_that_identifies_a_person_is_told(desk: Desk) -> None:
    rows = "".join(f"{phone};2025-03-{1 + n % 28:02d};login\n" for n, phone in enumerate(_phones()))
    desk.put("events.csv", f"Rufnummer;Zeit;Art\n{rows}")
    assert any("Rufnummer identifies a person" in note for note in desk.init().notes)


def test_an_event_log_of_offers_and_answers_is_recognised(desk: Desk) -> None:
    kinds = ("O_SENT", "O_ACCEPTED", "W_CALL")
    rows = "".join(f"C{n % 20},2025-01-{1 + n % 28:02d} 10:00:00,{kinds[n % 3]}\n" for n in range(120))
    desk.put("log.csv", f"case_id,time,activity\n{rows}")
    new = desk.init()
    assert new.draft.roles == {"presented": "o_sent", "accepted": "o_accepted"}
    _, events = desk.run()
    assert {dict(event["properties"]).get("offer") for event in events if event["type"] == "o_sent"} == {"log_offer"}  # type: ignore[call-overload]


def test_json_lines_become_a_bank_too(desk: Desk) -> None:
    rows = "".join(f'{{"client": "C{n % 9}", "at": "2025-01-02T10:00:00", "action": "login"}}\n' for n in range(30))
    desk.put("app.jsonl", rows)
    desk.init()
    report, events = desk.run()
    assert (report.total.accepted, {event["type"] for event in events}) == (30, {"login"})


def test_a_bank_is_not_overwritten(desk: Desk) -> None:
    desk.put("kunden.csv", _customers())
    desk.init()
    with pytest.raises(DataError, match="there is a bank in the folder already"):
        desk.init()


def test_a_wrong_answer_says_what_would_have_been_right(desk: Desk) -> None:
    desk.put("kontakte.csv", _contacts(), "latin-1")
    with pytest.raises(
        DataError, match=r"no such column in kontakte\.csv: got 'Reaktion', expected Kundennr, Kontakt am"
    ):
        desk.init(Given(answer="Reaktion"))


@pytest.mark.parametrize("name", file_names())
def test_every_file_has_a_schema_with_descriptions(name: str) -> None:
    schema = schema_of(name)
    shapes = [part for part in (schema, *schema.get("$defs", {}).values()) if "properties" in part]
    assert shapes
    missing = [(shape.get("title"), key) for shape in shapes for key, item in shape["properties"].items()
               if "description" not in item]  # fmt: skip
    assert missing == []


def test_offers_are_expected_to_be_accepted_as_often_as_in_the_export(desk: Desk) -> None:
    desk.put("kontakte.csv", _contacts())
    desk.init()
    bank = load_bank(desk.bank)
    assert [offer.expected_acceptance for offer in bank.offers] == [14 / 40]
    assert bank.identity.complete_until == date(2025, 3, 17), "answers have times, so nothing is known after the last"
    assert bank.journey.evaluate_every_days == 1


def test_answers_without_a_time_are_all_there_are_when_the_response_window_is_over(desk: Desk) -> None:
    rows = "".join(f"K{n},2025-03-02,Card,{('no', 'yes')[n % 4 == 0]}\n" for n in range(40))
    desk.put("mailing.csv", f"client_id,sent,campaign,response\n{rows}")
    desk.init()
    assert load_bank(desk.bank).identity.complete_until == date(2025, 4, 2)


def test_customers_without_a_time_are_known_before_the_first_contact(desk: Desk) -> None:
    desk.put("contacts.csv", "client_id,sent,campaign,response\n" + "".join(
        f"K{n},2025-03-{2 + n % 20:02d},Card,{('no', 'yes')[n % 4 == 0]}\n" for n in range(40)))  # fmt: skip
    desk.put("clients.csv", "client_id,age,balance\n" + "".join(f"K{n},{20 + n},{n}.5\n" for n in range(40)))
    new = desk.init()
    _, events = desk.run()
    attributes = [event for event in events if event["type"] == "customer_attributes"]
    assert {event["occurred_at"].date() for event in attributes} <= {date(2025, 2, 28), date(2025, 3, 1)}  # type: ignore[attr-defined]
    assert {"age", "balance"} <= new.draft.attributes.keys(), "numbers may differ in every row"


def test_what_happened_to_every_customer_once_is_an_event_if_it_has_a_time_of_day(desk: Desk) -> None:
    rows = "".join(f"U{n},2025-03-{1 + n % 28:02d} 10:0{n % 10}:00,{('login', 'payment')[n % 2]}\n" for n in range(40))
    desk.put("log.csv", f"user_id,at,event\n{rows}")
    new = desk.init()
    assert [file.role for file in new.files] == ["events"]
    _, events = desk.run()
    assert {event["type"] for event in events} == {"login", "payment"}


@pytest.mark.parametrize("spanned", [120, 140, 182, 250, 365, 500, 900])
def test_the_churn_label_leaves_enough_moments_to_train_and_judge_on_exports_of_any_length(
    desk: Desk, spanned: int
) -> None:
    first = datetime(2024, 2, 5, 9, tzinfo=UTC)
    rows = "".join(f"U{n % 30},{first + timedelta(days=spanned * n // 299):%Y-%m-%d %H:%M},login\n" for n in range(300))
    desk.put("log.csv", f"user_id,at,event\n{rows}")
    desk.init(Given(time_zone="Europe/Berlin"))
    models = load_bank(desk.bank).models
    until = first + timedelta(days=spanned)
    moments = anchors(first, until, models.training, models.churn, Calendar(ZoneInfo("Europe/Berlin")))
    known_at = churn_known_at(moments, models.churn)
    customers = np.array(["c"] * len(moments), dtype=object)
    assert len(evaluation_folds(customers, moments, known_at, models.training)) == models.training.folds
    assert models.churn.horizon_days == models.training.history_days
    assert (models.churn.horizon_days == 90) == (spanned >= 400), "the longest that the exports allow"


@pytest.mark.parametrize(("days_ago", "ends"), [(0, False), (2, False), (3, True), (400, True)])
def test_events_that_ended_days_ago_are_all_there_are(desk: Desk, days_ago: int, ends: bool) -> None:
    last = date.today() - timedelta(days=days_ago)  # noqa: DTZ011 - a day is enough
    rows = "".join(f"U{n % 9},{last - timedelta(days=n)} 10:00:00,login\n" for n in range(30))
    desk.put("log.csv", f"user_id,at,event\n{rows}")
    desk.init()
    assert load_bank(desk.bank).identity.complete_until == (last if ends else None)


def test_what_is_known_ends_with_the_last_event_and_not_with_the_day_of_the_attributes(desk: Desk) -> None:
    rows = "".join(f"U{n % 9},2025-0{1 + n % 5}-11 10:00:00,login\n" for n in range(30))
    desk.put("log.csv", f"user_id,at,event\n{rows}")
    desk.put("users.csv", "user_id,age\n" + "".join(f"U{n},{30 + n}\n" for n in range(9)))
    desk.init()
    assert load_bank(desk.bank).identity.complete_until == date(2025, 5, 11)
