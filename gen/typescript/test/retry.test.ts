import assert from "node:assert/strict";
import { test } from "node:test";

import { ConnectionError, GraphError, TimeoutError, UnknownOutcomeError, type Client } from "../src/index.js";
import { delayMs, retryAfterMs } from "../src/retry.js";
import { newObject, objectReply, serve, testClient, type Reply } from "./support.js";

const ok = objectReply();
const made = objectReply({}, '"a"', 201);
const gone: Reply = { status: 204 };
/** A Graph error whose Date header is date: by default, the time of the test's clock. */
const status = (status: number, after?: string, date = "Fri, 02 Jan 2026 03:04:05 GMT"): Reply => ({
  status,
  headers: { "Content-Type": "application/json", Date: date, ...(after && { "Retry-After": after }) },
  body: '{"error":{"code":"Code","message":"Message."}}',
});

const get = (c: Client) => c.get("sample");
const create = (c: Client) => c.create(newObject());
const patch = (c: Client) => c.patch("sample", { status: 7 });
const patchIf = (c: Client) => c.patch("sample", { status: 7 }, { ifMatch: '"a"' });
const patchAny = (c: Client) => c.patch("sample", { status: 7 }, { ifMatch: "*" });
const patchList = (c: Client) => c.patch("sample", { status: 7 }, { ifMatch: '"a", "b"' });
const upsert = (c: Client) => c.upsert("sample", newObject());
const insert = (c: Client) => c.upsert("sample", newObject(), { insertOnly: true });
const remove = (c: Client) => c.delete("sample");
const removeIf = (c: Client) => c.delete("sample", { ifMatch: '"a"' });

/** Returns "ok", the status of a GraphError, or the class of another error and of its cause. */
async function outcomeOf(call: Promise<unknown>): Promise<string> {
  const name = (err: unknown): string => (err instanceof GraphError ? String(err.status) : (err as Error).name);
  return call.then(
    () => "ok",
    (err: unknown) => (err instanceof UnknownOutcomeError ? `unknown: ${name(err.cause)}` : name(err)),
  );
}

interface Row {
  call: (c: Client) => Promise<unknown>;
  replies: Reply[];
  want: string;
  requests: number;
  sleeps?: number[];
}

