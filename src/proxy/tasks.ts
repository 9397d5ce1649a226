// Tasks: an id is good for its own session, and only when an allowed call has made it.
import { utf8 } from "../bytes.ts";
import type { Span } from "../kernel/message.ts";
import { readString, soleMember, valueAt } from "./json-members.ts";
import { LIMIT_TASK_ID_BYTES, LIMIT_TASKS } from "./limits.ts";

/** Requests of the client that name a task. */
const TASK_METHODS: ReadonlySet<string> = new Set([
  "tasks/get",
  "tasks/result",
  "tasks/cancel",
  "tasks/update",
]);

/** Why a task of nobody, or of somebody else, is refused. */
export const OTHER_TASK = "a task that no call of this session made";

/** The call that has made a task. */
export interface TaskMaker {
  readonly tool: string;
  /** `SessionState.epoch` when the call was decided. */
  readonly epoch: number;
}

/** Task ids that the answers to this session's calls have brought. */
export class SessionTasks {
  readonly #makers = new Map<string, TaskMaker>();

  /**
   * Notes the task that a result makes: `result.task.taskId` in the legacy era, `result.taskId`
   * with `resultType: "task"` in the modern one. Beyond the limit the oldest is forgotten; an id
   * that is too long is never noted.
   *
   * A task stays that of the call that brought it first: a later answer cannot take it over.
   */
  sawResult(line: Uint8Array, result: Span, maker: TaskMaker = { tool: "", epoch: 0 }): void {
    const isModernTask = readString(line, valueAt(line, result, "resultType")) === "task";
    const path = isModernTask ? ["taskId"] : ["task", "taskId"];
    const id = readString(line, valueAt(line, result, ...path));
    if (id === undefined || this.#makers.has(id) || utf8(id).length > LIMIT_TASK_ID_BYTES) return;
    this.#makers.set(id, maker);
    const [oldest] = this.#makers.keys();
    if (this.#makers.size > LIMIT_TASKS && oldest !== undefined) this.#makers.delete(oldest);
  }

  /** True when the request names no task, or one of this session. */
  allows(method: string, line: Uint8Array, params: Span | undefined): boolean {
    return !TASK_METHODS.has(method) || this.makerOf(line, params) !== undefined;
  }

  /** Which call of this session has made the task that a message names. */
  makerOf(line: Uint8Array, params: Span | undefined): TaskMaker | undefined {
    const span = params === undefined ? undefined : soleMember(line, params, "taskId");
    if (span === undefined || span === "none") return undefined;
    const id = readString(line, span);
    return id === undefined ? undefined : this.makerOfId(id);
  }

  /** Which call of this session has made the task of that id. */
  makerOfId(id: string): TaskMaker | undefined {
    return this.#makers.get(id);
  }
}

/** True for a request that hands out what a task has come to, or goes on with it. */
export function usesTask(method: string): boolean {
  // WHY: to end a task that is no longer wanted is never refused
  return TASK_METHODS.has(method) && method !== "tasks/cancel";
}
