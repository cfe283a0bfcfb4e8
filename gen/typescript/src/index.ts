/**
 * A client of the pfxRecryptionRequest resource of Microsoft Graph.
 *
 * @packageDocumentation
 */
export { createClient } from "./connect.js";
export type { CallOptions, Client, ConditionalOptions, ListOptions, UpsertOptions } from "./client.js";
export {
  AppliedError,
  ConnectionError,
  GraphError,
  MalformedAnswerError,
  NoEntityTagError,
  TimeoutError,
  TokenError,
  UnknownOutcomeError,
} from "./errors.js";
export type { ErrorDetail, ErrorKind } from "./errors.js";
export type { ClientOptions } from "./options.js";
export type { Create, Draft, Member, PfxRecryptionRequest, Selected, Update, Versioned } from "./resource.js";
export type { GetToken } from "./token.js";
export type { Change } from "./update.js";
