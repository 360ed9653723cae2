/** Streams for tests: the recorded ones, and one told from a history as a daemon would tell it. */

import { SdkError, type SseMessage, SseParser, type Transport, Unreachable } from "../src/mod.ts";
import type { Json } from "../src/wire.ts";

const RECORDED = new URL("../../../snapshots/streams/", import.meta.url);

/** What a real daemon sent, byte for byte. */
export function recorded(name: string): Uint8Array<ArrayBuffer> {
  return Deno.readFileSync(new URL(name, RECORDED));
}

export function messagesOf(bytes: Uint8Array): SseMessage[] {
  return new SseParser().feed(new TextDecoder().decode(bytes));
}

/** A key and its new value; undefined deletes. */
export type Write = [key: string, value: Json | undefined];

/** Chance that is the same in every run. */
export function dice(seed: number): (sides: number) => number {
  let state = seed * 2654435761 + 1;
  return (sides) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * sides);
  };
}

/**
 * Transactions from position 1 on. `oldest`: what lies before is compacted away. `breaks`: after so many frames each
 * stream breaks, in turn; the one after the last of them goes on until it is aborted.
 */
export class History implements Transport {
  readonly opened: (number | null)[] = [];

  constructor(public transactions: Write[][], public breaks: number[] = [], public oldest = 0) {}

  get head(): number {
    return this.transactions.length;
  }

  /** What a reader at the head sees, with revs. */
  state(): Map<string, { value: Json; rev: number }> {
    const [found, revs] = [new Map<string, { value: Json; rev: number }>(), new Map<string, number>()];
    for (const [key, value] of this.transactions.flat()) {
      const rev = (revs.get(key) ?? 0) + 1;
      revs.set(key, rev);
      if (value === undefined) found.delete(key);
      else found.set(key, { value, rev });
    }
    return found;
  }

  async *open(after: number | null, signal: AbortSignal): AsyncGenerator<SseMessage, void> {
    this.opened.push(after);
    if (after !== null && after < this.oldest) {
      throw new SdkError("compacted", "gone", 410, { oldest: this.oldest });
    }
    if (after !== null && after > this.head) throw new SdkError("position_ahead", "another log", 409);
    let left = this.breaks.shift() ?? Infinity;
    for (const frame of this.#frames(after)) {
      await Promise.resolve();
      if (left-- === 0) throw new Unreachable("broken");
      yield frame;
    }
    if (left !== Infinity) return; // ended properly, as a daemon that stops does
    signal.throwIfAborted();
    await new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason), { once: true })
    );
  }

  #frames(after: number | null): SseMessage[] {
    const [frames, revs] = [[] as SseMessage[], new Map<string, number>()];
    if (after === null) {
      for (const [key, { value, rev }] of this.state()) {
        frames.push(frame("resource.updated", { key, rev, value }));
      }
    }
    const from = after ?? this.head;
    frames.push(frame("ready", { position: from }, from));
    this.transactions.forEach((writes, index) => {
      writes.forEach(([key, value], place) => {
        const rev = (revs.get(key) ?? 0) + 1;
        revs.set(key, rev);
        if (index + 1 <= from) return;
        const id = place === writes.length - 1 ? index + 1 : null;
        if (value === undefined) frames.push(frame("resource.deleted", { key, rev }, id));
        else frames.push(frame("resource.updated", { key, rev, value }, id));
      });
    });
    return frames;
  }
}

export function frame(event: string, data: Json, id: number | null = null): SseMessage {
  return { event, data: JSON.stringify(data), id: id === null ? null : String(id) };
}
