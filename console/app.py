"""The console's application, mounted below the service at `/console`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from config.console import ROLES
from console.access import CrossSiteError, Permission, Person, SignInNeededError, from_own_form, needed
from console.access import sign_in as begin_session
from console.access import sign_out as end_session
from console.guard import Guarded
from console.languages import LANGUAGES, N_, Texts
from console.links import BASE, LONGEST_NAME, CustomerLinks, SignInLinks, person_name, sign_in_link
from console.openid import OpenId
from console.page import Content, Page, Sources, Visit, all_pages
from console.rendering import THEMES, Rendering, texts_of
from console.tables import find_table
from domain.errors import DataError, NboError
from domain.ids import fit_id
from serving.api.problems import ProblemError, problem_of
from serving.api.requests import noted
from serving.api.security import Caller
from serving.service.service import Service

COOKIE: Final = "nbo_console"
THREADS: Final = 2
"""Pages that one worker prepares at the same time: the others wait, so that decisions need not."""

_LONGEST_ID: Final = 200
_SEE_OTHER: Final = 303
Result = TypeVar("Result")
logger = logging.getLogger("nbo.console")


class Console:
    """Handles the console's requests.

    Args:
        service: Returns the running service.
        sources: What pages read besides it.
    """

    def __init__(self, service: Callable[[], Service], sources: Sources) -> None:
        self._service_of = service
        self._sources = sources
        self._settings = settings = sources.settings
        self._pages = all_pages()
        self._openid = None if settings.issuer is None else OpenId(settings)
        self._sign_in_links = SignInLinks(settings.secret, settings.used_links)
        self._customer_links = CustomerLinks(settings.secret, settings.hours)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="console")
        self._rendering: Rendering | None = None

    def application(self) -> ASGIApp:
        """Return the application to mount at `BASE`."""
        settings = self._settings
        routes = [
            Route("/", self._home),
            Route("/static/{name}", self._static),
            Route("/enter/{token}", self._enter),
            Route("/sign-in", self._sign_in),
            Route("/sign-in/openid", self._leave),
            Route("/sign-in/callback", self._arrive),
            Route("/sign-out", self._sign_out, methods=["POST"]),
            Route("/preferences", self._prefer, methods=["POST"]),
            Route("/people", self._people, methods=["GET", "POST"]),
            *(route for page in self._pages for route in self._routes(page)),
        ]
        handlers: dict[Any, Any] = {
            SignInNeededError: self._to_sign_in,
            CrossSiteError: self._cross_site,
            NboError: self._problem,
            HTTPException: self._problem,
            Exception: self._unexpected,
        }
        application = Starlette(routes=routes, exception_handlers=handlers)
        with_session = SessionMiddleware(
            application,
            secret_key=settings.secret,
            session_cookie=COOKIE,
            path=BASE,
            same_site="lax",  # strict would lose the session on the way back from an identity provider
            https_only=settings.is_secure,
            max_age=int(settings.hours * 3600),
        )
        # outside of everything, so that no answer is without its headers
        return Guarded(with_session, secure=settings.is_secure)

    def _routes(self, page: Page) -> list[Route]:
        if page.of_customer:
            return [
                Route(f"/{page.name}", partial(self._look_up, page), methods=["GET", "POST"]),
                Route(f"/{page.name}/{{token}}", partial(self._show, page)),
                Route(f"/{page.name}/{{token}}/data/{{file}}", partial(self._data, page)),
            ]
        return [
            Route(f"/{page.name}", partial(self._show, page)),
            Route(f"/{page.name}/data/{{file}}", partial(self._data, page)),
            *([] if page.act is None else [Route(f"/{page.name}", partial(self._act, page), methods=["POST"])]),
            *(
                []
                if page.audience is None
                else [Route(f"/{page.name}/audience", partial(self._audience, page), methods=["POST"])]
            ),
            *(
                []
                if page.check is None
                else [Route(f"/{page.name}/check", partial(self._check, page), methods=["POST"])]
            ),
        ]

    # pages

    async def _home(self, request: Request) -> Response:
        person = needed(request)
        first = next((page for page in self._pages if person.may(page.permission)), None)
        if first is None:
            raise ProblemError(403, "not-allowed", N_("your role includes no page"))
        return RedirectResponse(f"{BASE}/{first.name}", _SEE_OTHER)

    async def _show(self, page: Page, request: Request) -> Response:
        visit = await self._visit(page, request, "page")
        token = request.path_params.get("token")
        path = f"{BASE}/{page.name}" + ("" if token is None else f"/{token}")

        def rendered() -> Response:
            content = page.content(visit)
            tables = {table.name: table for table in content.tables}
            values = {"page": page, "tables": tables, "path": path, "asked": visit.asked, **content.values}
            return self._render(request).response(request, visit.texts, f"{page.name}.html", **values)

        return await self._apart(rendered)

    async def _act(self, page: Page, request: Request) -> Response:
        form = await from_own_form(request)
        visit, act = await self._visit(page, request, "act"), page.act
        assert act is not None, "only pages with acts have the route"
        what = " ".join(form[key][:_LONGEST_ID] for key in ("number", "kind", "name", "target") if form.get(key))
        await self._note(request, visit.person, f"{page.name}: {form.get('act', '')[:50]}", None, what)
        asked = await self._apart(lambda: act(visit, form))
        return RedirectResponse(f"{BASE}/{page.name}?{urlencode(asked)}", _SEE_OTHER)

    async def _check(self, page: Page, request: Request) -> Response:
        form = await from_own_form(request)
        visit, check = await self._visit(page, request, "check"), page.check
        assert check is not None, "only pages with checks have the route"

        def rendered() -> Response:
            return self._render(request).response(
                request, visit.texts, f"{page.name}_check.html", page=page, **check(visit, form)
            )

        return await self._apart(rendered)

    async def _audience(self, page: Page, request: Request) -> Response:
        form = await from_own_form(request)
        needed(request, Permission.AUDIENCES)
        visit, audience = await self._visit(page, request, "audience"), page.audience
        assert audience is not None, "only pages with audiences have the route"
        wanted = ", ".join(f"{key} {value[:50]}" for key, value in form.items())
        await self._note(request, visit.person, "export an audience", None, f"{page.name}: {wanted}")
        table = await self._apart(lambda: audience(visit, form))
        headers = {"Content-Disposition": f'attachment; filename="{page.name}-{table.name}.csv"'}
        return Response(table.to_csv(), media_type="text/csv; charset=utf-8", headers=headers)

    async def _data(self, page: Page, request: Request) -> Response:
        name, _, form = request.path_params["file"].rpartition(".")
        visit = await self._visit(page, request, f"data {name}")
        content: Content = await self._apart(partial(page.content, visit))
        table = find_table(content.tables, name)
        if table is None or form not in {"csv", "json"}:
            raise ProblemError(404, "not-found", N_("there is no such data"))
        body: str | bytes = table.to_csv() if form == "csv" else table.to_json()
        media = "text/csv; charset=utf-8" if form == "csv" else "application/json"
        headers = {"Content-Disposition": f'attachment; filename="{page.name}-{table.name}.{form}"'}
        return Response(body, media_type=media, headers=headers)

    async def _visit(self, page: Page, request: Request, what: str) -> Visit:
        """Check the permission, and write the audit if the page is about a customer, before anything is read."""
        person = needed(request, page.permission)
        customer = None
        if page.of_customer:
            customer = self._customer_links.customer(request.path_params["token"], person.name)
            if customer is None:
                raise ProblemError(404, "not-found", N_("this link has ended: look the customer up again"))
            await self._note(request, person, "look at a customer", customer, f"console: {page.name}, {what}")
        texts = self._texts(request)
        asked = dict(request.query_params)
        return Visit(
            service=self._service(request),
            sources=self._sources,
            person=person,
            texts=texts,
            asked=asked,
            customer_id=customer,
        )

    async def _look_up(self, page: Page, request: Request) -> Response:
        person, texts = needed(request, page.permission), self._texts(request)
        wrong = None
        if request.method == "POST":
            form = await from_own_form(request)
            try:
                customer = fit_id(form.get("customer", "").strip()[: _LONGEST_ID + 1], "customer")
                token = self._customer_links.token(customer, person.name)
                return RedirectResponse(f"{BASE}/{page.name}/{token}", _SEE_OTHER)
            except DataError as error:
                wrong = str(error)
        return self._render(request).response(
            request, texts, "look_up.html", status=200 if wrong is None else 422, page=page, wrong=wrong
        )

    # people

    async def _sign_in(self, request: Request) -> Response:
        return self._render(request).response(
            request, self._texts(request), "sign_in.html", openid=self._openid is not None
        )

    async def _enter(self, request: Request) -> Response:
        if self._openid is not None:
            raise ProblemError(404, "not-found", N_("people sign in at the identity provider"))
        found = self._sign_in_links.take(request.path_params["token"])
        if found is None:
            raise ProblemError(403, "sign-in", N_("this sign-in link was used, or is too old"))
        return await self._entered(request, *found)

    async def _leave(self, request: Request) -> Response:
        if self._openid is None:
            raise ProblemError(404, "not-found", N_("this console has no identity provider"))
        return await self._openid.leave(request)

    async def _arrive(self, request: Request) -> Response:
        if self._openid is None:
            raise ProblemError(404, "not-found", N_("this console has no identity provider"))
        return await self._entered(request, *await self._openid.arrive(request))

    async def _entered(self, request: Request, name: str, roles: list[str]) -> Response:
        person = begin_session(request, name, roles, self._settings.hours)
        await self._note(request, person, "sign in to the console", None, ", ".join(sorted(person.roles)))
        return RedirectResponse(f"{BASE}/", _SEE_OTHER)

    async def _sign_out(self, request: Request) -> Response:
        await from_own_form(request)
        end_session(request)
        return RedirectResponse(f"{BASE}/sign-in", _SEE_OTHER)

    async def _prefer(self, request: Request) -> Response:
        form = await from_own_form(request)
        if form.get("language") in LANGUAGES:
            request.session["language"] = form["language"]
        if form.get("theme") in THEMES:
            request.session["theme"] = form["theme"]
        back = form.get("back", "")
        # never to another site
        return RedirectResponse(back if back.startswith(f"{BASE}/") else f"{BASE}/", _SEE_OTHER)

    async def _people(self, request: Request) -> Response:
        person, texts = needed(request, Permission.PEOPLE), self._texts(request)
        link, wrong = None, None
        if request.method == "POST":
            form = await from_own_form(request)
            role = form.get("role", "")
            if role not in ROLES:
                raise ProblemError(
                    422, "not-fit", N_("there is no such role"), got=role[:50], expected=", ".join(ROLES)
                )
            address = self._settings.address or f"{request.url.scheme}://{request.url.netloc}"
            try:
                name = person_name(form.get("name", ""))
                link = sign_in_link(self._settings.secret, address, [role], name)
                await self._note(request, person, "make a sign-in link", None, f"{name}: {role}")
            except DataError as error:
                wrong = str(error)
        values = {"link": link, "wrong": wrong, "longest": LONGEST_NAME, "openid": self._openid is not None}
        return self._render(request).response(
            request, texts, "people.html", status=200 if wrong is None else 422, **values
        )

    async def _static(self, request: Request) -> Response:
        return self._render(request).file(request.path_params["name"])

    # errors

    async def _to_sign_in(self, request: Request, error: Exception) -> Response:
        if request.headers.get("hx-request"):  # htmx follows redirects by itself: the whole page has to change
            return Response(status_code=204, headers={"HX-Redirect": f"{BASE}/sign-in"})
        return RedirectResponse(f"{BASE}/sign-in", _SEE_OTHER)

    async def _cross_site(self, request: Request, error: Exception) -> Response:
        return self._failed(request, 403, N_("this form is too old, or not one of the console's: open the page again"))

    async def _problem(self, request: Request, error: Exception) -> Response:
        problem = problem_of(error) if isinstance(error, NboError) else error
        assert isinstance(problem, HTTPException), "the only handled errors"
        if problem.status_code >= 500:
            logger.error("a page is not available", extra={"why": str(error)})
        return self._failed(request, problem.status_code, str(problem.detail))

    async def _unexpected(self, request: Request, error: Exception) -> Response:
        logger.error("unexpected", exc_info=error)
        return self._failed(request, 500, N_("an unexpected error occurred in the service"))

    def _failed(self, request: Request, status: int, what: str) -> Response:
        return self._render(request).response(request, self._texts(request), "error.html", status=status, what=what)

    # helpers

    def _service(self, request: Request) -> Service:
        request.app.state.service = service = self._service_of()  # where the audit looks for it
        return service

    def _texts(self, request: Request) -> Texts:
        identity = self._service(request).engine.bank.identity
        return texts_of(request, self._service(request).engine.bank.time_zone, identity.currency)

    def _render(self, request: Request) -> Rendering:
        if self._rendering is None:
            self._rendering = Rendering(self._pages, self._service(request).engine.bank)
        return self._rendering

    async def _apart(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def _note(self, request: Request, person: Person, act: str, subject: str | None, detail: str) -> None:
        self._service(request)
        await noted(request, Caller(f"console:{person.name}", frozenset()), act, subject, detail)
