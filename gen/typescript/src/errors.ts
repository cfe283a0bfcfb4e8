import type { components } from "./schema.gen.js";

/** One fault of a body; `target` is the JSON Pointer of the member. */
export type ErrorDetail = components["schemas"]["errorDetail"];

/** The kind of a {@link GraphError}, which decides what a caller can do about it. */
export type ErrorKind =
  | "invalid"
  | "unauthorized"
  | "forbidden"
  | "noAPI"
  | "notFound"
  | "preconditionFailed"
  | "preconditionRequired"
  | "throttled"
  | "unavailable"
  | "other";

const kinds: Readonly<Record<number, ErrorKind>> = {
  400: "invalid",
  401: "unauthorized",
  403: "forbidden",
  404: "notFound",
  412: "preconditionFailed",
  428: "preconditionRequired",
  429: "throttled",
  503: "unavailable",
};

/** The values of a {@link GraphError}. */
export interface GraphErrorFields {
  status: number;
  code: string;
  message: string;
  details: readonly ErrorDetail[];
  requestId: string | undefined;
  clientRequestId: string;
  retryAfterMs: number | undefined;
  /** The URL is the collection's, so a 404 cannot mean that an object is missing. */
  listed?: boolean;
}

const noAPI = "baseUrl is not that of the API: it must end with the base path, such as /beta.";

/**
  * Whether a response says that the path does not exist. Only Graph's own 404 for an object's URL says that the object does
 * not exist.
 */
function isNoAPI({ status, code, message, listed }: GraphErrorFields): boolean {
  return status === 404
    ? listed === true || code === "" || code === "InvalidVersion"
    : status === 400 && message.startsWith("Resource not found for the segment ");
}

/** A response that is not a success. */
export class GraphError extends Error {
  override readonly name = "GraphError";
  /** The HTTP status; 0 for a redirect whose status the browser hides. */
  readonly status: number;
  /** The code of the Graph error; empty if the response has none. */
  readonly code: string;
  /** The faults of the body, in document order. */
  readonly details: readonly ErrorDetail[];
  /** Identifies the request in the server's logs. */
  readonly requestId: string | undefined;
  /** The client's name for the call, the same for all its tries. */
  readonly clientRequestId: string;
  /** The wait before the next try in milliseconds, if the server stated one. */
  readonly retryAfterMs: number | undefined;

  /** Whether baseUrl is wrong: the server does not have the path, or it is a different server. */
  readonly noAPI: boolean;

  constructor(fields: GraphErrorFields) {
    const elsewhere = isNoAPI(fields);
    super(elsewhere ? `${fields.message} ${noAPI}` : fields.message);
    this.noAPI = elsewhere;
    this.status = fields.status;
    this.code = fields.code;
    this.details = fields.details;
    this.requestId = fields.requestId;
    this.clientRequestId = fields.clientRequestId;
    this.retryAfterMs = fields.retryAfterMs;
  }

  get kind(): ErrorKind {
    return this.noAPI ? "noAPI" : (kinds[this.status] ?? "other");
  }
}

/** There was no complete response: the connection failed or broke. `cause` is the error of fetch. */
export class ConnectionError extends Error {
  override readonly name: string = "ConnectionError";
}

/** There was no response in time. */
export class TimeoutError extends ConnectionError {
  override readonly name = "TimeoutError";
}

/**
  * It is unknown whether the server applied the request: read the object before you retry. `cause` is the last error.
 */
export class UnknownOutcomeError extends Error {
  override readonly name = "UnknownOutcomeError";

  constructor(cause: unknown) {
    super("It is unknown whether the request was applied: read the object before you send it again.", { cause });
  }
}

/**
  * The change was applied, the response had no object, and reading the object failed with `cause`.
 */
export class AppliedError extends Error {
  override readonly name = "AppliedError";

  constructor(cause: unknown) {
    super("The change was applied, but the object could not be read afterwards.", { cause });
  }
}

/** The server sends no entity tags. Without them an update could overwrite the changes of other clients. */
export class NoEntityTagError extends Error {
  override readonly name = "NoEntityTagError";

  constructor() {
    super("The server sends no entity tag: without one, an update can overwrite the changes of others.");
  }
}

/** `getToken` failed. `cause` is what it threw. */
export class TokenError extends Error {
  override readonly name = "TokenError";

  constructor(cause: unknown) {
    super(`getToken failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** The server reports success with a response that the contract does not allow. */
export class MalformedAnswerError extends Error {
  override readonly name = "MalformedAnswerError";

  constructor(fault: string, cause?: unknown) {
    super(`The server reports success, but ${fault}.`, { cause });
  }
}
