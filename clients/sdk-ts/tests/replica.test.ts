import assert from "node:assert/strict";

import {
  type Batch,
  Replica,
  type ReplicaOptions,
  SdkError,
  type SseMessage,
  type Transport,
} from "../src/mod.ts";
import { dice, frame, History, type Write } from "./streams.ts";

const pause = (): Promise<void> => Promise.resolve();

async function following(
  history: History,
  options: ReplicaOptions,
  check: (replica: Replica) => Promise<void>,
): Promise<void> {
  const replica = new Replica(history, { pause, ...options });
  await replica.start();
  try {
    await check(replica);
  } finally {
    await replica.stop();
  }
}

function same(replica: Replica, history: History): void {
  const held = replica.shelf.keys().map((key) => {
    const { value, rev } = replica.shelf.held(key) ?? {};
    return [key, { value, rev }];
  });
  assert.deepEqual(Object.fromEntries(held), Object.fromEntries(history.state()));
}

/** Transactions that only write keys that are there or not, and delete only those that are. */
function transactions(roll: (sides: number) => number): Write[][] {
  const there = new Set<string>();
  return Array.from({ length: 1 + roll(12) }, () =>
    Array.from({ length: 1 + roll(4) }, (): Write => {
      const key = `project/${"abc"[roll(3)]}`;
      const deletes = there.has(key) && roll(3) === 0;
      if (deletes) there.delete(key);
      else there.add(key);
      return [key, deletes ? undefined : roll(100)];
    }));
}

Deno.test("when it has started the copy is complete", async () => {
  const history = new History([[["project/a", 1]], [["project/b", 2]]]);
  await following(history, {}, (replica) => {
    same(replica, history);
    assert.deepEqual([replica.connection, replica.shelf.position], ["live", 2]);
    return Promise.resolve();
  });
});

Deno.test("after a break it goes on from its position and says so", async () => {
  const history = new History([[["project/a", 1]]], [2]);
  const said: string[] = [];
  const onConnection: ReplicaOptions["onConnection"] = (connection) => {
    said.push(connection);
    if (connection === "lost") history.transactions.push([["project/a", 2], ["project/b", 1]]);
  };
  await following(history, { onConnection }, async (replica) => {
    await replica.waitUntil(2);
    same(replica, history);
    assert.deepEqual(history.opened, [null, 1]);
    assert.deepEqual(said, ["live", "lost", "live"]);
  });
});

Deno.test("wherever streams break, it ends with what the daemon holds and sees each group once and whole", async () => {
  for (let seed = 0; seed < 300; seed++) {
    const roll = dice(seed);
    const all = transactions(roll);
    const history = new History(all.slice(0, 1), Array.from({ length: roll(8) }, () => roll(10)));
    const breaks = history.breaks.length;
    const batches: Batch[] = [];
    const onBatch = (batch: Batch): number => batches.push(batch);
    // The rest is written while it is away, or not at all while it is there.
    const onConnection: ReplicaOptions["onConnection"] = (connection) => {
      if (connection === "lost") history.transactions.push(...all.splice(1, 1 + roll(3)));
    };
    await following(history, { onBatch, onConnection }, async (replica) => {
      while (history.opened.length <= breaks || replica.connection !== "live") await replica.changed();
      await replica.waitUntil(history.head);
      same(replica, history);
      const positions = batches.filter(({ changed, fresh }) => changed.size > 0 && !fresh).map((one) =>
        one.position
      );
      assert.deepEqual(positions, [...new Set(positions)].sort((a, b) => a - b), `seed ${seed}`);
      for (
        const { position, changed } of batches.filter(({ changed, fresh }) => changed.size > 0 && !fresh)
      ) {
        const written = new Set(history.transactions[position - 1]?.map(([key]) => key));
        assert.deepEqual([...changed].sort(), [...written].sort(), `seed ${seed}`);
      }
    });
  }
});

Deno.test("a log that reaches back no further gives a fresh snapshot, and tells why", async () => {
  const history = new History([[["project/a", 1]], [["project/b", 1]]], [3]);
  const codes: string[] = [];
  const onConnection: ReplicaOptions["onConnection"] = (connection) => {
    if (connection !== "lost") return;
    history.transactions.push([["project/a", undefined]], [["project/c", 1]]);
    history.oldest = 3;
  };
  await following(history, { onFresh: (code) => codes.push(code), onConnection }, async (replica) => {
    await replica.waitUntil(4);
    same(replica, history);
    assert.deepEqual([codes, history.opened], [["compacted"], [null, 2, null]]);
  });
});

Deno.test("another, shorter log replaces the copy in one step", async () => {
  const history = new History([[["project/a", 1]], [["project/b", 1]]], [3]);
  const [codes, fresh]: [string[], boolean[]] = [[], []];
  const onConnection: ReplicaOptions["onConnection"] = (connection) => {
    if (connection === "lost") history.transactions = [[["project/z", 1]]];
  };
  const onFresh = (code: string): number => codes.push(code);
  const onBatch = (batch: Batch): number => fresh.push(batch.fresh);
  await following(history, { onFresh, onConnection, onBatch }, async (replica) => {
    await replica.until(() => replica.shelf.value("project/z"));
    same(replica, history);
    assert.deepEqual([codes, fresh.filter(Boolean).length], [["position_ahead"], 2]);
  });
});

Deno.test("another, longer log is noticed by a rev that does not grow", async () => {
  const history = new History([[["project/a", 1]], [["project/a", 2]]], [2]);
  const codes: string[] = [];
  const onConnection: ReplicaOptions["onConnection"] = (connection) => {
    if (connection === "lost") {
      history.transactions = [[["project/b", 1]], [["project/b", 2]], [["project/a", 9]]];
    }
  };
  await following(history, { onFresh: (code) => codes.push(code), onConnection }, async (replica) => {
    await replica.until(() => replica.shelf.value("project/a") === 9 || null);
    same(replica, history);
    assert.deepEqual(codes, ["gap"]);
  });
});

