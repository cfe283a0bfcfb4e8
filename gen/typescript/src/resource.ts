import { MalformedAnswerError } from "./errors.js";
import type { components } from "./schema.gen.js";

type Schemas = components["schemas"];

/**
 * The object. Times are the text that was stored; `status` and `sourceType` are Int32, which a number holds exactly;
 * `thumbprint`, `deviceKeyThumbprint` and `eTag` may be null. `eTag` is not the HTTP entity tag.
 */
export type PfxRecryptionRequest = Schemas["pfxRecryptionRequest"];
/** The members to change: one that is absent or undefined stays as it is, null clears one that is nullable. */
export type Update = Omit<Schemas["pfxRecryptionRequestUpdate"], "id" | "@odata.type">;
/** An object to create, with all twelve members. */
export type Create = Omit<Schemas["pfxRecryptionRequestCreate"], "id" | "@odata.type">;
/** The members that $select can name. */
export type Member = Exclude<keyof PfxRecryptionRequest, "@odata.type">;
/** An object, or the members of it that were selected. */
export type Selected<M extends Member> = Pick<PfxRecryptionRequest, M | "@odata.type">;
/** An object to be changed in place. */
export type Draft = Readonly<Pick<PfxRecryptionRequest, "id" | "@odata.type">> & Required<Create>;

/** An object with the HTTP entity tag that it has, for `ifMatch`. */
export interface Versioned {
  value: PfxRecryptionRequest;
  etag: string;
}

const text = (value: unknown) => typeof value === "string";
const nullableText = (value: unknown) => value === null || typeof value === "string";
const int32 = (value: unknown) => typeof value === "number" && (value | 0) === value;

const checks: Readonly<Record<keyof PfxRecryptionRequest, (value: unknown) => boolean>> = {
  "@odata.type": (value) => value === "#microsoft.graph.pfxRecryptionRequest",
  id: text,
  tenantId: text,
  userId: text,
  deviceId: text,
  profileId: text,
  thumbprint: nullableText,
  deviceKeyThumbprint: nullableText,
  status: int32,
  sourceType: int32,
  createdTime: text,
  lastModifiedTime: text,
  isDeleted: (value) => typeof value === "boolean",
  eTag: nullableText,
};

const allMembers = Object.keys(checks).filter((name): name is Member => name !== "@odata.type");

/** Returns body as an object with all the named members, each of its type. */
export function checkObject<M extends Member = Member>(
  body: unknown,
  members: readonly M[] = allMembers as M[],
): Selected<M> {
  if (typeof body !== "object" || body === null) {
    throw new MalformedAnswerError("the answer is not an object");
  }
  for (const name of ["@odata.type", ...members] as const) {
    if (!Object.hasOwn(body, name) || !checks[name]((body as Record<string, unknown>)[name])) {
      throw new MalformedAnswerError(`the answer has no ${name} of its type`);
    }
  }
  return body as Selected<M>;
}

/** Returns an answer's object with all its members, and the entity tag that came with it. */
export function checkVersioned({ body, headers }: { body: unknown; headers: Headers }): Versioned {
  const value = checkObject(body);
  const etag = headers.get("etag") ?? "";
  if (!/^(W\/)?"[^"]*"$/.test(etag)) {
    throw new MalformedAnswerError("the answer has no entity tag");
  }
  return { value, etag };
}

/** Returns the path parameters of an object. Any other text could address something else: `..` is a path's parent. */
export function checkKey(id: string): { pfxRecryptionRequestsId: string } {
  if (typeof id !== "string" || !/^[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,127}$/.test(id)) {
    throw new TypeError("id must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ - that do not begin with a dot");
  }
  return { pfxRecryptionRequestsId: id };
}

/** Whether two entity tags are of the same version; a proxy that compresses makes them weak (RFC 9110 §8.8.3.2). */
export function sameTag(a: string, b: string): boolean {
  return a.replace(/^W\//, "") === b.replace(/^W\//, "");
}
