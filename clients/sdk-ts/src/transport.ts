/** Two ways to a daemon's stream: `fetch` with a token, and the browser's `EventSource` with its cookie. */

import { errorFrom, SdkError, Unreachable } from "./errors.ts";
import type { Transport } from "./replica.ts";
import { type SseMessage, SseParser } from "./sse.ts";
import type { Frames } from "./wire.ts";

/** `heartbeatMs`: a stream that says nothing for so long is dead; bookmarks come at least every 15 s. */
export interface StreamOptions {
  heartbeatMs?: number;
}

const HEARTBEAT_MS = 40_000;

/** What a stream is asked for: `snapshot=1`, or `after` a position. */
export type StreamQuery = { snapshot: 1 } | { after: number };

function asked(after: number | null): StreamQuery {
  return after === null ? { snapshot: 1 } : { after };
}

/** Read the stream of a response that `open` gets. Its errors are those of `open`, or `Unreachable` when it breaks. */
export function fetchTransport(
  open: (query: StreamQuery, signal: AbortSignal) => Promise<Response>,
  options: StreamOptions = {},
): Transport {
  return {
    async *open(after, signal): AsyncGenerator<SseMessage, void> {
      const watch = new Watchdog(options.heartbeatMs ?? HEARTBEAT_MS);
      const either = AbortSignal.any([signal, watch.signal]);
      try {
        const response = await open(asked(after), either);
        if (response.body === null) throw new Unreachable("the stream has no body");
        yield* messagesOf(response.body, watch);
      } catch (error) {
        signal.throwIfAborted();
        if (watch.signal.aborted) throw new Unreachable("the daemon has gone quiet");
        throw error;
      } finally {
        watch.stop();
      }
    },
  };
}

async function* messagesOf(
  body: ReadableStream<Uint8Array>,
  watch: Watchdog,
): AsyncGenerator<SseMessage, void> {
  const [reader, decoder, parser] = [body.getReader(), new TextDecoder(), new SseParser()];
  try {
    while (true) {
      const { done, value } = await reader.read();
      watch.heard();
      if (done) return;
      yield* parser.feed(decoder.decode(value, { stream: true }));
    }
  } catch (error) {
    throw error instanceof SdkError ? error : new Unreachable(`the stream broke: ${String(error)}`);
  } finally {
    // Who stops reading wants no more: the connection goes, whether or not it has ended by itself.
    await reader.cancel().catch(() => undefined);
  }
}

/** Aborts when nothing is heard for a while. */
class Watchdog {
  readonly #controller = new AbortController();
  readonly #ms: number;
  #timer: ReturnType<typeof setTimeout>;

  constructor(ms: number) {
    this.#ms = ms;
    this.#timer = this.#wound();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  heard(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#wound();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #wound(): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#controller.abort(), this.#ms);
  }
}

type Asking = (url: string, init: RequestInit) => Promise<Response>;

/** What an `EventSource` is made with; a page leaves it to the platform. */
export interface EventSourceOptions extends StreamOptions {
  /** Only keys under any of these prefixes of whole segments. */
  prefixes?: readonly string[];
  make?: (url: string) => EventSource;
  fetch?: Asking;
}

const EVENTS: { [event in keyof Frames]: true } = {
  "ready": true,
  "resource.updated": true,
  "resource.deleted": true,
  "progress": true,
  "bookmark": true,
};

/**
 * Follow with the browser's `EventSource`, which sends the page's cookie; `url` is the daemon's, "" the page's own.
 *
 * It never reconnects by itself here: a broken one is closed, and the replica opens the next at its own position. Why one
 * was refused an `EventSource` does not say, so the same address is asked once more with `fetch`.
 */
export function eventSourceTransport(url = "", options: EventSourceOptions = {}): Transport {
  const make = options.make ?? ((address) => new EventSource(address, { withCredentials: url !== "" }));
  const ask: Asking = options.fetch ?? ((address, init) => fetch(address, init));
  return {
    async *open(after, signal): AsyncGenerator<SseMessage, void> {
      const query = Object.entries(asked(after)).map(([name, value]) => [name, String(value)]);
      query.push(...(options.prefixes ?? []).map((prefix) => ["prefix", prefix]));
      const address = `${url}/v1/resources/events?${new URLSearchParams(query)}`;
      const watch = new Watchdog(options.heartbeatMs ?? HEARTBEAT_MS);
      const source = make(address);
      try {
        const queue = new Queue(source, signal, watch);
        for await (const message of queue) yield message;
        signal.throwIfAborted();
        if (watch.signal.aborted) throw new Unreachable("the daemon has gone quiet");
        if (!queue.opened) await explained(ask, address, signal);
      } finally {
        watch.stop();
        source.close();
      }
    },
  };
}

/** Ask again with `fetch`, which shows the problem. */
async function explained(ask: Asking, address: string, signal: AbortSignal): Promise<never> {
  let response: Response;
  try {
    const headers = { Accept: "text/event-stream" };
    response = await ask(address, { credentials: "same-origin", headers, signal });
  } catch (error) {
    signal.throwIfAborted();
    throw new Unreachable(`the stream cannot be reached (${String(error)})`);
  }
  if (response.status >= 400) throw errorFrom(response.status, await response.text(), response.headers);
  await response.body?.cancel();
  throw new Unreachable("the stream did not open");
}

/** An `EventSource`'s messages as they come, one after the other, until it fails. */
class Queue {
  #waiting: SseMessage[] = [];
  #ended = false;
  #wake: () => void = () => undefined;
  #id = "";
  opened = false;

  constructor(source: EventSource, signal: AbortSignal, watch: Watchdog) {
    source.addEventListener("open", () => this.opened = true);
    source.addEventListener("error", () => this.#end());
    for (const ending of [signal, watch.signal]) {
      ending.addEventListener("abort", () => this.#end(), { once: true });
      if (ending.aborted) this.#end();
    }
    for (const event of Object.keys(EVENTS)) {
      source.addEventListener(event, (message) => {
        watch.heard();
        this.#put(message as MessageEvent<string>);
      });
    }
  }

  /**
   * `lastEventId` is that of the newest message that had an id, be it this one or an earlier one. Positions grow, so an
   * id is this message's own where it differs; frames that repeat a position (`ready`, `bookmark`) name it in their data.
   */
  #put(message: MessageEvent<string>): void {
    const own = message.lastEventId !== this.#id;
    this.#id = message.lastEventId;
    this.#waiting.push({ event: message.type, data: message.data, id: own ? message.lastEventId : null });
    this.#wake();
  }

  #end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SseMessage, void> {
    while (true) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}
