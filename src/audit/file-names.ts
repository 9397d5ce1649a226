// The files of a log in its folder (60-audit sections 1 and 2).
import { join } from "node:path";
import { isLogOrigin } from "./origin.ts";

const RECORDS = /^(.+-\d+-\d+)(?:\.([1-9]\d{0,8}))?\.jsonl$/;

export function recordsFile(folder: string, origin: string, part: number): string {
  return join(folder, part === 0 ? `${origin}.jsonl` : `${origin}.${part}.jsonl`);
}

export function checkpointFile(folder: string, origin: string): string {
  return join(folder, `${origin}.checkpoint`);
}

export function historyFile(folder: string, origin: string): string {
  return join(folder, `${origin}.checkpoints`);
}

export function statementsFile(folder: string, origin: string): string {
  return join(folder, `${origin}.denied.jsonl`);
}

export function saltFile(folder: string, origin: string): string {
  return join(folder, "private", `${origin}.salt`);
}

export function objectsFolder(folder: string): string {
  return join(folder, "objects");
}

/** The log, and the part of it, that a file name belongs to; `undefined` for other files. */
export function recordsFileOf(
  name: string,
): { readonly origin: string; readonly part: number } | undefined {
  const [, origin = "", part = "0"] = RECORDS.exec(name) ?? [];
  return isLogOrigin(origin) ? { origin, part: Number(part) } : undefined;
}
