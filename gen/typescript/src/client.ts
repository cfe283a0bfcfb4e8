import { systemClock } from "./clock.js";
import { connect } from "./connect.js";
import type { ClientOptions } from "./options.js";
import type { Create, Member, Selected, Update, Versioned } from "./resource.js";
import type { Change } from "./update.js";

/** What every call takes. */
export interface CallOptions {
  /** Ends the call with the signal's reason, waits between tries included. */
  signal?: AbortSignal;
}

/** What a call on a known version takes. */
export interface ConditionalOptions extends CallOptions {
  /** The call is applied only if the object still has this entity tag; else it is a GraphError with status 412. */
  ifMatch?: string;
}

/** What {@link Client.upsert} takes. */
export interface UpsertOptions extends CallOptions {
  /** An object that exists is left alone; the call is then a GraphError with status 412. */
  insertOnly?: boolean;
}

/** What {@link Client.list} takes. */
export interface ListOptions<M extends Member = Member> extends CallOptions {
  /** Which objects, such as `status eq 6 and isDeleted eq false`; without it, all of the tenant. */
  filter?: string;
  /** The members that the objects have; without it, all. */
  select?: readonly M[];
  /** How many objects come in one answer: 1 to 1000, by default the server's choice. */
  top?: number;
}

/** A client of one server. It keeps no state but the token, and may be used by any number of callers at a time. */
export interface Client {
  /** Gets an object. */
  get(id: string, options?: CallOptions): Promise<Versioned>;
  /** Gets all objects, page by page as they are asked for, in the order of their keys. */
  list<M extends Member = Member>(options?: ListOptions<M>): AsyncGenerator<Selected<M>, void, undefined>;
  /** Creates an object under a key that the server makes. */
  create(value: Create, options?: CallOptions): Promise<Versioned>;
  /** Changes the members that are given, and leaves the others as they are. */
  patch(id: string, value: Update, options?: ConditionalOptions): Promise<Versioned>;
  /** Gives the object these members, and creates it if it does not exist. */
  upsert(id: string, value: Create, options?: UpsertOptions): Promise<Versioned & { created: boolean }>;
  /** Deletes an object for good. */
  delete(id: string, options?: ConditionalOptions): Promise<void>;
  /**
   * Gets the object, runs change on a copy and sends what it changed, on the condition that nobody else changed the
   * object meanwhile; else it begins again. It makes at most 100 attempts.
   */
  update(id: string, change: Change, options?: CallOptions): Promise<Versioned>;
}

/**
 * Makes a client. Every call throws a GraphError for an answer that is no success, a MalformedAnswerError for a success
 * that the contract does not allow, a ConnectionError where none came, and an UnknownOutcomeError where nobody can say
 * whether the server applied it.
 */
export function createClient(options: ClientOptions): Client {
  return connect(options, systemClock);
}
