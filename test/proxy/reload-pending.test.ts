// What is on its way when the catalog is replaced: calls, listings, waiting messages, requests of
// the server, tasks and subscriptions.

import { beforeAll, describe, expect, it } from "vitest";
import type { TrustedCatalog } from "../../src/catalog/trusted.ts";
import { LIMIT_HELD_BYTES } from "../../src/proxy/limits.ts";
import { FIXTURE_SERVER, FIXTURE_TOOLS } from "../../src/testing/index.ts";
import { FIXTURE_ARGUMENTS } from "../fixtures/calls.ts";
import { StepRig, version, without } from "./reload-rig.ts";
import { ALLOW_ALL, call, INITIALIZE, request, SERVER_ID } from "./rig.ts";

const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
};
const README = "file:///workspace/README.md";

let first: TrustedCatalog;
let open: TrustedCatalog;
let same: TrustedCatalog;
let revoked: TrustedCatalog;

beforeAll(async () => {
  first = await version(7);
  open = await version(7, { allow: ALLOW_ALL });
  same = await version(8);
  revoked = await version(8, { offer: without("echo"), onDrift: "block-tool", allow: ALLOW_ALL });
});

/** A rig whose admission is done. */
function admitted(catalog: TrustedCatalog, options = FIXTURE_SERVER): StepRig {
  return new StepRig(catalog, options).send(call("warm", "echo")).serve();
}

describe("calls", () => {
  it("that the server has got are answered, whatever the new catalog says of the tool", () => {
    const rig = admitted(first).send(call(1, "echo"));
    expect(rig.methods().at(-1)).toBe("tools/call");
    rig.replace(revoked).send(call(2, "echo")).serve();
    expect([rig.reason(1), rig.reason(2)]).toEqual(["allowed", "tool_smuggle"]);
    expect(rig.mock.callsReceived).toBe(2);
  });

  it("that wait for a listing are decided under the new catalog alone, in order", () => {
    const rig = new StepRig(first);
    rig.send(call(1, "echo"), call(2, "read_text_file"), call(3, "write_file"));
    rig.serve(2);
    expect(rig.methods()).toEqual(["tools/list", "prompts/list", "resources/list"]);
    rig.replace(revoked);
    expect(rig.reason(1)).toBe("tool_smuggle");
    rig.serve();
    expect([rig.reason(2), rig.reason(3)]).toEqual(["allowed", "allowed"]);
    expect(rig.mock.calls.map(({ name }) => name)).toEqual(["read_text_file", "write_file"]);
  });

  it("are not let go by the answer to a listing of before", () => {
    const rig = new StepRig(first).send(call(1, "echo")).serve(3);
    // only the last answer is missing: it must not complete anything
    expect(rig.methods().at(-1)).toBe("resources/templates/list");
    rig.replace(same);
    rig.serve(1);
    expect(rig.records.at(-1)).toMatchObject({ kind: "drop", sender: "server", code: 1 });
    expect(rig.reason(1)).toBeUndefined();
    expect(rig.mock.callsReceived).toBe(0);
    expect(rig.serve().reason(1)).toBe("allowed");
    const listings = rig.methods().filter((method) => method?.endsWith("/list"));
    expect(listings).toHaveLength(8);
  });

  it("wait 30 s in all, not 30 s for every catalog", () => {
    const rig = new StepRig(first).send(call(1, "echo")).elapse(20_000).replace(same);
    expect(rig.elapse(9_999).reason(1)).toBeUndefined();
    expect(rig.elapse(1).reason(1)).toBe("server_not_admitted");
    const fresh = new StepRig(first).send(call(1, "echo")).elapse(20_000).replace(same);
    fresh.send(call(2, "echo")).elapse(10_000);
    expect([fresh.reason(1), fresh.reason(2)]).toEqual(["server_not_admitted", undefined]);
    expect(fresh.elapse(20_000).reason(2)).toBe("server_not_admitted");
  });

  it("that have waited longer than a listing are refused before it", async () => {
    const rig = admitted(first).send(request(1, "tools/list")).replace(revoked);
    rig.send(call(2, "read_text_file")).serve(1).elapse(20_000);
    rig.replace(await version(9));
    expect(rig.elapse(10_000).reason(2)).toBe("server_not_admitted");
    expect(rig.answers(1)).toEqual([]);
    expect(rig.elapse(20_000).toolsOf(1)).toEqual([]);
  });

  it("that wait and are refused by the new catalog are waited for no more", async () => {
    const rig = new StepRig(first).send(call(1, "echo"));
    const over = rig.session.heldAtMost(0);
    rig.replace(revoked);
    await over;
    expect(rig.reason(1)).toBe("tool_smuggle");
  });

  it("that wait are waited for, although they change hands", async () => {
    const rig = new StepRig(first).send(call(1, "echo"));
    let isOver = false;
    const over = rig.session.heldAtMost(0).then(() => {
      isOver = true;
    });
    rig.replace(same);
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    expect(isOver).toBe(false);
    rig.serve();
    await over;
    expect(rig.reason(1)).toBe("allowed");
  });

  it("are never decided by two catalogs: one that comes amid a message waits for its end", () => {
    let atOnce: TrustedCatalog | undefined;
    const sentBefore: unknown[] = [];
    const rig: StepRig = new StepRig(first, FIXTURE_SERVER, {
      onRecord: (record) => {
        if (record.kind === "reload") sentBefore.push(rig.methods().at(-1));
        if (record.tool !== "echo" || atOnce !== undefined) return;
        rig.session.replaceCatalog(revoked);
        atOnce = rig.session.catalog;
      },
    });
    rig.send(call(1, "echo")).serve();
    // the call was judged, recorded and sent on by the first; the second decides what follows
    expect(atOnce).toBe(revoked);
    expect(sentBefore).toEqual(["tools/call"]);
    rig.send(call(2, "echo")).serve();
    expect([rig.reason(1), rig.reason(2)]).toEqual(["allowed", "tool_smuggle"]);
    expect(rig.mock.callsReceived).toBe(1);
  });

  it("thirty catalogs, one behind the other, lose and double no answer", async () => {
    const rig = new StepRig(first);
    for (let number = 8; number < 38; number++) {
      rig.send(call(number, "echo")).serve(number % 7);
      rig.replace(await version(number));
    }
    rig.serve();
    for (let number = 8; number < 38; number++) expect(rig.reason(number)).toBe("allowed");
    expect(rig.mock.callsReceived).toBe(30);
  });
});

