// A connection of our own to a Redis: the package `redis`, loaded when it is asked for.
import { GuardError } from "../errors.ts";
import type { RedisConnection } from "./redis-caller.ts";
import { STORE_TIMEOUT_MS_DEFAULT } from "./remote-calls.ts";

/** The version that `docs/dependencies.md` names; the tests run with it. */
export const REDIS_PACKAGE_VERSION = "6.3.1";

const RECONNECT_MS_MIN = 50;
const RECONNECT_MS_MAX = 1_000;
/** Commands that wait for the server at most. */
const QUEUE_MAX = 10_000;

export interface OwnConnection {
  readonly connection: RedisConnection;
  readonly end: () => void;
}

/**
 * Connects, and connects again whenever the connection is lost; what is asked meanwhile fails at
 * once, and what was asked before is not asked twice.
 *
 * @throws {GuardError} ARGUMENT_INVALID, DEPENDENCY_MISSING, STORE_UNAVAILABLE
 */
export async function connectRedis(
  url: string,
  timeoutMs: number = STORE_TIMEOUT_MS_DEFAULT,
): Promise<OwnConnection> {
  if (!/^rediss?:\/\//.test(url)) {
    throw new GuardError(
      "ARGUMENT_INVALID",
      "expected a url that begins with redis:// or rediss://",
    );
  }
  const { createClient } = await loadPackage();
  let isConnected = false;
  const reconnectStrategy = (retries: number): number | Error =>
    isConnected
      ? Math.min(RECONNECT_MS_MIN * 2 ** Math.min(retries, 8), RECONNECT_MS_MAX)
      : new Error("no connection");
  const client = createClient({
    url,
    // WHY: a command that waits for a server that is away would be done long after it was refused
    disableOfflineQueue: true,
    commandsQueueMaxLength: QUEUE_MAX,
    socket: { connectTimeout: timeoutMs, reconnectStrategy },
  });
  // each question that fails says so itself
  client.on("error", () => undefined);
  try {
    await client.connect();
  } catch (cause) {
    const message = "expected a Redis at the url, got no connection; look at its server";
    throw new GuardError("STORE_UNAVAILABLE", message, { cause });
  }
  isConnected = true;
  return { connection: client, end: () => client.destroy() };
}

async function loadPackage(): Promise<typeof import("redis")> {
  try {
    return await import("redis");
  } catch (cause) {
    const remedy = `install it with \`npm install redis@${REDIS_PACKAGE_VERSION}\``;
    throw new GuardError("DEPENDENCY_MISSING", `expected the package redis, got none; ${remedy}`, {
      cause,
    });
  }
}
