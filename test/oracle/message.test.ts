import { describe, expect, it } from "vitest";
import { generateMessage } from "./generate-message.ts";
import { type MessageOptions, type MessageReading, readMessage } from "./message.ts";

function read(text: string, options: MessageOptions = {}): MessageReading {
  return readMessage(Buffer.from(text), options);
}

function reason(text: string, options: MessageOptions = {}): string {
  const reading = read(text, options);
  return reading.kind === "malformed" ? reading.reason : reading.kind;
}

function call(params: string, method = "tools/call"): string {
  return `{"jsonrpc":"2.0","id":1,"method":"${method}","params":${params}}`;
}

describe("message oracle", () => {
  it("reads a call and the exact bytes of its arguments", () => {
    const reading = read(call('{ "na\\u006de" : "read", "arguments" : {"b": 1, "a":[ ]} }'));
    expect(reading).toMatchObject({ kind: "request", id: 1, method: "tools/call", name: "read" });
    if (reading.kind !== "request") throw new Error("expected a request");
    const given = reading.argumentsText ?? new Uint8Array();
    expect(Buffer.from(given).toString()).toBe('{"b": 1, "a":[ ]}');
  });

  it("knows three shapes and no other", () => {
    expect(reason('{"jsonrpc":"2.0","method":"notifications/x"}')).toBe("notification");
    expect(reason('{"jsonrpc":"2.0","id":"a","result":null}')).toBe("result");
    expect(reason('{"jsonrpc":"2.0","id":null,"error":{}}')).toBe("error");
    expect(reason('{"jsonrpc":"2.0","id":null,"result":{}}')).toBe("id");
    expect(reason('{"jsonrpc":"2.0","id":1,"result":{},"error":{}}')).toBe("shape");
    expect(reason('{"jsonrpc":"2.0","id":1}')).toBe("shape");
    expect(reason('{"jsonrpc":"2.0","id":1,"result":{},"params":{}}')).toBe("shape");
    expect(reason('{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}')).toBe("shape");
    expect(reason('{"jsonrpc":"2.0","id":1,"method":"ping","x":1}')).toBe("shape");
    expect(reason('{"jsonrpc":2.0,"id":1,"method":"ping"}')).toBe("shape");
    expect(reason('{"id":1,"method":"ping"}')).toBe("shape");
    expect(reason(`[${call("{}")}]`)).toBe("batch");
    expect(reason('{"jsonrpc":"2.0","method":"ping"}')).toBe("id");
    expect(reason('{"jsonrpc":"2.0","id":1,"method":"notifications/x"}')).toBe("id");
    expect(reason('{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}')).toBe("params");
    expect(reason('{"jsonrpc":"2.0","id":1,"method":7}')).toBe("method");
  });

  it.each([
    ["9007199254740991", "request"],
    ["9007199254740992", "id"],
    ["-9007199254740991", "request"],
    ["-9007199254740992", "id"],
    ["1.0", "id"],
    ["1e0", "id"],
    ["null", "id"],
    [`"${"i".repeat(256)}"`, "request"],
    [`"${"i".repeat(257)}"`, "id"],
    [`"${"\u00e9".repeat(129)}"`, "id"],
    ['"portcullis:1"', "id"],
    ['"Portcullis:1"', "request"],
  ])("takes the id %s as %s", (id, expected) => {
    expect(reason(`{"jsonrpc":"2.0","id":${id},"method":"ping"}`)).toBe(expected);
  });

  it.each([
    "Name",
    "NAME",
    "argument\u017f",
    "Uri",
    "_Meta",
    "tas\u212a",
    "request\u017ftate",
  ])("refuses the folded member %s of a dispatch only", (member) => {
    const params = `{"name":"a","uri":"u",${JSON.stringify(member)}:1}`;
    expect(reason(call(params))).toBe("folded_member");
    expect(reason(call(params, "resources/read"))).toBe("folded_member");
    expect(reason(call(params, "tools/list"))).toBe("request");
  });

  it("wants a name or a uri, and arguments that are an object", () => {
    expect(reason(call('{"name":"a"}'))).toBe("request");
    expect(reason(call('{"name":null}'))).toBe("params");
    expect(reason(call("{}"))).toBe("params");
    expect(reason('{"jsonrpc":"2.0","id":1,"method":"tools/call"}')).toBe("params");
    expect(reason(call('{"name":"a","arguments":null}'))).toBe("params");
    expect(reason(call('{"uri":"a"}', "prompts/get"))).toBe("params");
    expect(reason(call('{"uri":"a"}', "resources/unsubscribe"))).toBe("request");
    expect(reason(call('{"name":"a"}', "resources/subscribe"))).toBe("params");
  });

  it("takes a raw carriage return only as the last byte of a stdio line", () => {
    const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
    expect(reason(`${ping}\r`)).toBe("request");
    expect(reason(`${ping}\r\r`)).toBe("line_break");
    expect(reason(`${ping}\r `)).toBe("line_break");
    expect(reason(ping.replace(",", ",\r"))).toBe("line_break");
    expect(reason(ping.replace(",", ",\r\n"), { isHttp: true })).toBe("request");
  });

  it("keeps the id of a malformed message where it is beyond doubt", () => {
    expect(read('{"jsonrpc":"2.0","id":7,"method":"ping","x":1}')).toMatchObject({ idReadable: 7 });
    expect(read('{"params":{"a":1,"a":1},"id":"q"}')).toMatchObject({ idReadable: "q" });
    expect(read('{"id":7,"method":"pi')).toMatchObject({ idReadable: 7 });
    expect(read('{"id":7,"id":7,"method":"ping"}')).not.toHaveProperty("idReadable");
    expect(read('[{"id":7}]')).not.toHaveProperty("idReadable");
    expect(read('{"params":{"id":7},')).not.toHaveProperty("idReadable");
  });

  it("is lenient inside results, never about ids, duplicates or size", () => {
    const result = (id: string, value: string): string =>
      `{"jsonrpc":"2.0","id":${id},"result":${value}}`;
    expect(reason(result("1", '{"a":1e999,"b":"\\ud800"}'))).toBe("number");
    expect(reason(result("1", '{"a":1e999,"b":"\\ud800"}'), { lenient: true })).toBe("result");
    expect(reason(result("9007199254740993", "{}"), { lenient: true })).toBe("id");
    expect(reason(result('"\\ud800"', "{}"), { lenient: true })).toBe("id");
    expect(reason(result("1", '{"a":1,"a":1}'), { lenient: true })).toBe("duplicate");
    expect(reason(result("1", "{}"), { sizeMax: 10 })).toBe("size");
  });

  it("the generated messages reach every outcome, and agree with JSON.parse", () => {
    const seen = new Map<string, number>();
    for (let seed = 0; seed < 20_000; seed++) {
      const bytes = generateMessage(seed);
      const reading = readMessage(bytes);
      const label = reading.kind === "malformed" ? reading.reason : reading.kind;
      seen.set(label, (seen.get(label) ?? 0) + 1);
      if (reading.kind === "malformed") continue;
      const parsed: unknown = JSON.parse(Buffer.from(bytes).toString());
      if (reading.kind === "notification") expect(parsed).toMatchObject({ method: reading.method });
      else expect(parsed).toMatchObject({ id: reading.id === 0 ? expect.anything() : reading.id });
      if (reading.kind !== "request" || reading.argumentsText === undefined) continue;
      const given: unknown = JSON.parse(Buffer.from(reading.argumentsText).toString());
      expect(parsed).toHaveProperty(["params", "arguments"], given);
      expect(parsed).toHaveProperty(["params", "name"], reading.name);
    }
    const kinds = ["request", "notification", "result", "error"];
    for (const kind of kinds) expect(seen.get(kind), kind).toBeGreaterThan(500);
    const faults = ["line_break", "batch", "shape", "id", "method", "params", "folded_member"];
    for (const fault of [...faults, "syntax", "duplicate", "number"]) {
      expect(seen.get(fault), fault).toBeGreaterThan(20);
    }
  });
});
