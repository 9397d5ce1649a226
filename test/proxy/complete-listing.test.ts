import { describe, expect, it } from "vitest";
import { LIMIT_LIST_BYTES } from "../../src/abi/limits.ts";
import { utf8, utf8Text } from "../../src/bytes.ts";
import { CompleteListing } from "../../src/proxy/complete-listing.ts";
import { wholeValue } from "../../src/proxy/json-members.ts";
import { LIMIT_LISTING_ITEMS } from "../../src/proxy/limits.ts";

function start(kinds: readonly ("tool" | "prompt")[]) {
  const sent: { id: string; method: string; params: object }[] = [];
  const listing = new CompleteListing({
    kinds,
    metaText: undefined,
    uuid: () => `uuid-${sent.length}`,
    send: (frame) => sent.push(JSON.parse(utf8Text(frame) ?? "")),
  });
  listing.start();
  const answer = (result: string): void => {
    const line = utf8(result);
    listing.answer(line, { result: wholeValue(line), failure: undefined });
  };
  const fail = (code: number): void => {
    const line = utf8(`{"code":${code},"message":"x"}`);
    listing.answer(line, { result: undefined, failure: wholeValue(line) });
  };
  return { listing, sent, answer, fail };
}

/** A page of exactly `size` bytes. */
function page(size: number, more: string): string {
  const [head, tail] = ['{"tools":[', `]${more}}`];
  return `${head}${" ".repeat(size - head.length - tail.length)}${tail}`;
}

describe("CompleteListing", () => {
  it("lists kind after kind with an id of its own for every request", () => {
    const { listing, sent, answer } = start(["tool", "prompt"]);
    expect(listing.owns("s:portcullis:uuid-0")).toBe(true);
    answer('{"tools":[{"name":"a"}],"nextCursor":""}');
    answer('{"tools":[{"name":"b"}],"ttlMs":7}');
    expect(listing.owns("s:portcullis:uuid-0")).toBe(false);
    answer('{"prompts":[]}');
    expect(sent.map(({ method, params }) => [method, params])).toEqual([
      ["tools/list", {}],
      ["tools/list", { cursor: "" }],
      ["prompts/list", {}],
    ]);
    expect(listing).toMatchObject({ isRunning: false, failure: undefined });
    const tools = listing.found.get("tool");
    expect(tools?.items.map(({ name, index, text }) => [name, index, utf8Text(text)])).toEqual([
      ["a", 0, '{"name":"a"}'],
      ["b", 1, '{"name":"b"}'],
    ]);
    expect([tools?.ttlMs, listing.found.get("prompt")?.ttlMs]).toEqual([7, undefined]);
  });

  it("takes 16 MiB in all, over every page and kind, and not a byte more", () => {
    for (const [extra, failure] of [
      [0, undefined],
      [1, `expected at most ${LIMIT_LIST_BYTES} bytes of listings, got more`],
    ] as const) {
      const { listing, answer } = start(["tool", "prompt"]);
      const last = '{"prompts":[]}';
      answer(page(LIMIT_LIST_BYTES - 100 - last.length, ',"nextCursor":"a"'));
      answer(page(100 + extra, ""));
      answer(last);
      expect(listing.failure).toBe(failure);
    }
  });

  it("takes 131 072 definitions of a kind, over every page, and not one more", () => {
    const items = (count: number): string => `"tools":[${Array(count).fill(1).join()}]`;
    const half = LIMIT_LISTING_ITEMS / 2;
    for (const [count, failure] of [
      [half, undefined],
      [half + 1, `expected at most ${LIMIT_LISTING_ITEMS} definitions of one kind, got more`],
    ] as const) {
      const { listing, answer } = start(["tool"]);
      answer(`{${items(half)},"nextCursor":"a"}`);
      answer(`{${items(count)}}`);
      expect(listing.failure).toBe(failure);
      expect(listing.isRunning).toBe(false);
    }
  });

  it.each([
    ['{"tools":[],"ttlMs":0}', 0],
    ['{"tools":[],"ttlMs":-5}', 0],
    ['{"tools":[],"ttlMs":"9"}', 0],
    ['{"tools":[],"ttlMs":null}', 0],
    ['{"tools":[],"ttlMs":1.5}', 1.5],
    ['{"tools":[]}', undefined],
  ])("%s is believed for %s ms", (result, ttlMs) => {
    const { listing, answer } = start(["tool"]);
    answer(result);
    expect(listing.found.get("tool")?.ttlMs).toBe(ttlMs);
  });

  it("the shortest lifetime of its pages is that of the listing", () => {
    const { listing, answer } = start(["tool"]);
    answer('{"tools":[],"ttlMs":5,"nextCursor":"a"}');
    answer('{"tools":[],"ttlMs":9}');
    expect(listing.found.get("tool")?.ttlMs).toBe(5);
  });

  it("a listing the server does not have is empty, any other error ends it", () => {
    const none = start(["tool", "prompt"]);
    none.fail(-32601);
    expect(none.listing.found.get("tool")?.items).toEqual([]);
    none.fail(-32603);
    expect(none.listing.failure).toBe("the server answered a listing with an error");
    expect(none.listing.isRunning).toBe(false);
  });

  it("knows its id in bytes that cannot be read, and no other", () => {
    const { listing } = start(["tool"]);
    expect(listing.isNamedIn(utf8('xx"portcullis:uuid-0"{'))).toBe(true);
    expect(listing.isNamedIn(utf8('"portcullis:uuid-1" portcullis:uuid-'))).toBe(false);
  });
});
