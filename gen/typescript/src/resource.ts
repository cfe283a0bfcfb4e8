import type { Content } from "./answer.js";
import { MalformedAnswerError } from "./errors.js";
import type { components } from "./schema.gen.js";

type Schemas = components["schemas"];

/**
 * The object. Times are the text that was stored; `status` and `sourceType` are Int32, which a number holds exactly;
 * `thumbprint`, `deviceKeyThumbprint` and `eTag` may be null. `eTag` is not the HTTP entity tag.
 */
export type PfxRecryptionRequest = Schemas["pfxRecryptionRequest"];
/** The members to change: an absent or undefined one keeps its value, null clears a nullable one. */
export type Update = Omit<Schemas["pfxRecryptionRequestUpdate"], "id" | "@odata.type">;
/** An object to create, with all twelve members. */
export type Create = Omit<Schemas["pfxRecryptionRequestCreate"], "id" | "@odata.type">;
/** The members for $select. */
export type Member = Exclude<keyof PfxRecryptionRequest, "@odata.type">;
/** An object, or its selected members. */
export type Selected<M extends Member> = Pick<PfxRecryptionRequest, M | "@odata.type">;
/** An object to change in place. */
export type Draft = Readonly<Pick<PfxRecryptionRequest, "id" | "@odata.type">> & Required<Create>;

/** An object with its HTTP entity tag, for `ifMatch`. */
export interface Versioned {
  value: PfxRecryptionRequest;
  /** Empty if the server sends none. */
  etag: string;
}

const isKey = (value: unknown) => typeof value === "string" && /^[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,127}$/.test(value);
const guid = (value: unknown) => typeof value === "string" && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);
const text = (value: unknown) =>
  value === null || (typeof value === "string" && !value.includes("\0") && new TextEncoder().encode(value).length <= 1024);
const int32 = (value: unknown) => typeof value === "number" && (value | 0) === value;

const time =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})T(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,12})?)?(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))$/i;

/** Whether value is an Edm.DateTimeOffset of a day that exists. */
function dateTimeOffset(value: unknown): boolean {
  const [, year, month, day] = (typeof value === "string" && time.exec(value)) || [];
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  return date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
}

const checks: Readonly<Record<keyof PfxRecryptionRequest, (value: unknown) => boolean>> = {
  "@odata.type": (value) => value === "#microsoft.graph.pfxRecryptionRequest",
  id: isKey,
  tenantId: guid,
  userId: guid,
  deviceId: guid,
  profileId: guid,
  thumbprint: text,
  deviceKeyThumbprint: text,
  status: int32,
  sourceType: int32,
  createdTime: dateTimeOffset,
  lastModifiedTime: dateTimeOffset,
  isDeleted: (value) => typeof value === "boolean",
  eTag: text,
};

const allMembers = Object.keys(checks).filter((name): name is Member => name !== "@odata.type");

/** Returns body as an object. It must have the named members, and each member must have its type. path is its path. */
export function checkObject<M extends Member = Member>(
  { body, fractions }: Content,
  members: readonly M[] = allMembers as M[],
  path = "",
): Selected<M> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new MalformedAnswerError("the response is not an object");
  }
  const required = new Set<string>(["@odata.type", ...members]);
  for (const [name, check] of Object.entries(checks)) {
    const isThere = Object.hasOwn(body, name);
    const value = (body as Record<string, unknown>)[name];
    if (isThere ? !check(value) || fractions.has(path + name) : required.has(name)) {
      throw new MalformedAnswerError(`the response has no valid ${name}`);
    }
  }
  return body as Selected<M>;
}

/** Returns the object of a response, which must be complete, and its entity tag. */
export function checkVersioned(answer: Content & { headers: Headers }): Versioned {
  const value = checkObject(answer);
  const annotation = (value as Record<string, unknown>)["@odata.etag"];
  // Microsoft Graph has the annotation instead of the header field.
  const etag = [answer.headers.get("etag"), annotation].find(isTag) ?? "";
  return { value, etag };
}

function isTag(value: unknown): value is string {
  return typeof value === "string" && /^(W\/)?"[^"]*"$/.test(value);
}

/** Returns the path parameters of an object. Other keys could lead to another URL: `..` is the parent of a path. */
export function checkKey(id: string): { pfxRecryptionRequestsId: string } {
  if (!isKey(id)) {
    throw new TypeError("id must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ - that do not begin with a dot");
  }
  return { pfxRecryptionRequestsId: id };
}

/** Returns the key in the URL of the created object. */
export function createdKey(headers: Headers): string {
  const address = headers.get("odata-entityid") ?? headers.get("location") ?? "";
  const key = address.replace(/^.*\//, "").replace(/^[^(]*\('?([^()']*)'?\)$/, "$1"); // OData 4.01 URL Conventions §4.3.1
  if (!isKey(key)) {
    throw new MalformedAnswerError("the response has neither an object nor its URL");
  }
  return key;
}

/** Whether two entity tags are of the same version; a proxy that compresses makes them weak (RFC 9110 §8.8.3.2). */
export function sameTag(a: string, b: string): boolean {
  return a.replace(/^W\//, "") === b.replace(/^W\//, "");
}
