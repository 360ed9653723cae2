import assert from "node:assert/strict";

import { type SseMessage, SseParser } from "../src/mod.ts";
import { dice, messagesOf, recorded } from "./streams.ts";

function chopped(text: string, cuts: number[]): SseMessage[] {
  const [parser, found] = [new SseParser(), [] as SseMessage[]];
  let from = 0;
  for (const cut of [...cuts.sort((a, b) => a - b), text.length]) {
    found.push(...parser.feed(text.slice(from, cut)));
    from = cut;
  }
  return found;
}

Deno.test("a message has its event, its data, and an id only when it carries one itself", () => {
  const found = new SseParser().feed("event: a\ndata: 1\nid: 7\n\ndata: 2\n\n");
  assert.deepEqual(found, [
    { event: "a", data: "1", id: "7" },
    { event: "message", data: "2", id: null },
  ]);
});

Deno.test("several data lines make one text; comments, retry and unknown fields are skipped", () => {
  const found = new SseParser().feed(": hello\nretry: 10\nother\ndata:a\ndata: b\ndata:  c\n\n\n: end\n\n");
  assert.deepEqual(found, [{ event: "message", data: "a\nb\n c", id: null }]);
});

Deno.test("lines end in LF, CR or CRLF, wherever the text is chopped", () => {
  const wanted = new SseParser().feed("event: e\ndata: x\n\ndata: y\n\n");
  for (const end of ["\n", "\r", "\r\n"]) {
    // The last CR may be half a CRLF: what follows completes it.
    const text = `event: e\ndata: x\n\ndata: y\n\n: end\n`.replaceAll("\n", end);
    for (let cut = 0; cut <= text.length; cut++) {
      assert.deepEqual(chopped(text, [cut]), wanted, `${JSON.stringify(end)} at ${cut}`);
    }
  }
});

Deno.test("an id with a NUL in it is none", () => {
  assert.equal(new SseParser().feed("id: 1\0\ndata: x\n\n")[0]?.id, null);
});

Deno.test("a recorded stream reads the same however it is chopped", () => {
  const bytes = recorded("watched.sse");
  const [text, wanted] = [new TextDecoder().decode(bytes), messagesOf(bytes)];
  assert.deepEqual(wanted.map(({ id }) => id).filter((id) => id !== null), ["2", "3", "4", "5", "6"]);
  for (let seed = 0; seed < 200; seed++) {
    const roll = dice(seed);
    const cuts = Array.from({ length: roll(30) }, () => roll(text.length));
    assert.deepEqual(chopped(text, cuts), wanted, `seed ${seed}`);
  }
});
