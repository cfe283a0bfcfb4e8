// Makes calls with the TypeScript package, in Node and in browsers.

/** Returns a function that makes a call and returns its outcome; it never rejects. */
export function makeCalls(client, baseUrl, token) {
  const { createClient, AppliedError, GraphError, MalformedAnswerError, NoEntityTagError, UnknownOutcomeError } = client;
  const c = createClient({ baseUrl, token, tryTimeoutMs: 60_000, timeoutMs: 600_000 }); // CI may be busy
  const condition = ({ ifMatch }) => (ifMatch ? { ifMatch } : {});
  const operations = {
    get: ({ id }) => c.get(id),
    patch: (call) => c.patch(call.id, call.body, condition(call)),
    create: ({ body }) => c.create(body),
    upsert: ({ id, body }) => c.upsert(id, body),
    update: async ({ id, times, workers = 1 }) => {
      const work = async () => {
        for (let n = 0; n < times; n++) await c.update(id, (draft) => { draft.status++; });
      };
      await Promise.all(Array.from({ length: workers }, work));
      return c.get(id);
    },
  };

  async function make(call) {
    if (call.op === "list") {
      const list = [];
      for await (const entry of c.list({ filter: call.filter, select: call.select, top: call.top })) list.push(entry);
      return { status: 200, list };
    }
    if (call.op === "delete") {
      await c.delete(call.id, condition(call));
      return { status: 204 };
    }
    const got = await operations[call.op](call);
    return { status: 200, body: got.value, tag: got.etag };
  }

  function failure(e) {
    const message = String(e);
    if (e instanceof GraphError) {
      return { kind: e.kind, status: e.status, code: e.code, message: e.message, targets: e.details.map((d) => d.target) };
    }
    if (e instanceof AppliedError) return { kind: "applied", message };
    if (e instanceof NoEntityTagError) return { kind: "noTag", message };
    if (e instanceof UnknownOutcomeError) return { kind: "unknown", unknown: true, message };
    return { kind: e instanceof MalformedAnswerError ? "malformed" : "failed", unknown: true, message };
  }

  return (call) => make(call).then((got) => ({ kind: "ok", ...got }), failure);
}
