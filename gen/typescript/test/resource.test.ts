// Requests to the real server, and its responses.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

import { GraphError } from "../src/index.js";
import { newObject, realClient, realToken } from "./support.js";

const isStatus = (status: number) => (err: unknown) => err instanceof GraphError && err.status === status;

test("members are absent, null or a value", async (t) => {
  const { client, sent } = await realClient();
  const { value: created, etag } = await client.create(newObject({ thumbprint: null }));
  assert.equal(created.thumbprint, null);
  const rows = [
    { name: "nothing", update: {}, body: "{}" },
    { name: "null", update: { eTag: null }, body: '{"eTag":null}' },
    { name: "value", update: { thumbprint: "x", status: -(2 ** 31) }, body: '{"thumbprint":"x","status":-2147483648}' },
    { name: "zeroes", update: { status: 0, isDeleted: false, eTag: "" }, body: '{"status":0,"isDeleted":false,"eTag":""}' },
    { name: "time", update: { createdTime: "2017-01-01t00:02Z" }, body: '{"createdTime":"2017-01-01t00:02Z"}' },
  ];
  let want = created;
  for (const { name, update, body } of rows) {
    await t.test(name, async () => {
      const got = await client.patch(created.id, update);
      want = { ...want, ...update };
      assert.deepEqual(got.value, want);
      assert.equal(sent.at(-1)!.body, body);
      assert.deepEqual(await client.get(created.id), got);
    });
  }
  await client.patch(created.id, { ifMatch: undefined } as object); // undefined counts as absent
  assert.equal(sent.at(-1)!.body, "{}");
  assert.equal(sent.at(-1)!.headers["if-match"], undefined);
  assert.notEqual((await client.get(created.id)).etag, etag);
});

test("ifMatch is compare-and-swap", async () => {
  const { client, sent } = await realClient();
  const { value, etag } = await client.create(newObject());
  const moved = await client.patch(value.id, { status: 7 }, { ifMatch: etag });
  assert.notEqual(moved.etag, etag);
  assert.equal(sent.at(-1)!.headers["if-match"], etag);
  await assert.rejects(client.patch(value.id, { status: 8 }, { ifMatch: etag }), isStatus(412));
  await assert.rejects(client.delete(value.id, { ifMatch: etag }), isStatus(412));
  assert.deepEqual(await client.get(value.id), moved);
  assert.equal(await client.delete(value.id, { ifMatch: moved.etag }), undefined);
  await assert.rejects(client.get(value.id), isStatus(404));
  await assert.rejects(client.delete(value.id), isStatus(404));
});

test("upsert creates a missing object", async () => {
  const { client } = await realClient();
  const id = randomUUID();
  await assert.rejects(client.patch(id, newObject()), isStatus(404));
  assert.equal((await client.upsert(id, newObject())).created, true);
  const again = await client.upsert(id, newObject({ status: 9 }));
  assert.equal(again.created, false);
  assert.equal(again.value.status, 9);
  await assert.rejects(client.upsert(id, newObject(), { insertOnly: true }), isStatus(412));
  assert.equal((await client.get(id)).value.status, 9);
});

test("one of many concurrent inserts succeeds", async () => {
  const { client } = await realClient();
  const id = randomUUID();
  const inserts = Array.from({ length: 8 }, () => client.upsert(id, newObject(), { insertOnly: true }));
  const fulfilled = (await Promise.allSettled(inserts)).filter((r) => r.status === "fulfilled");
  assert.equal(fulfilled.length, 1);
});

test("an error has the members of the server's error", async () => {
  const { client, sent } = await realClient();
  const body = { status: "7", isDeleted: null } as object;
  const err = await client.patch("sample", body).catch((err: unknown) => err);
  assert.ok(err instanceof GraphError);
  assert.equal(err.status, 400);
  assert.equal(err.kind, "invalid");
  assert.equal(err.code, "ModelValidationFailure");
  assert.match(err.message, /'status'.*'Edm\.Int32'/);
  assert.deepEqual(err.details.map(({ target }) => target), ["/status", "/isDeleted"]);
  assert.match(err.requestId!, /^[0-9a-f-]{36}$/);
  assert.equal(err.clientRequestId, sent[0]!.headers["client-request-id"]);
  assert.equal(err.retryAfterMs, undefined);
});

test("a permission to read does not allow writing", async () => {
  const { client } = await realClient({ token: await realToken("DeviceManagementConfiguration.Read.All") });
  await client.get("sample");
  const kind = (err: unknown) => err instanceof GraphError && err.kind === "forbidden";
  await assert.rejects(client.create(newObject()), kind);
  await assert.rejects(client.delete("sample"), kind);
});

test("a key cannot address something else", async () => {
  const { client, sent } = await realClient();
  for (const id of ["", ".", "..", "a/b", "a%2fb", "a?b", "x".repeat(129), undefined as unknown as string]) {
    await assert.rejects(client.get(id), TypeError, id);
    await assert.rejects(client.delete(id), TypeError, id);
    await assert.rejects(client.update(id, () => {}), TypeError, id);
  }
  assert.deepEqual(sent, []);
});
