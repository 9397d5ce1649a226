// Every message, call and byte switch, seen on the wire.
import { describe, expect, it } from "vitest";
import type { MockOptions } from "../../src/testing/index.ts";
import { FIXTURE_TOOLS, MockMcpServer, SPOOF_TEXT } from "../../src/testing/index.ts";

const CALL = '{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"echo"}}';
const MODERN_META = JSON.stringify({
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
});

function linesFor(options: MockOptions, line = CALL): string[] {
  return new MockMcpServer(options).handle(line);
}

function messagesFor(options: MockOptions, line = CALL): unknown[] {
  return linesFor(options, line).map((text) => JSON.parse(text));
}

function bytesFor(options: MockOptions, line = CALL): Uint8Array[] {
  return new MockMcpServer(options).respond(line).flatMap((output) => output.chunks);
}

const ANSWER = {
  jsonrpc: "2.0",
  id: 5,
  result: { content: [{ type: "text", text: "echo is done" }] },
};

describe("answers", () => {
  it('wrongIdType turns 5 into "5" and "5" into 5', () => {
    expect(messagesFor({ wrongIdType: true })).toEqual([{ ...ANSWER, id: "5" }]);
    const quoted = CALL.replace('"id":5', '"id":"5"');
    expect(messagesFor({ wrongIdType: true }, quoted)).toEqual([{ ...ANSWER, id: 5 }]);
  });

  it("strayAnswer precedes the true one, under the chosen id", () => {
    expect(messagesFor({ strayAnswer: true })).toEqual([
      {
        jsonrpc: "2.0",
        id: "never-sent",
        result: { content: [{ type: "text", text: SPOOF_TEXT }] },
      },
      ANSWER,
    ]);
    expect(messagesFor({ strayAnswer: true, strayAnswerId: "portcullis:x" })[0]).toMatchObject({
      id: "portcullis:x",
    });
  });

  it("secondAnswer follows the true one, under the same id", () => {
    expect(messagesFor({ secondAnswer: true })).toEqual([
      ANSWER,
      { ...ANSWER, result: { content: [{ type: "text", text: SPOOF_TEXT }] } },
    ]);
  });

  it("unsolicitedList and toolsInResult show a tool that was never listed, and it answers", () => {
    expect(messagesFor({ unsolicitedList: true })).toMatchObject([
      { id: "never-sent-list", result: { tools: [{ name: "export_secrets" }] } },
      ANSWER,
    ]);
    expect(messagesFor({ toolsInResult: true })).toMatchObject([
      { id: 5, result: { content: ANSWER.result.content, tools: [{ name: "export_secrets" }] } },
    ]);
    const smuggled = CALL.replace("echo", "export_secrets");
    expect(linesFor({ toolsInResult: true }, smuggled)[0]).toContain("export_secrets is done");
  });

  it("message switches fire on the chosen method, the chosen number of times", () => {
    const server = new MockMcpServer({ secondAnswer: true, on: "ping", times: 2 });
    const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
    expect(server.handle(CALL)).toHaveLength(1);
    expect([1, 2, 3].map(() => server.handle(ping).length)).toEqual([2, 2, 1]);
  });
});

describe("messages from the server", () => {
  it.each([
    "sampling/createMessage",
    "elicitation/create",
    "roots/list",
  ] as const)("%s is sent before the answer", (serverRequest) => {
    const [request, answer] = messagesFor({ serverRequest, serverRequestId: "portcullis:1" });
    expect(request).toMatchObject({ id: "portcullis:1", method: serverRequest });
    expect(answer).toEqual(ANSWER);
  });

  it("an elicitation carries the chosen words", () => {
    const options = {
      serverRequest: "elicitation/create",
      elicitationMessage: "approve?",
    } as const;
    expect(messagesFor(options)[0]).toMatchObject({
      id: "mock-1",
      params: { message: "approve?", requestedSchema: { required: ["approve"] } },
    });
  });

  it("list_changed comes after the answer to the first listing, n times", () => {
    const server = new MockMcpServer({ listChanged: 1000, on: "tools/list" });
    const list = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';
    const lines = server.handle(list);
    expect(lines).toHaveLength(1001);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ id: 1, result: { tools: FIXTURE_TOOLS } });
    expect(lines[1000]).toBe('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}');
    expect(server.handle(list)).toHaveLength(1);
  });

  it("progress needs a token and precedes the result of a slow call", () => {
    const options = { progress: 2, callDelayMs: 100 };
    expect(linesFor(options)).toHaveLength(1);
    const withToken = CALL.replace('"name"', '"_meta":{"progressToken":"t"},"name"');
    expect(messagesFor(options, withToken)).toMatchObject([
      { method: "notifications/progress", params: { progressToken: "t", progress: 1, total: 2 } },
      { method: "notifications/progress", params: { progressToken: "t", progress: 2, total: 2 } },
      { id: 5 },
    ]);
    const delays = new MockMcpServer(options).respond(withToken).map((output) => output.delayMs);
    expect(delays).toEqual([0, 50, 100]);
  });
});

