// Tasks: whose they are, what is said of them unasked, and who may listen to that.
import { beforeAll, describe, expect, it } from "vitest";
import { utf8 } from "../../src/bytes.ts";
import type { TrustedCatalog } from "../../src/catalog/trusted.ts";
import { LIMIT_TASK_ID_BYTES, LIMIT_TASKS } from "../../src/proxy/limits.ts";
import { SessionTasks } from "../../src/proxy/tasks.ts";
import { FIXTURE_SERVER, SPOOF_TEXT } from "../../src/testing/index.ts";
import { EXPIRES_MS, NOW_MS } from "../fixtures/trust.ts";
import { version, without } from "./reload-rig.ts";
import { ALLOW_ALL, call, catalogToml, Rig, request, trust } from "./rig.ts";

let strict: TrustedCatalog;
let open: TrustedCatalog;
/** Tasks, and nothing that a server asks the client for. */
let narrow: TrustedCatalog;

beforeAll(async () => {
  strict = await trust(catalogToml());
  open = await trust(catalogToml({ allow: ALLOW_ALL }));
  narrow = await trust(catalogToml({ allow: ["tools", "prompts", "resources", "tasks"] }));
});

const taskId = "mock-task-1";

/** A session whose call has made the task `taskId`; what it has got until then is left out. */
function withTask(catalog: TrustedCatalog, clock: () => number = () => NOW_MS): Rig {
  const rig = new Rig(catalog, FIXTURE_SERVER, { clock }).connect().send(call(0, "echo"));
  rig.mock.respond = () => [];
  rig.send(call("make", "echo"));
  const result = { resultType: "task", taskId, status: "working" };
  rig.serverSends({ jsonrpc: "2.0", id: "make", result });
  rig.received.length = 0;
  rig.upstream.length = 0;
  return rig;
}

describe("D9: tasks", () => {
  const task = { name: "echo", arguments: { message: "x" }, task: { ttl: 1 } };
  const options = { ...FIXTURE_SERVER, tasks: true };

  it("are for the session whose allowed call has made them", () => {
    const rig = new Rig(open, options).send(request(1, "tools/call", task));
    expect(rig.answer(1).result).toMatchObject({ task: { taskId: "mock-task-1" } });
    const taskId = "mock-task-1";
    const ask = (id: number, method: string, params: object): unknown =>
      rig.send(request(id, method, params)).reason(id);
    expect(ask(2, "tasks/get", { taskId })).toBe("allowed");
    expect(ask(3, "tasks/result", { taskId })).toBe("allowed");
    expect(ask(4, "tasks/result", { taskId: "mock-task-2" })).toBe("tool_smuggle");
    expect(ask(5, "tasks/cancel", {})).toBe("tool_smuggle");
    expect(ask(6, "tasks/result", { taskId, TaskId: "mock-task-2" })).toBe("tool_smuggle");
    expect(rig.mock.count("tasks/result")).toBe(1);
    const other = new Rig(open, options).send(request(1, "tasks/result", { taskId }));
    expect(other.reason(1)).toBe("tool_smuggle");
    expect(other.records.at(-1)).toMatchObject({ kind: "decision", reason: "tool_smuggle" });
  });

  it("are remembered up to a limit of each", () => {
    const tasks = new SessionTasks();
    const bytes = (value: object): Uint8Array => utf8(JSON.stringify(value));
    for (let id = 0; id <= LIMIT_TASKS; id++) {
      const line = bytes({ task: { taskId: `t${id}` } });
      tasks.sawResult(line, { start: 0, end: line.length });
    }
    const knows = (taskId: string): boolean => {
      const line = bytes({ taskId });
      return tasks.allows("tasks/get", line, { start: 0, end: line.length });
    };
    expect([knows("t0"), knows("t1"), knows(`t${LIMIT_TASKS}`)]).toEqual([false, true, true]);
    const longest = "é".repeat(LIMIT_TASK_ID_BYTES / 2);
    for (const taskId of [longest, `${longest}x`]) {
      const line = bytes({ task: { taskId } });
      tasks.sawResult(line, { start: 0, end: line.length });
    }
    expect([knows(longest), knows(`${longest}x`)]).toEqual([true, false]);
  });
});

