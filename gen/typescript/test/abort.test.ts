import assert from "node:assert/strict";
import { test } from "node:test";

import { systemClock, within } from "../src/clock.js";
import { connect } from "../src/connect.js";
import { type Client } from "../src/index.js";
import { newObject, serve, testClient } from "./support.js";

const calls: Record<string, (c: Client, signal: AbortSignal) => Promise<unknown>> = {
  get: (c, signal) => c.get("sample", { signal }),
  list: (c, signal) => c.list({ signal }).next(),
  create: (c, signal) => c.create(newObject(), { signal }),
  patch: (c, signal) => c.patch("sample", { status: 7 }, { signal }),
  upsert: (c, signal) => c.upsert("sample", newObject(), { signal }),
  delete: (c, signal) => c.delete("sample", { signal }),
  update: (c, signal) => c.update("sample", () => {}, { signal }),
};
const reason = new Error("enough");

for (const [name, call] of Object.entries(calls)) {
  test(`${name} sends nothing if it is aborted before`, async (t) => {
    const { url, sent } = await serve(t, "silence");
    await assert.rejects(call(testClient(url).client, AbortSignal.abort(reason)), reason);
    assert.equal(sent.length, 0);
  });

  test(`${name} ends while it waits for the response`, async (t) => {
    const { url } = await serve(t, "silence");
    const controller = new AbortController();
    const aborting: typeof fetch = (input, init) => {
      const answer = fetch(input, init);
      controller.abort(reason);
      return answer;
    };
    await assert.rejects(call(testClient(url, { fetch: aborting }).client, controller.signal), reason);
  });

  test(`${name} ends while it waits for the next try`, async (t) => {
    const { url, sent } = await serve(t, { status: 503, headers: { "Retry-After": "30" } });
    const controller = new AbortController();
    let sleeping: AbortSignal | undefined;
    const sleep = (ms: number, signal: AbortSignal) => {
      const slept = systemClock.sleep(ms, signal);
      controller.abort(reason);
      sleeping = signal;
      return slept;
    };
    const client = connect({ baseUrl: url, token: "token" }, { ...systemClock, sleep });
    await assert.rejects(call(client, controller.signal), reason);
    assert.equal(sent.length, 1);
    assert.ok(sleeping?.aborted); // the timer is stopped
  });
}

test("a call ends while it waits for a token", async () => {
  const controller = new AbortController();
  const getToken = () => {
    controller.abort(reason);
    return new Promise<string>(() => {});
  };
  await assert.rejects(testClient("http://127.0.0.1:1", { getToken }).client.get("x", controller), reason);
});

test("a call removes its listener from the signal", async () => {
  const listeners = new Set<unknown>();
  const signal = {
    aborted: false,
    throwIfAborted() {},
    addEventListener: (_: string, listener: unknown) => listeners.add(listener),
    removeEventListener: (_: string, listener: unknown) => listeners.delete(listener),
  } as unknown as AbortSignal;
  await within(1_000, signal, async () => assert.equal(listeners.size, 1));
  await systemClock.sleep(0, signal);
  assert.equal(listeners.size, 0);
});
