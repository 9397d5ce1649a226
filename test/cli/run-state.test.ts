// What several guard processes of one home share: labels, leases, drift; and a store in trouble.
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { cli, cliJson } from "./process.ts";
import { connectClient, type GuardedClient } from "./run-client.ts";
import { RunHome } from "./run-rig.ts";

let home: RunHome;

beforeAll(async () => {
  const stops = 'stops_taint = ["private"]';
  home = await RunHome.make({
    inbox: { tools: { read_text_file: 'adds_taint = ["private"]', echo: "adds_taint = []" } },
    web: {
      keys: 'consent_channels = ["elicitation"]',
      tools: {
        fetch_url: `${stops}\ntaint_outcome = "deny"`,
        write_file: `${stops}\nrequires = []`,
        delete_file: 'requires = ["lease"]',
      },
    },
  });
});

beforeEach(() => {
  home.reset();
  home.turn("inbox", {});
  home.turn("web", {});
});

async function both(
  use: (inbox: GuardedClient, web: GuardedClient) => Promise<void>,
  args: readonly (readonly string[])[] = [],
): Promise<void> {
  const clients = await Promise.all([
    connectClient("SDK 1.32", home.argv("inbox", args[0])),
    connectClient("SDK 2.4 modern", home.argv("web", args[1] ?? args[0]), { action: "decline" }),
  ]);
  try {
    await use(...clients);
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

describe("taint across two guards of one client", () => {
  it("C9: reading the inbox stops posting to the web, whichever process each server sits behind", async () => {
    await both(async (inbox, web) => {
      expect(await web.call("fetch_url")).toBe("allowed");
      expect(await inbox.call("echo")).toBe("allowed");
      expect(await web.call("fetch_url")).toBe("allowed");
      expect(await inbox.call("read_text_file")).toBe("allowed");
      expect(await web.call("fetch_url")).toBe("taint_denied");
      // where a person may weigh it, the person is asked
      expect(await web.call("write_file")).toBe("consent_refused");
      expect(web.questions).toHaveLength(1);
      expect(web.questions[0]).toContain("taint_review");
    });
    expect(home.log("web").calls.map(({ name }) => name)).toEqual(["fetch_url", "fetch_url"]);
    expect(home.records().filter(({ reason }) => reason === "taint_denied")).toMatchObject([
      { server: "web", tool: "fetch_url", layer: "taint", taint: ["untrusted", "private"] },
    ]);
  });

  it("C14: new guard processes of the same client do not wash it off; only a reset does", async () => {
    await both(async (inbox) => {
      await inbox.call("read_text_file");
    });
    await both(async (_, web) => {
      expect(await web.call("fetch_url")).toBe("taint_denied");
    });
    const { sessions } = await cliJson(["session", "list", "--dir", home.dir]);
    expect(sessions).toHaveLength(1);
    await cliJson(["session", "reset", "--all", "--dir", home.dir]);
    await both(async (_, web) => {
      expect(await web.call("fetch_url")).toBe("allowed");
    });
  });

  it("a session that the operator names apart is another one", async () => {
    await both(
      async (inbox, web) => {
        await inbox.call("read_text_file");
        expect(await web.call("fetch_url")).toBe("allowed");
      },
      [
        ["--session", "a"],
        ["--session", "b"],
      ],
    );
    await both(
      async (_, web) => {
        expect(await web.call("fetch_url")).toBe("taint_denied");
      },
      [["--session", "a"]],
    );
  });
});

describe("leases", () => {
  it("with k left: exactly k calls pass, of two processes that use it at once", async () => {
    const grant = ["lease", "grant", "--server", "web", "--tool", "delete_file", "--max", "7"];
    await cliJson([...grant, "--state-changing", "--dir", home.dir]);
    const clients = await Promise.all(
      (["SDK 1.32", "SDK 2.4 modern"] as const).map((kind) =>
        connectClient(kind, home.argv("web")),
      ),
    );
    const calls = Array.from({ length: 24 }, (_, index) =>
      (clients[index % 2] ?? clients[0])?.call("delete_file", { path: `/workspace/${index}` }),
    );
    const found = await Promise.all(calls);
    await Promise.all(clients.map((client) => client.close()));
    expect(found.filter((outcome) => outcome === "allowed")).toHaveLength(7);
    expect(new Set(found.filter((outcome) => outcome !== "allowed"))).toEqual(
      new Set(["lease_exhausted"]),
    );
    expect(home.log("web").callsReceived).toBe(7);
    const used = home.records().filter(({ lease }) => lease !== undefined);
    expect(used.slice(-7)).toHaveLength(7);
    const { leases } = await cliJson(["lease", "list", "--dir", home.dir]);
    expect(leases).toMatchObject([{ remaining: 0, status: "used_up" }]);
  });

  it("none: refused", async () => {
    await both(async (_, web) => {
      expect(await web.call("delete_file")).toBe("lease_required");
    });
    expect(home.log("web").callsReceived).toBe(0);
  });
});

describe("drift", () => {
  it("sticks from one run to the next, and the server itself cannot mend it", async () => {
    home.turn("web", { drift: "description", target: "echo" });
    const call = async (name: string): Promise<unknown> => {
      const client = await connectClient("SDK 1.32", home.argv("web"));
      const outcome = await client.call(name);
      await client.close();
      return outcome;
    };
    expect(await call("echo")).toBe("fingerprint_drift");
    home.turn("web", {});
    expect(await call("echo")).toBe("fingerprint_drift");
    expect(await call("fetch_url")).toBe("server_not_admitted");
    expect(home.log("web").callsReceived).toBe(0);
  });
});

describe("D13: the guard's own home", () => {
  it("is no argument of a call, however it is spelt, and stays as it is", async () => {
    const file = join(home.dir, "config.toml");
    const before = readFileSync(file);
    const client = await connectClient("SDK 1.32", home.argv("web"));
    const folder = home.dir.split("/").slice(-2).join("/");
    for (const path of [file, `${home.dir}/../home/keys`, `/tmp/x/../${folder}`, `~/${folder}/a`]) {
      expect(await client.call("write_file", { path, content: "x" })).toBe("argument_denied");
    }
    expect(await client.call("write_file")).toBe("allowed");
    await client.close();
    expect(home.log("web").callsReceived).toBe(1);
    expect(readFileSync(file)).toEqual(before);
    expect(home.records().findLast(({ reason }) => reason === "argument_denied")).toMatchObject({
      layer: "arguments",
    });
  });
});

describe("the store", () => {
  const argv = (): string[] => ["run", "--dir", home.dir, "--server", "web"];
  const path = (): string => join(home.dir, "state.db");

  it("is made at the first start, for its owner alone", async () => {
    expect(existsSync(path())).toBe(false);
    expect((await cli(argv())).code).toBe(0);
    expect(statSync(path()).mode & 0o777).toBe(0o600);
  });

  it("that is damaged starts nothing: exit 2 and its error", async () => {
    writeFileSync(path(), "this is no database, and has never been one", { mode: 0o600 });
    const { code, stdout, stderr } = await cli(argv());
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^portcullis: [^\n]+ \(STORE_CORRUPT\)\n$/);
    expect(home.log("web").starts).toBe(0);
  });

  it("that others can read, or that is a folder, starts nothing", async () => {
    expect((await cli(argv())).code).toBe(0);
    home.turn("web", {});
    chmodSync(path(), 0o644);
    expect((await cli(argv())).stderr).toContain("(HOME_UNSAFE)");
    home.reset();
    mkdirSync(path());
    expect((await cli(argv())).stderr).toMatch(/\((HOME_UNSAFE|STORE_UNAVAILABLE)\)/);
    home.reset();
    expect(home.log("web").starts).toBe(0);
  });
});
