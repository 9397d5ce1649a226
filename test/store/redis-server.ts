// A real redis-server for the tests: on a free port of the loopback, in a folder of its own, killed
// by its pid.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, it } from "vitest";

/** Why there is none; `undefined` when there is one. */
function lackOfRedis(): string | undefined {
  const { status } = spawnSync("redis-server", ["--version"]);
  return status === 0 ? undefined : "no redis-server: apt-get install -y redis-server";
}

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  readonly process: ChildProcess;
  /** Ends it at once, as a crash does; resolves when it is gone. */
  readonly kill: () => Promise<void>;
}

/** @param extra further arguments, e.g. `--appendonly yes` */
export interface ServerOptions {
  readonly port?: number;
  /** Where it keeps what it writes; without it nothing is written. */
  readonly folder?: string;
  readonly extra?: readonly string[];
}

const PORT_ATTEMPTS = 5;
const running = new Set<RedisServer>();

/**
 * Tests that need a redis-server; one skipped test that says so where there is none, which
 * PORTCULLIS_REQUIRE_ALL=1 makes a failure. Every server of the file ends when its tests are done.
 */
export function describeWithRedis(title: string, define: () => void): void {
  const lack = lackOfRedis();
  describe(title, () => {
    if (lack !== undefined) {
      it.skip(`needs a redis-server (${lack})`, () => undefined);
      return;
    }
    afterAll(async () => {
      await Promise.all([...running].map(({ kill }) => kill()));
    });
    define();
  });
}

/** Starts a server and waits until it answers. */
export async function startRedis(options: ServerOptions = {}): Promise<RedisServer> {
  if (options.port !== undefined) return start({ ...options, port: options.port });
  for (let attempt = 1; ; attempt++) {
    try {
      return await start({ ...options, port: await freePort() });
    } catch (error) {
      // somebody else was faster to take the port
      if (attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

async function start(options: ServerOptions & { readonly port: number }): Promise<RedisServer> {
  const { port, extra = [] } = options;
  const own = mkdtempSync(join(tmpdir(), "portcullis-redis-"));
  const folder = options.folder ?? own;
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder];
  const persistence = options.folder === undefined ? ["--save", "", "--appendonly", "no"] : [];
  const child = spawn("redis-server", [...args, ...persistence, ...extra], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes("Ready to accept connections")) resolve();
    });
    child.once("close", () => reject(new Error(`redis-server ended: ${said}`)));
  });
  const server: RedisServer = {
    port,
    url: `redis://127.0.0.1:${port}`,
    process: child,
    kill: async () => {
      running.delete(server);
      child.kill("SIGKILL");
      await ended;
      rmSync(own, { recursive: true, force: true });
    },
  };
  running.add(server);
  return server;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("expected a port");
  return address.port;
}
