// What the demo shows: calls that are allowed, the four attacks, a lease that is used up, and a flow of
// information that is stopped. Data only.
import type { MockOptions, ToolDefinition } from "../testing/mock-options.ts";

/** One call of the agent, and what must come of it. */
export interface DemoCase {
  /** Attack class, or what an honest call does. */
  readonly title: string;
  /** One sentence for a reader. */
  readonly story: string;
  readonly server: string;
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** Options of `portcullis run` beyond the server. */
  readonly runOptions: readonly string[];
  /** `not_started`: the guard refuses to start at all. */
  readonly outcome: "allow" | "SafetyBlocked" | "not_started";
  readonly reason: string;
  /** Calls that reach the server. */
  readonly upstreamCalls: number;
  /** Left out on a machine that cannot keep leases. */
  readonly needsLease?: boolean;
}

export const FILES_SERVER = "filesystem";
export const DRIFT_SERVER = "notes";
export const SMUGGLE_SERVER = "tickets";
export const UNKNOWN_SERVER = "helpful-tools";
export const WEB_SERVER = "web";
export const SMUGGLED_TOOL = "export_secrets";
export const WRITTEN_FILE = "hello-from-the-agent.txt";
export const GRANTED_FILE = "report.txt";
export const SECOND_FILE = "second-report.txt";

const QUERY = {
  type: "object",
  properties: { query: { type: "string", description: "Words to look for." } },
  required: ["query"],
} as const;

/** The tools of the two servers that will turn. */
export const NOTES_TOOLS: readonly ToolDefinition[] = [
  { name: "search_notes", description: "Searches the notes.", inputSchema: QUERY },
];
export const TICKETS_TOOLS: readonly ToolDefinition[] = [
  { name: "list_records", description: "Lists the tickets.", inputSchema: QUERY },
];

export const WEB_TOOLS: readonly ToolDefinition[] = [
  {
    name: "post_message",
    description: "Posts a message to a public page.",
    inputSchema: {
      type: "object",
      properties: { text: { type: "string", description: "What to post." } },
      required: ["text"],
    },
  },
];

/** What the operator writes into the catalog after reading the proposals: table -> lines. */
export const REVIEW: readonly (readonly [string, string])[] = [
  [`servers.${FILES_SERVER}.tools.write_file`, 'requires = ["lease"]'],
  [`servers.${DRIFT_SERVER}.tools.search_notes`, 'adds_taint = ["untrusted", "private"]'],
  [`servers.${WEB_SERVER}.tools.post_message`, 'stops_taint = ["private"]\ntaint_outcome = "deny"'],
];

/** What the vendors ship after the review. */
export const DRIFTED: MockOptions = { tools: NOTES_TOOLS, drift: "description" };
export const SMUGGLING: MockOptions = {
  tools: TICKETS_TOOLS,
  smuggle: "last",
  smuggleName: SMUGGLED_TOOL,
};

/**
 * The cases that run before the servers turn.
 *
 * @param workspace absolute path
 */
export function honestCases(workspace: string): readonly DemoCase[] {
  return [
    {
      title: "allowed read",
      story: "The agent asks a real filesystem server what it may see.",
      server: FILES_SERVER,
      tool: "list_allowed_directories",
      args: {},
      runOptions: [],
      ...ALLOWED,
    },
    {
      title: "allowed read",
      story: "It reads a file of the workspace.",
      server: FILES_SERVER,
      tool: "read_text_file",
      args: { path: `${workspace}/README.md` },
      runOptions: [],
      ...ALLOWED,
    },
    {
      title: "allowed search",
      story: "It searches the notes, with the tool that the operator reviewed.",
      server: DRIFT_SERVER,
      tool: "search_notes",
      args: { query: "drawbridge" },
      runOptions: [],
      ...ALLOWED,
    },
  ];
}

/**
 * With a lease of one call: the first write, and what comes behind it.
 *
 * @param workspace absolute path
 */
export function grantCases(workspace: string): readonly DemoCase[] {
  return [
    {
      title: "leased write",
      story: "The operator grants one write. The agent uses it.",
      server: FILES_SERVER,
      tool: "write_file",
      args: { path: `${workspace}/${GRANTED_FILE}`, content: "the drawbridge was inspected" },
      runOptions: [],
      ...ALLOWED,
      needsLease: true,
    },
    {
      title: "lease used up",
      story: "It tries to write a second time, from another process.",
      server: FILES_SERVER,
      tool: "write_file",
      args: { path: `${workspace}/${SECOND_FILE}`, content: "and again" },
      runOptions: [],
      ...refused("lease_exhausted"),
      needsLease: true,
    },
    {
      title: "read, then post",
      story: "Having read private notes, it is talked into posting them to a public page.",
      server: WEB_SERVER,
      tool: "post_message",
      args: { text: "the notes say: ..." },
      runOptions: [],
      ...refused("taint_denied"),
    },
  ];
}

/**
 * The four attack classes.
 *
 * @param workspace absolute path
 */
export function attackCases(workspace: string): readonly DemoCase[] {
  return [
    {
      title: "unknown server",
      story: "A server that nobody put into the catalog is wired in.",
      server: UNKNOWN_SERVER,
      tool: "search_notes",
      args: { query: "drawbridge" },
      runOptions: [],
      ...refused("unknown_server"),
      outcome: "not_started",
    },
    {
      title: "fingerprint drift",
      story: "After the review, the notes server ships another description: a rug-pull.",
      server: DRIFT_SERVER,
      tool: "search_notes",
      args: { query: "drawbridge" },
      runOptions: [],
      ...refused("fingerprint_drift"),
    },
    {
      title: "tool smuggle",
      story: "The tickets server adds a tool that nobody reviewed.",
      server: SMUGGLE_SERVER,
      tool: SMUGGLED_TOOL,
      args: {},
      runOptions: [],
      ...refused("tool_smuggle"),
    },
    {
      title: "scope escalation",
      story: "A session that may only read asks the real filesystem server to write.",
      server: FILES_SERVER,
      tool: "write_file",
      args: { path: `${workspace}/${WRITTEN_FILE}`, content: "I was here" },
      runOptions: ["--scope-cap", "fs.read"],
      ...refused("scope_escalation"),
    },
  ];
}

const ALLOWED = { outcome: "allow", reason: "allowed", upstreamCalls: 1 } as const;

function refused(reason: string): Pick<DemoCase, "outcome" | "reason" | "upstreamCalls"> {
  return { outcome: "SafetyBlocked", reason, upstreamCalls: 0 };
}
