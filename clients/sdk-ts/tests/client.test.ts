import assert from "node:assert/strict";

import { type Address, Client, errorFrom, type Locate, Replica, SdkError, Unreachable } from "../src/mod.ts";
import type { Mission, Record as WireRecord } from "../src/wire.ts";
import { recorded } from "./streams.ts";

const HERE: Address = { url: "http://127.0.0.1:7717", token: "t" };

/** Answers requests with what a test says, and keeps them. */
class Desk {
  readonly asked: { method: string; url: string; headers: Headers; body: unknown }[] = [];
  readonly client: Client;

  constructor(answer: (url: URL, init: RequestInit) => Response | Promise<Response>, locate: Locate = HERE) {
    this.client = new Client(locate, (input, init = {}) => {
      const url = String(input);
      this.asked.push({
        method: init.method ?? "",
        url,
        headers: new Headers(init.headers),
        body: init.body,
      });
      return Promise.resolve().then(() => answer(new URL(url, "http://page.example"), init));
    });
  }

  get last(): { method: string; url: string; headers: Headers; body: unknown } {
    const last = this.asked.at(-1);
    assert(last);
    return last;
  }
}

function json(body: unknown, status = 200, headers: { [name: string]: string } = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "Content-Type": "application/json", ...headers },
  });
}

const RECORD = { key: "project/a", value: 1, rev: 3, position: 8, updated_at_ms: 1, updated_by: "ada" };

Deno.test("a call fills the path, sends the token, and gives the answer", async () => {
  const desk = new Desk(() => json({ mission_id: "m 1", status: "running" }));
  const mission: Mission = await desk.client.call("GET /v1/missions/{id}", { path: { id: "m 1" } });
  assert.equal(mission.status, "running");
  assert.deepEqual([desk.last.method, desk.last.url], ["GET", "http://127.0.0.1:7717/v1/missions/m%201"]);
  assert.equal(desk.last.headers.get("Authorization"), "Bearer t");
  assert.equal(desk.last.headers.has("Content-Type"), false);
});

Deno.test("without a token the page's cookie counts, at the page's own address", async () => {
  const desk = new Desk(() => json({ features: [] }), { url: "" });
  await desk.client.call("GET /ready");
  assert.deepEqual([desk.last.url, desk.last.headers.has("Authorization")], ["/ready", false]);
});

Deno.test("a key is a path of its own, and one that a URL would fold away is refused", async () => {
  const desk = new Desk(() => json(RECORD));
  await desk.client.get("project/a~b/c", { at: 7 });
  assert.equal(desk.last.url, "http://127.0.0.1:7717/v1/resources/project/a~b/c?at=7");
  for (const key of ["project/../mission/x", "project/./x", "project//x", ""]) {
    await assert.rejects(desk.client.put(key, 1), { code: "invalid_key" });
  }
  await assert.rejects(desk.client.call("GET /v1/missions/{id}", { path: { id: ".." } }), {
    code: "invalid_request",
  });
  assert.equal(desk.asked.length, 1);
});

Deno.test("preconditions and idempotency keys go as headers", async () => {
  const desk = new Desk(() => json(RECORD, 200, { ETag: '"3"' }));
  await desk.client.put("project/a", { n: 1 }, { ifMatch: 2, idempotencyKey: "k" });
  assert.deepEqual([desk.last.headers.get("If-Match"), desk.last.headers.get("Idempotency-Key")], [
    '"2"',
    "k",
  ]);
  assert.deepEqual([desk.last.headers.get("Content-Type"), desk.last.body], [
    "application/json",
    '{"value":{"n":1}}',
  ]);
  await desk.client.put("project/a", 1, { ifAbsent: true });
  assert.equal(desk.last.headers.get("If-None-Match"), "*");
});

Deno.test("the two kinds of patch name themselves", async () => {
  const desk = new Desk(() => json(RECORD));
  await desk.client.patch("project/a", { n: null });
  assert.deepEqual([desk.last.headers.get("Content-Type"), desk.last.body], [
    "application/merge-patch+json",
    '{"n":null}',
  ]);
  await desk.client.amend("project/a", [{ op: "remove", path: "/n" }]);
  assert.deepEqual([desk.last.headers.get("Content-Type"), desk.last.body], [
    "application/json-patch+json",
    '[{"op":"remove","path":"/n"}]',
  ]);
});

