// The layers of a decision but for rules, lease and consent (30-kernel section 3). Each adds its
// contributors; the order in which they count is the table's in contributors.ts.
import {
  ARGUMENTS_HOLD,
  AUDIT_AVAILABLE,
  AUDIT_BEST_EFFORT,
  CATALOG_TRUSTED,
  CONTRIBUTOR_CUSTOM,
  CONTRIBUTOR_OPERATOR,
  CUSTOM_ASKS,
  CUSTOM_DRY_RUN,
  CUSTOM_NOTHING,
  FEATURE_ALLOWED,
  IDENTITY_KNOWN,
  INPUT_FLAG_CAP,
  INPUT_FLAG_SCOPE,
  INPUT_FLAG_STICKY_DRIFT,
  INPUT_OFFSET_ARGUMENTS,
  INPUT_OFFSET_AUDIT,
  INPUT_OFFSET_CAP,
  INPUT_OFFSET_CATALOG,
  INPUT_OFFSET_CUSTOM,
  INPUT_OFFSET_FEATURE,
  INPUT_OFFSET_IDENTITY,
  INPUT_OFFSET_ITEM_STATE,
  INPUT_OFFSET_LIVE,
  INPUT_OFFSET_MESSAGE,
  INPUT_OFFSET_SCHEMA,
  INPUT_OFFSET_SCOPE,
  INPUT_OFFSET_SERVER_STATE,
  INPUT_OFFSET_VETTING,
  MESSAGE_READ,
  SCHEMA_HOLDS,
  VETTING_HIGH,
} from "../src/abi/frame";
import {
  DETAIL_OFFSET_DIGEST_COUNT,
  DETAIL_OFFSET_DIGEST_FIRST,
  DETAIL_OFFSET_STOPS_TAINT,
  DIGEST_SIZE,
  ITEM_ADMITTED,
  ITEM_DRIFTED,
  ITEM_FLAG_REQUIRES_CONSENT,
  ITEM_FLAG_TAINT_DENIES,
  ITEM_OFFSET_FLAGS,
  ITEM_OFFSET_SCOPE,
  PRINCIPAL_FLAG_CAP,
  PRINCIPAL_FLAG_DECLARED,
  PRINCIPAL_FLAG_SERVERS,
  PRINCIPAL_OFFSET_CAP,
  PRINCIPAL_OFFSET_FLAGS,
  PRINCIPAL_OFFSET_SERVERS_FIRST,
  SERVER_ADMITTED,
  SERVER_FLAG_OPERATOR_VERIFIED,
  SERVER_INSTRUCTIONS_DRIFTED,
  SERVER_OFFSET_FLAGS,
} from "../src/abi/layout";
import {
  VERDICT_ARGUMENT_DENIED,
  VERDICT_AUDIT_UNAVAILABLE,
  VERDICT_CATALOG_EXPIRED,
  VERDICT_CATALOG_UNTRUSTED,
  VERDICT_CONSENT_REQUIRED,
  VERDICT_FEATURE_DENIED,
  VERDICT_FINGERPRINT_DRIFT,
  VERDICT_IDENTITY_UNKNOWN,
  VERDICT_MALFORMED_MESSAGE,
  VERDICT_SCOPE_ESCALATION,
  VERDICT_SERVER_NOT_ADMITTED,
  VERDICT_TAINT_DENIED,
  VERDICT_TAINT_REVIEW,
  VERDICT_TOOL_SMUGGLE,
  VERDICT_UNKNOWN_SERVER,
  VERDICT_VETTING_BLOCKED,
  VERDICT_VETTING_REVIEW,
} from "../src/abi/verdict";
import {
  hasFlag,
  isSameDigest,
  isStateChanging,
  item,
  itemAt,
  now,
  principalRow,
  server,
  taint,
} from "./call";
import { ask, deny, tryOnly } from "./contributors";
import { detailRecord, digestsAt, expiresMs } from "./image";
import { inputFrame } from "./memory";
import { declaresPrincipals, isListed, principalRecord } from "./policy-tables";
import { serverRecord } from "./table";

/** What the host attests, one byte: its number for "fine", or the layer refuses. */
function attested(offset: usize): i32 {
  return i32(load<u8>(inputFrame + offset));
}

/** Catalog, message, feature, server, item. */
export function judgeTarget(): void {
  if (attested(INPUT_OFFSET_CATALOG) != CATALOG_TRUSTED) deny(VERDICT_CATALOG_UNTRUSTED);
  if (now == 0 || now >= expiresMs) deny(VERDICT_CATALOG_EXPIRED);
  if (attested(INPUT_OFFSET_MESSAGE) != MESSAGE_READ) deny(VERDICT_MALFORMED_MESSAGE);
  if (attested(INPUT_OFFSET_FEATURE) != FEATURE_ALLOWED) deny(VERDICT_FEATURE_DENIED);
  if (server < 0) deny(VERDICT_UNKNOWN_SERVER);
  else if (item < 0) deny(VERDICT_TOOL_SMUGGLE);
}

/** The digest at `live` is one of the item's pins. */
function isPinned(live: usize): bool {
  const detail = detailRecord(u32(item));
  const first = load<u32>(detail, DETAIL_OFFSET_DIGEST_FIRST);
  const end = first + load<u32>(detail, DETAIL_OFFSET_DIGEST_COUNT);
  for (let index = first; index < end; index++) {
    if (isSameDigest(digestsAt + usize(index) * DIGEST_SIZE, live)) return true;
  }
  return false;
}

