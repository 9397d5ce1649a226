// Limits of one message, at and above.
import { describe, expect, it } from "vitest";
import * as layout from "../../src/abi/layout.ts";
import { LIMIT_MESSAGE_BYTES_MAX } from "../../src/abi/limits.ts";
import { GuardError } from "../../src/errors.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import { readShape } from "../../src/kernel/message.ts";
import { readerKernel } from "../../src/kernel/shared.ts";

function read(text: string, flags = 0): ReturnType<typeof readShape> {
  const bytes = Buffer.from(text, "utf8");
  const kernel = readerKernel(bytes.length);
  kernel.writeInput(bytes);
  return readShape(kernel, bytes.length, flags);
}

function ping(id: string): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"ping"}`;
}

describe("message limits", () => {
  it("an id is a string of at most 256 UTF-8 bytes", () => {
    expect(read(ping(`"${"é".repeat(128)}"`)).kind).toBe("request");
    expect(read(ping(`"${"é".repeat(128)}x"`))).toMatchObject({
      kind: "malformed",
      error: layout.READ_ID,
    });
  });

  it("or an integer within 2^53 - 1 of zero, written plainly", () => {
    for (const id of ["0", "-1", "9007199254740991", "-9007199254740991"]) {
      expect(read(ping(id)).kind, id).toBe("request");
    }
    for (const id of [
      "9007199254740992",
      "-9007199254740992",
      "1.0",
      "1e0",
      "null",
      "true",
      "[1]",
    ]) {
      expect(read(ping(id)).kind, id).toBe("malformed");
    }
    expect(read(ping("1")).id?.key).not.toBe(read(ping('"1"')).id?.key);
  });

  it("nesting is at most 64 deep, the outermost brace counted", () => {
    const nested = (depth: number): string =>
      `{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":${"[".repeat(depth - 2)}${"]".repeat(depth - 2)}}}`;
    expect(read(nested(64)).kind).toBe("request");
    expect(read(nested(65))).toMatchObject({ kind: "malformed", error: layout.READ_DEPTH });
    expect(read(nested(65)).id?.key).toBe("n:1");
  });

  it("a listing may hold definitions that are 64 deep themselves", () => {
    const listing = (depth: number): string =>
      `{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a","d":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}]}}`;
    const flags = layout.READ_FLAG_LISTING | layout.READ_FLAG_LENIENT;
    expect(read(listing(64), flags).kind).toBe("result");
    expect(read(listing(65), flags).kind).toBe("malformed");
    expect(read(listing(64)).kind).toBe("malformed");
  });

  it("a name over its limit is no name: 128 bytes of a tool, 2048 of a URI", () => {
    const call = (name: string): string =>
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${name}"}}`;
    expect(read(call("x".repeat(128)))).toMatchObject({ name: "x".repeat(128) });
    expect(read(call("x".repeat(129)))).toMatchObject({ kind: "request", name: undefined });
    expect(read(call("\\u0041".repeat(128)))).toMatchObject({ name: "A".repeat(128) });
    const get = (uri: string): string =>
      `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"${uri}"}}`;
    expect(read(get("x".repeat(2048)))).toMatchObject({ name: "x".repeat(2048) });
    expect(read(get("x".repeat(2049)))).toMatchObject({ kind: "request", name: undefined });
  });

  it("an instance reads what it was made for, up to 64 MiB, and not a byte more", () => {
    const size = { imageSize: 0, itemCount: 0, serverCount: 0, recordSize: 1024 };
    const kernel = new Kernel({ ...size, inputSize: 1024 });
    const text = ping("1").padEnd(1024, " ");
    kernel.writeInput(Buffer.from(text));
    expect(readShape(kernel, 1024, 0).kind).toBe("request");
    expect(() => kernel.writeInput(Buffer.from(`${text} `))).toThrow(GuardError);
    expect(kernel.exports.readMessage(1025, 0)).toBe(layout.MESSAGE_MALFORMED);
    expect(new Kernel({ ...size, inputSize: LIMIT_MESSAGE_BYTES_MAX }).inputSize).toBe(67_108_864);
    expect(() => new Kernel({ ...size, inputSize: LIMIT_MESSAGE_BYTES_MAX + 1 })).toThrow(
      expect.objectContaining({ code: "KERNEL_CAPACITY" }),
    );
  });

  it("every look-alike of a known member of a dispatch is malformed", () => {
    const call = (member: string): string =>
      `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"a","${member}":{}}}`;
    for (const member of [
      "Name",
      "NAME",
      "n\\u0041me",
      "argument\\u017f",
      "argument\u017f",
      "Arguments",
      "_Meta",
      "URI",
      "tas\u212a",
      "ta\u017f\u212a",
      "requeststate",
      "reque\u017ftState",
      "inputresponses",
    ]) {
      expect(read(call(member)), member).toMatchObject({
        kind: "malformed",
        error: layout.READ_MEMBER_VARIANT,
        id: { key: "n:7" },
      });
    }
    for (const member of [
      "names",
      "requestState",
      "inputResponses",
      "task",
      "_meta",
      "n\u0430me",
    ]) {
      expect(read(call(member)).kind, member).toBe("request");
    }
  });
});
