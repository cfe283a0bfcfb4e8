"""The client with asyncio."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import httpx

from .answer import Answer
from .client import connection_error, finished
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


class AsyncClient:
    """Like :class:`pfxrecryption.Client`, for one event loop. get_token and the change of an update may be coroutines."""

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None = None,
        get_token: Callable[[str | None], str | Awaitable[str]] | None = None,
        http: httpx.AsyncClient | None = None,
        tries: int = 5,
        try_timeout: float = 10.0,
        timeout: float = 60.0,
    ) -> None:
        self._get_token = provider(token, get_token)
        self._core = Core(Settings(base_url, get_token is not None, tries, try_timeout, timeout))
        self._http = http or httpx.AsyncClient()
        self._owns = http is None
        self._lock = asyncio.Lock()
        self._token: str | None = None
        self._sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def aclose(self) -> None:
        """Closes the connections, unless ``http`` was given."""
        if self._owns:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    async def get(self, id: str) -> Versioned:
        """Gets an object."""
        return await self._run(self._core.get(id))

    async def create(self, value: PfxRecryptionRequestCreate) -> Versioned:
        """Creates an object. The server makes its key."""
        return await self._run(self._core.create(value))

    async def patch(self, id: str, value: PfxRecryptionRequestUpdate, *, if_match: str | None = None) -> Versioned:
        """Changes the given members, also to None; the others keep their values."""
        return await self._run(self._core.patch(id, value, if_match))

    async def upsert(self, id: str, value: PfxRecryptionRequestCreate, *, insert_only: bool = False) -> Upserted:
        """Sets these members of the object, or creates it if it does not exist; insert_only only creates."""
        return await self._run(self._core.upsert(id, value, insert_only))

    async def delete(self, id: str, *, if_match: str | None = None) -> None:
        """Deletes an object permanently."""
        await self._run(self._core.delete(id, if_match))

    async def update(self, id: str, change: Callable[[PfxRecryptionRequest], object]) -> Versioned:
        """Gets the object, runs change on a copy and sends the members that differ, provided that it is still unchanged.

        Otherwise it starts over, so that change may run more than once.
        """
        return await self._run(self._core.update(id, change))

    async def list(
        self, *, filter: str | None = None, select: Sequence[str] | None = None, top: int | None = None
    ) -> AsyncIterator[PfxRecryptionRequestSelection]:
        """Gets all objects in the order of their keys. It requests each page when it is needed; top is the page size."""
        address: str | None = self._core.list_address(filter, select, top)
        seen: set[str] = set()
        while address is not None:
            if address in seen:
                raise MalformedAnswerError("the pages form a cycle")
            seen.add(address)
            objects, address = await self._run(self._core.page(address, select))
            for entry in objects:
                yield entry

    async def _run(self, flow: Flow[T]) -> T:
        """Executes the effects of a flow."""
        try:
            effect = next(flow)
            while True:
                try:
                    result = await self._perform(effect)
                except BaseException as err:
                    effect = flow.throw(err)
                else:
                    effect = flow.send(result)
        except StopIteration as stop:
            return cast(T, stop.value)

    async def _perform(self, effect: Send | Wait | Ask | Run) -> Any:
        match effect:
            case Send():
                return await self._send(effect)
            case Wait(seconds):
                return await self._sleep(seconds)
            case Ask(refused):
                return await self._ask(refused)
            case Run(change, draft):
                result = change(draft)
                return await result if inspect.isawaitable(result) else result

    async def _ask(self, refused: str | None) -> str:
        async with self._lock:
            if self._token is None or self._token == refused:
                self._token = None
                try:
                    token = self._get_token(refused)
                    self._token = checked(await token if inspect.isawaitable(token) else token)
                except Exception as err:
                    raise token_error(err) from err
            return self._token

    async def _send(self, send: Send) -> Answer:
        timeout = max(send.timeout, 0.001)
        request = self._http.build_request(send.method, send.url, headers=send.headers, content=send.body, timeout=timeout)
        try:
            async with asyncio.timeout(timeout):
                return await self._receive(request, send.max_bytes)
        except TimeoutError as err:
            raise ConnectionFailedError("There was no complete response in time.") from err
        except httpx.HTTPError as err:
            raise connection_error(err) from err

    async def _receive(self, request: httpx.Request, max_bytes: int) -> Answer:
        response = await self._http.send(request, stream=True, follow_redirects=False)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > max_bytes:
                    break
        finally:
            await response.aclose()
        return finished(response, bytes(body), max_bytes)
