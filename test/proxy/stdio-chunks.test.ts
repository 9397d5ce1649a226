// Reading a stream chunk by chunk: at once, in order, and never while the last one is being taken.
import { PassThrough, Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { utf8, utf8Text } from "../../src/bytes.ts";
import { eachChunk } from "../../src/proxy/stdio-chunks.ts";

/** A promise, and what settles it. */
function gate(): { readonly promise: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}

describe("eachChunk", () => {
  it("hands on every chunk in order, and then resolves", async () => {
    const seen: string[] = [];
    await eachChunk(Readable.from([utf8("a"), utf8("b"), "c"], { objectMode: false }), (chunk) => {
      seen.push(utf8Text(chunk) ?? "?");
      return undefined;
    });
    expect(seen.join("")).toBe("abc");
  });

  it("hands on nothing while a chunk is being taken, and nothing is lost", async () => {
    const stream = new PassThrough();
    const first = gate();
    const seen: string[] = [];
    const all = eachChunk(stream, (chunk) => {
      seen.push(utf8Text(chunk) ?? "?");
      return seen.length === 1 ? first.promise : undefined;
    });
    stream.write("a");
    await expect.poll(() => seen).toEqual(["a"]);
    stream.end("b");
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual(["a"]);
    first.open();
    await all;
    expect(seen).toEqual(["a", "b"]);
  });

  it("waits for the last chunk although the stream has broken meanwhile", async () => {
    const stream = new PassThrough();
    const taken = gate();
    let hasResolved = false;
    const all = eachChunk(stream, () => taken.promise).then(() => {
      hasResolved = true;
    });
    stream.write("a");
    await expect.poll(() => stream.isPaused()).toBe(true);
    stream.destroy(new Error("broken"));
    await new Promise((resolve) => setImmediate(resolve));
    expect(hasResolved).toBe(false);
    taken.open();
    await all;
  });

  it.each([
    ["breaks", (stream: PassThrough) => stream.destroy(new Error("broken"))],
    ["is closed", (stream: PassThrough) => stream.destroy()],
  ])("resolves when the stream %s", async (_, end) => {
    const stream = new PassThrough();
    const all = eachChunk(stream, () => undefined);
    end(stream);
    await all;
  });

  it("resolves when the stream has ended before", async () => {
    const stream = new PassThrough();
    stream.destroy();
    await eachChunk(stream, () => undefined);
  });
});
