/**
 * A copy of resources, kept up to date by frames of a stream: a pure fold, without a connection.
 *
 * Changes that share a position arrive as one group of frames of which only the last has an id. They are put down
 * together, or not at all when the stream breaks off in between. What a snapshot brings replaces everything at once.
 */

import { SdkError } from "./errors.ts";
import type { SseMessage } from "./sse.ts";
import type { Frames, Json, ProgressReport, ResourceDeleted, ResourceUpdated } from "./wire.ts";

/** One resource: its value, how often it was written, and by whom last. */
export interface Held {
  readonly value: Json;
  readonly rev: number;
  readonly updatedBy: string;
  readonly updatedAtMs: number;
}

/** What one group of frames changed. `fresh`: a snapshot replaced the whole copy. */
export interface Batch {
  readonly position: number;
  readonly changed: ReadonlySet<string>;
  readonly fresh: boolean;
}

type Change =
  | { kind: "updated"; frame: ResourceUpdated }
  | { kind: "deleted"; frame: ResourceDeleted };

/**
 * Resources by key, the latest progress of what runs, and the position up to which all of it holds.
 *
 * `wants(key)` leaves out what the client has no use for. Position 0: nothing was read yet.
 */
export class Shelf {
  readonly #wants: (key: string) => boolean;
  #held = new Map<string, Held>();
  #group: Change[] = [];
  #snapshot = false;
  #position = 0;
  /** Of the log that the copy was made from; "" while that is not known. */
  #logId = "";
  #progress = new Map<string, ProgressReport>();

  constructor(wants: (key: string) => boolean = () => true) {
    this.#wants = wants;
  }

  /** Everything up to here is on the shelf. */
  get position(): number {
    return this.#position;
  }

  /** The latest report of each running thing, by key. */
  get progress(): ReadonlyMap<string, ProgressReport> {
    return this.#progress;
  }

  /** A stream begins: with a snapshot, or going on after the position. Half-received groups are dropped. */
  begin(options: { snapshot: boolean }): void {
    this.#group = [];
    this.#snapshot = options.snapshot;
    this.#progress = new Map();
  }

  /**
   * Take one message in; return what changed when it completes a group, or brings progress.
   *
   * Frames of a type that is not known are skipped: the contract grows by such. Throws `SdkError` with the code `gap`
   * when the log has another name or a rev does not grow: the stream tells another history than the one that the copy was made from.
   */
  feed(message: SseMessage): Batch | null {
    switch (message.event as keyof Frames) {
      case "ready":
        return this.#ready(read(message));
      case "resource.updated":
        return this.#take({ kind: "updated", frame: read(message) }, message.id);
      case "resource.deleted":
        return this.#take({ kind: "deleted", frame: read(message) }, message.id);
      case "progress":
        return this.#report(read(message));
      case "bookmark":
        return this.#reach(read<Frames["bookmark"]>(message).position);
      default:
        return null;
    }
  }

  #ready({ position, log_id = "" }: Frames["ready"]): Batch {
    if (!this.#snapshot) {
      if (this.#logId !== "" && log_id !== this.#logId) {
        throw new SdkError("gap", "the log behind this address is another one than the copy was made from");
      }
      return this.#reach(position);
    }
    this.#logId = log_id;
    const before = this.#held;
    this.#held = new Map();
    this.#put(this.#group);
    [this.#group, this.#snapshot, this.#position] = [[], false, position];
    return { position, changed: new Set([...before.keys(), ...this.#held.keys()]), fresh: true };
  }

  #reach(position: number): Batch {
    this.#position = Math.max(this.#position, position);
    return { position: this.#position, changed: new Set(), fresh: false };
  }

  #take(change: Change, id: string | null): Batch | null {
    this.#group.push(change);
    if (this.#snapshot || id === null) return null;
    const [group, position] = [this.#group, Number(id)];
    this.#group = [];
    if (position <= this.#position) return null; // told already, before the connection broke
    this.#check(group);
    this.#position = position;
    return { position, changed: this.#put(group), fresh: false };
  }

  #check(group: Change[]): void {
    for (const { frame: { key, rev } } of group) {
      const before = this.#held.get(key)?.rev ?? 0;
      if (rev <= before) throw new SdkError("gap", `${key} came as rev ${rev} after rev ${before}`);
    }
  }

  #report(frame: ProgressReport): Batch | null {
    if (!this.#wants(frame.key)) return null;
    this.#progress.set(frame.key, frame);
    return { position: this.#position, changed: new Set([frame.key]), fresh: false };
  }

  #put(group: Change[]): Set<string> {
    const touched = new Set<string>();
    for (const { kind, frame } of group) {
      if (!this.#wants(frame.key)) continue;
      touched.add(frame.key);
      if (kind === "updated") {
        this.#held.set(frame.key, {
          value: frame.value,
          rev: frame.rev,
          updatedBy: frame.updated_by ?? "",
          updatedAtMs: frame.updated_at_ms ?? 0,
        });
      } else {
        this.#held.delete(frame.key);
        this.#progress.delete(frame.key);
      }
    }
    return touched;
  }

  /** Return a resource with its rev, or null when there is none. */
  held(key: string): Held | null {
    return this.#held.get(key) ?? null;
  }

  /** Return a resource's value, or null when there is none. `T` is the wire's type for this kind of key. */
  value<T = Json>(key: string): T | null {
    const held = this.#held.get(key);
    return held === undefined ? null : held.value as T;
  }

  /** Return the keys beneath a prefix of whole segments, sorted; `depth` counts their segments: 2 is `mission/{id}`. */
  keys(prefix = "", depth?: number): string[] {
    const lead = prefix === "" ? "" : prefix.replace(/\/+$/, "") + "/";
    const beneath = (key: string): boolean => key.startsWith(lead) || key === prefix;
    const deep = (key: string): boolean => depth === undefined || key.split("/").length === depth;
    return [...this.#held.keys()].filter((key) => beneath(key) && deep(key)).sort();
  }

  /** Return the values beneath a prefix, sorted by key. */
  values<T = Json>(prefix: string, depth?: number): T[] {
    return this.keys(prefix, depth).map((key) => this.#held.get(key)?.value as T);
  }
}

function read<T>(message: SseMessage): T {
  try {
    return JSON.parse(message.data);
  } catch {
    throw new SdkError("internal", `a frame ${message.event} that is not JSON: ${message.data.slice(0, 80)}`);
  }
}
