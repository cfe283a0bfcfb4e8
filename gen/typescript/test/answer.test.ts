import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

import { AppliedError, GraphError, MalformedAnswerError, NoEntityTagError, UnknownOutcomeError } from "../src/index.js";
import { newObject, objectReply, serve, testClient } from "./support.js";

const good = objectReply();
const body = good.body as string;
const headers = good.headers as Record<string, string>;

test("a malformed success response is an error", async (t) => {
  const rows = {
    "another media type": { ...good, headers: { ...headers, "Content-Type": "text/html" } },
    "a media type with the same prefix": { ...good, headers: { ...headers, "Content-Type": "application/jsonx" } },
    "no media type": { ...good, headers: { ETag: '"a"' } },
    "another status": { ...good, status: 202 },
    "an empty body": { ...good, body: "" },
    "null": { ...good, body: "null" },
    "an array": { ...good, body: `[${body}]` },
    "truncated": { ...good, body: body.slice(0, 200) },
    "trailing data": { ...good, body: `${body}{}` },
    "a byte order mark": { ...good, body: `\ufeff${body}` },
    "invalid UTF-8": { ...good, body: Buffer.concat([Buffer.from(body.slice(0, -3)), Buffer.from('\xff"}', "latin1")]) },
    "no id": { ...good, body: body.replace('"id"', '"iD"') },
    "another type": { ...good, body: body.replace("#microsoft", "#other") },
    "null for a member that is not nullable": objectReply({ isDeleted: null as unknown as boolean }),
    "a fraction for an integer": objectReply({ status: 7.5 }),
    "more than Int32": objectReply({ status: 2 ** 31 }),
    "more than 1 MiB": { ...good, body: body + " ".repeat(1 << 20) },
    "more than 1 MiB, compressed": {
      ...good,
      headers: { ...headers, "Content-Encoding": "gzip" },
      body: gzipSync(body + " ".repeat(1 << 20)),
    },
  };
  for (const [name, reply] of Object.entries(rows)) {
    await t.test(name, async (t) => {
      const { url, sent } = await serve(t, reply);
      const { client } = testClient(url);
      await assert.rejects(client.get("sample"), MalformedAnswerError);
      // The response may come from a proxy, so the outcome of the update is unknown.
      await assert.rejects(
        client.patch("sample", {}),
        (err) => err instanceof UnknownOutcomeError && err.cause instanceof MalformedAnswerError,
      );
      assert.equal(sent.length, 2);
    });
  }
});

test("a well-formed success response is accepted", async (t) => {
  const rows = {
    "unchanged": good,
    "media type parameters": { ...good, headers: { ...headers, "Content-Type": "Application/JSON ;odata.metadata=minimal" } },
    "a weak entity tag": { ...good, headers: { ...headers, ETag: 'W/"a"' } },
    "an annotation": { ...good, body: body.replace("{", '{"@odata.context":"x",') },
    "the least Int32": objectReply({ status: -(2 ** 31) }),
    "compressed": { ...good, headers: { ...headers, "Content-Encoding": "gzip" }, body: gzipSync(body) },
  };
  for (const [name, reply] of Object.entries(rows)) {
    await t.test(name, async (t) => {
      const { url } = await serve(t, reply);
      assert.equal((await testClient(url).client.get("sample")).value.id, "sample");
    });
  }
});

test("a success status of another method is an error", async (t) => {
  const { url } = await serve(t, good);
  const { client } = testClient(url);
  await assert.rejects(client.create(newObject()), UnknownOutcomeError);
  await assert.rejects(client.delete("sample"), UnknownOutcomeError);
});

