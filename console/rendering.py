"""Renders templates and serves the console's own files."""

from __future__ import annotations

import importlib.util
import shlex
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from charts.inline import bar, interval
from config.bank import Bank
from config.console import ROLES
from console.access import csrf_token, person_of
from console.languages import LANGUAGES, Texts, language_of
from console.languages.sentences import in_words
from console.links import BASE
from console.page import Page
from domain.errors import StateError

_FOLDER: Final = Path(__file__).parent
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
THEMES: Final = ("auto", "light", "dark")


class Rendering:
    """Templates and files, read once.

    Args:
        pages: Pages of the navigation.
        bank: The bank.
    """

    def __init__(self, pages: tuple[Page, ...], bank: Bank) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(_FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._files = {file.name: file.read_bytes() for file in sorted((_FOLDER / "static").iterdir())}
        self._files["htmx.js"] = _htmx().read_bytes()
        version = sha256(b"".join(self._files.values())).hexdigest()[:12]
        self._environment.globals |= {
            "base": BASE,
            "bank": bank.identity.name,
            "folder": shlex.quote(str(bank.folder)),
            "pages": pages,
            "version": version,
            "bar": bar,
            "interval": interval,
            "in_words": in_words,
            "languages": LANGUAGES,
            "themes": THEMES,
            "all_roles": ROLES,
        }

    def html(self, request: Request, texts: Texts, template: str, **values: Any) -> str:
        """Return a rendered template."""
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        common = {
            "_": texts,
            "ngettext": texts.plural,
            "texts": texts,
            "person": person_of(request),
            "csrf": csrf_token(request),
            "theme": request.session.get("theme", THEMES[0]),
            "here": here,
            "page": None,
        }
        return self._environment.get_template(template).render(common | values)

    def response(
        self, request: Request, texts: Texts, template: str, *, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """Return a rendered template as a response."""
        return HTMLResponse(self.html(request, texts, template, **values), status)

    def file(self, name: str) -> Response:
        """Return one of the console's files."""
        content = self._files.get(name)
        if content is None:
            return Response(status_code=404)
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(content, media_type=_TYPES[Path(name).suffix], headers=headers)


def texts_of(request: Request, zone: Any, currency: str) -> Texts:
    """Return the texts in the language of a request."""
    accepted = request.headers.get("accept-language", "")
    return Texts(language_of(request.session.get("language"), accepted), zone, currency)


def _htmx() -> Path:
    """Find the script of htmx in the package that carries it, without importing the package."""
    found = importlib.util.find_spec("django_htmx")
    if found is None or found.submodule_search_locations is None:
        raise StateError("htmx is missing", remedy="install the requirements again: make .venv/.stamps/run")
    return Path(found.submodule_search_locations[0], "static", "django_htmx", "htmx-2.min.js")
