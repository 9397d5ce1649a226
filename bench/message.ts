// P3: raw `tools/call` bytes -> decision, against `JSON.parse` and a Map.
import { ScopeGuard } from "portcullis";
import { VERDICT_SCOPE_ESCALATION, VERDICT_TOOL_SMUGGLE } from "../esm/abi/verdict.js";
import { admitAll, makeCatalog, NOW_MS, openCatalog } from "./catalogs.js";
import type { Finding } from "./finding.js";
import { makeRandom, measureRounds, medians, ratioOf } from "./measure.js";

const TOOL_COUNT = 200;
const MESSAGE_COUNT_MAX = 512;
/** Bytes of one batch, at most, unless a single message has more. */
const BATCH_SIZE_MAX = 4_194_304;
const BATCHES = 16;
const WARM_UP_COUNT = 200;
const SENTENCE = 'The second "draft" of the report:\n- revenue grew by 12 %\n- costs did not. ';

/** Bytes below which there is no room for arguments. */
const BARE_SIZE_MAX = 200;

/** A `tools/call` of about `size` bytes: several arguments, of which one text is long. */
function messageText(tool: string, id: number, size: number): string {
  if (size < BARE_SIZE_MAX) {
    return JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params: { name: tool } });
  }
  const build = (content: string): string =>
    JSON.stringify({
      jsonrpc: "2.0",
      id,
      method: "tools/call",
      params: {
        name: tool,
        arguments: { path: `/workspace/notes/${id}.md`, mode: 384, dryRun: false, content },
        _meta: { progressToken: id },
      },
    });
  const missing = size - build("").length;
  // what is escaped counts twice: cut by characters, then trim to the size
  const escaped = JSON.stringify(SENTENCE).length - 2;
  let content = SENTENCE.repeat(Math.ceil(Math.max(missing, 0) / escaped));
  while (content.length > 0 && build(content).length > size) content = content.slice(0, -1);
  return build(content);
}

interface Params {
  readonly name: string;
}

interface Message {
  readonly method: string;
  readonly params: Params;
}

/** Measures messages of about `size` bytes to a server of 200 tools. */
export async function measureMessage(size: number): Promise<Finding[]> {
  const catalog = makeCatalog(TOOL_COUNT, TOOL_COUNT);
  const trusted = await openCatalog(catalog);
  const options = { clock: () => NOW_MS, messageSizeMax: size + 4_096 };
  const guard = ScopeGuard.fromCatalog(trusted, options);
  admitAll(guard, trusted, catalog);
  const id = catalog.tools[0]?.server ?? "";
  const server = guard.server(id);
  const granted = new Map(catalog.tools.map(({ tool }) => [tool, 1]));
  const checkParsed = (bytes: Buffer): number => {
    const message: Message = JSON.parse(bytes.toString("utf8"));
    if (message.method !== "tools/call") return VERDICT_SCOPE_ESCALATION;
    return granted.get(message.params.name) ?? VERDICT_TOOL_SMUGGLE;
  };
  const count = Math.min(MESSAGE_COUNT_MAX, Math.max(1, Math.floor(BATCH_SIZE_MAX / size)));
  // long messages take long, and are compiled for as soon as short ones
  const part = count / MESSAGE_COUNT_MAX;
  const some = catalog.tools.filter((_, index) => index < count || index % 20 === 0);
  const names = [...some.map(({ tool }) => tool), "not_pinned", "read_text_file_"];
  for (const [index, name] of names.entries()) {
    const bytes = Buffer.from(messageText(name, index, size));
    const expected = granted.get(name) ?? VERDICT_TOOL_SMUGGLE;
    const answers = [server.checkMessage(bytes).code, checkParsed(bytes)];
    if (answers.some((answer) => answer !== expected)) {
      throw new Error(`expected ${expected} for ${name}, got ${answers.join()}`);
    }
  }
  const random = makeRandom(size);
  const messages = Array.from({ length: count }, (_, index) => {
    const tool = catalog.tools[random(TOOL_COUNT)]?.tool ?? "";
    return Buffer.from(messageText(tool, index, size));
  });
  const prepare = (): readonly Buffer[] => messages;
  const guarded = (list: readonly Buffer[]): number => {
    let sum = 0;
    for (const bytes of list) sum += server.checkMessage(bytes).code;
    return sum;
  };
  const parsed = (list: readonly Buffer[]): number => {
    let sum = 0;
    for (const bytes of list) sum += checkParsed(bytes);
    return sum;
  };
  const rounds = measureRounds(
    [
      { name: "portcullis", prepare, run: guarded },
      { name: "JSON.parse + Map", prepare, run: parsed },
    ],
    {
      operationCount: count,
      batchCount: Math.ceil(BATCHES * part),
      warmUpCount: Math.ceil(WARM_UP_COUNT * Math.max(part, 0.05)),
    },
  );
  return [
    {
      key: `P3/${size}`,
      what: `message of ${size} B to decision`,
      unit: "ns",
      values: medians(rounds),
      scores: [ratioOf(rounds, "JSON.parse + Map", "portcullis")],
      scoreUnit: "x",
    },
  ];
}
