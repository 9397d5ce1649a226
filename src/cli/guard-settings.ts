// What `run` and `serve` take from the command line and the home alike.
import { realpathSync } from "node:fs";

import { GuardError, quote } from "../errors.ts";
import { createProcessStore } from "../store/process-only.ts";
import type { SyncStateStore } from "../store/types.ts";
import { usageFault } from "./arguments.ts";
import type { CommandSpec, Io } from "./command.ts";
import type { Home } from "./home.ts";
import { openState } from "./state-db.ts";

/**
 * The store of the home. Without SQLite the guard runs all the same: what needs a lease, an approval or
 * knowledge of the session is refused.
 */
export function openStateOrOwn(home: Home, io: Io): SyncStateStore {
  try {
    return openState(home);
  } catch (fault) {
    if (!(fault instanceof GuardError) || fault.code !== "DEPENDENCY_MISSING") throw fault;
    io.note(`leases, approvals and taint stops are refused: ${fault.message}`);
    return createProcessStore();
  }
}

/** A folder as it is called here, and as the file system calls it. */
export function namesOf(folder: string): readonly string[] {
  return [...new Set([folder, realpathSync(folder)])];
}

export function readDenyAs(spec: CommandSpec, text: string | undefined): "error" | "result" {
  if (text === undefined || text === "error") return "error";
  if (text === "result") return text;
  throw usageFault(spec, "--deny-as error or result", quote(text));
}
