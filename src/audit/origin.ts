// Which process a log belongs to, and the names that follow from it (60-audit sections 1 and 2).
import { utf8 } from "../bytes.ts";

/** The writing process. */
export interface AuditProcess {
  readonly host: string;
  readonly pid: number;
  /** ms since the epoch at which it began its log. */
  readonly startMs: number;
}

const NAME_BYTE = /[A-Za-z0-9.-]/;
const ORIGIN = /^([A-Za-z0-9.-]+)-(\d{1,10})-(\d{1,16})$/;
/** Characters of a host that go into a file name. */
const HOST_CHARACTERS_MAX = 128;

/** A host as origins have it: every byte outside `[A-Za-z0-9.-]` is `-`. */
export function originHost(host: string): string {
  const bytes = [...utf8(host)].map((byte) => String.fromCharCode(byte));
  const name = bytes.map((one) => (NAME_BYTE.test(one) ? one : "-")).join("");
  return name === "" ? "-" : name.slice(0, HOST_CHARACTERS_MAX);
}

/** `<host>-<pid>-<start>`: the name of the files of one log. */
export function originOf({ host, pid, startMs }: AuditProcess): string {
  return `${originHost(host)}-${wholeNumber(pid)}-${wholeNumber(startMs)}`;
}

function wholeNumber(value: number): number {
  return Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

/** True for a text that `originOf` makes. */
export function isLogOrigin(text: string): boolean {
  return ORIGIN.test(text);
}

/** `portcullis/<host>/<origin>`: the origin line and the key name of the log's checkpoints. */
export function checkpointName(origin: string): string {
  return `portcullis/${ORIGIN.exec(origin)?.[1] ?? "-"}/${origin}`;
}
