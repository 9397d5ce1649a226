// What the `consent` commands say about approvals and pending questions.
import type { Consent, Question } from "../store/records.ts";
import { principalText } from "./lease.ts";
import { shortId, timeText } from "./state-db.ts";
import { type Style, visible } from "./style.ts";

/** An approval in `--json`. */
export function consentJson(consent: Consent, nowMs: number): Readonly<Record<string, unknown>> {
  const { id, serverId, kind, itemName, channel, singleUse, argsDigest } = consent;
  return {
    id,
    status: nowMs >= consent.expiresAtMs ? "expired" : "active",
    ...{ server: serverId, kind, name: itemName, fingerprint: consent.itemFingerprint },
    ...{ principalHash: consent.principalHash, session: consent.sessionHash },
    ...{ argsDigest, singleUse, channel, textHash: consent.textHash },
    created: timeText(consent.createdAtMs),
    expires: timeText(consent.expiresAtMs),
  };
}

/** A row of the table of approvals. */
export function consentRow(consent: Consent, nowMs: number, style: Style): readonly string[] {
  const { id, serverId, itemName, expiresAtMs, singleUse, argsDigest, channel } = consent;
  const isExpired = nowMs >= expiresAtMs;
  return [
    shortId(id),
    isExpired ? style.dim("expired") : style.green("active"),
    principalText(consent.principalHash),
    `${serverId}: ${visible(itemName)}`,
    singleUse ? "once" : "session",
    argsDigest === null ? "any arguments" : "these arguments only",
    `by ${channel}`,
    timeText(expiresAtMs),
  ];
}

/** A pending question in `--json`: everything that a person is to see. */
export function questionJson(question: Question): Readonly<Record<string, unknown>> {
  const { id, serverId, kind, itemName, channels, text } = question;
  return {
    id,
    ...{ server: serverId, kind, name: itemName, channels, text },
    ...{ principalHash: question.principalHash, session: question.sessionHash },
    created: timeText(question.createdAtMs),
    expires: timeText(question.expiresAtMs),
  };
}

/** A row of the table of pending questions. */
export function questionRow(question: Question, style: Style): readonly string[] {
  const { id, serverId, itemName, channels, expiresAtMs } = question;
  return [
    id,
    style.yellow("waits"),
    principalText(question.principalHash),
    `${serverId}: ${visible(itemName)}`,
    `by ${channels.join(" or ")}`,
    `until ${timeText(expiresAtMs)}`,
  ];
}
