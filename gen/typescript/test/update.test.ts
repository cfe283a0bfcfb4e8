import assert from "node:assert/strict";
import { test } from "node:test";

import { GraphError, UnknownOutcomeError, type Client, type Draft } from "../src/index.js";
import { newObject, objectReply, realClient, serve, testClient, type Reply } from "./support.js";

const increment = (draft: Draft) => {
  draft.status++;
};
const conflict: Reply = { status: 412 };

test("no concurrent update is lost", async () => {
  const { client } = await realClient();
  const { value } = await client.create(newObject({ status: 0 }));
  const worker = async () => {
    for (let i = 0; i < 25; i++) {
      await client.update(value.id, increment);
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  assert.equal((await client.get(value.id)).value.status, 200);
});

test("update sends only the changed members, with If-Match", async () => {
  const { client, sent } = await realClient();
  const { value, etag } = await client.create(newObject());
  sent.length = 0;
  const got = await client.update(value.id, async (draft) => {
    draft.thumbprint = null;
    draft.status = value.status;
    draft.isDeleted = false;
  });
  assert.deepEqual(got.value, { ...value, thumbprint: null, isDeleted: false });
  assert.deepEqual(sent.map(({ method }) => method), ["GET", "PATCH"]);
  assert.equal(sent[1]!.body, '{"thumbprint":null,"isDeleted":false}');
  assert.equal(sent[1]!.headers["if-match"], etag);
});

test("an update that changes nothing sends nothing", async () => {
  const { client, sent } = await realClient();
  const got = await client.create(newObject());
  sent.length = 0;
  assert.deepEqual(await client.update(got.value.id, () => {}), got);
  assert.deepEqual(sent.map(({ method }) => method), ["GET"]);
});

/** Updates an object of a server with these replies, with one try for each request. */
async function updating(
  replies: Reply[],
  serveReplies: (...replies: Reply[]) => ReturnType<typeof serve>,
): Promise<{ result: unknown; methods: string; tags: unknown[]; statuses: number[] }> {
  const { url, sent } = await serveReplies(...replies);
  const statuses: number[] = [];
  const call = (client: Client) =>
    client.update("sample", (draft) => {
      statuses.push(draft.status);
      draft.status++;
    });
  const result = await call(testClient(url, { tries: 1 }).client).catch((err: unknown) => err);
  const methods = sent.map(({ method }) => method[0]).join("");
  return { result, methods, tags: sent.flatMap(({ headers }) => headers["if-match"] ?? []), statuses };
}

const v1 = objectReply({ status: 1 }, '"a"');
const v5 = objectReply({ status: 5 }, '"b"');

test("after a conflict, the update starts again from the current object", async (t) => {
  const got = await updating([v1, conflict, v5, v5], (...r) => serve(t, ...r));
  assert.deepEqual(got, { ...got, methods: "GPGP", tags: ['"a"', '"b"'], statuses: [1, 5] });
  assert.ok(!(got.result instanceof Error));
});

test("an update gives up after 100 conflicts", async (t) => {
  const { result, methods } = await updating(
    Array.from({ length: 300 }, (_, i) => (i % 2 === 0 ? v1 : conflict)),
    (...r) => serve(t, ...r),
  );
  assert.ok(result instanceof GraphError && result.status === 412);
  assert.equal(methods, "GP".repeat(100));
});

test("after an unknown outcome, the update is retried only if the object is unchanged", async (t) => {
  const weak = objectReply({ status: 1 }, 'W/"a"');
  const rows: Record<string, { replies: Reply[]; methods: string; unknown: boolean }> = {
    "unchanged": { replies: [v1, "break", v1, v5], methods: "GPGP", unknown: false },
    "unchanged, made weak": { replies: [v1, "break", weak, v5], methods: "GPGP", unknown: false },
    "unchanged twice": { replies: [v1, "break", v1, "break", v1, v5], methods: "GPGPGP", unknown: false },
    "changed": { replies: [v1, "break", v5], methods: "GPG", unknown: true },
    "changed as requested": { replies: [v1, "break", objectReply({ status: 2 }, '"b"')], methods: "GPG", unknown: true },
    "unreadable": { replies: [v1, "break", { status: 404 }], methods: "GPG", unknown: true },
    // The first patch may have arrived late and caused the conflict.
    "unchanged, conflict": { replies: [v1, "break", v1, conflict, v5], methods: "GPGP", unknown: true },
    "unchanged, refused": { replies: [v1, "break", v1, { status: 403 }], methods: "GPGP", unknown: true },
    "refused": { replies: [v1, { status: 403 }], methods: "GP", unknown: false },
  };
  for (const [name, { replies, methods, unknown }] of Object.entries(rows)) {
    await t.test(name, async (t) => {
      const got = await updating(replies, (...r) => serve(t, ...r));
      assert.equal(got.methods, methods);
      assert.deepEqual(new Set(got.tags), new Set(['"a"']));
      assert.equal(got.result instanceof UnknownOutcomeError, unknown);
      assert.deepEqual(got.statuses, [1]);
    });
  }
});

test("an invalid change is an error, and is not sent", async (t) => {
  const { url, sent } = await serve(t, v1);
  const { client } = testClient(url);
  const fault = new Error("no");
  const changes: [(draft: Record<string, unknown>) => void, object][] = [
    [(draft) => delete draft["status"], TypeError],
    [(draft) => (draft["thumbprint"] = undefined), TypeError],
    [(draft) => (draft["id"] = "other"), TypeError],
    [(draft) => (draft["@odata.type"] = "#other"), TypeError],
    [() => { throw fault; }, fault],
  ];
  for (const [change, want] of changes) {
    await assert.rejects(client.update("sample", change as (draft: Draft) => void), want as typeof TypeError);
  }
  assert.deepEqual(new Set(sent.map(({ method }) => method)), new Set(["GET"]));
});
