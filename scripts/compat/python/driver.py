"""Makes the calls of the standard input with the Python client, and prints the outcome of each as a line.

usage: python3 driver.py sync|async BASE_URL TOKEN
"""

import asyncio
import inspect
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "gen" / "python" / "src"))

from pfxrecryption import (  # noqa: E402
    AppliedError,
    AsyncClient,
    Client,
    GraphError,
    MalformedAnswerError,
    NoEntityTagError,
    UnknownOutcomeError,
)


async def settled(value):
    return await value if inspect.isawaitable(value) else value


async def listed(objects):
    if inspect.isasyncgen(objects):
        return [entry async for entry in objects]
    return list(objects)


def count(draft):
    draft["status"] += 1


async def count_up(client, call):
    """Increments the status in call["workers"] threads or tasks, call["times"] times in each."""
    id, times, workers = call["id"], call["times"], call.get("workers", 1)

    def in_thread():
        for _ in range(times):
            client.update(id, count)

    async def in_task():
        for _ in range(times):
            await client.update(id, count)

    if isinstance(client, Client):
        with ThreadPoolExecutor(workers) as threads:
            for done in [threads.submit(in_thread) for _ in range(workers)]:
                done.result()
    else:
        await asyncio.gather(*(in_task() for _ in range(workers)))
    return await settled(client.get(id))


async def make(client, call):
    op, id, body = call["op"], call.get("id"), call.get("body")
    if op == "list":
        options = {name: call[name] for name in ("filter", "select", "top") if call.get(name)}
        return {"status": 200, "list": await listed(client.list(**options))}
    if op == "delete":
        await settled(client.delete(id, if_match=call.get("ifMatch") or None))
        return {"status": 204}
    if op == "get":
        got = await settled(client.get(id))
    elif op == "patch":
        got = await settled(client.patch(id, body, if_match=call.get("ifMatch") or None))
    elif op == "create":
        got = await settled(client.create(body))
    elif op == "upsert":
        got = await settled(client.upsert(id, body))
    else:
        got = await count_up(client, call)
    return {"status": 200, "body": got.value, "tag": got.etag}


async def outcome(client, call):
    try:
        return {"kind": "ok", **await make(client, call)}
    except GraphError as err:
        targets = [d["target"] for d in err.details]
        return {"kind": err.kind, "status": err.status, "code": err.code, "message": str(err), "targets": targets}
    except UnknownOutcomeError as err:
        return {"kind": "unknown", "unknown": True, "message": str(err)}
    except AppliedError as err:
        return {"kind": "applied", "message": str(err)}
    except NoEntityTagError as err:
        return {"kind": "noTag", "message": str(err)}
    except MalformedAnswerError as err:
        return {"kind": "malformed", "unknown": True, "message": str(err)}
    except Exception as err:
        return {"kind": "failed", "unknown": True, "message": repr(err)}


async def main(style, base_url, token):
    kind = Client if style == "sync" else AsyncClient
    client = kind(base_url, token=token, try_timeout=60, timeout=600)  # CI may be busy
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await outcome(client, json.loads(line))), flush=True)


asyncio.run(main(*sys.argv[1:]))