describe("calls", () => {
  it("callEcho returns the raw text of the arguments", () => {
    const raw = '{ "b":1.0, "a":9007199254740993, "a":"\\u00e9}" }';
    const line = CALL.replace('"name"', `"arguments":${raw} ,"name"`);
    expect(messagesFor({ callEcho: true }, line)).toMatchObject([
      { result: { content: [{ text: raw }] } },
    ]);
    expect(messagesFor({ callEcho: true })).toMatchObject([
      { result: { content: [{ text: "" }] } },
    ]);
  });

  it("resultText and answerUnlisted", () => {
    expect(messagesFor({ resultText: "page text" })).toMatchObject([
      { result: { content: [{ text: "page text" }] } },
    ]);
    const unknown = CALL.replace("echo", "nope");
    expect(messagesFor({}, unknown)).toMatchObject([{ result: { isError: true } }]);
    expect(linesFor({ answerUnlisted: true }, unknown)[0]).toContain("nope is done");
  });

  it("duplicates and foldCase decide which member the server believes", () => {
    const twice = CALL.replace('"name":"echo"', '"name":"delete_file","name":"echo"');
    const folded = CALL.replace('"name":"echo"', '"name":"echo","Name":"delete_file"');
    const called = (options: MockOptions, line: string) => {
      const server = new MockMcpServer(options);
      server.handle(line);
      return server.calls[0]?.name;
    };
    expect(called({}, twice)).toBe("echo");
    expect(called({ duplicates: "first" }, twice)).toBe("delete_file");
    expect(called({}, folded)).toBe("echo");
    expect(called({ foldCase: true }, folded)).toBe("delete_file");
    const capitals = CALL.replace("tools/call", "TOOLS/Call");
    expect(called({}, capitals)).toBeUndefined();
    expect(called({ foldCase: true }, capitals)).toBe("echo");
    const longS = CALL.replace("params", "param\u017f").replace("tools/call", "tool\u017f/call");
    expect(called({ foldCase: true }, longS)).toBe("echo");
  });

  it("inputRequired asks once and wants its state back, modern only", () => {
    const server = new MockMcpServer({ inputRequired: "elicitation/create", inputRequestKey: "k" });
    const call = (more: string) =>
      JSON.parse(
        server.handle(
          CALL.replace('"name":"echo"', `"_meta":${MODERN_META},"name":"echo"${more}`),
        )[0] ?? "",
      );
    expect(call("")).toMatchObject({
      result: {
        resultType: "input_required",
        inputRequests: { k: { method: "elicitation/create" } },
        requestState: "mock-state:k",
      },
    });
    const responses = ',"inputResponses":{"k":{"action":"decline"}}';
    expect(call(responses)).toMatchObject({ error: { code: -32602 } });
    expect(call(`${responses},"requestState":"mock-state:k"`)).toMatchObject({
      result: { resultType: "complete", content: [{ text: "echo is done" }] },
    });
    expect(server.handle(CALL).map((line) => JSON.parse(line))).toEqual([ANSWER]);
  });

  it("tasks keep the results of their own calls", () => {
    const server = new MockMcpServer({ tasks: true });
    const ask = (method: string, params: object) =>
      JSON.parse(server.handle(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }))[0] ?? "");
    const first = ask("tools/call", { name: "echo", task: { ttl: 1000 } }).result.task;
    const second = ask("tools/call", { name: "delete_file", task: {} }).result.task;
    expect(first).toMatchObject({ taskId: "mock-task-1", status: "working" });
    expect(ask("tasks/get", { taskId: second.taskId }).result.status).toBe("completed");
    expect(ask("tasks/result", { taskId: second.taskId })).toMatchObject({
      result: { content: [{ text: "delete_file is done" }] },
    });
    expect(ask("tasks/list", {}).result.tasks).toHaveLength(2);
    expect(ask("tasks/cancel", { taskId: first.taskId }).result.status).toBe("cancelled");
    expect(ask("tasks/result", { taskId: first.taskId })).toMatchObject({
      error: { code: -32602 },
    });
    const without = new MockMcpServer();
    expect(without.handle('{"jsonrpc":"2.0","id":1,"method":"tasks/list"}')[0]).toContain("-32601");
  });
});

