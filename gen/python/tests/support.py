"""A server with a list of replies, and clients that sleep without waiting."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from pfxrecryption import AsyncClient, Client

# All clients share one, because each would load the certificate authorities.
HTTP = httpx.Client()

OBJECT: dict[str, Any] = {
    "@odata.type": "#microsoft.graph.pfxRecryptionRequest",
    "id": "sample",
    "tenantId": "f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9",
    "userId": "a991071c-071c-a991-1c07-91a91c0791a9",
    "deviceId": "b30de46d-e46d-b30d-6de4-0db36de40db3",
    "profileId": "19ecf6e8-f6e8-19ec-e8f6-ec19e8f6ec19",
    "thumbprint": "T",
    "deviceKeyThumbprint": None,
    "status": 6,
    "sourceType": 10,
    "createdTime": "2017-01-01T00:03:18.9597073-08:00",
    "lastModifiedTime": "2017-01-01T00:03Z",
    "isDeleted": True,
    "eTag": "e",
}
NEW: Any = {name: value for name, value in OBJECT.items() if name not in ("@odata.type", "id")}


@dataclass
class Reply:
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"ETag": '"1"'})
    body: Any = None  # bytes, or a value to send as JSON; None is OBJECT, or no body for 204
    breaks: bool = False  # closes the connection without a response


def error(status: int, code: str = "Code", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, named, {"error": {"code": code, "message": "Message."}})


BREAK = Reply(breaks=True)


@dataclass
class Sent:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@contextmanager
def serve(*replies: Reply) -> Iterator[tuple[str, list[Sent]]]:
    """Serves the replies in their order, then repeats the last one."""
    sent: list[Sent] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            sent.append(Sent(self.command, self.path, headers, body))
            reply = replies[min(len(sent), len(replies)) - 1]
            if reply.breaks:
                self.close_connection = True
                return
            value = OBJECT if reply.body is None else reply.body
            text = b"" if reply.status == 204 else value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response_only(reply.status)  # send_response would add Date
            for name, header in {"Content-Type": "application/json", **reply.headers, "Content-Length": str(len(text))}.items():
                self.send_header(name, header)
            self.end_headers()
            with suppress(ConnectionError):  # the client may close the connection
                self.wfile.write(text)

        do_GET = do_PATCH = do_POST = do_DELETE = handle_any

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/beta", sent
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def client(url: str, **options: Any) -> Iterator[tuple[Client, list[float]]]:
    """A client that sleeps without waiting, and how long it slept."""
    slept: list[float] = []
    if "get_token" not in options:
        options["token"] = "token"
    c = Client(url, http=HTTP, **options)
    c._sleep = slept.append
    yield c, slept


def async_client(url: str, **options: Any) -> AsyncClient:
    if "get_token" not in options:
        options["token"] = "token"
    c = AsyncClient(url, **options)

    async def sleep(seconds: float) -> None:
        pass

    c._sleep = sleep
    return c


Call = Callable[[Client], object]
