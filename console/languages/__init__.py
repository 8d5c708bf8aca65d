"""Languages of the console: messages by gettext, numbers and dates by Babel."""

from __future__ import annotations

import datetime as dates
import gettext
from datetime import datetime, tzinfo
from functools import cache, lru_cache
from io import BytesIO
from math import isnan
from pathlib import Path
from typing import Final

from babel import Locale
from babel.core import negotiate_locale
from babel.dates import format_date, format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_compact_decimal, format_currency, format_decimal, format_percent

LANGUAGES: Final = {"en": "English", "zh": "中文"}
"""Languages by code, each under its own name; English needs no catalogue."""

_LOCALES: Final = {"en": Locale.parse("en_GB"), "zh": Locale.parse("zh_Hans_CN")}
FOLDER: Final = Path(__file__).parent
NOTHING: Final = "–"
_JOINER: Final = "\u2060"
"""Word joiner, which has no width: a line may end after a sign otherwise."""

ABBREVIATIONS: Final = frozenset({"atm", "sms", "nps", "csat", "bg", "nbd"})
"""Words of names that are written in capitals."""


def N_(message: str) -> str:  # noqa: N802 - the usual name, which extraction looks for
    """Mark a message that is translated where it is shown."""
    return message


class Texts:
    """Messages, numbers and dates in one language.

    Args:
        language: One of `LANGUAGES`.
        zone: The bank's time zone.
        currency: The bank's currency.
    """

    def __init__(self, language: str, zone: tzinfo, currency: str) -> None:
        self.language = language
        self._locale = _LOCALES[language]
        self._zone = zone
        self._currency = currency
        self._messages = _messages(language)

    @property
    def tag(self) -> str:
        """Language tag for `lang` (BCP 47)."""
        return "zh-Hans" if self.language == "zh" else self.language

    @property
    def zone(self) -> str:
        """Name of the bank's time zone."""
        return str(self._zone)

    def __call__(self, message: str, /, **values: object) -> str:
        """Translate a message and fill in its values."""
        text = self._messages.gettext(message) if message else ""
        return text.format(**values) if values else text

    def plural(self, one: str, many: str, n: int, /, **values: object) -> str:
        """Translate a message in the form for a number, which it may contain as `{n}`."""
        return self._messages.ngettext(one, many, n).format(n=self.number(n), **values)

    def name(self, code: str | None) -> str:
        """Return the words for a name of the bank's folder or of the system, such as `call_centre`."""
        if code is None:
            return NOTHING
        words = code.replace("_", " ")
        known = self._messages.gettext(words)
        if known == words:
            known = " ".join(word.upper() if word in ABBREVIATIONS else word for word in words.split(" "))
        return known[:1].upper() + known[1:]

    def number(self, value: float | None, digits: int = 0) -> str:
        """Format a number with at most so many decimals."""
        if value is None or isnan(value):
            return NOTHING
        return _decimal(round(value, digits) + 0, self._locale)

    def short(self, value: float | None) -> str:
        """Format a number for an axis: 12K, 1.2万."""
        if value is None:
            return NOTHING
        if abs(value) < 1_000:
            return self.number(value, 2)
        return str(format_compact_decimal(value, locale=self._locale, fraction_digits=1))

    def percent(self, value: float | None, digits: int = 1) -> str:
        """Format a share."""
        if value is None or isnan(value):
            return NOTHING
        return _percent(value, "#,##0." + "0" * digits + "%" if digits else "#,##0%", self._locale)

    def money(self, value: float | None, digits: int = 0) -> str:
        """Format an amount of the bank's currency."""
        if value is None or isnan(value):
            return NOTHING
        pattern = "¤#,##0" + ("." + "0" * digits if digits else "")
        return str(format_currency(value, self._currency, pattern, locale=self._locale, currency_digits=False))

    def gain(self, value: float | None, digits: int = 2) -> str:
        """Format an amount that was gained, or lost, with its sign, from which no line end parts it.

        Args:
            value: The amount.
            digits: Decimals of less than 1; what is more has at most cents.
        """
        if value is None or isnan(value):
            return NOTHING
        digits = digits if abs(value) < 1.0 else min(digits, 2)
        shown = round(value, digits)
        sign = f"+{_JOINER}" if shown > 0 else f"−{_JOINER}" if shown < 0 else ""
        return sign + self.money(abs(shown), digits)

    def date(self, value: dates.date | datetime | None) -> str:
        """Format a day in the bank's time zone."""
        if value is None:
            return NOTHING
        day = value.astimezone(self._zone).date() if isinstance(value, datetime) else value
        return str(format_date(day, "medium", locale=self._locale))

    def day(self, value: dates.date) -> str:
        """Format a day without its year, for an axis."""
        return str(format_date(value, "d MMM" if self.language == "en" else "M月d日", locale=self._locale))

    def month(self, value: dates.date) -> str:
        """Format a month."""
        return str(format_date(value, "MMM y" if self.language == "en" else "y年M月", locale=self._locale))

    def month_of(self, code: str) -> str:
        """Format a month such as `2026-06`."""
        return self.month(dates.date.fromisoformat(f"{code}-01"))

    def month_name(self, value: dates.date) -> str:
        """Format a month without its year, for an axis."""
        return str(format_date(value, "MMM" if self.language == "en" else "M月", locale=self._locale))

    def moment(self, value: datetime | None) -> str:
        """Format a moment in the bank's time zone."""
        if value is None:
            return NOTHING
        pattern = "d MMM y, HH:mm" if self.language == "en" else "y年M月d日 HH:mm"
        return str(format_datetime(value, pattern, tzinfo=self._zone, locale=self._locale))


def language_of(chosen: str | None, accepted: str) -> str:
    """Return the chosen language, or else the first of a browser's `Accept-Language` that there is.

    Example:
        >>> language_of(None, "zh-CN,zh;q=0.9,en;q=0.8"), language_of("en", "zh"), language_of(None, "fr")
        ('zh', 'en', 'en')
    """
    if chosen in LANGUAGES:
        return chosen
    asked = [part.split(";")[0].strip().split("-")[0].lower() for part in accepted.split(",")]
    return negotiate_locale(asked, list(LANGUAGES)) or "en"


def catalogue_file(language: str) -> Path:
    """Return the file with the messages of a language."""
    return FOLDER / f"{language}.po"


@lru_cache(maxsize=50_000)
def _decimal(value: float, locale: Locale) -> str:
    """Format a number once: pages are asked for again and again, and consist of numbers."""
    return str(format_decimal(value, locale=locale))


@lru_cache(maxsize=50_000)
def _percent(value: float, pattern: str, locale: Locale) -> str:
    return str(format_percent(value, pattern, locale=locale))


@cache
def _messages(language: str) -> gettext.NullTranslations:
    file = catalogue_file(language)
    if not file.exists():
        return gettext.NullTranslations()
    with file.open("rb") as handle:
        catalogue = read_po(handle, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
