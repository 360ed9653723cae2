/**
 * The contract with a real daemon, whose state directory is the argument: what is written, refused, followed and resumed.
 *
 * Prints one JSON object a line. After `{"do": "restart"}` it waits for a line on standard input: the daemon has been
 * started anew, perhaps somewhere else. Fails with a trace where the daemon does not do as it should.
 */

import assert from "node:assert/strict";

import { type Address, Client, eventSourceTransport, Replica, SdkError } from "../src/mod.ts";
import type { Json } from "../src/wire.ts";

const folder = Deno.args[0];
assert(folder);

function locate(): Address {
  const { url } = JSON.parse(Deno.readTextFileSync(`${folder}/endpoint.json`));
  return { url, token: Deno.readTextFileSync(`${folder}/operator.token`).trim() };
}

function tell(what: Json): void {
  Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(what) + "\n"));
}

async function told(): Promise<void> {
  assert.notEqual(await Deno.stdin.read(new Uint8Array(80)), null);
}

/** The other way in: the platform's `EventSource` with the cookie that a page would have. */
function withCookie(): Replica {
  const { url, token } = locate();
  const headers = { Cookie: `cutroom_session=${token}` };
  // Of Deno: a browser sends its cookie by itself.
  const init = { headers } as EventSourceInit;
  const make = (address: string): EventSource => new EventSource(address, init);
  const ask = (address: string, asked: RequestInit): Promise<Response> =>
    fetch(address, { ...asked, headers: { ...headers, Accept: "text/event-stream" } });
  return new Replica(eventSourceTransport(url, { prefixes: ["project/ts"], make, fetch: ask }));
}

const client = new Client(locate);

async function refused(asked: Promise<unknown>): Promise<SdkError> {
  const answer = await asked.then(() => null, (error) => error);
  assert(answer instanceof SdkError, `expected a refusal, got ${answer}`);
  return answer;
}

async function writes(replica: Replica): Promise<void> {
  const made = await client.put("project/ts/a", { n: 1, text: "Größe 😀" }, { ifAbsent: true });
  assert.equal(made.rev, 1);
  const changed = await client.patch("project/ts/a", { n: null, m: [1] }, { ifMatch: 1 });
  assert.deepEqual([changed.rev, changed.value], [2, { text: "Größe 😀", m: [1] }]);
  await replica.waitUntil(changed.position);
  assert.deepEqual(replica.shelf.value("project/ts/a"), changed.value);
  assert.deepEqual((await client.get("project/ts/a", { at: made.position })).value, made.value);
  const reply = await client.reply("GET /v1/resources/{key}", { path: { key: "project/ts/a" } });
  assert.deepEqual([reply.rev, reply.answer.rev], [2, 2]);
  assert.equal(await client.newer("GET /v1/resources/{key}", 2, { path: { key: "project/ts/a" } }), null);

  const amended = await client.amend("project/ts/a", [{ op: "add", path: "/m/-", value: 2 }], { ifMatch: 2 });
  assert.deepEqual([amended.rev, amended.value], [3, { text: "Größe 😀", m: [1, 2] }]);

  const first = await client.put("project/ts/once", 1, { idempotencyKey: "the-same" });
  const again = await client.put("project/ts/once", 1, { idempotencyKey: "the-same" });
  assert.deepEqual([again.rev, again.position], [first.rev, first.position]);

  const gone = await client.delete("project/ts/once", { ifMatch: 1 });
  assert.equal(gone.rev, 2);
  await replica.waitUntil(gone.position);
  assert.equal(replica.shelf.held("project/ts/once"), null);
  await transaction(replica);
}

async function transaction(replica: Replica): Promise<void> {
  const operations = ["x", "y", "z"].map((name) => ({
    op: "put" as const,
    key: `project/ts/${name}`,
    value: name,
  }));
  const { position } = await client.call("POST /v1/resources/transaction", { body: { operations } });
  const seen = new Set<number>();
  await replica.until(() => {
    // Whenever anybody looks, it is all of them or none.
    seen.add(["x", "y", "z"].filter((name) => replica.shelf.held(`project/ts/${name}`)).length);
    return replica.shelf.position >= position || null;
  });
  assert([...seen].every((count) => count === 0 || count === 3), `saw ${[...seen]} of 3`);
  const listed: string[] = [];
  for await (
    const { key } of client.every("GET /v1/resources", { query: { prefix: "project/ts", limit: 2 } })
  ) {
    listed.push(key);
  }
  assert.deepEqual(listed, replica.shelf.keys());
}

async function problems(): Promise<Json> {
  const asked = [
    client.put("project/ts/a", 1, { ifMatch: 7 }),
    client.get("project/ts/nothing"),
    client.put("mission/m1", 1),
    client.put("project/no key", 1),
    client.call("GET /v1/missions/{id}", { path: { id: "mission-0" } }),
    client.call("POST /v1/missions", { body: { surprise: true } as never }),
    client.put("project/ts/once", 2, { idempotencyKey: "the-same" }),
    new Client({ url: locate().url, token: "wrong" }).get("project/ts/a"),
  ];
  return await Promise.all(asked.map(async (one) => {
    const { code, status, extra } = await refused(one);
    return { code, status, extra };
  }));
}

async function restarted(replicas: Replica[]): Promise<void> {
  const before = replicas.map(({ shelf }) => shelf.position);
  tell({ do: "restart" });
  await told();
  const { position } = await client.put("project/ts/after", "the restart");
  // The one with a cookie is bound to its page's address, which a new daemon need not have.
  const [replica] = replicas;
  assert(replica && before[0]);
  await replica.waitUntil(position);
  assert.equal(replica.shelf.value("project/ts/after"), "the restart");
}

const fresh: string[] = [];
const lost: string[] = [];
const replica = new Replica(client.stream("project/ts"), {
  onFresh: (code) => fresh.push(code),
  onConnection: (connection) => connection === "lost" && lost.push(connection),
});
const page = withCookie();
await Promise.all([replica.start(), page.start()]);
await writes(replica);
await page.waitUntil(replica.shelf.position);
assert.deepEqual(page.shelf.values("project/ts"), replica.shelf.values("project/ts"));
const refusals = await problems();
await page.stop();
await restarted([replica]);
assert(lost.length > 0, "the restart was not noticed");
const held = replica.shelf.keys().map((key) => [key, replica.shelf.held(key)?.rev ?? 0]);
await replica.stop();

const wrong = new Replica(new Client({ url: locate().url, token: "wrong" }).stream());
tell({
  do: "compare",
  held,
  position: replica.shelf.position,
  fresh,
  refusals,
  wrong: (await refused(wrong.start())).code,
});
await wrong.stop();
