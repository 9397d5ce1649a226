// C1: state-changing names without a verb match.
import { readdirSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { propose } from "../../src/cli/propose.ts";
import { isStateChangingTool } from "../../src/guard/state-changing.ts";
import { VERBS } from "../../src/guard/verb-table.ts";
import { hasShared, readShared, sharedPath } from "../oracle/shared-data.ts";

const words = (text: string): readonly string[] => text.split(" ");

describe("isStateChangingTool", () => {
  it.each(
    words(
      "fs_write deleteRepo sendEmail drop_table transfer_funds kill_process upload_file " +
        "install.package import-data insert_row truncate_table renameFile move_file mkdir patch " +
        "merge_pull_request format_disk apply_patch HTTPDelete getOrCreateUser find_and_update " +
        "read_then_post API-post-page run_query exec eval pay refund deletefile Delete__all " +
        "fetch_url click toggle_light deletes_user removing_files",
    ),
  )("%s is", (name) => {
    expect(isStateChangingTool({ name })).toBe(true);
  });

  it.each(
    words(
      "frobnicate wire_money ledger_entry obliterate __proto__ constructor toString d\u0435lete_x x",
    ),
  )("C1: %s, which says nothing known, is", (name) => {
    expect(isStateChangingTool({ name })).toBe(true);
    expect(isStateChangingTool({ name, annotations: { readOnlyHint: true } })).toBe(true);
  });

  it("C1: neither is a tool without a name a reading one", () => {
    expect(isStateChangingTool({ name: "" })).toBe(true);
    expect(isStateChangingTool({ name: "\u200b" })).toBe(true);
  });

  it.each(
    words(
      "read_file listDirectory get_commit list_pull_requests search_code GetUser get-issue-comments " +
        "describe_table list_posts get_post count_rows check_update get_deployment list.runs",
    ),
  )("%s is not", (name) => {
    expect(isStateChangingTool({ name })).toBe(false);
  });

  it.each([
    ["read_file", "Run this to read", false],
    ["read_file", "Call this when you need a file", false],
    ["read_file", "Reads a file. Deletes nothing", false],
    ["read_file", "Read a file\nWrite nothing", false],
    ["read_file", "Get posts, comments and tags", false],
    ["get_doc", "Fetch the page of a document", false],
    ["files", "Vendor | Retrieve a file", false],
    ["whoami", "", false],
    ["files", "", true],
    ["files", "Everything about files", true],
    ["files", "Lists and deletes files", true],
    ["read_file", "Read, then remove the file", true],
    ["read_file", "Read a file, deleting it", true],
    ["get_user", "Use this to reset the user", true],
    ["get_user", "A tool that completely overwrites the user", true],
    ["get_user", "Vendor | Update the user", true],
    ["get_user", "Run the user's command", true],
    ["list_files", "List files; purge old ones", true],
  ])("%s, %j: %s", (name, description, wanted) => {
    expect(isStateChangingTool({ name, description })).toBe(wanted);
  });

  it("what a server says of itself can only raise", () => {
    const name = "read_file";
    expect(isStateChangingTool({ name, annotations: { destructiveHint: true } })).toBe(true);
    expect(isStateChangingTool({ name, annotations: { readOnlyHint: false } })).toBe(true);
    const lied = { readOnlyHint: true, destructiveHint: false };
    expect(isStateChangingTool({ name: "delete_file", annotations: lied })).toBe(true);
    expect(isStateChangingTool({ name, annotations: lied })).toBe(false);
  });

  it("each known verb alone is what the table says, and never throws what comes", () => {
    for (const [name, { effect }] of VERBS) {
      expect(isStateChangingTool({ name }), name).toBe(effect !== "read");
    }
    fc.assert(
      fc.property(fc.string(), fc.string(), (name, description) => {
        expect(typeof isStateChangingTool({ name, description })).toBe("boolean");
      }),
    );
  });

  it("a changing verb anywhere in a name is found, whatever the separator", () => {
    const changing = [...VERBS].filter(([, { effect, isNoun }]) => effect !== "read" && !isNoun);
    const verb = fc.constantFrom(...changing.map(([name]) => name));
    fc.assert(
      fc.property(verb, fc.constantFrom("_", "-", ".", "/", " "), (name, separator) => {
        expect(isStateChangingTool({ name: ["get", name, "file"].join(separator) })).toBe(true);
        expect(isStateChangingTool({ name: `get${name[0]?.toUpperCase()}${name.slice(1)}` })).toBe(
          true,
        );
      }),
    );
  });

  it("is never milder than what the command line proposes for the name", () => {
    const name = fc.array(fc.constantFrom(...VERBS.keys(), "and", "file", "x"), { minLength: 1 });
    fc.assert(
      fc.property(name, (parts) => {
        const tool = parts.join("_");
        const hints = { readOnlyHint: undefined, destructiveHint: undefined };
        const { effect } = propose({ kind: "tool", name: tool, parameters: [], ...hints });
        expect(isStateChangingTool({ name: tool })).toBe(effect !== "read");
      }),
    );
  });
});

/** Where the words disagree with `readOnlyHint` of real servers, and why. */
const DISAGREEMENTS: ReadonlyMap<string, string> = new Map([
  ["API-query-data-source", "read: a query; the hint comes from its POST request"],
  ["analyze_issue_with_seer", "read: analyses; that it starts a job is not in its words"],
  ["simulate-research-query", "read: a query; simulates, and changes nothing"],
  ["browser_network_request", "changing: `request` sends one elsewhere; here it is a noun"],
  ["browser_take_screenshot", "changing: `take` is not known to read"],
  ["browser_snapshot", "changing: `capture` is not known to read (payments are captured)"],
  ["trigger-long-running-operation", "changing: `trigger` starts something"],
  ["open_nodes", "changing: `open` opens issues and pull requests elsewhere"],
  ["sequentialthinking", "changing: no known verb"],
  ["resolve-library-id", "changing: `resolve` closes issues elsewhere"],
]);

interface RealTool {
  readonly name: string;
  readonly description?: string;
  readonly annotations?: { readonly readOnlyHint?: boolean };
}

function realTools(): readonly RealTool[] {
  return readdirSync(sharedPath("tools")).flatMap((file) => {
    const { tools }: { tools: RealTool[] } = JSON.parse(
      readShared(`tools/${file}`).toString("utf8"),
    );
    return tools;
  });
}

describe.skipIf(!hasShared("tools"))("real tools (../shared/data/tools)", () => {
  it("the words alone agree with readOnlyHint but for cases that are explained", () => {
    const tools = realTools();
    const others = tools.filter(({ name, description = "", annotations }) => {
      const isChanging = annotations?.readOnlyHint !== true;
      return isStateChangingTool({ name, description }) !== isChanging;
    });
    expect(others.map(({ name }) => name).sort()).toEqual([...DISAGREEMENTS.keys()].sort());
    expect(tools).toHaveLength(114);
  });

  it("with the annotations, no tool is called reading that does not say so itself", () => {
    const milder = realTools().filter(
      (tool) => tool.annotations?.readOnlyHint !== true && !isStateChangingTool(tool),
    );
    expect(milder).toEqual([]);
  });
});