Deno.test("bytes are sent and answered as they are", async () => {
  const desk = new Desk(({ pathname }) =>
    pathname.endsWith("content") ? new Response("bytes") : new Response(null, { status: 204 })
  );
  const sent = new Uint8Array([1, 2]);
  const headers = { "Upload-Offset": "0" };
  assert.equal(
    await desk.client.call("PATCH /v1/uploads/{id}", { path: { id: "u" }, body: sent, headers }),
    undefined,
  );
  assert.deepEqual([desk.last.body, desk.last.headers.get("Content-Type")], [
    sent,
    "application/offset+octet-stream",
  ]);
  const response = await desk.client.call("GET /v1/assets/{id}/content", { path: { id: "a" } });
  assert.equal(await response.text(), "bytes");
});

Deno.test("a reply tells the rev; what is still the same is null", async () => {
  const desk = new Desk((_, init) =>
    new Headers(init.headers).has("If-None-Match")
      ? new Response(null, { status: 304 })
      : json({}, 200, { ETag: '"4"' })
  );
  const { rev } = await desk.client.reply("GET /v1/runs/{id}", { path: { id: "r" } });
  assert.equal(rev, 4);
  assert.equal(await desk.client.newer("GET /v1/runs/{id}", 4, { path: { id: "r" } }), null);
  assert.equal(desk.last.headers.get("If-None-Match"), '"4"');
});

Deno.test("a list is followed over all its pages", async () => {
  const pages = [{ items: [1, 2], next: "c&d" }, { items: [3], next: null }];
  const desk = new Desk(() => json(pages.shift()));
  const found: unknown[] = [];
  const records = desk.client.every("GET /v1/resources", { query: { prefix: "project" } });
  for await (const record of records) found.push(record satisfies WireRecord);
  assert.deepEqual(found, [1, 2, 3]);
  assert.deepEqual(desk.asked.map(({ url }) => new URL(url).search), [
    "?limit=1000&prefix=project",
    "?limit=1000&prefix=project&cursor=c%26d",
  ]);
});

Deno.test("a problem is an error with its code, its sentence, and its own fields", async () => {
  const problem = new TextDecoder().decode(recorded("position_ahead.json"));
  const desk = new Desk(() => new Response(problem, { status: 409 }));
  await assert.rejects(desk.client.get("project/a"), (error) => {
    assert(error instanceof SdkError && !(error instanceof Unreachable));
    assert.deepEqual([error.code, error.status], ["position_ahead", 409]);
    assert.deepEqual(error.extra, { expected: 99, actual: 0, head: 0 });
    assert.match(error.message, /beyond the head/);
    return true;
  });
});

Deno.test("an answer that is no problem is quoted, one that is no JSON is named", async () => {
  const strange = new Desk(() => new Response("<h1>Bad gateway</h1>", { status: 502 }));
  await assert.rejects(strange.client.call("GET /health"), {
    code: "internal",
    message: /502 with <h1>Bad/,
    status: 502,
  });
  const broken = new Desk(() => new Response("oops"));
  await assert.rejects(broken.client.call("GET /health"), { code: "internal", message: /not JSON: oops/ });
});

Deno.test("after a failure the daemon is looked for again", async () => {
  const places = [{ url: "http://127.0.0.1:1" }, { url: "http://127.0.0.1:2" }, null];
  let tries = 0;
  const desk = new Desk(() => {
    tries += 1;
    if (tries !== 2) throw new TypeError("connection refused");
    return json({ status: "ok" });
  }, () => places.shift() ?? null);
  await assert.rejects(desk.client.call("GET /health"), {
    name: "Unreachable",
    message: /127.0.0.1:1 cannot be reached/,
  });
  assert.equal((await desk.client.call("GET /health")).status, "ok");
  await assert.rejects(desk.client.call("GET /health"), Unreachable);
  await assert.rejects(desk.client.call("GET /health"), { code: "unavailable", message: /no daemon runs/ });
});

Deno.test("who gives up gets their own reason, and who waits too long is told", async () => {
  const desk = new Desk((_, init) => {
    init.signal?.throwIfAborted();
    return new Promise((_, reject) =>
      init.signal?.addEventListener("abort", () => reject(init.signal?.reason))
    );
  });
  const own = new AbortController();
  const given = desk.client.call("GET /health", { signal: own.signal });
  own.abort(new RangeError("enough"));
  await assert.rejects(given, RangeError);
  await assert.rejects(desk.client.call("GET /health", { timeoutMs: 1 }), {
    message: /does not answer in time/,
  });
});

/** A body that brings these bytes in chunks of `size`, then fails, or says nothing more. */
function body(
  bytes: Uint8Array<ArrayBuffer>,
  size: number,
  end: "breaks" | "waits",
  signal?: AbortSignal | null,
): Response {
  let from = 0;
  const stream = new ReadableStream<Uint8Array>({
    start(controller): void {
      signal?.addEventListener("abort", () => controller.error(signal.reason));
    },
    pull(controller): void {
      if (from < bytes.length) controller.enqueue(bytes.slice(from, from + size));
      else if (end === "breaks") controller.error(new TypeError("connection reset"));
      from += size;
    },
  });
  return new Response(stream);
}

