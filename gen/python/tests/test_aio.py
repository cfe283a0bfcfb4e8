"""Tests the effects of the client with asyncio, which shares its flows with the client with threads."""

from __future__ import annotations

import asyncio
import unittest
from typing import Any

from pfxrecryption import ConnectionFailedError, GraphError, TokenError
from support import BREAK, OBJECT, Reply, async_client, error, serve


class Effects(unittest.IsolatedAsyncioTestCase):
    async def test_calls(self) -> None:
        with serve(BREAK, error(503), Reply()) as (url, sent):
            async with async_client(url) as c:
                self.assertEqual((await c.get("sample")).value, OBJECT)
                self.assertEqual(len(sent), 3)

    async def test_update_with_a_coroutine(self) -> None:
        async def change(draft: Any) -> None:
            await asyncio.sleep(0)
            draft["status"] = 9

        with serve(Reply()) as (url, sent):
            async with async_client(url) as c:
                await c.update("sample", change)
                self.assertEqual(sent[1].body, b'{"status":9}')

    async def test_lists(self) -> None:
        with serve(Reply(body={"value": [OBJECT]})) as (url, _):
            async with async_client(url) as c:
                self.assertEqual([entry async for entry in c.list()], [OBJECT])

    async def test_one_token_for_all(self) -> None:
        asked: list[str | None] = []

        async def get_token(refused: str | None) -> str:
            asked.append(refused)
            await asyncio.sleep(0)
            return "token"

        with serve(Reply()) as (url, _):
            async with async_client(url, get_token=get_token) as c:
                await asyncio.gather(*(c.get("sample") for _ in range(8)))
        self.assertEqual(asked, [None])

    async def test_error_of_get_token(self) -> None:
        async def get_token(refused: str | None) -> str:
            raise OSError("no token today")

        async with async_client("http://127.0.0.1:1/beta", get_token=get_token) as c:
            with self.assertRaisesRegex(TokenError, "no token today"):
                await c.get("sample")

    async def test_errors_and_cancellation(self) -> None:
        with serve(error(404, "ResourceNotFound")) as (url, _):
            async with async_client(url) as c:
                with self.assertRaises(GraphError):
                    await c.delete("sample")
        async with async_client("http://127.0.0.1:1/beta", tries=1) as c:
            with self.assertRaises(ConnectionFailedError):
                await c.get("sample")
            task = asyncio.create_task(c.get("sample"))
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task


if __name__ == "__main__":
    unittest.main()