Deno.test("who is refused hears it once and for all", async () => {
  const opened: (number | null)[] = [];
  const replica = new Replica({
    // deno-lint-ignore require-yield
    async *open(after): AsyncGenerator<SseMessage, void> {
      opened.push(await Promise.resolve(after));
      throw new SdkError("forbidden", "not for you", 403);
    },
  }, { pause });
  await assert.rejects(replica.start(), { code: "forbidden", message: "not for you" });
  await assert.rejects(replica.waitUntil(1), { code: "forbidden" });
  assert.deepEqual([opened, replica.connection], [[null], "lost"]);
  await replica.stop();
});

/** A stream that is ready and ends, but before that fails with what is in `refusals`, in turn; at last with 401. */
class Door implements Transport {
  readonly opened: (number | null)[] = [];
  readonly slept: number[] = [];

  constructor(readonly refusals: (SdkError | null)[]) {}

  async *open(after: number | null): AsyncGenerator<SseMessage, void> {
    this.opened.push(await Promise.resolve(after));
    const refusal = this.refusals.length > 0 ? this.refusals.shift() : EXPIRED;
    if (refusal) throw refusal;
    yield frame("ready", { position: 4 }, 4);
  }

  /** Follow until it is refused for good. */
  async ended(options: ReplicaOptions = {}): Promise<void> {
    const note = (ms: number): Promise<void> => Promise.resolve(void this.slept.push(ms));
    const replica = new Replica(this, { pause: note, ...options });
    await assert.rejects(replica.start().then(() => replica.until(() => null)), { code: "unauthenticated" });
    await replica.stop();
  }
}

const EXPIRED = new SdkError("unauthenticated", "expired", 401);
const AHEAD = new SdkError("position_ahead", "another log", 409);

Deno.test("a refusal of who was let in before is asked about again, with pauses", async () => {
  const door = new Door([null, EXPIRED, EXPIRED, null]);
  await door.ended();
  assert.deepEqual(door.opened, [null, 4, 4, 4, 4, 4, 4, 4]);
  assert.deepEqual(door.slept, [100, 200, 400, 100, 200, 400, 800]);
});

Deno.test("it waits as long as the daemon asks for", async () => {
  const busy = new SdkError("unavailable", "1000 streams are open", 503, {}, 7000);
  const door = new Door([busy, busy, null]);
  await door.ended();
  assert.deepEqual(door.slept.slice(0, 3), [7000, 7000, 100]);
});

Deno.test("a snapshot that is refused is not asked for without a pause", async () => {
  const codes: string[] = [];
  const door = new Door([null, AHEAD, AHEAD, AHEAD, AHEAD]);
  await door.ended({ onFresh: (code) => codes.push(code) });
  assert.deepEqual([codes, door.opened.slice(0, 6)], [["position_ahead"], [null, 4, null, null, null, null]]);
  assert.deepEqual(door.slept.slice(0, 4), [100, 200, 400, 800]);
});

Deno.test("a log whose snapshots are never gone on with is asked more and more rarely", async () => {
  const door = new Door([null, AHEAD, null, AHEAD, null, AHEAD, null, AHEAD]);
  await door.ended();
  assert.deepEqual(door.slept.slice(0, 7), [100, 100, 100, 100, 200, 100, 400]);
});

Deno.test("a mistake in the code ends it instead of being tried again for ever", async () => {
  const replica = new Replica({
    // deno-lint-ignore require-yield
    async *open(): AsyncGenerator<SseMessage, void> {
      await Promise.resolve();
      throw new TypeError("undefined is not a function");
    },
  }, { pause });
  await assert.rejects(replica.start(), { code: "internal" });
  await replica.stop();
});

Deno.test("it waits longer after each failure in a row, and begins short again after a stream that worked", async () => {
  const waits: number[] = [];
  const history = new History([[["project/a", 1]]], [0, 0, 0, 2, 0]);
  const note = (ms: number): Promise<void> => Promise.resolve(void waits.push(ms));
  await following(history, { pause: note }, async (replica) => {
    while (history.opened.length < 6) await replica.changed();
    assert.deepEqual(waits, [100, 200, 400, 100, 200]);
  });
});

Deno.test("stopping lets go of the stream, and whoever waits hears of it", async () => {
  const history = new History([[["project/a", 1]]]);
  const replica = new Replica(history, { pause });
  await replica.start();
  const waiting = replica.waitUntil(99);
  await Promise.all([replica.stop(), assert.rejects(waiting, { code: "unavailable" })]);
  assert.deepEqual([replica.connection, replica.shelf.value("project/a")], ["stopped", 1]);
  await assert.rejects(replica.start(), { code: "unavailable" });
});

Deno.test("progress is told at once and forgotten with the stream that told it", async () => {
  const seen: number[] = [];
  let round = 0;
  const replica = new Replica({
    async *open(_after, signal): AsyncGenerator<SseMessage, void> {
      round += 1;
      yield frame("ready", { position: 1 }, 1);
      seen.push(replica.shelf.progress.size);
      if (round === 2) await new Promise((resolve) => signal.addEventListener("abort", resolve));
      yield frame("progress", { key: "run/1", done: 1, total: 2 });
      seen.push(replica.shelf.progress.size);
    },
  }, { pause });
  await replica.start();
  while (round < 2 || replica.connection !== "live") await replica.changed();
  assert.deepEqual(seen.slice(0, 2), [0, 1]);
  assert.equal(replica.shelf.progress.size, 0);
  await replica.stop();
});
