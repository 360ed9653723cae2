/**
 * A live copy of a daemon's resources: list and watch through one stream, and back by itself when it breaks.
 *
 * The replica says how it stands (`connection`): `connecting`, `live`, `lost`, `stopped`. After a loss it goes on from the
 * position that it has reached. Where the log no longer reaches back that far, or is another log altogether, it starts
 * over with a snapshot, which replaces everything in one step, and tells `onFresh` why. What breaks is tried again after
 * pauses that grow to 5 s, or after as long as the daemon's `Retry-After` says.
 */

import { SdkError } from "./errors.ts";
import { type Batch, Shelf } from "./shelf.ts";
import type { SseMessage } from "./sse.ts";

/**
 * A way to the daemon's stream.
 *
 * `open` yields messages from a snapshot on (`after` null), or those after a position. It fails with `SdkError` when it is
 * refused or breaks, and with the signal's reason when that is aborted; it ends when the daemon ends the stream.
 */
export interface Transport {
  open(after: number | null, signal: AbortSignal): AsyncGenerator<SseMessage, void>;
}

/** How a replica stands. */
export type Connection = "connecting" | "live" | "lost" | "stopped";

/** Whom to tell, and what to leave out. The callbacks may not throw. */
export interface ReplicaOptions {
  /** Keys that this client has a use for; all unless said. */
  wants?: (key: string) => boolean;
  /** After each change of the copy. */
  onBatch?: (batch: Batch) => void;
  /** When the connection's state changes, with the reason. */
  onConnection?: (connection: Connection, reason: string) => void;
  /** The copy has to be fetched anew: `compacted`, `position_ahead` or `gap`. */
  onFresh?: (code: string) => void;
  /** Waits before the next try; ends early when the signal is aborted. */
  pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

const BACKOFF_MS = [100, 200, 400, 800, 1500, 3000, 5000] as const;
const START_OVER: ReadonlySet<string> = new Set(["compacted", "position_ahead", "gap"]);
const REFUSED: ReadonlySet<string> = new Set([
  "unauthenticated",
  "forbidden",
  "origin_refused",
  "invalid_request",
]);
/** In a row, of a client that was let in before: its token may have been renewed. */
const REFUSALS_MAX = 4;

/** Holds a `Shelf` and keeps it current from `start` to `stop`. */
export class Replica {
  readonly shelf: Shelf;
  readonly #transport: Transport;
  readonly #options: ReplicaOptions;
  #connection: Connection = "connecting";
  #reason = "";
  #began = false;
  #wasLive = false;
  /** Streams that broke since the last one was live. */
  #failures = 0;
  #refusals = 0;
  /** Snapshots asked for anew since the last change that followed on one. */
  #restarts = 0;
  #ended: SdkError | null = null;
  #stopping = new AbortController();
  #running: Promise<void> | null = null;
  #signal = Promise.withResolvers<void>();

  constructor(transport: Transport, options: ReplicaOptions = {}) {
    this.#transport = transport;
    this.#options = options;
    this.shelf = new Shelf(options.wants);
  }

  /** How the replica stands. */
  get connection(): Connection {
    return this.#connection;
  }

  /** Why the connection was lost; "" while it is not. */
  get reason(): string {
    return this.#reason;
  }

