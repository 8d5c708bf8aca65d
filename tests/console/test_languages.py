from datetime import UTC, date, datetime
from string import Formatter
from zoneinfo import ZoneInfo

import pytest
from babel.messages.pofile import read_po

from console.languages import LANGUAGES, Texts, catalogue_file, language_of
from console.languages.extraction import WRITTEN_IN, extracted
from console.links import BASE
from tests.console.build import browsing, write_figures

OTHERS = [language for language in LANGUAGES if language != WRITTEN_IN]


def catalogue(language):
    with catalogue_file(language).open("rb") as handle:
        return read_po(handle, locale=language)


@pytest.mark.parametrize("language", OTHERS)
def test_no_message_is_missing_and_none_is_left_over(language):
    wanted = {message.id for message in extracted() if message.id}
    found = {message.id: message for message in catalogue(language) if message.id}
    assert wanted == set(found), "run python -m console.languages.extraction"
    untranslated = [key for key, one in found.items() if not one.string or one.string == ("",) or one.fuzzy]
    assert not untranslated


@pytest.mark.parametrize("language", OTHERS)
def test_translations_name_the_same_values(language):
    def names(text):
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    for message in catalogue(language):
        if message.id:
            ids = message.id if isinstance(message.id, tuple) else (message.id,)
            strings = message.string if isinstance(message.string, tuple) else (message.string,)
            for string in strings:
                assert names(string) == names(ids[-1]), message.id


def test_numbers_and_dates_are_written_as_people_write_them():
    english, chinese = (Texts(language, ZoneInfo("Europe/Amsterdam"), "EUR") for language in ("en", "zh"))
    moment = datetime(2026, 6, 1, 22, 30, tzinfo=UTC)
    assert [texts.number(1234567.25, 1) for texts in (english, chinese)] == ["1,234,567.2", "1,234,567.2"]
    assert [texts.percent(0.1234) for texts in (english, chinese)] == ["12.3%", "12.3%"]
    assert [texts.money(1234.5, 2) for texts in (english, chinese)] == ["€1,234.50", "€1,234.50"]
    assert [texts.moment(moment) for texts in (english, chinese)] == ["2 Jun 2026, 00:30", "2026年6月2日 00:30"]
    assert [english.gain(value) for value in (1.234, -1.234, 0.004, -0.004)] == [
        "+\u2060€1.23",
        "−\u2060€1.23",
        "€0.00",
        "€0.00",
    ]
    assert [texts.day(date(2026, 6, 2)) for texts in (english, chinese)] == ["2 Jun", "6月2日"]
    assert english.number(None) == english.percent(float("nan")) == english.date(None) == "–"


def test_a_browsers_language_counts_until_one_is_chosen(tmp_path):
    write_figures(tmp_path)
    with browsing(tmp_path) as browser:
        page = browser.get(f"{BASE}/overview", headers={"Accept-Language": "zh-CN,zh;q=0.9"})
        assert '<html lang="zh-Hans"' in page.text
        assert "概览" in page.text
        browser.post(f"{BASE}/preferences", {"csrf": browser.token(), "language": "en"})
        page = browser.get(f"{BASE}/overview", headers={"Accept-Language": "zh-CN"})
        assert '<html lang="en"' in page.text


@pytest.mark.parametrize("accepted", ["", "fr-FR", "*", ";;;", "x" * 5000])
def test_a_language_nobody_speaks_here_is_english(accepted):
    assert language_of(None, accepted) == "en"
