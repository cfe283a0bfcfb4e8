"""The rules of calls without input and output: each call is a generator of effects, which a client executes.

So the clients with threads and with asyncio share the same rules.
"""

from __future__ import annotations

import json
import random
import re
import time
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from urllib.parse import quote, urlsplit

from . import answer as answers
from .answer import MAX_OBJECT, MAX_PAGE, Answer
from .errors import (
    AppliedError,
    ConnectionFailedError,
    Error,
    GraphError,
    MalformedAnswerError,
    NoEntityTagError,
    TokenError,
    UnknownOutcomeError,
)
from .models_gen import PfxRecryptionRequest, PfxRecryptionRequestCreate, PfxRecryptionRequestUpdate

T = TypeVar("T")
Change = Callable[[Any], Any]


@dataclass(frozen=True)
class Versioned:
    """An object with its HTTP entity tag, for ``if_match``; the tag is empty if the server sends none."""

    value: PfxRecryptionRequest
    etag: str


@dataclass(frozen=True)
class Upserted(Versioned):
    """The stored object of an upsert, and whether the upsert created it."""

    created: bool


@dataclass(frozen=True)
class Send:
    """Sends a request; the result is an Answer, or a ConnectionFailedError is raised."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    timeout: float
    max_bytes: int


@dataclass(frozen=True)
class Wait:
    seconds: float


@dataclass(frozen=True)
class Ask:
    """Gets the token; refused is a token that the server refused."""

    refused: str | None


@dataclass(frozen=True)
class Run:
    """Runs the caller's change on a draft."""

    change: Change
    draft: dict[str, Any]


Effect = Send | Wait | Ask | Run
Flow = Generator[Effect, Any, T]


@dataclass(frozen=True)
class Settings:
    base_url: str
    renews: bool
    """Whether a refused token can be replaced."""
    tries: int
    try_timeout: float
    timeout: float
    clock: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("base_url must be http or https, with a host and without user, query or fragment")
        if self.tries < 1 or self.try_timeout <= 0 or self.timeout <= 0:
            raise ValueError("tries must be at least 1, and timeouts must be positive")


# The waits after tries and after conflicts grow up to a bound, with full jitter.
_TRY_WAIT = (0.2, 10.0)
_CONFLICT_WAIT = (0.01, 1.0)
_ATTEMPTS = 100

_RETURN_OBJECT = "return=representation"


