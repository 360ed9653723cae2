/** Typed calls to a daemon. Each fails with an `SdkError` that has the daemon's stable code, or with `Unreachable`. */

import { errorFrom, SdkError, Unreachable } from "./errors.ts";
import type { Transport } from "./replica.ts";
import { fetchTransport, type StreamOptions } from "./transport.ts";
import {
  GIVES,
  type Json,
  type PatchOperation,
  type Record as WireRecord,
  type Routes,
  TAKES,
  type Tombstone,
} from "./wire.ts";

/**
 * Where a daemon is and what to show at the door.
 *
 * `url` has no slash at its end; "" is the page's own origin. Without a token the browser's cookie counts.
 */
export interface Address {
  url: string;
  token?: string;
}

/** An address, or who knows it: asked again after a connection failed or a token was refused. */
export type Locate = Address | (() => Address | null | Promise<Address | null>);

/** One of the daemon's routes, such as `GET /v1/missions/{id}`. */
export type Route = keyof Routes;

/** How to ask. */
export interface Terms {
  /** Only when the resource is at this rev, else `revision_conflict`. */
  ifMatch?: number;
  /** Only when there is none yet, else `revision_conflict`. */
  ifAbsent?: boolean;
  /** The same key with the same request gives the stored answer again, for 24 hours: a retry does nothing twice. */
  idempotencyKey?: string;
  /** Any other headers. */
  headers?: { [name: string]: string };
  /** Ends the request; it then fails with the signal's reason. */
  signal?: AbortSignal;
  /** Give up after so long; 60 seconds unless said, and 30 minutes for footage to be read from end to end. */
  timeoutMs?: number;
}

type Part<R extends Route, Name extends "path" | "query" | "body"> = Routes[R][Name];
type Empty<T> = [keyof T] extends [never] ? true : string extends keyof T ? true : false;
type Path<R extends Route> = Empty<Part<R, "path">> extends true ? { path?: never }
  : { path: Part<R, "path"> };
type QueryValue = string | number | readonly string[] | undefined;
type Query<R extends Route> = Empty<Part<R, "query">> extends true ? { query?: never }
  : { query?: Part<R, "query"> };
type Body<R extends Route> = Part<R, "body"> extends undefined ? { body?: never } : { body: Part<R, "body"> };

/** What a route is asked with: its path's names, its query, its body. */
export type Asked<R extends Route> = Path<R> & Query<R> & Body<R> & Terms;
type Arguments<R extends Route> = object extends Asked<R> ? [asked?: Asked<R>] : [asked: Asked<R>];

/** Routes that answer pages of items. */
export type ListRoute = {
  [R in Route]: Routes[R]["answer"] extends { next: string | null } ? R : never;
}[Route];
/** What a list is of. */
export type Item<R extends ListRoute> = Routes[R]["answer"] extends { items: (infer I)[] } ? I : never;

/** An answer and the rev of what it shows, from its ETag; null where it has none. */
export interface Reply<T> {
  answer: T;
  rev: number | null;
}

const ANSWER_MS = 60_000;
const READING_MS = 1_800_000;
const PAGE = 1000;
const READS_FOOTAGE: ReadonlySet<string> = new Set<Route>([
  "POST /v1/assets",
  "POST /v1/assets/{id}/analyses",
]);

interface Page<T> {
  items: T[];
  next: string | null;
}

/** The parts of a request that do not depend on the route's types. */
interface Loose extends Terms {
  path?: { [name: string]: string };
  query?: { [name: string]: QueryValue };
  body?: unknown;
}

/** A daemon as seen over HTTP. Holds no connection: there is nothing to close. */
export class Client {
  readonly #locate: Locate;
  readonly #fetch: typeof fetch;
  #address: Address | null = null;

  /** `fetcher` stands in for the platform's `fetch`. */
  constructor(locate: Locate, fetcher: typeof fetch = (...asked) => fetch(...asked)) {
    this.#locate = locate;
    this.#fetch = fetcher;
  }

  /** Return a route's answer. */
  async call<R extends Route>(route: R, ...asked: Arguments<R>): Promise<Routes[R]["answer"]> {
    return (await this.reply(route, ...asked)).answer;
  }

