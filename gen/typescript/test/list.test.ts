import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

import { MalformedAnswerError } from "../src/index.js";
import { newObject, objectReply, realClient, serve, testClient, type Reply } from "./support.js";

/** A page with the next link that next makes of the base URL. */
const pageReply = (value: object[], next?: (url: string) => string): Reply => (url) => ({
  status: 200,
  headers: { "Content-Type": "application/json; odata.metadata=minimal" },
  body: JSON.stringify({ value, ...(next && { "@odata.nextLink": next(url) }) }),
});
const sample = JSON.parse(objectReply().body as string) as object;

async function all<T>(list: AsyncIterable<T>): Promise<T[]> {
  const got: T[] = [];
  for await (const entry of list) {
    got.push(entry);
  }
  return got;
}

test("list returns the objects of all pages in the order of their keys", async () => {
  const { client, sent } = await realClient();
  const profileId = randomUUID();
  const created = await Promise.all(Array.from({ length: 5 }, (_, status) => client.create(newObject({ profileId, status }))));
  const want = created.map(({ value }) => value).sort((a, b) => (a.id < b.id ? -1 : 1));
  sent.length = 0;
  const got = [];
  for await (const object of client.list({ filter: `profileId eq ${profileId}`, top: 2 })) {
    got.push(object);
  }
  assert.deepEqual(got, want);
  assert.equal(sent.length, 3);

  const selected = [];
  for await (const { id, status } of client.list({ filter: `profileId eq ${profileId}`, select: ["id", "status"] })) {
    selected.push({ id, status });
  }
  assert.deepEqual(selected, want.map(({ id, status }) => ({ id, status })));
});

test("list requests a page only when it is needed", async () => {
  const { client, sent } = await realClient();
  for await (const _ of client.list({ top: 1 })) {
    break;
  }
  assert.equal(sent.length, 1);
});

test("a next link is requested unchanged, with the token", async (t) => {
  const rest = "/elsewhere?$SkipToken=a%2Bb&x=1";
  const { url, sent } = await serve(t, pageReply([], (url) => url + rest), pageReply([sample]));
  assert.deepEqual(await all(testClient(url).client.list()), [sample]);
  assert.equal(sent[1]!.url, `/beta${rest}`);
  assert.equal(sent[1]!.headers.authorization, "Bearer token");
});

test("a next link to another server, or a repeated one, is an error", async (t) => {
  const rows: { name: string; next: (url: string) => string; requests?: number }[] = [
    { name: "another host", next: (url) => url.replace("127.0.0.1", "localhost") },
    { name: "another port", next: (url) => url.replace(/:\d+/, ":1") },
    { name: "another scheme", next: (url) => `${url.replace("http:", "https:")}/x` },
    { name: "another path", next: (url) => url.replace("beta", "v1.0/x") },
    { name: "a path with the same prefix", next: (url) => `${url}2/x` },
    { name: "a path with dots", next: (url) => `${url}/../x` },
    { name: "a user name", next: (url) => `${url.replace("//", "//me@")}/x` },
    { name: "a relative address", next: () => "/beta/x" },
    { name: "a repeated link", next: (url) => `${url}/x`, requests: 2 },
  ];
  for (const { name, next, requests = 1 } of rows) {
    await t.test(name, async (t) => {
      const { url, sent } = await serve(t, pageReply([sample], next));
      await assert.rejects(all(testClient(url).client.list()), MalformedAnswerError);
      assert.equal(sent.length, requests);
    });
  }
});

test("a malformed page is an error", async (t) => {
  const page = (body: string): Reply => ({ status: 200, headers: { "Content-Type": "application/json" }, body });
  const rows = {
    "no value": "{}",
    "null": "null",
    "an array": "[]",
    "a value that is not an array": '{"value":{}}',
    "a next link that is not a string": '{"value":[],"@odata.nextLink":null}',
    "an entry that is not an object": '{"value":["sample"]}',
    "an entry without a member": '{"value":[{"@odata.type":"#microsoft.graph.pfxRecryptionRequest"}]}',
    "more than 16 MiB": `{"value":[]}${" ".repeat(16 << 20)}`,
  };
  for (const [name, body] of Object.entries(rows)) {
    await t.test(name, async (t) => {
      const { url } = await serve(t, page(body));
      await assert.rejects(all(testClient(url).client.list()), MalformedAnswerError);
    });
  }
  const { url } = await serve(t, page(`{"value":[]}${" ".repeat(2 << 20)}`));
  assert.deepEqual(await all(testClient(url).client.list()), []);
});
