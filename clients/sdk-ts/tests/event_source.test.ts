import assert from "node:assert/strict";

import { eventSourceTransport, Replica } from "../src/mod.ts";
import { frame, messagesOf, recorded } from "./streams.ts";

/** An `EventSource` in the hands of a test. `lastEventId` stays what it was until a message brings a new one. */
class Source extends EventTarget {
  closed = false;
  #id = "";

  constructor(readonly url: string) {
    super();
  }

  open(): void {
    this.dispatchEvent(new Event("open"));
  }

  tell(messages: { event: string; data: string; id: string | null }[]): void {
    for (const { event, data, id } of messages) {
      if (id !== null) this.#id = id;
      this.dispatchEvent(new MessageEvent(event, { data, lastEventId: this.#id }));
    }
  }

  fail(): void {
    this.dispatchEvent(new Event("error"));
  }

  close(): void {
    this.closed = true;
  }
}

/** A replica on sources that the test opens, one after the other. */
function setUp(
  problem?: Response,
): { replica: Replica; sources: Source[]; next: () => Promise<Source>; asked: string[] } {
  const [sources, asked]: [Source[], string[]] = [[], []];
  let made = Promise.withResolvers<void>();
  const transport = eventSourceTransport("", {
    prefixes: ["project"],
    make: (url) => {
      const source = new Source(url);
      sources.push(source);
      made.resolve();
      return source as unknown as EventSource;
    },
    fetch: (url) => {
      asked.push(url);
      return problem === undefined
        ? Promise.reject(new TypeError("refused"))
        : Promise.resolve(problem.clone());
    },
  });
  const replica = new Replica(transport, { pause: () => Promise.resolve() });
  const next = async (): Promise<Source> => {
    await made.promise;
    made = Promise.withResolvers<void>();
    const source = sources.at(-1);
    assert(source);
    return source;
  };
  return { replica, sources, next, asked };
}

Deno.test("a group is one, though EventSource repeats the id of the message before", async () => {
  const { replica, next } = setUp();
  const started = replica.start();
  const source = await next();
  assert.equal(source.url, "/v1/resources/events?snapshot=1&prefix=project");
  source.open();
  const watched = messagesOf(recorded("watched.sse"));
  const ready = watched.findIndex(({ event }) => event === "ready");
  source.tell(watched.slice(0, ready + 3)); // two of the group's three
  await started;
  assert.deepEqual([replica.shelf.position, replica.shelf.value("project/b")], [2, null]);
  source.tell(watched.slice(ready + 3, ready + 4));
  await replica.waitUntil(3);
  assert.deepEqual(replica.shelf.values("project"), [{ n: 2 }, [1, 2]]);
  source.tell(watched.slice(ready + 4));
  await replica.waitUntil(6);
  assert.deepEqual(replica.shelf.keys(), ["project/a/plan", "project/words"]);
  await replica.stop();
  assert(source.closed);
});

Deno.test("a broken one is closed, and the next goes on from the position", async () => {
  const { replica, next, sources } = setUp();
  const started = replica.start();
  const first = await next();
  first.open();
  first.tell(messagesOf(recorded("watched.sse")).slice(0, 6));
  await started;
  first.fail();
  const second = await next();
  assert(first.closed);
  assert.equal(second.url, "/v1/resources/events?after=2&prefix=project");
  second.open();
  second.tell(messagesOf(recorded("resumed.sse")));
  await replica.waitUntil(6);
  assert.deepEqual(replica.shelf.value("project/a/plan"), { m: true });
  await replica.stop();
  assert.equal(sources.length, 2);
});

Deno.test("why it was refused is asked for, since EventSource does not tell", async () => {
  const body = JSON.stringify({ code: "unauthenticated", detail: "send the token", status: 401 });
  const { replica, next, asked } = setUp(new Response(body, { status: 401 }));
  const started = replica.start();
  const source = await next();
  source.fail();
  await assert.rejects(started, { code: "unauthenticated", message: "send the token" });
  assert.deepEqual(asked, [source.url]);
  await replica.stop();
});

Deno.test("where nothing answers it is lost, and tried again", async () => {
  const { replica, next } = setUp();
  const started = replica.start();
  (await next()).fail();
  const second = await next();
  assert.equal(replica.connection, "lost");
  second.open();
  second.tell([frame("ready", { position: 0 }, 0)]);
  await started;
  assert.equal(replica.connection, "live");
  await replica.stop();
});

Deno.test("one on which nothing is heard any more is dead", async () => {
  const made: Source[] = [];
  const make = (url: string): EventSource => {
    const source = new Source(url);
    made.push(source);
    queueMicrotask(() => {
      source.open();
      source.tell([frame("ready", { position: 1 }, 1)]);
    });
    return source as unknown as EventSource;
  };
  const reasons: string[] = [];
  const replica = new Replica(eventSourceTransport("", { make, heartbeatMs: 5 }), {
    onConnection: (connection, reason) => connection === "lost" && reasons.push(reason),
    pause: () => Promise.resolve(),
  });
  await replica.start();
  await replica.until(() => made.length === 2 || null);
  assert.deepEqual(reasons.slice(0, 1), ["the daemon has gone quiet"]);
  assert(made[0]?.closed);
  await replica.stop();
});