  /** Return a route's answer with the rev of what it shows. */
  reply<R extends Route>(route: R, ...asked: Arguments<R>): Promise<Reply<Routes[R]["answer"]>> {
    return this.#send(route, (asked[0] ?? {}) as Loose, (response) => replied(route, response));
  }

  /** Return what there is in place of `rev`, or null when it is still that. */
  newer<R extends Route>(
    route: R,
    rev: number,
    ...asked: Arguments<R>
  ): Promise<Reply<Routes[R]["answer"]> | null> {
    const terms = (asked[0] ?? {}) as Loose;
    const headers = { ...terms.headers, "If-None-Match": etag(rev) };
    return this.#send(
      route,
      { ...terms, headers },
      async (response) => response.status === 304 ? null : await replied(route, response),
    );
  }

  /** Yield all items of a list, over as many pages as it has. */
  async *every<R extends ListRoute>(route: R, ...asked: Arguments<R>): AsyncGenerator<Item<R>, void> {
    const terms = (asked[0] ?? {}) as Loose;
    let query: Loose["query"] = { limit: PAGE, ...terms.query };
    while (true) {
      const page = await this.#send(route, { ...terms, query }, read) as Page<Item<R>>;
      yield* page.items;
      if (page.next === null) return;
      query = { ...query, cursor: page.next };
    }
  }

  /** Return a resource with its rev and position. */
  get(key: string, terms: Terms & { at?: number } = {}): Promise<WireRecord> {
    const { at, ...rest } = terms;
    return this.call("GET /v1/resources/{key}", {
      path: { key },
      query: at === undefined ? {} : { at },
      ...rest,
    });
  }

  /** Write a resource whole. */
  put(key: string, value: Json, terms: Terms = {}): Promise<WireRecord> {
    return this.call("PUT /v1/resources/{key}", { path: { key }, body: { value }, ...terms });
  }

  /** Change a resource's fields with a merge patch (RFC 7396), applied by the daemon: null takes a field away. */
  patch(key: string, change: { [name: string]: Json }, terms: Terms = {}): Promise<WireRecord> {
    return this.call("PATCH /v1/resources/{key}", { path: { key }, body: change, ...terms });
  }

  /** Delete a resource; return the tombstone's rev and the position of the deletion. */
  delete(key: string, terms: Terms = {}): Promise<Tombstone> {
    return this.call("DELETE /v1/resources/{key}", { path: { key }, ...terms });
  }

  /** Change a resource with a JSON patch (RFC 6902), applied by the daemon: all of its operations or none. */
  amend(key: string, operations: PatchOperation[], terms: Terms = {}): Promise<WireRecord> {
    const headers = { ...terms.headers, "Content-Type": "application/json-patch+json" };
    const asked = { ...terms, path: { key }, body: operations, headers };
    return this.#send("PATCH /v1/resources/{key}", asked, read) as Promise<WireRecord>;
  }

  /** Return the stream of resources under any of some prefixes (none: of all), for a `Replica`. */
  stream(prefixes: string | readonly string[] = [], options: StreamOptions = {}): Transport {
    const inner = fetchTransport((query, signal) => {
      const asked = { ...query, prefix: typeof prefixes === "string" ? [prefixes] : prefixes };
      return this.#send(
        "GET /v1/resources/events",
        { query: asked, signal, timeoutMs: Infinity },
        (response) => Promise.resolve(response),
      );
    }, options);
    return { open: (after, signal) => this.#forgetting(inner.open(after, signal)) };
  }

  /** A stream has ended: the daemon may have stopped, and whoever is at its address now is not to be trusted. */
  async *#forgetting<T>(messages: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
    try {
      yield* messages;
    } finally {
      this.#address = null;
    }
  }

  /** Ask, and have `use` read what is answered, which is no error; the time limit covers both. */
  async #send<T>(route: Route, asked: Loose, use: (response: Response) => Promise<T>): Promise<T> {
    const space = route.indexOf(" ");
    const path = filled(route.slice(space + 1), asked.path ?? {}) + search(asked.query ?? {});
    const address = await this.#where();
    const timer = new Timer(asked.timeoutMs ?? (READS_FOOTAGE.has(route) ? READING_MS : ANSWER_MS));
    try {
      const response = await this.#fetch(address.url + path, {
        method: route.slice(0, space),
        headers: headersOf(route, address, asked),
        body: bodyOf(route, asked.body),
        signal: AbortSignal.any(asked.signal === undefined ? [timer.signal] : [timer.signal, asked.signal]),
      });
      if (response.status >= 400) throw errorFrom(response.status, await response.text(), response.headers);
      return await use(response);
    } catch (error) {
      // A daemon that was started anew may have another token.
      if (error instanceof SdkError && error.code === "unauthenticated") this.#address = null;
      if (error instanceof SdkError) throw error;
      this.#address = null;
      asked.signal?.throwIfAborted();
      const why = timer.signal.aborted ? "does not answer in time" : `cannot be reached (${said(error)})`;
      throw new Unreachable(`${place(address)} ${why}`);
    } finally {
      timer.stop();
    }
  }

  async #where(): Promise<Address> {
    this.#address ??= typeof this.#locate === "function" ? await this.#locate() : this.#locate;
    if (this.#address === null) throw new Unreachable("no daemon runs; 'cutroom serve' starts one");
    return this.#address;
  }
}

