// The honest server of the tests: a handful of tools with realistic schemas, and what they may do.
import type { Effect } from "../catalog/types.ts";
import type { MockOffer, ToolDefinition } from "./mock-options.ts";

const PATH = {
  type: "string",
  description: "Absolute path inside the workspace.",
  minLength: 1,
} as const;

/** Five tools: two that read, one that writes, one that destroys, one that leaves the machine. */
export const FIXTURE_TOOLS: readonly ToolDefinition[] = [
  {
    name: "read_text_file",
    title: "Read text file",
    description: "Reads a UTF-8 text file – the whole of it, or its first or last lines.",
    inputSchema: {
      type: "object",
      properties: {
        path: PATH,
        head: { type: "integer", minimum: 1, description: "Only the first lines." },
        tail: { type: "integer", minimum: 1, description: "Only the last lines." },
      },
      required: ["path"],
      additionalProperties: false,
    },
    annotations: { readOnlyHint: true, openWorldHint: false },
  },
  {
    name: "write_file",
    title: "Write file",
    description: "Creates a file, or overwrites the one that is there.",
    inputSchema: {
      type: "object",
      properties: {
        path: PATH,
        content: { type: "string" },
        options: {
          type: "object",
          properties: {
            encoding: { type: "string", enum: ["utf8", "base64"], default: "utf8" },
            lines: { type: "array", items: { type: "string" } },
          },
          additionalProperties: false,
        },
      },
      required: ["path", "content"],
      additionalProperties: false,
    },
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
  },
  {
    name: "delete_file",
    title: "Delete file",
    description: "Deletes one file. There is no way back.",
    inputSchema: {
      type: "object",
      properties: { path: PATH },
      required: ["path"],
      additionalProperties: false,
    },
    annotations: { readOnlyHint: false, destructiveHint: true },
  },
  {
    name: "fetch_url",
    title: "Fetch URL",
    description: "Fetches a page and returns its text.",
    inputSchema: {
      type: "object",
      properties: {
        url: { type: "string", format: "uri", description: "An https address." },
        max_length: { type: "integer", minimum: 1, maximum: 1_000_000, default: 5000 },
      },
      required: ["url"],
      additionalProperties: false,
    },
    annotations: { readOnlyHint: true, openWorldHint: true },
  },
  {
    name: "echo",
    description: "Returns the message.",
    inputSchema: {
      type: "object",
      properties: { message: { type: "string" } },
      required: ["message"],
    },
  },
];

/** What the reference catalog of the fixtures grants one tool. */
export interface FixtureGrant {
  readonly scope: readonly string[];
  readonly effect: Effect;
}

/** Scope and effect of each fixture tool, in built-in scopes (10-catalog section 1). */
export const FIXTURE_GRANTS: ReadonlyMap<string, FixtureGrant> = new Map([
  ["read_text_file", { scope: ["fs.read"], effect: "read" }],
  ["write_file", { scope: ["fs.write"], effect: "write" }],
  ["delete_file", { scope: ["fs.delete"], effect: "destructive" }],
  ["fetch_url", { scope: ["net.fetch"], effect: "external" }],
  ["echo", { scope: ["fs.read"], effect: "read" }],
] satisfies [string, FixtureGrant][]);

/** The whole offer that the attacks start from: pin this, then run an attack's switches over it. */
export const FIXTURE_SERVER: MockOffer = {
  tools: FIXTURE_TOOLS,
  prompts: [
    {
      name: "summarise",
      description: "Summarises a file.",
      arguments: [{ name: "path", description: "The file.", required: true }],
    },
  ],
  resources: [
    {
      uri: "file:///workspace/README.md",
      name: "README",
      description: "What the workspace holds.",
      mimeType: "text/markdown",
    },
  ],
  resourceTemplates: [
    {
      uriTemplate: "file:///workspace/{name}",
      name: "workspace file",
      description: "One file of the workspace.",
    },
  ],
  instructions: "Use absolute paths inside /workspace.",
};
