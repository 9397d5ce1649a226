// The Durable Object that is a store: SQLite tables behind one POST an operation.
import { utf8Text } from "../bytes.ts";
import { GuardError } from "../errors.ts";
import { type DurableObjectContext, DurableTables } from "./durable-tables.ts";
import { answerText, LIMIT_WIRE_BYTES, type WireOperation } from "./durable-wire.ts";
import { sqliteConsents, sqliteLeases } from "./sqlite-grants.ts";
import { sqliteHost } from "./sqlite-host.ts";
import { sqliteQuestions } from "./sqlite-questions.ts";
import { sqliteSessions } from "./sqlite-sessions.ts";
import type { StateOperations } from "./types.ts";

type Operations = Pick<StateOperations, WireOperation>;

/**
 * Export it from a Worker under its own name, with `new_sqlite_classes` in the migrations. One object
 * is one store; give no route to it to anybody but the guards.
 *
 * @example export { PortcullisStore } from "portcullis/store/durable-object";
 */
export class PortcullisStore {
  readonly #context: DurableObjectContext;
  #operations: ReadonlyMap<string, (...args: readonly never[]) => unknown> | undefined;

  constructor(context: DurableObjectContext) {
    this.#context = context;
  }

  /** Answers one operation: `[name, ...arguments]`. */
  async fetch(request: Request): Promise<Response> {
    if (request.method !== "POST") return new Response(null, { status: 405 });
    const bytes = new Uint8Array(await request.arrayBuffer());
    // INVARIANT: nothing is awaited from here on, so no other operation runs in between
    const answer = answerText(() => this.#perform(bytes));
    return new Response(answer, { headers: { "content-type": "application/json" } });
  }

  #perform(bytes: Uint8Array): unknown {
    const [name, ...args] = questionOf(bytes);
    this.#operations ??= operationsOf(this.#context);
    const operation = typeof name === "string" ? this.#operations.get(name) : undefined;
    if (operation === undefined) throw malformed();
    return Reflect.apply(operation, undefined, args);
  }
}

function operationsOf(
  context: DurableObjectContext,
): ReadonlyMap<string, (...args: readonly never[]) => unknown> {
  const tables = new DurableTables(context);
  const operations: Operations = {
    ...sqliteLeases(tables, true),
    ...sqliteConsents(tables),
    ...sqliteQuestions(tables),
    ...sqliteSessions(tables),
    ...sqliteHost(tables),
  };
  return new Map(Object.entries(operations));
}

function questionOf(bytes: Uint8Array): readonly unknown[] {
  const text = bytes.length > LIMIT_WIRE_BYTES ? undefined : utf8Text(bytes);
  try {
    const question: unknown = JSON.parse(text ?? "");
    if (Array.isArray(question)) return question;
  } catch {
    // no JSON
  }
  throw malformed();
}

function malformed(): GuardError {
  return new GuardError("ARGUMENT_INVALID", "expected an operation of a store, got something else");
}
