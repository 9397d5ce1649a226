// The reader of events: the same events however the bytes are cut, and bounded.
import { describe, expect, it } from "vitest";
import { concatBytes, utf8, utf8Text } from "../../src/bytes.ts";
import { type SseEvent, SseReader, sseEvent } from "../../src/http/sse.ts";

function read(bytes: Uint8Array, cut: number, sizeMax = 1_000): (SseEvent | "too-large")[] {
  const reader = new SseReader(sizeMax);
  const found: (SseEvent | "too-large")[] = [];
  for (let at = 0; at < bytes.length; at += cut) {
    found.push(...reader.push(bytes.slice(at, at + cut)));
    if (found.includes("too-large")) break;
  }
  return found;
}

const dataOf = (events: readonly (SseEvent | "too-large")[]): unknown[] =>
  events.map((event) => (event === "too-large" ? event : utf8Text(event.data)));

describe("reading events", () => {
  const text =
    ": hello\r\n\r\nid: 1\r\ndata: a\u00e4\r\ndata:b\r\n\r\nevent: ping\rdata: c\r\rdata\n\nretry: 10\n\ndata: d\r\n\n" +
    "id: x\u0000\nretry: x\ndata: e\n\ndata: never ended";

  it("is the same for every way in which the bytes are cut", () => {
    const bytes = utf8(text);
    const whole = read(bytes, bytes.length);
    expect(
      whole.map((event) =>
        event === "too-large" ? event : [event.type, utf8Text(event.data), event.id, event.retry],
      ),
    ).toEqual([
      ["message", "a\u00e4\nb", "1", undefined],
      ["ping", "c", undefined, undefined],
      ["message", "", undefined, undefined],
      ["message", "", undefined, "10"],
      ["message", "d", undefined, undefined],
      ["message", "e", undefined, undefined],
    ]);
    for (let cut = 1; cut < 20; cut++) expect(read(bytes, cut)).toEqual(whole);
  });

  it("a byte order mark counts at the start alone", () => {
    const bom = Uint8Array.of(0xef, 0xbb, 0xbf);
    expect(dataOf(read(concatBytes(bom, utf8("data: a\n\n")), 1))).toEqual(["a"]);
    expect(read(concatBytes(utf8("\n"), bom, utf8("data: a\n\n")), 99)).toEqual([]);
  });

  it("an event at the limit passes, one byte more does not, and nothing behind it", () => {
    const event = (size: number): Uint8Array => utf8(`data:${"x".repeat(size)}\n\ndata: y\n\n`);
    expect(dataOf(read(event(95), 7, 100))).toEqual(["x".repeat(95), "y"]);
    expect(dataOf(read(event(96), 7, 100))).toEqual(["too-large"]);
    expect(dataOf(read(event(96), 1_000, 100))).toEqual(["too-large"]);
  });

  it("many small parts of one event are bounded like a large one, and cost no stack", () => {
    const lines = utf8(`${"data\n".repeat(300_000)}\n`);
    expect(dataOf(read(lines, lines.length, 100))).toEqual(["too-large"]);
    const [event] = read(lines, lines.length, 400_000);
    expect(event === "too-large" ? 0 : event?.data.length).toBe(299_999);
    const slow = utf8(`data:${"x".repeat(300_000)}\n\n`);
    expect(dataOf(read(slow, 1, 400_000))).toEqual(["x".repeat(300_000)]);
  });

  it("what is written is read as the one message that it was", () => {
    const line = utf8('{"a":"\\n"}');
    const [event] = read(sseEvent(line, { id: "7", retry: "5" }), 3);
    expect(event).toEqual({ type: "message", data: line, id: "7", retry: "5" });
  });
});
