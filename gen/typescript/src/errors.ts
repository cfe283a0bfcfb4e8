import type { components } from "./schema.gen.js";

/** One fault of a body; `target` is the JSON Pointer of the member. */
export type ErrorDetail = components["schemas"]["errorDetail"];

/** What a caller may do about a {@link GraphError}. */
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

/** What {@link GraphError} is made of. */
export interface GraphErrorFields {
  status: number;
  code: string;
  message: string;
  details: readonly ErrorDetail[];
  requestId: string | undefined;
  clientRequestId: string;
  retryAfterMs: number | undefined;
  /** The address is the collection's, where no object can be missing. */
  listed?: boolean;
}

const noAPI = "baseUrl is not that of the API: it must end with the base path, such as /beta.";

/**
 * Whether an answer says that the path does not exist. Only Graph's own 404 at the address of an object says that the
 * object does not exist.
 */
function isNoAPI({ status, code, message, listed }: GraphErrorFields): boolean {
  return status === 404
    ? listed === true || code === "" || code === "InvalidVersion"
    : status === 400 && message.startsWith("Resource not found for the segment ");
}

/** An answer that is no success. */
export class GraphError extends Error {
  override readonly name = "GraphError";
  /** The HTTP status; 0 for a redirect whose status the browser hides. */
  readonly status: number;
  /** The Graph error's code; empty if the answer was none. */
  readonly code: string;
  /** The faults of the body, in document order. */
  readonly details: readonly ErrorDetail[];
  /** By which the server finds the request in its logs. */
  readonly requestId: string | undefined;
  /** By which the client named the call, all its tries alike. */
  readonly clientRequestId: string;
  /** How long to wait before the next try, in milliseconds, if the server said. */
  readonly retryAfterMs: number | undefined;

  /** Whether baseUrl is not that of the API: the server knows no such path, or it is another server. */
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

/** No whole answer came: the connection could not be made, or it broke. `cause` is what fetch said. */
export class ConnectionError extends Error {
  override readonly name: string = "ConnectionError";
}

/** No answer came in time. */
export class TimeoutError extends ConnectionError {
  override readonly name = "TimeoutError";
}

/**
 * The server may have applied the request or not: read the object before you send the request again. `cause` is the
 * last thing that went wrong.
 */
export class UnknownOutcomeError extends Error {
  override readonly name = "UnknownOutcomeError";

  constructor(cause: unknown) {
    super("It is unknown whether the request was applied: read the object before you send it again.", { cause });
  }
}

/**
 * The server has applied the change without returning the object, and reading the object afterwards failed. `cause` is
 * why.
 */
export class AppliedError extends Error {
  override readonly name = "AppliedError";

  constructor(cause: unknown) {
    super("The change was applied, but the object could not be read afterwards.", { cause });
  }
}

/** The server sends no entity tags, without which an update could overwrite the changes of others. */
export class NoEntityTagError extends Error {
  override readonly name = "NoEntityTagError";

  constructor() {
    super("The server sends no entity tag: without one, an update can overwrite the changes of others.");
  }
}

/** `getToken` gave no token. `cause` is what it threw. */
export class TokenError extends Error {
  override readonly name = "TokenError";

  constructor(cause: unknown) {
    super(`getToken failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** The server reports success with an answer that the contract does not allow. */
export class MalformedAnswerError extends Error {
  override readonly name = "MalformedAnswerError";

  constructor(fault: string, cause?: unknown) {
    super(`The server reports success, but ${fault}.`, { cause });
  }
}
