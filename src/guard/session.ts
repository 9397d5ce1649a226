// Which session a stdio guard belongs to (40-gateway section 2): the one of the client that started
// it, through whatever shells and package runners, and not one that a new process begins.
import { utf8 } from "../bytes.ts";
import { GuardError } from "../errors.ts";
import { framedDigest, u32le } from "../kernel/framed.ts";

/** A process as its system describes it. */
export interface ProcessFacts {
  readonly pid: number;
  readonly parentPid: number;
  /** When it began, in the system's own words: tells it from a later one with the same pid. */
  readonly start: string;
  /** Name of the program; may hold a path, spaces, parentheses. */
  readonly name: string;
  /** Its command line, the program first; empty where it cannot be read. */
  readonly args: readonly string[];
}

export interface SessionSource {
  /** The operator's name for the session: used as it is. */
  readonly explicit?: string | undefined;
  readonly principal: string;
  /** Absolute path of the guard's home. */
  readonly home: string;
  /** The client, where it could be found. */
  readonly ancestor?: Pick<ProcessFacts, "pid" | "start"> | undefined;
}

/** Processes between a guard and its client, at most. */
export const LIMIT_ANCESTORS = 64;

const TAG = "portcullis:stdio-session:v1";
const LAUNCHERS: ReadonlySet<string> = new Set([
  ...["sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh", "busybox"],
  ...["cmd", "powershell", "pwsh", "npm", "npx"],
]);
const NODES: ReadonlySet<string> = new Set(["node", "nodejs"]);
const NODE_LAUNCHER = /^(?:npm|npx)(?:-cli\.[cm]?js)?$/;
const NODE_LAUNCHER_PATH = /[/\\](?:npm|npx)-cli\.[cm]?js$/;

/**
 * The session id: the operator's, else a digest of principal and client, else one of principal
 * and home: where nothing is known of the client, all guards of that home share one.
 *
 * @throws {GuardError} ARGUMENT_INVALID for an explicit name that is empty.
 */
export function stdioSessionId(source: SessionSource): string {
  const { explicit, principal, home, ancestor } = source;
  if (explicit === "") {
    throw new GuardError("ARGUMENT_INVALID", "expected the name of a session, got an empty one");
  }
  if (explicit !== undefined) return explicit;
  const who = utf8(principal);
  if (ancestor === undefined) return `home:${framedDigest(TAG, utf8("home"), who, utf8(home))}`;
  const { pid, start } = ancestor;
  return `client:${framedDigest(TAG, utf8("client"), who, u32le(pid), utf8(start))}`;
}

/**
 * The nearest ancestor that is not a launcher.
 *
 * @param parentPid of the guard
 * @param read `undefined` for a process that cannot be looked at
 * @returns `undefined` when the line ends, or reaches the first process, before one is found
 */
export function findClient(
  parentPid: number,
  read: (pid: number) => ProcessFacts | undefined,
): ProcessFacts | undefined {
  let pid = parentPid;
  for (let step = 0; step < LIMIT_ANCESTORS; step++) {
    // WHY: what pid 1 adopts has lost its parents, and everybody's orphans are there
    if (!Number.isSafeInteger(pid) || pid <= 1) return undefined;
    const facts = read(pid);
    if (facts === undefined || !isLauncher(facts)) return facts;
    pid = facts.parentPid;
  }
  return undefined;
}

/**
 * True for a shell, npm, npx, and a Node that runs npm or npx.
 *
 * WHY: in doubt a launcher: then the search goes on, and more guards share a session, not fewer.
 */
export function isLauncher({ name, args }: Pick<ProcessFacts, "name" | "args">): boolean {
  const [program = "", ...rest] = args;
  const names = [...programNames(name), ...programNames(program)];
  if (names.some((one) => LAUNCHERS.has(one))) return true;
  if (!names.some((one) => NODES.has(one))) return false;
  const script = rest.find((arg) => !arg.startsWith("-")) ?? "";
  return NODE_LAUNCHER.test(baseName(script)) || rest.some((arg) => NODE_LAUNCHER_PATH.test(arg));
}

/** What a program may be called: a login shell is `-bash`, npm calls itself `npm exec NAME`. */
function programNames(text: string): readonly string[] {
  const spellings = [firstWord(baseName(text)), baseName(firstWord(text)), baseName(text)];
  return spellings.map((one) =>
    one
      .toLowerCase()
      .replace(/^-/, "")
      .replace(/\.exe$/, ""),
  );
}

function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
}

function firstWord(text: string): string {
  return text.split(/\s/, 1)[0] ?? "";
}