/** A time limit that leaves nothing behind when it is not needed any more. */
class Timer {
  readonly #controller = new AbortController();
  readonly #id: ReturnType<typeof setTimeout> | undefined;

  /** `ms` Infinity: no limit. */
  constructor(ms: number) {
    this.#id = ms === Infinity ? undefined : setTimeout(() => this.#controller.abort(), ms);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  stop(): void {
    clearTimeout(this.#id);
  }
}

function filled(path: string, names: { [name: string]: string }): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const text = names[name] ?? "";
    // A key is a path itself; an id is one segment of it.
    const segments = name === "key" ? text.split("/") : [text];
    if (segments.some((segment) => segment === "" || segment === "." || segment === "..")) {
      // A URL takes such segments away and would lead somewhere else.
      const code = name === "key" ? "invalid_key" : "invalid_request";
      throw new SdkError(code, `${name} is "${text}", which no address can hold`, 0, { [name]: text });
    }
    return segments.map(encodeURIComponent).join("/");
  });
}

function search(query: { [name: string]: QueryValue }): string {
  const given = Object.entries(query).flatMap(([name, value]) => {
    const several = value === undefined ? [] : Array.isArray(value) ? value : [value];
    return several.map((one) => [name, String(one)]);
  });
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}

function headersOf(route: Route, address: Address, asked: Loose): Headers {
  const headers = new Headers(asked.headers);
  if (address.token !== undefined) headers.set("Authorization", `Bearer ${address.token}`);
  if (asked.body !== undefined) {
    if (!headers.has("Content-Type")) headers.set("Content-Type", TAKES[route] ?? "application/json");
  }
  if (asked.ifMatch !== undefined) headers.set("If-Match", etag(asked.ifMatch));
  if (asked.ifAbsent) headers.set("If-None-Match", "*");
  if (asked.idempotencyKey !== undefined) headers.set("Idempotency-Key", asked.idempotencyKey);
  if (GIVES[route] === "stream") headers.set("Accept", "text/event-stream");
  return headers;
}

function bodyOf(route: Route, body: unknown): BodyInit | null {
  if (body === undefined) return null;
  const plain = TAKES[route] === undefined || TAKES[route].endsWith("json");
  return plain ? JSON.stringify(body) : body as BodyInit;
}

async function replied<R extends Route>(route: R, response: Response): Promise<Reply<Routes[R]["answer"]>> {
  return { answer: await content(route, response) as Routes[R]["answer"], rev: revOf(response) };
}

async function content(route: Route, response: Response): Promise<unknown> {
  switch (GIVES[route]) {
    case "bytes":
    case "stream":
      return response;
    case "nothing":
      await response.body?.cancel();
      return undefined;
    default:
      return await read(response);
  }
}

async function read(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new SdkError("internal", `the answer is not JSON: ${text.slice(0, 80)}`, response.status);
  }
}

function etag(rev: number): string {
  return `"${rev}"`;
}

function revOf(response: Response): number | null {
  const inner = /^"(\d+)"$/.exec(response.headers.get("ETag") ?? "")?.[1];
  return inner === undefined ? null : Number(inner);
}

function place(address: Address): string {
  return address.url === "" ? "the daemon of this page" : `the daemon at ${address.url}`;
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