describe("listings", () => {
  const names = FIXTURE_TOOLS.map(({ name }) => name);

  it("that were asked for before are answered with what the new catalog pins", () => {
    const rig = admitted(first).send(request(1, "tools/list")).replace(revoked);
    rig.serve(1);
    // the answer is there, and waits until the guard has listed for the new catalog
    expect(rig.answers(1)).toEqual([]);
    rig.serve();
    expect(rig.toolsOf(1)).toEqual(names.filter((name) => name !== "echo"));
  });

  it("wait through a second change, and no answer comes twice", async () => {
    const rig = admitted(first).send(request(1, "tools/list")).replace(revoked).serve(2);
    rig.replace(await version(9)).serve();
    expect(rig.toolsOf(1)).toEqual(names);
  });

  it("that are called off while their answer waits are not answered", () => {
    const rig = admitted(first).send(request(1, "tools/list")).replace(revoked).serve(1);
    const params = { requestId: 1 };
    rig.send({ jsonrpc: "2.0", method: "notifications/cancelled", params }).serve();
    expect(rig.answers(1)).toEqual([]);
    expect(rig.records.map(({ detail }) => detail)).toContain(
      "cancelled before its answer was passed on",
    );
  });

  it("wait up to 16 MiB in all; the answer behind that is answered at once, with nothing", () => {
    const rig = admitted(first);
    const ids = Array.from({ length: 17 }, (_, id) => id);
    rig.send(...ids.map((id) => request(id, "tools/list"))).replace(revoked);
    const filler = "x".repeat(LIMIT_HELD_BYTES / 16 - 1000);
    for (const id of ids) {
      rig.serverSends({ jsonrpc: "2.0", id, result: { tools: FIXTURE_TOOLS.slice(0, 1), filler } });
      if (id < 16) expect(rig.answers(id)).toEqual([]);
    }
    expect(rig.toolsOf(16)).toEqual([]);
  });

  it("of a server that would be started in another way are empty, and nobody lists again", async () => {
    const rig = admitted(first).send(request(1, "tools/list"));
    const start = rig.upstream.length;
    rig.replace(await version(8, { command: ["node", "other.js"] })).serve();
    expect(rig.toolsOf(1)).toEqual([]);
    expect(rig.methods(start)).toEqual([]);
  });
});

