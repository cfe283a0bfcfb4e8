// Tests the types. The first function is compiled but never called.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { createClient, type Client, type PfxRecryptionRequest } from "../src/index.js";
import { newObject } from "./support.js";

export async function compiled(client: Client): Promise<void> {
  const { value, etag } = await client.get("sample");
  const text: string = value.createdTime;
  const nullable: string | null = value.thumbprint;
  const status: number = value.status;
  await client.patch("sample", { thumbprint: null, status }, { ifMatch: etag });
  await client.patch("sample", { createdTime: text, eTag: nullable });
  // @ts-expect-error this member may be null
  value.eTag.length;
  // @ts-expect-error an Int32 is a number
  await client.patch("sample", { status: "7" });
  // @ts-expect-error a time is a string
  await client.patch("sample", { createdTime: new Date() });
  // @ts-expect-error this member is not nullable
  await client.patch("sample", { isDeleted: null });
  // @ts-expect-error there is no such member
  await client.patch("sample", { state: 7 });
  // @ts-expect-error the key is an argument
  await client.patch("sample", { id: "sample" });
  // @ts-expect-error all twelve members are needed
  await client.create({ status: 7 });
  const { status: _, ...eleven } = newObject();
  // @ts-expect-error all twelve members are needed
  await client.upsert("sample", eleven);
  const { created }: { created: boolean } = await client.upsert("sample", newObject(), { insertOnly: true });
  // @ts-expect-error an upsert has no ifMatch: it could not create
  await client.upsert("sample", newObject(), { ifMatch: etag, created });
  const nothing: void = await client.delete("sample", { ifMatch: etag });
  for await (const object of client.list({ filter: "status eq 6" })) {
    const whole: PfxRecryptionRequest = object;
    void whole;
  }
  for await (const object of client.list({ select: ["status"] })) {
    const selected: number = object.status;
    // @ts-expect-error this member was not selected
    void [selected, object.id];
  }
  // @ts-expect-error there is no such member
  client.list({ select: ["state"] });
  await client.update("sample", (draft) => {
    draft.status++;
    draft.thumbprint = null;
    // @ts-expect-error a key does not change
    draft.id = "other";
    // @ts-expect-error this member is not nullable
    draft.userId = null;
  });
  // @ts-expect-error the draft is changed in place
  await client.update("sample", (draft) => ({ ...draft, status: 7 }));
  const baseUrl = "http://127.0.0.1:8080/beta";
  createClient({ baseUrl, token: "token" });
  createClient({ baseUrl, getToken: () => "token" });
  createClient({ baseUrl, getToken: async (refused?: string) => refused ?? "token" });
  // @ts-expect-error a token is needed
  createClient({ baseUrl });
  // @ts-expect-error token and getToken exclude each other
  createClient({ baseUrl, token: "token", getToken: () => "token" });
  void nothing;
}

test("the package contains exactly its files", async () => {
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  const said = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd, encoding: "utf8", stdio: "pipe" });
  const [{ files }] = JSON.parse(said) as [{ files: { path: string }[] }];
  const sources = readdirSync(`${cwd}/src`).map((name) => name.replace(/\.ts$/, ""));
  const want = sources.flatMap((name) => [`dist/${name}.d.ts`, `dist/${name}.js`]).concat("README.md", "package.json");
  assert.deepEqual(files.map(({ path }) => path).sort(), want.sort());
  const { createClient } = (await import("@pfxrecryption/client" as string)) as typeof import("../src/index.js");
  createClient({ baseUrl: "http://127.0.0.1:8080/beta", token: "token" });
});
