// Leases, consents and pending questions in Redis.
import { compareLeases, compareNewest, compareOldest, purgeBeforeMs } from "./order.ts";
import type { RedisCaller } from "./redis-caller.ts";
import {
  answerOf,
  consentGroup,
  consentOf,
  consentRow,
  leaseGroup,
  leaseOf,
  leaseRow,
  leftText,
  listOf,
  mapOf,
  questionOf,
  questionRow,
  textOf,
} from "./redis-rows.ts";
import * as scripts from "./redis-scripts.ts";
import {
  assertArgument,
  CONSENT,
  GIVEN_ANSWER,
  isCount,
  isTimeMs,
  LEASE,
  QUESTION,
  readRecord,
} from "./shapes.ts";
import type { AsyncStateStore } from "./types.ts";

type Leases = Pick<
  AsyncStateStore,
  "putLease" | "getLease" | "findLeases" | "listLeases" | "consumeLease" | "revokeLease"
>;
type Consents = Pick<
  AsyncStateStore,
  "putConsent" | "findConsents" | "listConsents" | "consumeConsent" | "revokeConsent"
>;
type Questions = Pick<
  AsyncStateStore,
  "putQuestion" | "listQuestions" | "answerQuestion" | "getAnswer" | "removeQuestion"
>;

export function redisLeases(redis: RedisCaller): Leases {
  return {
    putLease: async (given) => {
      const lease = readRecord(LEASE, given, "ARGUMENT_INVALID");
      const { id, principalHash, serverId, createdAtMs, expiresAtMs, remaining, revoked } = lease;
      return redis.isDone(
        scripts.PUT_LEASE,
        ...[id, leaseGroup(principalHash, serverId), leaseRow(lease)],
        ...[String(expiresAtMs), String(purgeBeforeMs(createdAtMs)), leftText(remaining, revoked)],
      );
    },
    getLease: async (id) => {
      const [row, left] = listOf(await redis.run(scripts.GET_LEASE, id));
      return row === null ? undefined : leaseOf(id, row, left);
    },
    findLeases: async (principalHash, serverId) => {
      const flat = listOf(
        await redis.run(scripts.FIND_LEASES, leaseGroup(principalHash, serverId)),
      );
      return inThrees(flat)
        .map(([id, row, left]) => leaseOf(textOf(id), row, left))
        .filter(({ revoked }) => !revoked)
        .sort(compareLeases);
    },
    listLeases: async () => {
      const [rows, lefts] = listOf(await redis.run(scripts.LIST_LEASES));
      const left = mapOf(lefts);
      return [...mapOf(rows)]
        .map(([id, row]) => leaseOf(id, row, left.get(id)))
        .sort(compareLeases);
    },
    consumeLease: async (id, remainingExpected) => {
      if (remainingExpected !== null && !isCount(remainingExpected)) return false;
      return redis.isDone(scripts.CONSUME_LEASE, id, leftText(remainingExpected));
    },
    revokeLease: async (id) => redis.isDone(scripts.REVOKE_LEASE, id),
  };
}

export function redisConsents(redis: RedisCaller): Consents {
  return {
    putConsent: async (given) => {
      const consent = readRecord(CONSENT, given, "ARGUMENT_INVALID");
      const { id, principalHash, serverId, itemFingerprint } = consent;
      return redis.isDone(
        scripts.PUT_CONSENT,
        ...[id, consentGroup(principalHash, serverId, itemFingerprint), consentRow(consent)],
        ...[String(consent.expiresAtMs), String(purgeBeforeMs(consent.createdAtMs))],
      );
    },
    findConsents: async (principalHash, serverId, itemFingerprint) => {
      const group = consentGroup(principalHash, serverId, itemFingerprint);
      const found = mapOf(await redis.run(scripts.FIND_CONSENTS, group));
      return [...found].map(([id, row]) => consentOf(id, row)).sort(compareNewest);
    },
    listConsents: async () => {
      const found = mapOf(await redis.run(scripts.LIST_CONSENTS));
      return [...found].map(([id, row]) => consentOf(id, row)).sort(compareNewest);
    },
    consumeConsent: async (id) => redis.isDone(scripts.CONSUME_CONSENT, id),
    revokeConsent: async (id) => redis.isDone(scripts.REVOKE_CONSENT, id),
  };
}

export function redisQuestions(redis: RedisCaller): Questions {
  return {
    putQuestion: async (given) => {
      const question = readRecord(QUESTION, given, "ARGUMENT_INVALID");
      const { id, createdAtMs, expiresAtMs } = question;
      return redis.isDone(
        scripts.PUT_QUESTION,
        ...[id, questionRow(question), String(expiresAtMs)],
        ...[String(purgeBeforeMs(createdAtMs)), String(createdAtMs)],
      );
    },
    listQuestions: async (nowMs) => {
      assertArgument("a time in ms", isTimeMs, nowMs);
      const found = mapOf(await redis.run(scripts.LIST_QUESTIONS, String(nowMs)));
      return [...found].map(([id, row]) => questionOf(id, row)).sort(compareOldest);
    },
    answerQuestion: async (id, answer, channel, nowMs) => {
      const given = { answer, channel, answeredAtMs: nowMs };
      const kept = readRecord(GIVEN_ANSWER, given, "ARGUMENT_INVALID");
      const time = String(kept.answeredAtMs);
      const text = JSON.stringify(kept);
      return redis.isDone(scripts.ANSWER_QUESTION, id, kept.channel, time, text);
    },
    getAnswer: async (id) => {
      const text = await redis.run(scripts.GET_ANSWER, id);
      return text === null ? undefined : answerOf(textOf(text));
    },
    removeQuestion: async (id) => redis.isDone(scripts.REMOVE_QUESTION, id),
  };
}

function inThrees(flat: readonly unknown[]): readonly (readonly unknown[])[] {
  const found: (readonly unknown[])[] = [];
  for (let at = 0; at < flat.length; at += 3) found.push(flat.slice(at, at + 3));
  return found;
}
