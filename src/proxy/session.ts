// The stdio guard without its process: lines in, lines out, records (50-proxy sections 2 to 4).
//
// Nothing is written upstream before the decision is exactly `allow`, and what was judged is what
// is forwarded: the same bytes.
import { METHOD_OTHER, METHOD_TOOLS_CALL, READ_FLAG_LENIENT } from "../abi/layout.ts";
import {
  VERDICT_ALLOWED,
  VERDICT_CATALOG_EXPIRED,
  VERDICT_FEATURE_DENIED,
  VERDICT_FINGERPRINT_DRIFT,
  VERDICT_IDENTITY_UNKNOWN,
  VERDICT_INTERNAL_FAULT,
  VERDICT_MALFORMED_MESSAGE,
  VERDICT_UNKNOWN_SERVER,
} from "../abi/verdict.ts";
import { LIMIT_MESSAGE_STDIO_BYTES } from "../abi/limits.ts";
import { concatBytes, utf8 } from "../bytes.ts";
import type { TrustedCatalog } from "../catalog/trusted.ts";
import type { CatalogServer, ItemKind } from "../catalog/types.ts";
import { type Clock, monotonicMs, randomUuid, systemClock } from "../clock.ts";
import type { BoundServer } from "../guard/bound-server.ts";
import { ScopeGuard } from "../guard/scope-guard.ts";
import {
  bothCaps,
  matchPrincipal,
  PRINCIPAL_DEFAULT,
  UnenforcedLayers,
} from "../guard/unenforced-layers.ts";
import type { MalformedMessage, MessageShape } from "../kernel/message.ts";
import { type Decision, toDecision } from "../verdict.ts";
import { Admission, type Timer } from "./admission.ts";
import {
  idOfKey,
  INTERNAL_ERROR_CODE,
  PARSE_ERROR_CODE,
  plainError,
  refusalError,
  refusalResult,
} from "./answers.ts";
import { GUARD_ID_PREFIX, metaOf } from "./complete-listing.ts";
import type { FramedLine } from "./framing.ts";
import { memberNamed, membersOf, readString, valueAt, wholeValue } from "./json-members.ts";
import { LIMIT_HELD_BYTES, LIMIT_PENDING } from "./limits.ts";
import { AllowedMethods, LISTING_OF_METHOD, METHODS } from "./methods.ts";
import type { GuardRecord, RecordSink } from "./records.ts";
import { ServerSide } from "./server-side.ts";