test("an object without an entity tag can be read but not updated", async (t) => {
  const rows: Record<string, [Record<string, string>, string, string]> = {
    "none": [{ "Content-Type": "application/json" }, body, ""],
    "without quotes": [{ ...headers, ETag: "a" }, body, ""],
    "in the body": [{ "Content-Type": "application/json" }, body.replace("{", '{"@odata.etag":"W/\\"3\\"",'), 'W/"3"'],
  };
  for (const [name, [headers, body, want]] of Object.entries(rows)) {
    await t.test(name, async (t) => {
      const { url, sent } = await serve(t, { ...good, headers, body });
      const { client } = testClient(url);
      assert.equal((await client.get("sample")).etag, want);
      const update = client.update("sample", (draft) => void draft.status++);
      if (want === "") {
        await assert.rejects(update, NoEntityTagError);
        await assert.rejects(client.patch("sample", {}, { ifMatch: want }), TypeError);
      } else {
        await update;
        assert.equal(sent.at(-1)!.headers["if-match"], want);
      }
    });
  }
});

test("a response without the object is followed by one GET", async (t) => {
  const { url, sent } = await serve(t, { status: 204 }, objectReply({ status: 9 }, '"b"'), { status: 204 }, { status: 404, headers, body: "{}" });
  const { client } = testClient(url);
  const got = await client.patch("sample", { status: 9 });
  assert.deepEqual([got.value.status, got.etag], [9, '"b"']);
  assert.equal(sent[0]!.headers["prefer"], "return=representation");
  await assert.rejects(client.upsert("sample", newObject()), AppliedError);
  assert.deepEqual(sent.map(({ method }) => method), ["PATCH", "GET", "PATCH", "GET"]);
});

test("a wrong path is not a missing object", async (t) => {
  const graph = (code: string, message = "M") => JSON.stringify({ error: { code, message } });
  const rows: Record<string, [number, string, string]> = {
    "an object": [404, graph("ResourceNotFound"), "notFound"],
    "another version": [404, graph("InvalidVersion"), "noAPI"],
    "another segment": [400, graph("BadRequest", "Resource not found for the segment 'x'."), "noAPI"],
    "another server": [404, "<html>", "noAPI"],
  };
  for (const [name, [status, body, want]] of Object.entries(rows)) {
    await t.test(name, async (t) => {
      const { url } = await serve(t, { status, headers, body });
      const err = await testClient(url).client.get("sample").catch((err: unknown) => err);
      assert.ok(err instanceof GraphError);
      assert.equal(err.kind, want);
    });
  }
});

test("an error has the members of its response", async (t) => {
  const json = { "Content-Type": "application/json", "request-id": "r" };
  const detail = { code: "c", message: "m", target: "/status" };
  const graph = (error: object) => JSON.stringify({ error });
  const rows = {
    whole: { headers: json, body: graph({ code: "C", message: "M", details: [detail] }), want: ["C", "M", [detail]] },
    "no details": { headers: json, body: graph({ code: "C", message: "M" }), want: ["C", "M", []] },
    "malformed details": { headers: json, body: graph({ code: "C", message: "M", details: [1, detail, {}] }), want: ["C", "M", [detail]] },
    "no text": { headers: json, body: graph({ code: 1, message: {} }), want: ["", "Bad Request", []] },
    "another media type": { headers: { "request-id": "r" }, body: graph({ code: "C", message: "M" }), want: ["", "Bad Request", []] },
    "not JSON": { headers: json, body: "<html>", want: ["", "Bad Request", []] },
    "nothing": { headers: json, body: "", want: ["", "Bad Request", []] },
    "too much": { headers: json, body: graph({ code: "C", message: "M" }) + " ".repeat(1 << 20), want: ["", "Bad Request", []] },
  };
  for (const [name, { headers, body, want }] of Object.entries(rows)) {
    await t.test(name, async (t) => {
      const { url } = await serve(t, { status: 400, headers, body });
      const err = await testClient(url).client.get("sample").catch((err: unknown) => err);
      assert.ok(err instanceof GraphError);
      assert.deepEqual([err.code, err.message, err.details], want);
      assert.deepEqual([err.status, err.requestId, err.retryAfterMs], [400, "r", undefined]);
    });
  }
});
