/** The wire types, the client and the replica of a Cutroom daemon. */

export {
  type Address,
  type Asked,
  Client,
  type Item,
  type ListRoute,
  type Locate,
  type Reply,
  type Route,
  type Terms,
} from "./client.ts";
export { type AnyCode, errorFrom, SdkError, Unreachable } from "./errors.ts";
export { type Connection, Replica, type ReplicaOptions, type Transport } from "./replica.ts";
export { type Batch, type Held, Shelf } from "./shelf.ts";
export { type SseMessage, SseParser } from "./sse.ts";
export {
  type EventSourceOptions,
  eventSourceTransport,
  fetchTransport,
  type StreamOptions,
  type StreamQuery,
} from "./transport.ts";
export type * from "./wire.ts";