  /** Follow in the background; the copy is complete when this resolves. Fails when the daemon refuses this client. */
  async start(): Promise<void> {
    if (this.#ended !== null) throw this.#ended;
    this.#running ??= this.#run();
    await this.until(() => this.#began || null);
  }

  /** Let go of the stream. Whoever waits fails with `unavailable`; the shelf stays as it is. Cannot be started again. */
  async stop(): Promise<void> {
    this.#end(new SdkError("unavailable", "the replica was stopped"), "stopped");
    this.#stopping.abort();
    await this.#running;
  }

  /** Resolve after the next change of the copy or of the connection. Fails when nothing will change any more. */
  async changed(): Promise<void> {
    if (this.#ended !== null) throw this.#ended;
    await this.#signal.promise;
    if (this.#ended !== null) throw this.#ended;
  }

  /** Resolve to what `found` gives as soon as it is not null; it is asked again after each change. */
  async until<T>(found: () => T | null): Promise<T> {
    while (true) {
      const value = found();
      if (value !== null) return value;
      await this.changed();
    }
  }

  /**
   * Resolve when the copy holds everything up to `position`: what an answer told is then on the shelf.
   *
   * A stream of some prefixes only hears of other positions by bookmarks, every 15 s.
   */
  async waitUntil(position: number): Promise<void> {
    await this.until(() => this.shelf.position >= position || null);
  }

  async #run(): Promise<void> {
    const signal = this.#stopping.signal;
    while (!signal.aborted) {
      const ms = await this.#attempt(signal);
      if (signal.aborted || this.#ended !== null) return;
      if (ms > 0) await (this.#options.pause ?? pause)(ms, signal);
    }
  }

  /** Follow one stream to its end; return after how many milliseconds to try again. */
  async #attempt(signal: AbortSignal): Promise<number> {
    let [reason, least] = ["the daemon closed the stream", 0];
    try {
      await this.#follow(signal);
    } catch (error) {
      if (signal.aborted) return 0;
      // Anything else is a mistake in the code: to try again would hide it.
      const told = error instanceof SdkError ? error : new SdkError("internal", String(error));
      if (this.#isFinal(told)) {
        this.#end(told, "lost");
        return 0;
      }
      // Only where there is something to throw away: else it is a refusal like any other.
      if (this.#began && START_OVER.has(told.code)) return this.#startOver(told.code);
      [reason, least] = [told.message, told.retryAfterMs ?? 0];
    }
    this.#become("lost", reason);
    this.#failures += 1;
    return Math.max(pauseMs(this.#failures), least);
  }

  /** Who was never let in hears so at once. Of who was, a token may have been renewed: it is asked for again. */
  #isFinal({ code, status }: SdkError): boolean {
    if (code === "internal" && status === 0) return true;
    if (!REFUSED.has(code)) return false;
    this.#refusals += 1;
    return !this.#wasLive || code === "invalid_request" || this.#refusals >= REFUSALS_MAX;
  }

  /** Go back to a snapshot, the first time at once. */
  #startOver(code: string): number {
    this.#began = false;
    this.#restarts += 1;
    this.#options.onFresh?.(code);
    return pauseMs(this.#restarts - 1);
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const after = this.#began ? this.shelf.position : null;
    this.shelf.begin({ snapshot: after === null });
    for await (const message of this.#transport.open(after, signal)) {
      if (signal.aborted) return; // what was on its way when it was stopped
      const batch = this.shelf.feed(message);
      if (message.event === "ready") {
        this.#began = this.#wasLive = true;
        this.#failures = this.#refusals = 0;
        this.#become("live", "");
      }
      if (batch !== null) this.#tell(batch);
    }
  }

  #tell(batch: Batch): void {
    if (batch.changed.size > 0 && !batch.fresh) this.#restarts = 0;
    this.#options.onBatch?.(batch);
    this.#wake();
  }

  #become(connection: Connection, reason: string): void {
    if (connection === this.#connection && reason === this.#reason) return;
    [this.#connection, this.#reason] = [connection, reason];
    this.#options.onConnection?.(connection, reason);
    this.#wake();
  }

  #end(error: SdkError, connection: Connection): void {
    if (this.#ended !== null) return;
    this.#ended = error;
    this.#become(connection, error.message);
    this.#wake();
  }

  #wake(): void {
    const signal = this.#signal;
    this.#signal = Promise.withResolvers<void>();
    signal.resolve();
  }
}

/** How long to wait after so many failures in a row, 0 after none. */
function pauseMs(failures: number): number {
  return failures === 0 ? 0 : BACKOFF_MS[Math.min(failures, BACKOFF_MS.length) - 1] ?? 0;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
