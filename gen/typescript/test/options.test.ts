import assert from "node:assert/strict";
import { test } from "node:test";

import { createClient, type ClientOptions } from "../src/index.js";

const good = { baseUrl: "https://graph.example.com/beta", token: "token" };

test("createClient rejects invalid options", () => {
  const rows: [Record<string, unknown>, typeof TypeError | typeof RangeError][] = [
    [{ baseUrl: "graph.example.com/beta" }, TypeError],
    [{ baseUrl: "ftp://graph.example.com" }, TypeError],
    [{ baseUrl: "https://me@graph.example.com" }, TypeError],
    [{ baseUrl: "https://graph.example.com?x=1" }, TypeError],
    [{ baseUrl: "https://graph.example.com#x" }, TypeError],
    [{ token: undefined }, TypeError],
    [{ token: "" }, TypeError],
    [{ token: "a\nb" }, TypeError],
    [{ getToken: () => "token" }, TypeError],
    [{ tries: 0 }, RangeError],
    [{ tries: 1.5 }, RangeError],
    [{ tries: 101 }, RangeError],
    [{ tryTimeoutMs: 0 }, RangeError],
    [{ tryTimeoutMs: 2 ** 31 }, RangeError],
    [{ timeoutMs: Number.NaN }, RangeError],
    [{ timeoutMs: Number.POSITIVE_INFINITY }, RangeError],
  ];
  for (const [options, want] of rows) {
    assert.throws(() => createClient({ ...good, ...options } as ClientOptions), want, JSON.stringify(options));
  }
  createClient(good);
  createClient({ ...good, baseUrl: "http://127.0.0.1:8080/beta/", tries: 1, tryTimeoutMs: 1, timeoutMs: 2 ** 31 - 1 });
});
