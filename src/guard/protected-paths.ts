// Paths that no argument may name: the guard's own home and the configurations of the clients it
// guards, because an agent does not reconfigure its guard (40-gateway section 4, attack D13).
//
// How it is done: a text is folded as the kindest server might read it (`\` as `/`, percent-escapes,
// repeated slashes, `.` and `..`, case, invisible characters), and searched as it came and in each of
// those forms for the whole path and for its distinctive end. `~`, `$HOME`, `file://` and relative
// spellings all hold that end. What only the file system knows (symbolic links, short names, globs,
// the folder a relative path starts from) is not known here.
import { GuardError, quote } from "../errors.ts";
import { simpleFold } from "./case-fold.ts";

/** Rounds of percent-decoding; servers decode once, careless ones twice. */
const DECODE_ROUNDS_MAX = 4;
/** From the end, how far a component that starts with a dot may be to be where the tail starts. */
const TAIL_COMPONENTS_MAX = 3;

/** Characters that some file systems drop from names. */
const IGNORED = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]+/g;
/** Dots and spaces at the end of a component, which Windows drops. */
const TRAILING = /([^/. ])[. ]+(?=\/)/g;
const PERCENT_RUN = /(?:%[0-9a-f]{2})+/gi;
const ABSOLUTE = /^(?:\/|[a-z]:\/)/;
/** What may stand before or behind a component: nothing that a name is usually made of. */
const NAME_UNIT = /[a-z0-9_.+@~\u0080-\uffff-]/;
const SPACE = /\s/;
/** INVARIANT: every needle holds a `/` or a `.`, and nothing but these folds to one. */
const MAY_HOLD_NEEDLE = /[/\\.%\u0080-\uffff]/;

const decoder = new TextDecoder("utf-8");

/** A folded path to search for. */
interface Needle {
  readonly text: string;
  /** A relative end of a path counts only where a component starts. */
  readonly startsComponent: boolean;
}

/** A set of absolute paths, each a file or a folder with all that is in it. */
export class ProtectedPaths {
  readonly #needles: readonly Needle[];

  private constructor(needles: readonly Needle[]) {
    this.#needles = needles;
  }

  /**
   * Takes absolute paths: POSIX, or with a Windows drive.
   *
   * @throws {GuardError} ARGUMENT_INVALID for a path that is relative, or a root
   */
  static of(paths: readonly string[]): ProtectedPaths {
    return new ProtectedPaths(paths.flatMap(needlesOf));
  }

  /**
   * True when a text or a member name of `value`, at any depth, names one of the paths.
   *
   * @param value the value of an `ArgumentSnapshot`, whose depth is bounded
   */
  isNamedIn(value: unknown): boolean {
    if (this.#needles.length === 0) return false;
    if (typeof value === "string") return this.isNamedBy(value);
    if (typeof value !== "object" || value === null) return false;
    if (Array.isArray(value)) return value.some((element) => this.isNamedIn(element));
    return Object.entries(value).some(
      ([name, member]) => this.isNamedBy(name) || this.isNamedIn(member),
    );
  }

  /** True when `text` is or holds a spelling of one of the paths, or of one inside them. */
  isNamedBy(text: string): boolean {
    if (!MAY_HOLD_NEEDLE.test(text)) return false;
    let raw = text;
    for (let round = 0; round <= DECODE_ROUNDS_MAX; round++) {
      const folded = foldPath(raw);
      if (this.#isIn(folded)) return true;
      const resolved = resolveDots(folded);
      if (resolved !== folded && this.#isIn(resolved)) return true;
      if (!raw.includes("%")) return false;
      const decoded = decodePercent(raw);
      if (decoded === raw) return false;
      raw = decoded;
    }
    return false;
  }

  #isIn(text: string): boolean {
    return this.#needles.some((needle) => holdsNeedle(text, needle));
  }
}

function needlesOf(path: string): readonly Needle[] {
  const folded = foldPath(path);
  const whole = resolveDots(folded).replace(/\/$/, "");
  const parts = whole.split("/").slice(1);
  if (!ABSOLUTE.test(folded) || parts.length === 0 || parts.some((part) => part === "")) {
    const wanted = "expected an absolute path below a root";
    throw new GuardError("ARGUMENT_INVALID", `${wanted}, got ${quote(path)}`);
  }
  const tail = tailOf(parts);
  const needle = { text: whole, startsComponent: false };
  return tail === undefined ? [needle] : [needle, { text: tail, startsComponent: true }];
}

/** `.config/portcullis`, `.claude.json`; else the last two components; one alone says too little. */
function tailOf(parts: readonly string[]): string | undefined {
  const near = parts.slice(-TAIL_COMPONENTS_MAX);
  const dotted = near.findLastIndex((part) => part.startsWith("."));
  if (dotted >= 0) return near.slice(dotted).join("/");
  return parts.length >= 2 ? parts.slice(-2).join("/") : undefined;
}

function holdsNeedle(text: string, { text: wanted, startsComponent }: Needle): boolean {
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    const before = at === 0 ? "" : (text[at - 1] ?? "");
    if (startsComponent && NAME_UNIT.test(before)) continue;
    if (endsComponent(text, at + wanted.length)) return true;
  }
  return false;
}

/** True when no name goes on at `at`; dots at the end of a name are dropped by Windows. */
function endsComponent(text: string, at: number): boolean {
  let end = at;
  while (text[end] === ".") end += 1;
  const next = text[end] ?? "";
  return next === "" || SPACE.test(next) || !NAME_UNIT.test(next);
}

/** Separators, case, composed and invisible characters made one; repeated slashes too. */
function foldPath(text: string): string {
  const composed = simpleFold(text.replace(IGNORED, "").normalize("NFC"));
  const separated = composed.replaceAll("\\", "/").replace(/\/{2,}/g, "/");
  return separated.replace(TRAILING, "$1");
}

/** `.` components dropped, `..` together with the one before; a text that has none stays itself. */
function resolveDots(path: string): string {
  if (!path.includes("/.")) return path;
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === ".") continue;
    if (part === ".." && kept.length > 1) kept.pop();
    else if (part !== "..") kept.push(part);
  }
  return kept.join("/");
}

function decodePercent(text: string): string {
  return text.replace(PERCENT_RUN, (run) => {
    const bytes = run.match(/[0-9a-f]{2}/gi) ?? [];
    return decoder.decode(Uint8Array.from(bytes, (digits) => Number.parseInt(digits, 16)));
  });
}