const rows: Record<string, Row> = {
  // After 429 and 503, every request is sent again: nothing was applied.
  "get 429": { call: get, replies: [status(429), ok], want: "ok", requests: 2, sleeps: [100] },
  "create 429, 503": { call: create, replies: [status(429), status(503), made], want: "ok", requests: 3, sleeps: [100, 200] },
  "patch 503": { call: patch, replies: [status(503), ok], want: "ok", requests: 2 },
  "upsert 503": { call: upsert, replies: [status(503), made], want: "ok", requests: 2 },
  "delete 429": { call: remove, replies: [status(429), gone], want: "ok", requests: 2 },
  "get 429 always": { call: get, replies: [status(429)], want: "429", requests: 5, sleeps: [100, 200, 400, 800] },

  // The client waits at least for Retry-After. If that exceeds the budget, the call ends.
  "after seconds": { call: get, replies: [status(429, "7"), ok], want: "ok", requests: 2, sleeps: [7_000] },
  "after a date": { call: get, replies: [status(503, "Fri, 02 Jan 2026 03:04:14 GMT"), ok], want: "ok", requests: 2, sleeps: [9_000] },
  "after a past date": { call: get, replies: [status(503, "Thu, 01 Jan 2026 00:00:00 GMT"), ok], want: "ok", requests: 2, sleeps: [100] },
  "after an invalid value": { call: get, replies: [status(503, "soon"), ok], want: "ok", requests: 2, sleeps: [100] },
  "after zero": { call: get, replies: [status(503, "0"), ok], want: "ok", requests: 2, sleeps: [100] },
  "after a date of another clock": {
    call: get,
    replies: [status(503, "Fri, 02 Jan 2026 02:00:09 GMT", "Fri, 02 Jan 2026 02:00:00 GMT"), ok],
    want: "ok",
    requests: 2,
    sleeps: [9_000],
  },
  "after a huge number": { call: get, replies: [status(429, "99999999999999999999"), ok], want: "429", requests: 1, sleeps: [] },
  "after more than the budget": { call: get, replies: [status(429, "60"), ok], want: "429", requests: 1, sleeps: [] },

  // After 504 and broken connections, a request is sent again only if that cannot apply it twice.
  "get 502": { call: get, replies: [status(502), ok], want: "ok", requests: 2 },
  "patch 502": { call: patch, replies: [status(502), ok], want: "unknown: 502", requests: 1 },
  "get broken, 504": { call: get, replies: ["break", status(504), ok], want: "ok", requests: 3 },
  "get broken always": { call: get, replies: ["break"], want: "ConnectionError", requests: 5 },
  "create broken": { call: create, replies: ["break", made], want: "unknown: ConnectionError", requests: 1 },
  "create 504": { call: create, replies: [status(504), made], want: "unknown: 504", requests: 1 },
  "create 503, broken": { call: create, replies: [status(503), "break", made], want: "unknown: ConnectionError", requests: 2 },
  "patch broken": { call: patch, replies: ["break", ok], want: "unknown: ConnectionError", requests: 1 },
  "patch 504": { call: patch, replies: [status(504), ok], want: "unknown: 504", requests: 1 },
  "patch if any, broken": { call: patchAny, replies: ["break", ok], want: "unknown: ConnectionError", requests: 1 },
  "patch if one of two, broken": { call: patchList, replies: ["break", ok], want: "unknown: ConnectionError", requests: 1 },
  "upsert broken": { call: upsert, replies: ["break", made], want: "unknown: ConnectionError", requests: 1 },
  "delete broken": { call: remove, replies: ["break", gone], want: "unknown: ConnectionError", requests: 1 },
  "patch if, broken": { call: patchIf, replies: ["break", status(504), ok], want: "ok", requests: 3 },
  "insert broken": { call: insert, replies: ["break", made], want: "ok", requests: 2 },
  "delete if, broken": { call: removeIf, replies: ["break", gone], want: "ok", requests: 2 },

  // If an earlier try may have been applied, an error for a later try leaves the outcome unknown.
  "patch if, broken, 412": { call: patchIf, replies: ["break", status(412)], want: "unknown: 412", requests: 2 },
  "insert broken, 412": { call: insert, replies: ["break", status(412)], want: "unknown: 412", requests: 2 },
  "delete if, broken, 412": { call: removeIf, replies: ["break", status(412)], want: "unknown: 412", requests: 2 },
  "delete if, broken, 404": { call: removeIf, replies: ["break", status(404)], want: "unknown: 404", requests: 2 },
  "patch if, broken, 403": { call: patchIf, replies: ["break", status(403)], want: "unknown: 403", requests: 2 },
  "patch if, broken, 503": { call: patchIf, replies: ["break", status(503)], want: "unknown: 503", requests: 5 },
  "patch if, 503, 412": { call: patchIf, replies: [status(503), status(412)], want: "412", requests: 2 },
  "get broken, 404": { call: get, replies: ["break", status(404)], want: "404", requests: 2 },

  // Anything else is final.
  "get 500": { call: get, replies: [status(500), ok], want: "500", requests: 1 },
  "create 500": { call: create, replies: [status(500), made], want: "unknown: 500", requests: 1 },
  "create 400": { call: create, replies: [status(400), made], want: "400", requests: 1 },
  "patch if, 412": { call: patchIf, replies: [status(412), ok], want: "412", requests: 1 },
  "get redirected": { call: get, replies: [(url) => ({ status: 307, headers: { Location: `${url}/x` } }), ok], want: "307", requests: 1 },
};

for (const [name, { call, replies, want, requests, sleeps }] of Object.entries(rows)) {
  test(name, async (t) => {
    const { url, sent } = await serve(t, ...replies);
    const { client, sleeps: slept } = testClient(url);
    assert.equal(await outcomeOf(call(client)), want);
    assert.equal(sent.length, requests);
    assert.deepEqual(slept, sleeps ?? slept);
    assert.equal(new Set(sent.map(({ headers }) => headers["client-request-id"])).size, 1);
    assert.equal(new Set(sent.map(({ method, body }) => method + body)).size, 1);
  });
}

