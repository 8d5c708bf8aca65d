"""Updates the catalogues with the messages of the console: `python -m console.languages.extraction`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, get_args

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

from config.console import ROLES
from config.document import read_document
from config.files import COMMON_FEATURES
from config.proposals.entries import KINDS
from config.proposals.form import fields_of
from console.languages import LANGUAGES, catalogue_file
from decisioning.budgets.budget import Period
from decisioning.off_policy.verdict import Word
from decisioning.policies.policy import RULE_ORDER
from domain.health import Light
from domain.journey import Stage, Step
from domain.offer import OfferClass
from domain.pause import PauseScope
from serving.delivery.states import State
from serving.figures.daily_responses import Group
from serving.proposals.proposal import ProposalState

_ROOM: Final = Path(__file__).parent.parent
_KEYWORDS: Final[dict[str, Any]] = {"_": None, "N_": None, "texts": None, "plural": (1, 2), "ngettext": (1, 2)}
_ENUMERATIONS: Final = (Stage, Step, OfferClass, Group, State, Light, Word, PauseScope, ProposalState)
_KINDS: Final = (("**/*.py", "python"), ("templates/*.html", "jinja2.ext:babel_extract"))
WRITTEN_IN: Final = "en"


def extracted() -> Catalog:
    """Return all messages of the console's code and templates, and what the forms say of each field."""
    found = Catalog(project="nbo", charset="utf-8")
    for pattern, method in _KINDS:
        for file in sorted(_ROOM.glob(pattern)):
            options = {"trimmed": "true"} if file.suffix == ".html" else None
            for _, message, comments, _ in extract_from_file(method, file, keywords=_KEYWORDS, options=options):
                found.add(message, auto_comments=comments)
    for message in (*_standard_descriptions(), *_declared_names()):
        found.add(message)
    for kind in KINDS.values():
        for field in fields_of(kind):
            found.add(field.meaning)
    return found


def _standard_descriptions() -> list[str]:
    """Return what the features that every bank has say of a customer."""
    common: Any = read_document(COMMON_FEATURES).content
    return [declared["description"] for kind in ("aggregates", "derived") for declared in common[kind]]


def _declared_names() -> list[str]:
    """Return the names that declarations of other rooms list, in words, as `Texts.name` looks them up."""
    names = (*RULE_ORDER, *get_args(Period), *ROLES, *KINDS, *(name for names in _ENUMERATIONS for name in names))
    return [name.replace("_", " ") for name in names]


def update() -> None:
    """Update every catalogue."""
    template = extracted()
    for language in LANGUAGES:
        if language == WRITTEN_IN:
            continue
        file = catalogue_file(language)
        catalogue = Catalog(locale=language)
        if file.exists():
            with file.open("rb") as handle:
                catalogue = read_po(handle, locale=language)
        catalogue.update(template, no_fuzzy_matching=True, update_creation_date=False)
        catalogue.obsolete.clear()
        catalogue.project, catalogue.copyright_holder, catalogue.fuzzy = "nbo", "the authors of nbo", False
        catalogue.header_comment = f"# Messages of the console: {LANGUAGES[language]}."
        with file.open("wb") as handle:
            write_po(handle, catalogue, width=0, sort_output=True, omit_header=False)


if __name__ == "__main__":
    update()