describe("bytes", () => {
  it("an unparsable line comes before the answer, or in place of it", () => {
    const [bad = "", good = ""] = linesFor({ unparsable: "line" });
    expect(() => JSON.parse(bad)).toThrow();
    expect(JSON.parse(good)).toEqual(ANSWER);
    const only = linesFor({ unparsable: "answer" });
    expect(only).toHaveLength(1);
    expect(() => JSON.parse(only[0] ?? "")).toThrow();
  });

  it("giant lines have exactly the asked number of bytes and are valid JSON", () => {
    const size = 1_048_577;
    const [note = "", answer = ""] = linesFor({ giantNotificationBytes: size });
    expect(note).toHaveLength(size);
    expect(JSON.parse(note)).toMatchObject({ method: "notifications/message" });
    expect(JSON.parse(answer)).toEqual(ANSWER);
    const [padded = ""] = linesFor({ giantAnswerBytes: size });
    expect(padded).toHaveLength(size);
    expect(JSON.parse(padded)).toMatchObject(ANSWER);
    const ping = '{"jsonrpc":"2.0","id":"p","method":"ping"}';
    const [empty = ""] = linesFor({ giantAnswerBytes: 200, on: "ping" }, ping);
    expect(empty).toHaveLength(200);
    expect(JSON.parse(empty)).toMatchObject({ id: "p" });
  });

  it("a lone CR stands inside the answer, or before a second message on its line", () => {
    const [inside = ""] = linesFor({ loneCr: "inside" });
    expect(inside.startsWith('{\r"jsonrpc"')).toBe(true);
    expect(JSON.parse(inside)).toEqual(ANSWER);
    const between = linesFor({ loneCr: "between" });
    expect(between).toHaveLength(1);
    const [first = "", second = ""] = (between[0] ?? "").split("\r");
    expect(JSON.parse(first)).toEqual(ANSWER);
    expect(JSON.parse(second)).toMatchObject({ method: "notifications/message" });
    expect(second).toContain(SPOOF_TEXT);
  });

  it("CRLF ends every line", () => {
    const [bytes = new Uint8Array()] = bytesFor({ lineEnd: "crlf" });
    expect([...bytes.subarray(-2)]).toEqual([0x0d, 0x0a]);
  });

  it("joined puts two messages into one chunk, also when there is only one to send", () => {
    const chunks = bytesFor({ chunks: "joined" });
    expect(chunks).toHaveLength(1);
    expect(chunks[0]?.filter((byte) => byte === 0x0a)).toHaveLength(2);
    expect(bytesFor({ chunks: "joined", secondAnswer: true })).toHaveLength(1);
    expect(linesFor({ chunks: "joined", secondAnswer: true })).toHaveLength(2);
  });

  it("split cuts inside a character of several bytes", () => {
    const list = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';
    const [head = new Uint8Array(), tail = new Uint8Array(), ...rest] = bytesFor(
      { chunks: "split" },
      list,
    );
    expect(rest).toEqual([]);
    expect(head.at(-1)).toBeGreaterThanOrEqual(0xc2);
    expect(tail[0]).toBeGreaterThanOrEqual(0x80);
    expect(tail[0]).toBeLessThan(0xc0);
    expect(JSON.parse(Buffer.concat([head, tail]).toString("utf8"))).toMatchObject({
      result: { tools: FIXTURE_TOOLS },
    });
  });
});
