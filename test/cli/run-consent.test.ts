// Consent through `portcullis run`, with real clients of both SDKs in both eras: what a person
// approves reaches the server, and nothing else does.
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  CLIENT_KINDS,
  type ClientKind,
  connectClient,
  type GuardedClient,
  type Reply,
} from "./run-client.ts";
import { RunHome } from "./run-rig.ts";

let home: RunHome;

beforeAll(async () => {
  home = await RunHome.make({
    mock: {
      keys: 'consent_channels = ["elicitation"]',
      tools: { echo: 'requires = ["consent"]\nadds_taint = []', read_text_file: "adds_taint = []" },
    },
    desk: {
      keys: 'consent_channels = ["terminal", "web"]',
      tools: { echo: 'requires = ["consent"]\nadds_taint = []' },
    },
  });
});

beforeEach(() => {
  home.reset();
  home.turn("mock", {});
  home.turn("desk", {});
});

const approve = (content: NonNullable<Reply["content"]> = {}): Reply => ({
  action: "accept",
  content: { approve: true, ...content },
});

async function withClient(
  kind: ClientKind,
  reply: Reply | undefined,
  use: (client: GuardedClient) => Promise<void>,
  args: readonly string[] = [],
): Promise<void> {
  const client = await connectClient(kind, home.argv("mock", args), reply);
  try {
    await use(client);
  } finally {
    await client.close();
  }
}

describe.each(CLIENT_KINDS)("%s", (kind) => {
  it("an approval of one call is good for one call", async () => {
    await withClient(kind, approve(), async (client) => {
      expect(await client.call("echo")).toBe("allowed");
      expect(client.questions).toHaveLength(1);
      for (const part of ["mock", "echo", "consent_required", '"x"']) {
        expect(client.questions[0]).toContain(part);
      }
      client.says({ action: "decline" });
      expect(await client.call("echo")).toBe("consent_refused");
      expect(client.questions).toHaveLength(2);
    });
    const { calls, received } = home.log("mock");
    expect(calls).toEqual([{ name: "echo", arguments: { message: "x" } }]);
    expect(received.join()).not.toContain("portcullis:consent");
    expect(
      home
        .records()
        .filter(({ kind: one, tool }) => one === "decision" && tool === "echo")
        .slice(-2),
    ).toMatchObject([
      { outcome: "allow", consent: expect.stringMatching(/^[0-9a-f]{64}$/) },
      { reason: "consent_refused", outcome: "deny" },
    ]);
  });

  it("an approval for the session, and one for n calls", async () => {
    await withClient(kind, approve({ choice: "session" }), async (client) => {
      for (const message of ["a", "b", "c"]) {
        expect(await client.call("echo", { message })).toBe("allowed");
      }
      expect(client.questions).toHaveLength(1);
    });
    // the session is that of this process, whatever guard stands in it
    await withClient(kind, { action: "decline" }, async (client) => {
      expect(await client.call("echo", { message: "d" })).toBe("allowed");
      expect(client.questions).toHaveLength(0);
    });
    expect(home.log("mock").callsReceived).toBe(4);
    await withClient(
      kind,
      approve({ choice: "lease", calls: 2, minutes: 1 }),
      async (client) => {
        for (const message of ["a", "b"]) await client.call("echo", { message });
        expect(client.questions).toHaveLength(1);
        client.says({ action: "cancel" });
        expect(await client.call("echo", { message: "c" })).toBe("consent_refused");
      },
      ["--session", "other"],
    );
    expect(home.log("mock").callsReceived).toBe(6);
  });

  it.each([
    ["decline", { action: "decline" }],
    ["cancel", { action: "cancel" }],
    ["accept with approve: false", { action: "accept", content: { approve: false } }],
    ["accept without approve", { action: "accept", content: { choice: "session" } }],
    ["a lease without numbers", approve({ choice: "lease" })],
  ] as const)("%s: refused, with zero calls and a record", async (_, reply) => {
    await withClient(kind, reply, async (client) => {
      expect(await client.call("echo")).toBe("consent_refused");
      expect(await client.call("read_text_file")).toBe("allowed");
    });
    expect(home.log("mock").calls.map(({ name }) => name)).toEqual(["read_text_file"]);
    expect(home.records().findLast(({ tool }) => tool === "echo")).toMatchObject({
      kind: "decision",
      reason: "consent_refused",
    });
  });

  it("a client that cannot be asked: refused at once", async () => {
    await withClient(kind, undefined, async (client) => {
      expect(await client.call("echo")).toBe("consent_refused");
    });
    expect(home.log("mock").callsReceived).toBe(0);
  });

  it("what another principal or another session approved does not count", async () => {
    await withClient(kind, approve({ choice: "session" }), async (client) => {
      expect(await client.call("echo")).toBe("allowed");
    });
    for (const args of [
      ["--principal", "somebody"],
      ["--session", "another"],
    ]) {
      await withClient(
        kind,
        { action: "decline" },
        async (client) => {
          expect(await client.call("echo")).toBe("consent_refused");
          expect(client.questions).toHaveLength(1);
        },
        args,
      );
    }
    expect(home.log("mock").callsReceived).toBe(1);
  });
});

describe("another terminal", () => {
  it("answers for a client that cannot be asked", async () => {
    const client = await connectClient("SDK 1.32", home.argv("desk"));
    const call = client.call("echo");
    const pending = () => home.withStore((store) => store.listQuestions(Date.now()));
    await expect.poll(() => pending().length).toBe(1);
    expect(home.log("desk").callsReceived).toBe(0);
    const [question] = pending();
    expect(question).toMatchObject({
      serverId: "desk",
      itemName: "echo",
      channels: ["terminal", "web"],
    });
    const isTaken = home.withStore((store) =>
      store.answerQuestion(question?.id ?? "", { choice: "once" }, "terminal", Date.now()),
    );
    expect(isTaken).toBe(true);
    expect(await call).toBe("allowed");
    const refused = client.call("echo");
    await expect.poll(() => pending().length).toBe(1);
    const [second] = pending();
    home.withStore((store) =>
      store.answerQuestion(second?.id ?? "", { choice: "deny" }, "web", Date.now()),
    );
    expect(await refused).toBe("consent_refused");
    await client.close();
    expect(pending()).toEqual([]);
    expect(home.log("desk").callsReceived).toBe(1);
  });
});
