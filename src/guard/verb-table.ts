// Verbs in the names of tools, and what they do to the world. Written from the names that real
// servers use; a word that does both (`open`, `resolve`, `select`) stands where it changes more.
import type { Effect } from "../catalog/types.ts";

/** A verb. */
export interface Verb {
  readonly effect: Effect;
  /** Also the name of a thing: `get_commit` reads one, `commit_files` makes one. */
  readonly isNoun: boolean;
}

type Row = readonly [effect: Effect, isNoun: boolean, words: string];

const ROWS: readonly Row[] = [
  [
    "read",
    false,
    "get list read search find show describe view lookup query count check status info stat tree " +
      "allowed head tail preview explain help echo inspect retrieve return display print identify " +
      "calculate compute compare analyze analyse summarize summarise validate verify parse browse " +
      "grep glob ls cat diff scan wait detect enumerate whoami",
  ],
  [
    "write",
    false,
    "create write add put insert save rename append modify make mkdir upload assign apply replace " +
      "init rewrite overwrite generate configure register enable disable toggle trigger fill " +
      "press resize install subscribe unsubscribe schedule upsert resolve open close reopen " +
      "select approve reject accept lock unlock archive restore unarchive compress sync publish " +
      "increment decrement mutate persist mark pin unpin undo redo",
  ],
  [
    "write",
    true,
    "update edit set move copy patch import commit merge comment tag store start fork star label " +
      "branch log note change record link type touch hover drag handle attach",
  ],
  [
    "external",
    false,
    "send notify forward fetch download invite submit deploy navigate click tweet broadcast " +
      "unfollow upvote dispatch invoke dial",
  ],
  ["external", true, "post email reply share request call push message mail text book order"],
  [
    "destructive",
    false,
    "delete remove destroy purge clear reset kill terminate truncate wipe revoke uninstall erase " +
      "exec execute eval evaluate pay transfer withdraw unlink rm rmdir shred discard cancel abort " +
      "shutdown reboot restart deactivate suspend ban evict detach rollback revert buy sell spend " +
      "drain overwrite grant",
  ],
  ["destructive", true, "drop run shell refund charge stop purchase trade format force wire"],
];

/** Every known verb in its base form. */
export const VERBS: ReadonlyMap<string, Verb> = new Map(
  ROWS.flatMap(([effect, isNoun, words]) =>
    words.split(" ").map((word): [string, Verb] => [word, { effect, isNoun }]),
  ),
);
