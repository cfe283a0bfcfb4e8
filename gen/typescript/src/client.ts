import { systemClock } from "./clock.js";
import { connect } from "./connect.js";
import type { ClientOptions } from "./options.js";
import type { Create, Member, Selected, Update, Versioned } from "./resource.js";
import type { Change } from "./update.js";

/** Options of every call. */
export interface CallOptions {
  /** Ends the call with the signal's reason, also while it waits between tries. */
  signal?: AbortSignal;
}

/** Options of a conditional call. */
export interface ConditionalOptions extends CallOptions {
  /** Applies the call only if the object still has this entity tag; otherwise it throws a GraphError with status 412. */
  ifMatch?: string;
}

/** Options of {@link Client.upsert}. */
export interface UpsertOptions extends CallOptions {
  /** Only creates: if the object exists, the call throws a GraphError with status 412. */
  insertOnly?: boolean;
}

/** Options of {@link Client.list}. */
export interface ListOptions<M extends Member = Member> extends CallOptions {
  /** Lists only objects for which this is true, such as `status eq 6 and isDeleted eq false`; by default all of the tenant. */
  filter?: string;
  /** The members to return; by default all. */
  select?: readonly M[];
  /** Objects per response, 1 to 1000; by default the server decides. */
  top?: number;
}

/** A client of one server. Its only state is the token; it is safe for concurrent calls. */
export interface Client {
  /** Gets an object. */
  get(id: string, options?: CallOptions): Promise<Versioned>;
  /** Gets all objects in the order of their keys. It requests each page when it is needed. */
  list<M extends Member = Member>(options?: ListOptions<M>): AsyncGenerator<Selected<M>, void, undefined>;
  /** Creates an object. The server makes its key. */
  create(value: Create, options?: CallOptions): Promise<Versioned>;
  /** Changes the given members; the others keep their values. */
  patch(id: string, value: Update, options?: ConditionalOptions): Promise<Versioned>;
  /** Sets these members of the object, or creates it if it does not exist. */
  upsert(id: string, value: Create, options?: UpsertOptions): Promise<Versioned & { created: boolean }>;
  /** Deletes an object permanently. */
  delete(id: string, options?: ConditionalOptions): Promise<void>;
  /**
      * Gets the object, runs change on a copy and sends the members that differ, provided that the object is still unchanged.
   * Otherwise it starts over, at most 100 times.
   */
  update(id: string, change: Change, options?: CallOptions): Promise<Versioned>;
}

/**
  * Makes a client. Every call throws a GraphError for a response that is not a success, a MalformedAnswerError for a success
 * that the contract does not allow, a ConnectionError if there is no complete response, and an UnknownOutcomeError if it is
 * unknown whether the server applied it.
 */
export function createClient(options: ClientOptions): Client {
  return connect(options, systemClock);
}