class Core:
    """Makes the flows of one client."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._collection = settings.base_url.rstrip("/") + "/pfxRecryptionRequests"

    def get(self, id: str) -> Flow[Versioned]:
        return self._get(id, self._deadline())

    def create(self, value: PfxRecryptionRequestCreate) -> Flow[Versioned]:
        deadline = self._deadline()
        headers = {"Prefer": _RETURN_OBJECT}
        answer = yield from self._send("POST", self._collection, headers, value, (201, 204), deadline)
        return (yield from self._changed(answer, _created_key, deadline))

    def patch(self, id: str, value: PfxRecryptionRequestUpdate, if_match: str | None) -> Flow[Versioned]:
        return self._patch(id, value, if_match, self._deadline())

    def upsert(self, id: str, value: PfxRecryptionRequestCreate, insert_only: bool) -> Flow[Upserted]:
        deadline = self._deadline()
        headers = {"Prefer": f"create-if-missing, {_RETURN_OBJECT}"}
        if insert_only:
            headers["If-None-Match"] = "*"
        answer = yield from self._send("PATCH", self._address(id), headers, value, (200, 201, 204), deadline)
        created = answer.status == 201 or answer.status == 204 and "location" in answer.headers
        got = yield from self._changed(answer, lambda _: id, deadline)
        return Upserted(got.value, got.etag, created)

    def delete(self, id: str, if_match: str | None) -> Flow[None]:
        yield from self._send("DELETE", self._address(id), _condition(if_match), None, (204,), self._deadline())

    def update(self, id: str, change: Change) -> Flow[Versioned]:
        """Gets the object, runs change on a copy, and sends the members that differ if the object is unchanged."""
        deadline = self._deadline()
        for attempt in range(_ATTEMPTS):
            base = yield from self._get(id, deadline)
            draft = dict(base.value)
            yield Run(change, draft)
            changes = _difference(base.value, draft)
            if not changes:
                return base
            if not base.etag:
                raise NoEntityTagError
            try:
                return (yield from self._patch(id, cast(PfxRecryptionRequestUpdate, changes), base.etag, deadline))
            except GraphError as err:
                delay = self._backoff(_CONFLICT_WAIT, attempt)
                late = self._settings.clock() + delay >= deadline
                if err.status != 412 or attempt == _ATTEMPTS - 1 or late:
                    raise
            yield Wait(delay)
        raise AssertionError("the last attempt returns or raises")

    def list_address(self, filter: str | None, select: Sequence[str] | None, top: int | None) -> str:
        options = {"$filter": filter, "$select": ",".join(select) if select else None, "$top": top}
        query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in options.items() if value is not None)
        return self._collection + ("?" + query if query else "")

    def page(self, address: str, select: Sequence[str] | None) -> Flow[tuple[list[Any], str | None]]:
        answer = yield from self._send("GET", address, {}, None, (200,), self._deadline(), MAX_PAGE)
        objects, link = answers.check_page(answers.content(answer), select)
        return objects, self._follow(link) if link is not None else None

    def _follow(self, link: str) -> str:
        """Returns the URL of the next page. It must be on this server below the base path: the request has the token."""
        base, next = urlsplit(self._settings.base_url), urlsplit(link)
        same = (next.scheme, next.netloc) == (base.scheme, base.netloc)
        below = next.path.startswith(base.path.rstrip("/") + "/")
        if not same or not below or re.search(r"(^|/)(\.|%2[eE]){1,2}(/|$)", next.path):
            raise MalformedAnswerError("its next page is not below the base URL")
        return link

    def _deadline(self) -> float:
        return self._settings.clock() + self._settings.timeout

    def _backoff(self, bounds: tuple[float, float], n: int) -> float:
        return self._settings.chance() * min(bounds[1], bounds[0] * (1 << min(n, 30)))

    def _address(self, id: str) -> str:
        if not answers.is_key(id):
            raise ValueError("id must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ - that do not begin with a dot")
        return f"{self._collection}/{id}"

    def _get(self, id: str, deadline: float) -> Flow[Versioned]:
        answer = yield from self._send("GET", self._address(id), {}, None, (200,), deadline)
        return _versioned(answer)

    def _patch(self, id: str, value: PfxRecryptionRequestUpdate, if_match: str | None, deadline: float) -> Flow[Versioned]:
        headers = {"Prefer": _RETURN_OBJECT} | _condition(if_match)
        answer = yield from self._send("PATCH", self._address(id), headers, value, (200, 204), deadline)
        return (yield from self._changed(answer, lambda _: id, deadline))

    def _changed(self, answer: Answer, key_of: Callable[[Answer], str], deadline: float) -> Flow[Versioned]:
        """Returns the object of the response to a change. If the response has none, it reads the object."""
        try:
            if answer.status != 204:
                return _versioned(answer)
            id = key_of(answer)
        except MalformedAnswerError as err:
            raise UnknownOutcomeError from err  # something else sent the response
        try:
            return (yield from self._get(id, deadline))
        except Error as err:
            raise AppliedError from err

    def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        value: Mapping[str, object] | None,
        statuses: Sequence[int],
        deadline: float,
        max_bytes: int = MAX_OBJECT,
    ) -> Flow[Answer]:
        """Sends a request until a response makes the outcome known."""
        body = None if value is None else _encode(value)
        name = str(uuid.uuid4())
        common = {"Accept": "application/json", "client-request-id": name, **headers}
        if body is not None:
            common["Content-Type"] = "application/json"
        outcome = _Outcome(method, headers)
        refused: str | None = None
        n = 0
        while True:
            token = yield from self._token(refused, outcome)
            timeout = min(self._settings.try_timeout, deadline - self._settings.clock())
            failure: Error
            before = outcome.open
            outcome.open = outcome.writes
            try:
                answer: Answer = yield Send(method, url, {**common, "Authorization": f"Bearer {token}"}, body, timeout, max_bytes)
                if answer.status in statuses:
                    return answer
                if 200 <= answer.status <= 299:
                    raise MalformedAnswerError(f"the contract does not have its status {answer.status}")
                failure = answers.graph_error(answer, name, urlsplit(url).path == urlsplit(self._collection).path)
            except (ConnectionFailedError, MalformedAnswerError) as err:
                failure = err
            if outcome.is_refusal(failure):
                outcome.open = before
            if isinstance(failure, GraphError) and failure.status == 401 and self._settings.renews and refused is None:
                refused = token
                continue
            asked = failure.retry_after or 0.0 if isinstance(failure, GraphError) else 0.0
            delay = max(asked, self._backoff(_TRY_WAIT, n))
            n += 1
            late = self._settings.clock() + delay >= deadline
            if n >= self._settings.tries or late or not outcome.may_repeat(failure):
                raise outcome.verdict(failure)
            yield Wait(delay)

    def _token(self, refused: str | None, outcome: _Outcome) -> Flow[str]:
        try:
            token: str = yield Ask(refused)
        except TokenError as err:
            raise outcome.verdict(err)
        return token


class _Outcome:
    """What is known about whether a request was applied."""

    def __init__(self, method: str, headers: Mapping[str, str]) -> None:
        self.writes = method != "GET"
        self.open = False
        one_tag = re.fullmatch(r'(W/)?"[^"]*"', headers.get("If-Match", "")) is not None
        self._cannot_double = not self.writes or one_tag or headers.get("If-None-Match") == "*"

    def is_refusal(self, failure: Error) -> bool:
        """Whether the server has not applied the request."""
        if isinstance(failure, GraphError):
            return failure.status < 500 or failure.status == 503
        return isinstance(failure, ConnectionFailedError) and failure.unsent

    def may_repeat(self, failure: Error) -> bool:
        """Whether another try is useful and safe."""
        if isinstance(failure, GraphError):
            return failure.status in (429, 503) or failure.status in (502, 504) and self._cannot_double
        return isinstance(failure, ConnectionFailedError) and (failure.unsent or self._cannot_double)

    def verdict(self, failure: Error) -> Error:
        if not self.open:
            return failure
        err = UnknownOutcomeError()
        err.__cause__ = failure
        return err


def _condition(if_match: str | None) -> dict[str, str]:
    if if_match is None:
        return {}
    if not if_match:
        raise ValueError("if_match must not be empty: the server sent no entity tag")
    return {"If-Match": if_match}


def _encode(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")


def _versioned(answer: Answer) -> Versioned:
    value = answers.check_object(answers.content(answer))
    return Versioned(value, answers.entity_tag(answer, value))


def _created_key(answer: Answer) -> str:
    """Returns the key in the URL of the created object."""
    address = answer.headers.get("odata-entityid") or answer.headers.get("location") or ""
    segment = urlsplit(address).path.rpartition("/")[2]
    quoted = re.fullmatch(r"[^(]*\('?([^()']*)'?\)", segment)  # OData 4.01 URL Conventions §4.3.1
    key = quoted[1] if quoted else segment
    if not answers.is_key(key):
        raise MalformedAnswerError("the response has neither an object nor its URL")
    return key


def _difference(before: Mapping[str, object], draft: Mapping[str, object]) -> dict[str, Any]:
    """Returns the members that a change changed."""
    for name in before:
        if name not in draft:
            raise ValueError(f"{name} cannot be removed; set it to None if it is nullable")
    for name in ("id", "@odata.type"):
        if draft[name] != before[name]:
            raise ValueError(f"{name} cannot be changed")
    same = object()
    return {name: value for name, value in draft.items() if _key(value) != _key(before.get(name, same))}


def _key(value: object) -> tuple[type, object]:
    return type(value), value  # True is not 1 here