Deno.test("a replica follows a recorded stream that comes byte by byte, and resumes where it broke", async () => {
  const watched = recorded("watched.sse");
  const within = new TextDecoder().decode(watched).indexOf("project/b"); // in the middle of a group
  const desk = new Desk((url, init) =>
    url.searchParams.has("snapshot")
      ? body(watched.slice(0, within), 1, "breaks")
      : body(recorded("resumed.sse"), 7, "waits", init.signal)
  );
  const replica = new Replica(desk.client.stream("project"), { pause: () => Promise.resolve() });
  await replica.start();
  await replica.waitUntil(6);
  assert.deepEqual(replica.shelf.value("project/words"), { text: "Größe 😀\nline" });
  assert.deepEqual(desk.asked.map(({ url }) => new URL(url).search), [
    "?snapshot=1&prefix=project",
    "?after=2&prefix=project",
  ]);
  assert.equal(desk.last.headers.get("Accept"), "text/event-stream");
  await replica.stop();
});

Deno.test("a stream on which nothing is heard any more is dead", async () => {
  const desk = new Desk((_, init) => body(recorded("watched.sse"), 64, "waits", init.signal));
  const reasons: string[] = [];
  const replica = new Replica(desk.client.stream([], { heartbeatMs: 5 }), {
    onConnection: (connection, reason) => connection === "lost" && reasons.push(reason),
    pause: () => Promise.resolve(),
  });
  await replica.start();
  await replica.until(() => replica.connection === "lost" || null);
  assert.deepEqual(reasons.slice(0, 1), ["the daemon has gone quiet"]);
  await replica.stop();
});

Deno.test("whatever is heard puts off the moment at which a stream counts as dead", async () => {
  const [heartbeatMs, wound] = [1_000_003, new Set<number>()];
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  globalThis.setTimeout = ((run: () => void, ms: number): number => {
    const id = set(run, ms) as unknown as number;
    if (ms === heartbeatMs) wound.add(id);
    return id;
  }) as typeof setTimeout;
  try {
    const bytes = recorded("watched.sse");
    const desk = new Desk((_, init) => body(bytes, 64, "waits", init.signal));
    const replica = new Replica(desk.client.stream([], { heartbeatMs }));
    await replica.start();
    await replica.waitUntil(6);
    await replica.stop();
    assert(wound.size > bytes.length / 64, `${wound.size} times for ${bytes.length} bytes`);
  } finally {
    [globalThis.setTimeout, globalThis.clearTimeout] = [set, clear];
  }
});

Deno.test("a stream may be of several prefixes, or of everything", async () => {
  const desk = new Desk((_, init) => body(recorded("watched.sse"), 4096, "waits", init.signal));
  for (const prefixes of [["project", "team"], []]) {
    const replica = new Replica(desk.client.stream(prefixes));
    await replica.start();
    await replica.stop();
  }
  assert.deepEqual(desk.asked.map(({ url }) => new URL(url).search), [
    "?snapshot=1&prefix=project&prefix=team",
    "?snapshot=1",
  ]);
});

Deno.test("when a stream ends the daemon is looked for again: another may be at its place", async () => {
  let located = 0;
  const bytes = recorded("watched.sse");
  const desk = new Desk(
    (_, init) => located === 1 ? body(bytes, 4096, "breaks") : body(bytes, 64, "waits", init.signal),
    () => {
      located += 1;
      return HERE;
    },
  );
  const replica = new Replica(desk.client.stream(), { pause: () => Promise.resolve() });
  await replica.start();
  await replica.until(() => located === 2 && replica.connection === "live" || null);
  await replica.stop();
  assert.equal(located, 2);
});

Deno.test("an error says when to try again", () => {
  const at = (pause: string, date?: string): number | null =>
    errorFrom(503, "", new Headers({ "Retry-After": pause, ...(date === undefined ? {} : { Date: date }) }))
      .retryAfterMs;
  assert.equal(at("3"), 3000);
  assert.equal(at("99999999999"), 300_000);
  assert.equal(at("soon"), null);
  assert.equal(at("Sat, 21 Nov 2026 10:00:09 GMT", "Sat, 21 Nov 2026 10:00:00 GMT"), 9000);
  assert.equal(at("Sat, 21 Nov 2026 09:00:00 GMT", "Sat, 21 Nov 2026 10:00:00 GMT"), 0);
  assert.equal(at("Sat, 21 Nov 2026 10:00:09 GMT"), null);
  assert.equal(errorFrom(503, "").retryAfterMs, null);
});
