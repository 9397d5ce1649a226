// `consent web` as a process, and requests to it with any headers.
import { spawn } from "node:child_process";
import { request } from "node:http";
import process from "node:process";
import { expect } from "vitest";
import { MAIN } from "./process.ts";

export interface WebPage {
  /** The link, with its token. */
  readonly url: string;
  readonly origin: string;
  /** Ends it as Ctrl-C does; gives the exit code. */
  readonly stop: () => Promise<number | null>;
}

/** Starts the page of a home. */
export async function startWebPage(dir: string, args: readonly string[] = []): Promise<WebPage> {
  const child = spawn(process.execPath, [MAIN, "consent", "web", "--dir", dir, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const exit = new Promise<number | null>((resolve) => child.on("close", resolve));
  const line = new Promise<string>((resolve) => {
    child.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString().trim()));
  });
  const failed = exit.then((code) => expect.fail(`exit ${code}: ${stderr}`));
  const url = await Promise.race([line, failed]);
  failed.catch(() => undefined);
  const stop = (): Promise<number | null> => {
    child.kill("SIGINT");
    return exit;
  };
  return { url, origin: new URL(url).origin, stop };
}

export interface WebReply {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export interface WebRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** One request; `fetch` would not let a test choose `Host`. */
export function send(url: string, options: WebRequest = {}): Promise<WebReply> {
  const { method = "GET", headers = {}, body } = options;
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const entries = Object.entries(response.headers);
        resolve({
          status: response.statusCode ?? 0,
          headers: new Map(entries.map(([name, value]) => [name, String(value)])),
          body: Buffer.concat(chunks).toString(),
        });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

export interface WebSession {
  readonly cookie: string;
  readonly key: string;
}

/** Opens the link as a browser does. */
export async function openLink(url: string): Promise<WebSession> {
  const { status, headers, body } = await send(url);
  expect({ status, body }).toMatchObject({ status: 200 });
  const cookie = (headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  const key = /<meta name="key" content="([^"]*)">/.exec(body)?.[1] ?? "";
  return { cookie, key };
}