test("each call has its own client-request-id", async (t) => {
  const { url, sent } = await serve(t, ok);
  const { client } = testClient(url);
  await get(client);
  await get(client);
  const [first, second] = sent.map(({ headers }) => headers["client-request-id"]);
  assert.match(String(first), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.notEqual(first, second);
});

test("a truncated response is a broken connection", async (t) => {
  const { url, sent } = await serve(t, "half");
  const { client } = testClient(url, { tries: 2 });
  assert.equal(await outcomeOf(get(client)), "ConnectionError");
  assert.equal(await outcomeOf(patch(client)), "unknown: ConnectionError");
  assert.equal(sent.length, 3);
});

/** A fetch that never ends and ignores its signal. */
function silentFetch() {
  const sent: unknown[] = [];
  const fetch = (url: unknown) => {
    sent.push(url);
    return new Promise<Response>(() => {});
  };
  return { fetch, sent };
}

test("a try ends after its timeout, and is sent again if that is safe", async () => {
  const { fetch, sent } = silentFetch();
  const { client } = testClient("http://127.0.0.1:1/beta", { tryTimeoutMs: 10, tries: 3, fetch });
  assert.equal(await outcomeOf(get(client)), "TimeoutError");
  assert.equal(sent.length, 3);
  assert.equal(await outcomeOf(create(client)), "unknown: TimeoutError");
  assert.equal(sent.length, 4);
});

test("a call ends after its timeout", async () => {
  const { fetch, sent } = silentFetch();
  const { client } = testClient("http://127.0.0.1:1/beta", { timeoutMs: 10, fetch });
  assert.equal(await outcomeOf(get(client)), "TimeoutError");
  assert.equal(await outcomeOf(patchIf(client)), "unknown: TimeoutError");
  assert.equal(sent.length, 2);
});

test("a timeout aborts the request", async (t) => {
  const { url } = await serve(t, "silence");
  let hungUp: AbortSignal | undefined;
  const { client } = testClient(url, { timeoutMs: 10, fetch: (input, init) => fetch(input, { ...init, signal: (hungUp = init!.signal!) }) });
  await assert.rejects(get(client), TimeoutError);
  assert.ok(hungUp?.aborted);
});

test("a refused connection is a ConnectionError with its cause", async () => {
  const { client } = testClient("http://127.0.0.1:1/beta", { tries: 1 });
  await assert.rejects(get(client), (err) => err instanceof ConnectionError && err.cause instanceof TypeError);
});

test("backoff doubles up to ten seconds, with full jitter, and is at least Retry-After", () => {
  const throttled = new GraphError({
    status: 429,
    code: "",
    message: "",
    details: [],
    requestId: undefined,
    clientRequestId: "",
    retryAfterMs: 3_000,
  });
  const broken = new ConnectionError();
  const table: [number, unknown, number, number][] = [
    [1, broken, 0, 0],
    [1, broken, 1, 200],
    [2, broken, 1, 400],
    [6, broken, 0.5, 3_200],
    [7, broken, 1, 10_000],
    [100, broken, 1, 10_000],
    [1, throttled, 1, 3_000],
    [7, throttled, 1, 10_000],
  ];
  for (const [tried, failure, random, want] of table) {
    assert.equal(delayMs(tried, failure, random), want);
  }
});

test("all forms of Retry-After are parsed", () => {
  const now = Date.UTC(1994, 10, 6, 8, 49, 30);
  const table: [string | null, number | undefined][] = [
    [null, undefined],
    ["", undefined],
    ["0", 0],
    [" 120 ", 120_000],
    ["-1", undefined],
    ["1.5", undefined],
    ["Sun, 06 Nov 1994 08:49:37 GMT", 7_000],
    ["Sunday, 06-Nov-94 08:49:37 GMT", 7_000],
    ["Sun Nov  6 08:49:37 1994", 7_000],
    ["Sun, 06 Nov 1994 08:00:00 GMT", 0],
    ["Sunshine", undefined],
    ["1994-11-06T08:49:37Z", undefined],
    ["99999999999999999999", (2 ** 31 - 1) * 1000],
    ["Fri, 31 Dec 9999 23:59:59 GMT", (2 ** 31 - 1) * 1000],
  ];
  for (const [value, want] of table) {
    assert.equal(retryAfterMs(value, now), want, String(value));
  }
});
