import assert from "node:assert/strict";
import { test } from "node:test";

import { GraphError, TokenError } from "../src/index.js";
import { objectReply, realClient, realToken, serve, testClient } from "./support.js";

const unauthorized = (err: unknown) => err instanceof GraphError && err.kind === "unauthorized";

test("a refused token is replaced once for all callers", async () => {
  const good = await realToken();
  const asked: (string | undefined)[] = [];
  const getToken = async (refused?: string) => {
    asked.push(refused);
    return refused === undefined ? "refused" : good;
  };
  const { client, sent } = await realClient({ getToken });
  await Promise.all(Array.from({ length: 8 }, () => client.get("sample")));
  await client.get("sample");
  assert.deepEqual(asked, [undefined, "refused"]);
  assert.equal(sent.filter(({ headers }) => headers["authorization"] === "Bearer refused").length, 8);
  assert.equal(sent.length, 17);
});

test("a call ends if the second token is refused, too", async () => {
  const { client, sent } = await realClient({ getToken: () => "refused" });
  await assert.rejects(client.get("sample"), unauthorized);
  assert.equal(sent.length, 2);
});

test("a static token is not sent twice", async () => {
  const { client, sent } = await realClient({ token: "refused" });
  await assert.rejects(client.get("sample"), unauthorized);
  assert.equal(sent.length, 1);
});

test("an error of getToken ends the call, and the next call gets a new token", async (t) => {
  const { url, sent } = await serve(t, objectReply());
  const fault = new Error("no token today");
  let asked = 0;
  const { client } = testClient(url, {
    getToken: async () => {
      if (asked++ === 0) {
        throw fault;
      }
      return "token";
    },
  });
  await assert.rejects(client.get("sample"), (err) => {
    return err instanceof TokenError && err.cause === fault && err.message === "getToken failed: no token today";
  });
  assert.equal(sent.length, 0);
  await client.get("sample");
});

test("an invalid token is not sent", async (t) => {
  const { url, sent } = await serve(t, objectReply());
  for (const token of ["", "a b", "a\r\nx: y", "ü", undefined as unknown as string]) {
    await assert.rejects(testClient(url, { getToken: () => token }).client.get("sample"), TokenError);
  }
  assert.equal(sent.length, 0);
});
