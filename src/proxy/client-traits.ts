// What a client says that it can do: whether a person can be asked through it.
import type { Span } from "../kernel/message.ts";
import { membersOf, readString, valueAt } from "./json-members.ts";

const META_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities";

/** Of the last `initialize` that passed. */
export class ClientTraits {
  #hasForms = false;
  #revision: string | undefined;

  /** The client declared forms; without an `initialize` it did not. */
  get hasForms(): boolean {
    return this.#hasForms;
  }

  /** The protocol revision that the server has chosen; `undefined` before it did. */
  get revision(): string | undefined {
    return this.#revision;
  }

  /** Takes the `params` of an `initialize`. */
  sawInitialize(line: Uint8Array, params: Span | undefined): void {
    this.#hasForms = offersForms(line, valueAt(line, params, "capabilities", "elicitation"));
    this.#revision = undefined;
  }

  /** Takes the result of an `initialize`. */
  sawRevision(line: Uint8Array, result: Span | undefined): void {
    this.#revision = readString(line, valueAt(line, result, "protocolVersion"));
  }
}

/** True when the `_meta` of a modern request declares that a person can be asked by form. */
export function declaresForms(line: Uint8Array, meta: Span | undefined): boolean {
  return offersForms(line, valueAt(line, meta, META_CAPABILITIES, "elicitation"));
}

/** `{}` means forms; with members, `form` must be among them: a client may have URLs alone. */
function offersForms(line: Uint8Array, elicitation: Span | undefined): boolean {
  const members = elicitation === undefined ? undefined : membersOf(line, elicitation);
  if (members === undefined) return false;
  return members.length === 0 || members.some(({ name }) => name === "form");
}
