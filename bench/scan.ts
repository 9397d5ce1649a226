// P8: scanning text for vetting, its copy into the kernel included, against a loop of regular
// expressions that look for the same phrases, one expression a group.

import { FIELD_PROSE } from "../esm/abi/patterns.js";
import { compilePatterns } from "../esm/vetting/compile.js";
import { PHRASES } from "../esm/vetting/phrases.js";
import { scanFields, type TextField } from "../esm/vetting/scanner.js";
import type { Finding } from "./finding.js";
import { type Contender, makeRandom, measureRounds, medians, ratioOf } from "./measure.js";

/** UTF-8 bytes of one batch. */
export const TEXT_SIZE_BYTES = 65_536;
const WARM_UP_COUNT = 300;
/** Texts of one round where nothing is scanned in between. */
const SPEED_BATCHES = 16;

/** Honest descriptions, as they are met all day. */
const SENTENCES: readonly string[] = [
  "Returns the list of issues of a repository, newest first, with labels and milestones.",
  "Reads the complete contents of a text file; `head` and `tail` limit the number of lines.",
  "Creates a calendar event. Start and end are given in the time zone of the calendar.",
  "Use this tool when the user asks for the weather in a city; returns a forecast for five days.",
  "Resizes an image to the given width and height and keeps its proportions.",
  "The id of the project, for example 4711. Required when the name is not unique.",
  "Updates the status of a ticket. Fields that are not given stay as they are.",
  "Searches documents by their title and text, and returns at most 50 results a page.",
  "Runs a query against the database in a transaction that is rolled back.",
  "Converts markdown to HTML. Tables, footnotes and task lists are supported.",
  "An optional filter: `open`, `closed` or `all`. The default is `open`.",
  "Moves a file within the allowed directories; fails if the destination exists.",
];

/** Honest text; another seed gives another one. */
export function makeText(seed: number): string {
  const random = makeRandom(seed);
  const parts: string[] = [];
  for (let size = 0; size < TEXT_SIZE_BYTES; ) {
    const sentence = SENTENCES[random(SENTENCES.length)] ?? "";
    parts.push(sentence, " ");
    size += sentence.length + 1;
  }
  return parts.join("").slice(0, TEXT_SIZE_BYTES);
}

/** Every group of phrases as one regular expression, as such scanners have them. */
function expressionsOf(): readonly RegExp[] {
  const source = (phrase: string): string => {
    const bare = phrase.replace(/^\*|\*$/g, "").replaceAll("¦", "|");
    const words = bare.trim().split(/\s+/);
    const text = words.map((word) => word.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")).join("[\\s_-]*");
    return `${phrase.startsWith("*") ? "" : "\\b"}${text}${phrase.endsWith("*") ? "" : "\\b"}`;
  };
  return Object.values(PHRASES).map((group) => {
    const phrases = group.split("|").map((phrase) => source(phrase.trim()));
    return new RegExp(phrases.join("|"), "gi");
  });
}

function fieldOf(text: string): readonly TextField[] {
  return [{ path: "", kind: FIELD_PROSE, text }];
}

/** P8: one text of 64 KiB with all patterns. */
export async function measureScan(): Promise<Finding[]> {
  const expressions = expressionsOf();
  const { stateCount } = compilePatterns();
  const contenders: Contender<string>[] = [
    {
      name: "portcullis",
      prepare: makeText,
      run: (text) => {
        scanFields(fieldOf(text));
        return 0;
      },
    },
    {
      name: "regular expressions",
      prepare: makeText,
      run: (text) => {
        let count = 0;
        for (const expression of expressions) {
          for (const _ of text.matchAll(expression)) count += 1;
        }
        // WHY: the loop only finds phrases; what they come to together is not even asked
        return count < 0 ? 1 : 0;
      },
    },
  ];
  const [own] = contenders;
  if (own === undefined) return [];
  const options = { operationCount: 1, batchCount: 1, warmUpCount: WARM_UP_COUNT };
  // WHY: the loop is too slow to warm up as often as the kernel needs; and a text that is scanned behind
  // 15 ms of it finds the processor's caches full of other things
  const alone = medians(measureRounds([own], { ...options, batchCount: SPEED_BATCHES }));
  const rounds = measureRounds(contenders, { ...options, warmUpCount: 1 });
  const values = medians(rounds);
  const aloneUs = (alone["portcullis"] ?? Number.NaN) / 1000;
  return [
    {
      key: "P8/regexp",
      what: `scan 64 KiB, ${stateCount} states, against ${expressions.length} expressions`,
      unit: "us",
      values: Object.fromEntries(Object.entries(values).map(([name, ns]) => [name, ns / 1000])),
      scores: [ratioOf(rounds, "regular expressions", "portcullis")],
      scoreUnit: "x",
    },
    {
      key: "P8/speed",
      what: "scan speed in MB/s, one text after the other, copy included",
      unit: "us",
      values: { portcullis: aloneUs },
      scores: [TEXT_SIZE_BYTES / aloneUs],
      scoreUnit: "MB/s",
    },
  ];
}
