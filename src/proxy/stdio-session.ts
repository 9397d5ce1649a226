// The client behind a stdio guard, as Linux and the BSDs tell it. Elsewhere nothing is known of it.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";

import { findClient, type ProcessFacts, stdioSessionId } from "../guard/session.ts";

export interface StdioSessionOptions {
  /** `--session`, else `PORTCULLIS_SESSION`; an empty variable is none. */
  readonly explicit?: string | undefined;
  readonly principal: string;
  /** Absolute path of the guard's home. */
  readonly home: string;
}

/** Looks at one process; `undefined` when it cannot. */
export type ProcessReader = (pid: number) => ProcessFacts | undefined;

const PS = "/bin/ps";
const PS_TIMEOUT_MS = 2_000;
/** Of what stands behind the name in `/proc/PID/stat`; the first is field 3. */
const STAT_PARENT = 4 - 3;
const STAT_START = 22 - 3;

/** The session of the guard that is this process; the same for every guard of one client. */
export function stdioSession(options: StdioSessionOptions): string {
  const { explicit } = options;
  if (explicit !== undefined) return stdioSessionId(options);
  return stdioSessionId({ ...options, ancestor: findClient(process.ppid, systemReader()) });
}

function systemReader(): ProcessReader {
  if (process.platform === "linux") return readLinuxProcess;
  const hasPs = ["darwin", "freebsd", "openbsd"].includes(process.platform);
  return hasPs ? (pid) => readPsProcess(pid, runPs) : () => undefined;
}

/** By `/proc` (proc_pid_stat(5)). */
export function readLinuxProcess(pid: number): ProcessFacts | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
    const facts = parseStat(stat);
    return facts === undefined ? undefined : { ...facts, pid, args };
  } catch {
    return undefined;
  }
}

/** WHY: the name stands in parentheses and may hold some itself; only the last one closes it. */
export function parseStat(
  stat: string,
): Pick<ProcessFacts, "parentPid" | "start" | "name"> | undefined {
  const open = stat.indexOf("(");
  const close = stat.lastIndexOf(")");
  const fields = stat
    .slice(close + 1)
    .trim()
    .split(" ");
  const parent = fields[STAT_PARENT] ?? "";
  const start = fields[STAT_START] ?? "";
  if (open === -1 || close < open || !/^\d+$/.test(parent) || !/^\d+$/.test(start)) {
    return undefined;
  }
  return { parentPid: Number(parent), start, name: stat.slice(open + 1, close) };
}

/**
 * By ps: `ppid`, `lstart` (five words), `comm`; then `args`, whose words cannot be told apart.
 *
 * @param run gives the output of `ps` with these arguments
 */
export function readPsProcess(
  pid: number,
  run: (args: readonly string[]) => string,
): ProcessFacts | undefined {
  try {
    const id = ["-p", String(pid)];
    const line = run(["-ww", "-o", "ppid=", "-o", "lstart=", "-o", "comm=", ...id]).trim();
    const [, parent, start, name] = /^(\d+)\s+((?:\S+\s+){4}\d{4})\s+(.+)$/s.exec(line) ?? [];
    if (parent === undefined || start === undefined || name === undefined) return undefined;
    const args = run(["-ww", "-o", "args=", ...id]).trim();
    return { pid, parentPid: Number(parent), start, name, args: args.split(/\s+/) };
  } catch {
    return undefined;
  }
}

/** WHY: an absolute path and the C locale: neither PATH nor LANG decides who the client is. */
function runPs(args: readonly string[]): string {
  return execFileSync(PS, [...args], {
    encoding: "utf8",
    env: { LC_ALL: "C" },
    stdio: ["ignore", "pipe", "ignore"],
    timeout: PS_TIMEOUT_MS,
  });
}
