import assert from "node:assert/strict";

import { type Batch, SdkError, Shelf, type SseMessage } from "../src/mod.ts";
import { frame, messagesOf, recorded } from "./streams.ts";

function fed(shelf: Shelf, name: string): Batch[] {
  return messagesOf(recorded(name)).map((message) => shelf.feed(message)).filter((batch) => batch !== null);
}

function contents(shelf: Shelf): [string, number, unknown][] {
  return shelf.keys().map((key) => [key, shelf.held(key)?.rev ?? 0, shelf.value(key)]);
}

const END = [["project/a/plan", 3, { m: true }], ["project/words", 1, { text: "Größe 😀\nline" }]];

Deno.test("a recorded list and watch ends in what the daemon holds", () => {
  const shelf = new Shelf();
  shelf.begin({ snapshot: true });
  fed(shelf, "watched.sse");
  assert.deepEqual(contents(shelf), END);
  assert.equal(shelf.position, 6);
  assert.equal(shelf.held("project/words")?.updatedBy, "ada");
  assert.equal(shelf.progress.get("project/a/plan")?.note, "cutting");
});

Deno.test("nothing of a snapshot is seen before all of it is there", () => {
  const shelf = new Shelf();
  shelf.begin({ snapshot: true });
  for (const message of messagesOf(recorded("watched.sse"))) {
    const batch = shelf.feed(message);
    if (message.event === "ready") {
      assert.deepEqual([batch?.fresh, batch?.position], [true, 2]);
      assert.deepEqual([...batch?.changed ?? []].sort(), ["project/a/plan", "project/c"]);
      return;
    }
    assert.deepEqual([shelf.keys(), shelf.position], [[], 0]);
  }
});

Deno.test("changes that share a position are put down as one", () => {
  const shelf = new Shelf();
  shelf.begin({ snapshot: true });
  const group = fed(shelf, "watched.sse").filter((batch) => batch.position === 3);
  assert.equal(group.length, 1);
  assert.deepEqual([...group[0]?.changed ?? []].sort(), ["project/a/plan", "project/b", "project/c"]);
});

Deno.test("half a group is dropped when the stream begins anew, and comes again whole", () => {
  const shelf = new Shelf();
  shelf.begin({ snapshot: true });
  const watched = messagesOf(recorded("watched.sse"));
  const ready = watched.findIndex(({ event }) => event === "ready");
  for (const message of watched.slice(0, ready + 3)) shelf.feed(message); // two of the group's three
  assert.deepEqual([shelf.position, shelf.value("project/a/plan")], [2, { n: 1 }]);
  shelf.begin({ snapshot: false });
  fed(shelf, "resumed.sse");
  assert.deepEqual(contents(shelf), END);
});

Deno.test("what was told already is not told twice", () => {
  const shelf = new Shelf();
  shelf.begin({ snapshot: true });
  fed(shelf, "watched.sse");
  shelf.begin({ snapshot: false });
  const again = fed(shelf, "resumed.sse");
  assert.deepEqual(again.flatMap(({ changed }) => [...changed]), []);
  assert.deepEqual(contents(shelf), END);
});

Deno.test("a bookmark moves the position and nothing else, and never backwards", () => {
  const shelf = new Shelf();
  shelf.feed(frame("bookmark", { position: 9 }, 9));
  shelf.feed(frame("bookmark", { position: 4 }, 4));
  assert.equal(shelf.position, 9);
});

Deno.test("a rev that does not grow is another history: a gap", () => {
  const shelf = new Shelf();
  shelf.feed(frame("resource.updated", { key: "project/a", rev: 5, value: 1 }, 3));
  const older = frame("resource.updated", { key: "project/a", rev: 5, value: 2 }, 8);
  assert.throws(() => shelf.feed(older), (error) => error instanceof SdkError && error.code === "gap");
  assert.deepEqual([shelf.value("project/a"), shelf.position], [1, 3]);
});

Deno.test("a log of another name is another history, though its positions fit", () => {
  const shelf = new Shelf();
  const ready = (position: number, log_id: string): SseMessage =>
    frame("ready", { position, log_id }, position);
  shelf.begin({ snapshot: true });
  shelf.feed(frame("resource.updated", { key: "project/a", rev: 1, value: 1 }));
  shelf.feed(ready(4, "one"));
  shelf.begin({ snapshot: false });
  assert.equal(shelf.feed(ready(4, "one"))?.fresh, false);
  shelf.begin({ snapshot: false });
  assert.throws(
    () => shelf.feed(ready(4, "two")),
    (error) => error instanceof SdkError && error.code === "gap",
  );
  assert.deepEqual([shelf.value("project/a"), shelf.position], [1, 4]);
  shelf.begin({ snapshot: true });
  assert.equal(shelf.feed(ready(2, "two"))?.fresh, true);
  assert.deepEqual(shelf.keys(), []);
});

Deno.test("frames of a kind that is not known are skipped", () => {
  assert.equal(new Shelf().feed(frame("weather", { sun: true }, 12)), null);
});

Deno.test("keys are sorted, by whole segments, and as deep as asked", () => {
  const shelf = new Shelf((key) => !key.startsWith("team/"));
  ["project/b", "project/a/plan", "project/a", "project/ab", "team/x"].forEach((key, index) => {
    shelf.feed(frame("resource.updated", { key, rev: 1, value: index }, index + 1));
  });
  assert.deepEqual(shelf.keys(), ["project/a", "project/a/plan", "project/ab", "project/b"]);
  assert.deepEqual(shelf.keys("project/a"), ["project/a", "project/a/plan"]);
  assert.deepEqual(shelf.keys("project", 2), ["project/a", "project/ab", "project/b"]);
  assert.deepEqual(shelf.values("project/a"), [2, 1]);
});
