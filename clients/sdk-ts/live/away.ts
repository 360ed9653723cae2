/**
 * A replica whose line breaks after the first `ready`, and that comes back when it is told to on standard input.
 *
 * Takes a daemon's address and token. Prints `"away"`, and at its end why it started over and what it holds.
 */

import { Client, Replica } from "../src/mod.ts";
import type { SseMessage } from "../src/sse.ts";
import type { Json } from "../src/wire.ts";

const [url, token] = Deno.args;
if (url === undefined || token === undefined) throw new Error("an address and a token are needed");

function tell(what: Json): void {
  Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(what) + "\n"));
}

const way = new Client({ url, token }).stream("project");
const fresh: string[] = [];
let times = 0;

const replica = new Replica({
  async *open(after, signal): AsyncGenerator<SseMessage, void> {
    times += 1;
    const first = times === 1;
    if (times === 2) {
      tell("away");
      await Deno.stdin.read(new Uint8Array(80));
    }
    for await (const message of way.open(after, signal)) {
      yield message;
      if (first && message.event === "ready") return;
    }
  },
}, { onFresh: (code) => fresh.push(code) });

await replica.start();
await replica.until(() => replica.shelf.value("project/2") ?? null);
const held = ["project/0", "project/1", "project/2"].map((key) => replica.shelf.value(key) ?? null);
tell({ fresh, held });
await replica.stop();