/**
 * The live definition against the pins, and what the host has seen of item and server
 * (20-fingerprint section 3). Drift is known even while the server is listed again, so it comes
 * first.
 */
export function judgeAdmission(): void {
  const live = inputFrame + INPUT_OFFSET_LIVE;
  const isSeen = v128.any_true(v128.or(v128.load(live), v128.load(live, 16)));
  const itemState = attested(INPUT_OFFSET_ITEM_STATE);
  const serverState = attested(INPUT_OFFSET_SERVER_STATE);
  const hasDrifted =
    itemState == ITEM_DRIFTED ||
    hasFlag(INPUT_FLAG_STICKY_DRIFT) ||
    serverState == SERVER_INSTRUCTIONS_DRIFTED ||
    (isSeen && !isPinned(live));
  const isAdmitted = isSeen && itemState == ITEM_ADMITTED && serverState == SERVER_ADMITTED;
  if (hasDrifted) deny(VERDICT_FINGERPRINT_DRIFT);
  else if (!isAdmitted) deny(VERDICT_SERVER_NOT_ADMITTED);
}

/** The principal is known to the host, and to the catalog where it says who may call. */
export function judgeIdentity(): void {
  if (attested(INPUT_OFFSET_IDENTITY) != IDENTITY_KNOWN || !isDeclared()) {
    deny(VERDICT_IDENTITY_UNKNOWN);
  }
}

function isDeclared(): bool {
  if (!declaresPrincipals) return true;
  if (principalRow == 0) return false;
  const row = principalRecord(principalRow - 1);
  const flags = load<u32>(row, PRINCIPAL_OFFSET_FLAGS);
  if ((flags & PRINCIPAL_FLAG_DECLARED) == 0) return false;
  if ((flags & PRINCIPAL_FLAG_SERVERS) == 0) return true;
  return isListed(row + PRINCIPAL_OFFSET_SERVERS_FIRST, server);
}

/** True when the 128 bits at `a` are all among those at `b`. */
function isSubset(a: usize, b: usize): bool {
  return !v128.any_true(v128.andnot(v128.load(a), v128.load(b)));
}

/** R within T, and T within the caps of the session and of the principal. */
export function judgeScope(): void {
  const granted = itemAt + ITEM_OFFSET_SCOPE;
  const isRequestFine =
    !hasFlag(INPUT_FLAG_SCOPE) || isSubset(inputFrame + INPUT_OFFSET_SCOPE, granted);
  const isSessionFine =
    !hasFlag(INPUT_FLAG_CAP) || isSubset(granted, inputFrame + INPUT_OFFSET_CAP);
  if (!isRequestFine || !isSessionFine || !isWithinPrincipal(granted)) {
    deny(VERDICT_SCOPE_ESCALATION);
  }
}

function isWithinPrincipal(granted: usize): bool {
  if (principalRow == 0) return true;
  const row = principalRecord(principalRow - 1);
  if ((load<u32>(row, PRINCIPAL_OFFSET_FLAGS) & PRINCIPAL_FLAG_CAP) == 0) return true;
  return isSubset(granted, row + PRINCIPAL_OFFSET_CAP);
}

/** Vetting, arguments, the operator's word for the server, and the host's own rules. */
export function judgeAttested(): void {
  const level = attested(INPUT_OFFSET_VETTING);
  if (level > VETTING_HIGH) deny(VERDICT_VETTING_BLOCKED);
  if (level == VETTING_HIGH) ask(VERDICT_VETTING_REVIEW);
  const isSchemaFine = attested(INPUT_OFFSET_SCHEMA) == SCHEMA_HOLDS;
  if (attested(INPUT_OFFSET_ARGUMENTS) != ARGUMENTS_HOLD || !isSchemaFine) {
    deny(VERDICT_ARGUMENT_DENIED);
  }
  const custom = attested(INPUT_OFFSET_CUSTOM);
  if (custom == CUSTOM_ASKS) ask(CONTRIBUTOR_CUSTOM);
  else if (custom == CUSTOM_DRY_RUN) tryOnly(CONTRIBUTOR_CUSTOM);
  else if (custom != CUSTOM_NOTHING) deny(CONTRIBUTOR_CUSTOM);
  if (server < 0) return;
  const flags = load<u32>(serverRecord(u32(server)), SERVER_OFFSET_FLAGS);
  if ((flags & SERVER_FLAG_OPERATOR_VERIFIED) == 0) ask(CONTRIBUTOR_OPERATOR);
}

/** The session carries all labels that stop the item; and the item that always asks. */
export function judgeTaint(): void {
  const flags = u32(load<u16>(itemAt, ITEM_OFFSET_FLAGS));
  const stops = load<u32>(detailRecord(u32(item)), DETAIL_OFFSET_STOPS_TAINT);
  if (stops != 0 && (taint & stops) == stops) {
    if ((flags & ITEM_FLAG_TAINT_DENIES) != 0) deny(VERDICT_TAINT_DENIED);
    else ask(VERDICT_TAINT_REVIEW);
  }
  if ((flags & ITEM_FLAG_REQUIRES_CONSENT) != 0) ask(VERDICT_CONSENT_REQUIRED);
}

/** Nothing passes without a record, but for reads where the host's configuration says so. */
export function judgeAudit(): void {
  const audit = attested(INPUT_OFFSET_AUDIT);
  const isFine = audit == AUDIT_AVAILABLE || (audit == AUDIT_BEST_EFFORT && !isStateChanging);
  if (!isFine) deny(VERDICT_AUDIT_UNAVAILABLE);
}
