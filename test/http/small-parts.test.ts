// Bytes that come one by one cost no more memory than the bytes that they are.
import { spawnSync } from "node:child_process";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { concatBytes, utf8 } from "../../src/bytes.ts";
import { ByteGatherer } from "../../src/http/byte-gatherer.ts";

const HEAP_MB = 64;

/** Runs a program with a small heap; what it prints. */
function printed(program: string): string {
  const args = [`--max-old-space-size=${HEAP_MB}`, "--input-type=module", "--eval", program];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  expect(status, stderr.slice(0, 2_000)).toBe(0);
  return stdout.trim();
}

describe("4 MiB in parts of a byte, in a heap of 64 MB", () => {
  it("are a body", () => {
    const program = `
      const { readLimited } = await import("./build/esm/http/body.js");
      let left = 4_194_304;
      const pull = (controller) => {
        for (let n = 0; n < 4_096; n++) controller.enqueue(Uint8Array.of(0x20));
        if ((left -= 4_096) === 0) controller.close();
      };
      const body = await readLimited(new ReadableStream({ pull }), 4_194_304);
      console.log(body.length);`;
    expect(printed(program)).toBe("4194304");
  });

  it("are an event, be they lines or parts of one", () => {
    const program = `
      const { SseReader } = await import("./build/esm/http/sse.js");
      const utf8 = (text) => new TextEncoder().encode(text);
      const lines = new SseReader(4_194_304);
      for (let n = 0; n < 1_024; n++) for (const _ of lines.push(utf8("data\\n".repeat(4_096)))) ;
      console.log([...lines.push(utf8("\\n"))][0].data.length);
      const parts = new SseReader(4_194_304);
      for (const _ of parts.push(utf8("data:"))) ;
      for (let n = 0; n < 4_194_299; n++) for (const _ of parts.push(Uint8Array.of(0x20))) ;
      console.log([...parts.push(utf8("\\n\\n"))][0].data.length);`;
    // a space behind the colon is not data
    expect(printed(program)).toBe("4194303\n4194298");
  });
});

describe("parts put together", () => {
  it("are what they were, in an array of at most twice their size", () => {
    const gatherer = new ByteGatherer();
    for (let size = 0; size < 3_000; size += 7) {
      const parts = Array.from({ length: size }, (_, at) => utf8("x".repeat(at % 3)));
      for (const part of parts) gatherer.add(part);
      const whole = concatBytes(...parts);
      expect(gatherer.sizeBytes).toBe(whole.length);
      const taken = gatherer.take();
      expect(taken).toEqual(whole);
      expect(taken.buffer.byteLength).toBeLessThanOrEqual(Math.max(2 * whole.length, 1_024));
      expect(gatherer.sizeBytes).toBe(0);
    }
  });

  it("one part is not copied, and never written to", () => {
    const gatherer = new ByteGatherer();
    const room = utf8("abc");
    const part = room.subarray(0, 1);
    gatherer.add(part);
    expect(gatherer.take().buffer).toBe(room.buffer);
    gatherer.add(part);
    gatherer.add(utf8("z"));
    expect(gatherer.take()).toEqual(utf8("az"));
    expect(room).toEqual(utf8("abc"));
  });
});