describe("features", () => {
  it("apply at once, in both directions", async () => {
    const tools = await version(8, { allow: ["tools"] });
    const rig = admitted(open)
      .send(request(1, "prompts/get", { name: "summarise" }))
      .serve();
    expect(rig.reason(1)).toBe("allowed");
    rig.replace(tools).send(request(2, "prompts/get", { name: "summarise" }));
    expect(rig.reason(2)).toBe("feature_denied");
    const count = rig.received.length;
    rig.serverSends({ jsonrpc: "2.0", method: "notifications/message", params: {} });
    rig.serverSends(request("s", "sampling/createMessage"));
    expect(rig.received).toHaveLength(count);
    expect(rig.upstream.at(-1)).toMatchObject({ id: "s", error: { code: 4403 } });
    rig
      .replace(await version(9))
      .send(request(3, "prompts/get", { name: "summarise" }))
      .serve();
    expect(rig.reason(3)).toBe("allowed");
  });

  it("an answer of the client to what it is no longer to be asked does not reach the server", () => {
    const rig = admitted(open).serverSends(request("s", "sampling/createMessage"));
    expect(rig.received.at(-1)).toMatchObject({ method: "sampling/createMessage" });
    rig.replace(same).send({ jsonrpc: "2.0", id: "s", result: { secret: "words" } });
    expect(rig.upstream.at(-1)).toMatchObject({
      id: "s",
      error: { code: 4403, data: { reason: "feature_denied" } },
    });
    expect(JSON.stringify(rig.upstream)).not.toContain("words");
  });
});

describe("tasks", () => {
  const options = { ...FIXTURE_SERVER, tasks: true };
  const taskCall = (id: number, name: string): object =>
    request(id, "tools/call", { name, arguments: FIXTURE_ARGUMENTS.get(name), task: { ttl: 1 } });

  function twoTasks(): StepRig {
    const rig = new StepRig(open, options).send(taskCall(1, "echo"), taskCall(2, "write_file"));
    rig.serve();
    expect(rig.answers(2)[0]?.result).toMatchObject({ task: { taskId: "mock-task-2" } });
    return rig.replace(revoked);
  }

  it("of a revoked tool hand out nothing; those of the others go on", () => {
    const rig = twoTasks();
    rig.send(request(3, "tasks/result", { taskId: "mock-task-1" }));
    rig.send(request(4, "tasks/get", { taskId: "mock-task-1" }));
    rig.send(request(5, "tasks/result", { taskId: "mock-task-2" })).serve();
    expect([rig.reason(3), rig.reason(4)]).toEqual(["tool_smuggle", "tool_smuggle"]);
    expect(rig.reason(5)).toBe("allowed");
    expect(rig.mock.count("tasks/result")).toBe(1);
    expect(rig.mock.count("tasks/get")).toBe(0);
  });

  it("of a revoked tool can still be ended", () => {
    const rig = twoTasks()
      .send(request(3, "tasks/cancel", { taskId: "mock-task-1" }))
      .serve();
    expect(rig.reason(3)).toBe("allowed");
  });

  it("of a revoked tool are not spoken of", () => {
    const rig = twoTasks().send(call(3, "write_file")).serve();
    const method = "notifications/tasks/status";
    for (const taskId of ["mock-task-1", "mock-task-2"]) {
      rig.serverSends({ jsonrpc: "2.0", method, params: { taskId, status: "working" } });
    }
    const heard = rig.received.filter((message) => message.method === method);
    expect(heard).toMatchObject([{ params: { taskId: "mock-task-2" } }]);
  });

  it("a call of the new catalog cannot take over a task of the old one", () => {
    const rig = twoTasks().send(taskCall(3, "write_file"));
    rig.serve(4);
    const { id } = rig.upstream.at(-1) ?? {};
    expect(id).toBe(3);
    const task = { taskId: "mock-task-1", status: "working" };
    rig.serverSends({ jsonrpc: "2.0", id: 3, result: { task } });
    rig.send(request(4, "tasks/result", { taskId: "mock-task-1" }));
    expect(rig.reason(4)).toBe("tool_smuggle");
  });
});

