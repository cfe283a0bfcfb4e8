"""The client with threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import httpx

from .answer import Answer
from .core import Ask, Core, Flow, Run, Send, Settings, Upserted, Versioned, Wait
from .errors import ConnectionFailedError, MalformedAnswerError
from .models_gen import (
    PfxRecryptionRequest,
    PfxRecryptionRequestCreate,
    PfxRecryptionRequestSelection,
    PfxRecryptionRequestUpdate,
)
from .tokens import checked, provider, token_error

T = TypeVar("T")


class Client:
    """A client of one server, for any number of threads.

    ``base_url`` includes the base path: https://graph.example.com/beta. Give ``token`` or ``get_token``. ``get_token`` is
    called before the first request, and again with the refused token when the server refuses one; never concurrently.
    ``http`` makes the connections; by default the client makes its own. ``tries``, ``try_timeout`` and ``timeout``, in
    seconds, limit a call.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None = None,
        get_token: Callable[[str | None], str] | None = None,
        http: httpx.Client | None = None,
        tries: int = 5,
        try_timeout: float = 10.0,
        timeout: float = 60.0,
    ) -> None:
        self._get_token = provider(token, get_token)
        self._core = Core(Settings(base_url, get_token is not None, tries, try_timeout, timeout))
        self._http = http or httpx.Client()
        self._owns = http is None
        self._lock = threading.Lock()
        self._token: str | None = None
        self._sleep: Callable[[float], None] = time.sleep

    def close(self) -> None:
        """Closes the connections, unless ``http`` was given."""
        if self._owns:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def get(self, id: str) -> Versioned:
        """Gets an object."""
        return self._run(self._core.get(id))

    def create(self, value: PfxRecryptionRequestCreate) -> Versioned:
        """Creates an object. The server makes its key."""
        return self._run(self._core.create(value))

    def patch(self, id: str, value: PfxRecryptionRequestUpdate, *, if_match: str | None = None) -> Versioned:
        """Changes the given members, also to None; the others keep their values."""
        return self._run(self._core.patch(id, value, if_match))

    def upsert(self, id: str, value: PfxRecryptionRequestCreate, *, insert_only: bool = False) -> Upserted:
        """Sets these members of the object, or creates it if it does not exist; insert_only only creates."""
        return self._run(self._core.upsert(id, value, insert_only))

    def delete(self, id: str, *, if_match: str | None = None) -> None:
        """Deletes an object permanently."""
        self._run(self._core.delete(id, if_match))

    def update(self, id: str, change: Callable[[PfxRecryptionRequest], object]) -> Versioned:
        """Gets the object, runs change on a copy and sends the members that differ, provided that it is still unchanged.

        Otherwise it starts over, so that change may run more than once.
        """
        return self._run(self._core.update(id, change))

    def list(
        self, *, filter: str | None = None, select: Sequence[str] | None = None, top: int | None = None
    ) -> Iterator[PfxRecryptionRequestSelection]:
        """Gets all objects in the order of their keys. It requests each page when it is needed; top is the page size."""
        address: str | None = self._core.list_address(filter, select, top)
        seen: set[str] = set()
        while address is not None:
            if address in seen:
                raise MalformedAnswerError("the pages form a cycle")
            seen.add(address)
            objects, address = self._run(self._core.page(address, select))
            yield from objects

    def _run(self, flow: Flow[T]) -> T:
        """Executes the effects of a flow."""
        try:
            effect = next(flow)
            while True:
                try:
                    result = self._perform(effect)
                except BaseException as err:
                    effect = flow.throw(err)
                else:
                    effect = flow.send(result)
        except StopIteration as stop:
            return cast(T, stop.value)

    def _perform(self, effect: Send | Wait | Ask | Run) -> Any:
        match effect:
            case Send():
                return self._send(effect)
            case Wait(seconds):
                return self._sleep(seconds)
            case Ask(refused):
                return self._ask(refused)
            case Run(change, draft):
                return change(draft)

    def _ask(self, refused: str | None) -> str:
        with self._lock:
            if self._token is None or self._token == refused:
                self._token = None
                try:
                    self._token = checked(self._get_token(refused))
                except Exception as err:
                    raise token_error(err) from err
            return self._token

    def _send(self, send: Send) -> Answer:
        end = time.monotonic() + send.timeout
        timeout = max(send.timeout, 0.001)
        request = self._http.build_request(send.method, send.url, headers=send.headers, content=send.body, timeout=timeout)
        try:
            response = self._http.send(request, stream=True, follow_redirects=False)
            try:
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if time.monotonic() > end:
                        raise ConnectionFailedError("There was no complete response in time.")
                    if len(body) > send.max_bytes:
                        break
            finally:
                response.close()
        except httpx.HTTPError as err:
            raise connection_error(err) from err
        return finished(response, bytes(body), send.max_bytes)


def connection_error(err: httpx.HTTPError) -> ConnectionFailedError:
    unsent = isinstance(err, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout))
    return ConnectionFailedError(f"The connection could not be made, or it broke before an answer came: {err}", unsent=unsent)


def finished(response: httpx.Response, body: bytes, max_bytes: int) -> Answer:
    if len(body) > max_bytes and response.is_success:
        raise MalformedAnswerError(f"the response is larger than {max_bytes} bytes")
    return Answer(response.status_code, {name.lower(): value for name, value in response.headers.items()}, body)