describe("news of a task", () => {
  const METHODS = ["notifications/tasks", "notifications/tasks/status"];
  const sampling = { method: "sampling/createMessage", params: { messages: [] } };
  const elicitation = { method: "elicitation/create", params: { message: SPOOF_TEXT } };

  const news = (method: string, more: object): object => ({
    jsonrpc: "2.0",
    method,
    params: { taskId, status: "input_required", ...more },
  });

  it.each(METHODS)("%s of a task of this session passes byte for byte", (method) => {
    const message = news(method, { ttlMs: 1 });
    expect(withTask(narrow).serverSends(message).received).toEqual([JSON.stringify(message)]);
  });

  it.each(METHODS)("%s of no task of this session is dropped and recorded", (method) => {
    for (const more of [{ taskId: "other" }, { taskId: 1 }, { TaskId: taskId }]) {
      const rig = withTask(open).serverSends(news(method, more));
      expect(rig.received).toEqual([]);
      expect(rig.records.at(-1)).toMatchObject({ kind: "drop", reason: "tool_smuggle", method });
    }
    const bare = withTask(open).serverSends({ jsonrpc: "2.0", method });
    expect(bare.received).toEqual([]);
    const denied = withTask(strict).serverSends(news(method, {}));
    expect(denied.records.at(-1)).toMatchObject({ kind: "drop", reason: "feature_denied" });
  });

  it.each([
    ["sampling", { a: sampling }],
    ["an elicitation", { a: elicitation }],
    ["one among others", { a: { method: "ping" }, b: sampling }],
  ])("%s in it needs the same permission as anywhere", (_, inputRequests) => {
    for (const method of METHODS) {
      const rig = withTask(narrow).serverSends(news(method, { inputRequests }));
      expect(rig.received).toEqual([]);
      expect(rig.records.at(-1)).toMatchObject({ kind: "drop", reason: "feature_denied", method });
    }
  });

  it("an elicitation in it wears its server's name", () => {
    const message = news("notifications/tasks", { inputRequests: { a: sampling, b: elicitation } });
    const label = `"[filesystem] ${SPOOF_TEXT}"`;
    expect(withTask(open).serverSends(message).received).toEqual([
      JSON.stringify(message).replace(`"${SPOOF_TEXT}"`, label),
    ]);
  });

  it.each([
    ["an array", { inputRequests: [elicitation] }, "malformed_message"],
    [
      "without one message",
      { inputRequests: { a: { ...elicitation, params: {} } } },
      "feature_denied",
    ],
  ])("requests in it that are %s are dropped with it", (_, more, reason) => {
    const rig = withTask(open).serverSends(news("notifications/tasks", more));
    expect(rig.received).toEqual([]);
    expect(rig.records.at(-1)).toMatchObject({ kind: "drop", reason });
  });

  it("look-alikes of what is judged are cut out of it", () => {
    const more = { InputRequests: { a: elicitation }, tools: [{ name: "export_secrets" }] };
    const rig = withTask(narrow).serverSends(news("notifications/tasks", more));
    expect(rig.received).toEqual([JSON.stringify(news("notifications/tasks", { tools: [] }))]);
    expect(rig.records.at(-1)).toMatchObject({ kind: "cut" });
  });
});

describe("a subscription to tasks", () => {
  const listen = (id: number, notifications: unknown): object =>
    request(id, "subscriptions/listen", { notifications });

  it("is for tasks of this session, and only with the feature", () => {
    const rig = withTask(narrow).send(listen(1, { taskIds: [taskId] }));
    expect(rig.upstream).toHaveLength(1);
    rig.send(listen(2, { taskIds: [taskId, "victim-task"], toolsListChanged: true }));
    expect(rig.reason(2)).toBe("tool_smuggle");
    for (const [id, taskIds] of [["victim-task"], []].entries()) {
      const denied = new Rig(strict).send(listen(id, { taskIds }));
      expect(denied.reason(id)).toBe("feature_denied");
      expect(denied.upstream).toEqual([]);
    }
    expect(rig.upstream).toHaveLength(1);
  });

  it.each([
    ["a text", { taskIds: taskId }],
    ["numbers", { taskIds: [1] }],
    ["a look-alike", { TaskIds: [taskId] }],
    ["a look-alike beside it", { taskIds: [taskId], ta\u017fkIds: ["victim-task"] }],
  ])("%s is malformed", (_, notifications) => {
    const rig = withTask(narrow).send(listen(1, notifications));
    expect(rig.reason(1)).toBe("malformed_message");
    expect(rig.upstream).toEqual([]);
  });

  it("of an earlier catalog needs the call that made it to be allowed still", async () => {
    const allow = ["tools", "tasks"];
    for (const [offer, reason] of [
      [FIXTURE_SERVER, undefined],
      [without("echo"), "tool_smuggle"],
    ] as const) {
      const rig = withTask(narrow);
      rig.session.replaceCatalog(await version(8, { allow, offer, onDrift: "block-tool" }));
      const { mock } = new Rig(narrow);
      rig.mock.respond = (line) => mock.respond(line);
      rig.send(listen(1, { taskIds: [taskId] }));
      expect(rig.answers(1).map(({ error }) => error?.data?.["reason"])).toEqual([reason]);
      expect(mock.count("subscriptions/listen")).toBe(reason === undefined ? 1 : 0);
    }
  });

  it("is refused once the catalog has run out", () => {
    let nowMs = NOW_MS;
    const rig = withTask(narrow, () => nowMs);
    nowMs = EXPIRES_MS;
    expect(rig.send(listen(1, { taskIds: [taskId] })).reason(1)).toBe("catalog_expired");
  });
});