describe("subscriptions", () => {
  const updated = (uri: string): object => ({
    jsonrpc: "2.0",
    method: "notifications/resources/updated",
    params: { uri },
  });

  it("to what is no longer pinned are silent; the others are heard, listed again or not", async () => {
    const { resources: _, ...offer } = FIXTURE_SERVER;
    const rig = admitted(first)
      .send(request(1, "resources/subscribe", { uri: README }))
      .serve();
    rig.serverSends(updated(README));
    const bare = { ...offer, resourceTemplates: [] };
    const less = await version(8, { offer: bare, onDrift: "block-tool" });
    rig.replace(less).serverSends(updated(README));
    rig
      .replace(await version(9))
      .serverSends(updated(README))
      .send(call(2, "echo"))
      .serve();
    rig.serverSends(updated(README)).serverSends(updated("file:///etc/passwd"));
    const method = "notifications/resources/updated";
    expect(rig.heard().filter((name) => name === method)).toHaveLength(3);
    expect(rig.records.at(-1)).toMatchObject({ kind: "drop", reason: "tool_smuggle" });
  });
});

describe("list_changed", () => {
  const LISTS = ["tools", "prompts", "resources"].map((it) => `notifications/${it}/list_changed`);

  it("goes to a client that has been told that the lists may change", () => {
    const rig = new StepRig(first).send(INITIALIZE).serve().replace(same);
    expect(rig.heard()).toEqual(LISTS);
  });

  it("goes to nobody who was not told: before initialize, or without the capability", () => {
    expect(new StepRig(first).replace(same).received).toEqual([]);
    const capabilities = { tools: {}, prompts: { listChanged: false }, resources: {} };
    const rig = new StepRig(first, { ...FIXTURE_SERVER, capabilities }).send(INITIALIZE).serve();
    expect(rig.replace(same).heard()).toEqual([]);
  });

  it("is no capability that the old catalog had cut out", async () => {
    const rig = new StepRig(await version(7, { allow: ["tools"] })).send(INITIALIZE).serve();
    expect(rig.replace(same).heard()).toEqual(LISTS.slice(0, 1));
  });

  it("modern: goes to each subscription that the server has acknowledged, while it lasts", async () => {
    const filter = { toolsListChanged: true, promptsListChanged: false };
    const listen = (id: string): object =>
      request(id, "subscriptions/listen", { _meta: META, notifications: filter });
    const acknowledge = (id: string): object => ({
      jsonrpc: "2.0",
      method: "notifications/subscriptions/acknowledged",
      params: {
        _meta: { "io.modelcontextprotocol/subscriptionId": id },
        notifications: { toolsListChanged: true },
      },
    });
    const discover = request("d", "server/discover", { _meta: META });
    const rig = new StepRig(first).send(discover).serve();
    expect(rig.replace(same).heard()).toEqual([]);
    rig.send(listen("one"), listen("two"), listen("late"));
    rig.serverSends(acknowledge("one")).serverSends(acknowledge("two"));
    rig.serverSends({ jsonrpc: "2.0", id: "two", result: { resultType: "complete" } });
    rig.replace(await version(9));
    const changes = (): unknown[] => rig.received.filter(({ method }) => method === LISTS[0]);
    const change = (id: string): object => ({
      jsonrpc: "2.0",
      method: LISTS[0],
      params: { _meta: { "io.modelcontextprotocol/subscriptionId": id } },
    });
    expect(changes()).toEqual([change("one")]);
    // acknowledged after the change, asked for before it
    rig.serverSends(acknowledge("late")).serverSends(acknowledge("stranger"));
    expect(changes()).toEqual([change("one"), change("late")]);
  });

  it("says nothing once the server is gone, and the catalog is taken over all the same", () => {
    const rig = new StepRig(first).send(INITIALIZE).serve();
    rig.session.serverGone(`${SERVER_ID} has ended`);
    expect(rig.replace(same).heard()).toEqual([]);
    expect(rig.session.catalog).toBe(same);
  });
});
