/**
 * Does what it is told with this SDK: one step a line on standard input, what came of it a line on standard output.
 *
 * The argument is the daemon's state directory. A step is `{"do": ..., ...}` as in tests/conformance/scenarios.json; what
 * came of it is `{"answer": ...}` or `{"problem": {code, status, extra}}`. Anything else that goes wrong ends it with a trace.
 */

import assert from "node:assert/strict";

import { type Address, Client, Replica, SdkError, type Terms } from "../src/mod.ts";
import type {
  Json,
  MissionEventRequest,
  MissionRequest,
  Operation,
  PatchOperation,
  SessionEventRequest,
  TokenRequest,
} from "../src/wire.ts";

const folder = Deno.args[0];
assert(folder);

interface Step {
  do: string;
  by?: string;
  [name: string]: unknown;
}

function locate(by?: string): Address {
  const { url } = JSON.parse(Deno.readTextFileSync(`${folder}/endpoint.json`));
  return { url, token: by ?? Deno.readTextFileSync(`${folder}/operator.token`).trim() };
}

/** Where a daemon that was killed has been is still written there: whoever asks finds nothing, and asks again. */
const client = (by?: string): Client => new Client(() => locate(by));

let replica: Replica | null = null;
let fresh: string[] = [];

function followed(): Replica {
  assert(replica);
  return replica;
}

function terms(step: Step): Terms {
  return {
    ...(step.if_match === undefined ? {} : { ifMatch: step.if_match as number }),
    ...(step.if_absent === undefined ? {} : { ifAbsent: step.if_absent as boolean }),
    ...(step.idempotency_key === undefined ? {} : { idempotencyKey: step.idempotency_key as string }),
  };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Resources, the log and the copy. */
async function done(step: Step): Promise<unknown> {
  const [studio, key] = [client(step.by), step.key as string];
  switch (step.do) {
    case "put":
      return await studio.call("PUT /v1/resources/{key}", {
        path: { key },
        body: {
          value: step.value as Json,
          ...(step.ttl_ms === undefined ? {} : { ttl_ms: step.ttl_ms as number }),
        },
        ...terms(step),
      });
    case "patch":
      return await studio.patch(key, step.change as { [name: string]: Json }, terms(step));
    case "amend":
      return await studio.amend(key, step.operations as PatchOperation[], terms(step));
    case "delete":
      return await studio.delete(key, terms(step));
    case "get":
      return await studio.get(key, step.at === undefined ? {} : { at: step.at as number });
    case "newer":
      return (await studio.newer("GET /v1/resources/{key}", step.rev as number, { path: { key } }))?.answer ??
        null;
    case "list":
      return await all(
        studio.every("GET /v1/resources", { query: { prefix: step.prefixes as string[], limit: 1 } }),
      );
    case "transact":
      return await studio.call("POST /v1/resources/transaction", {
        body: { operations: step.operations as Operation[] },
      });
    case "log":
      return await studio.call("GET /v1/log", {
        query: { after: step.after as number, limit: step.limit as number, stream: step.stream as string },
      });
    case "follow":
      return await follow(step);
    case "wait":
      await followed().waitUntil(step.position as number);
      return followed().connection;
    case "see":
      return await followed().until(() => {
        const held = followed().shelf.held(key);
        return held && [held.rev, held.value];
      });
    case "held":
      return Object.fromEntries(
        followed().shelf.keys().map((one) => {
          const held = followed().shelf.held(one);
          return [one, [held?.rev, held?.value]];
        }),
      );
    case "leave":
      await followed().stop();
      return fresh;
    default:
      return await engine(studio, step);
  }
}

async function follow(step: Step): Promise<string> {
  fresh = [];
  replica = new Replica(client(step.by).stream(step.prefixes as string[]), {
    onFresh: (code) => fresh.push(code),
  });
  await replica.start();
  return replica.connection;
}

async function engine(studio: Client, step: Step): Promise<unknown> {
  const path = { id: step.id as string };
  switch (step.do) {
    case "create_mission":
      return await studio.call("POST /v1/missions", { body: step.asked as MissionRequest });
    case "mission":
      return await studio.call("GET /v1/missions/{id}", { path });
    case "missions":
      return await all(
        studio.every(
          "GET /v1/missions",
          step.status === undefined ? {} : { query: { status: step.status as string } },
        ),
      );
    case "tell_mission":
      return (await studio.call("POST /v1/missions/{id}/events", {
        path,
        body: { event: step.event } as MissionEventRequest,
      })).mission;
    case "report":
      return (await studio.call("POST /v1/sessions/{id}/events", {
        path: { id: step.session as string },
        body: { event: step.event } as SessionEventRequest,
      })).status;
    case "issue_token":
      return await studio.call("POST /v1/tokens", { body: step.asked as TokenRequest });
    case "revoke_token":
      return await studio.call("DELETE /v1/tokens/{id}", { path });
    case "health":
      return await studio.call("GET /health");
    case "ready":
      return await studio.call("GET /ready");
    case "openapi":
      return await studio.call("GET /openapi.json");
    case "metrics":
      return await (await studio.call("GET /metrics")).text();
    default:
      throw new TypeError(`this SDK does not know how to ${step.do}`);
  }
}

async function outcome(step: Step): Promise<unknown> {
  try {
    return { answer: await done(step) };
  } catch (error) {
    if (!(error instanceof SdkError)) throw error;
    const { code, status, extra } = error;
    return { problem: { code, status, extra } };
  }
}

const [writer, encoder] = [Deno.stdout.writable.getWriter(), new TextEncoder()];
let rest = "";
for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + chunk).split("\n");
  rest = lines.pop() ?? "";
  for (const line of lines) {
    await writer.write(encoder.encode(JSON.stringify(await outcome(JSON.parse(line))) + "\n"));
  }
}
