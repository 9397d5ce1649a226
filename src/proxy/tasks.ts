// Tasks: an id is good for its own session, and only when an allowed call has made it.
import type { Span } from "../kernel/message.ts";
import { readString, soleMember, valueAt } from "./json-members.ts";
import { LIMIT_TASKS } from "./limits.ts";

/** Requests of the client that name a task. */
const TASK_METHODS: ReadonlySet<string> = new Set([
  "tasks/get",
  "tasks/result",
  "tasks/cancel",
  "tasks/update",
]);

/** Task ids that the answers to this session's calls have brought. */
export class SessionTasks {
  readonly #ids = new Set<string>();

  /**
   * Notes the task that a result makes: `result.task.taskId` in the legacy era, `result.taskId`
   * with `resultType: "task"` in the modern one. Beyond the limit the oldest is forgotten.
   */
  sawResult(line: Uint8Array, result: Span): void {
    const isModernTask = readString(line, valueAt(line, result, "resultType")) === "task";
    const path = isModernTask ? ["taskId"] : ["task", "taskId"];
    const id = readString(line, valueAt(line, result, ...path));
    if (id === undefined) return;
    this.#ids.add(id);
    const [oldest] = this.#ids;
    if (this.#ids.size > LIMIT_TASKS && oldest !== undefined) this.#ids.delete(oldest);
  }

  /** True when the request names no task, or one of this session. */
  allows(method: string, line: Uint8Array, params: Span | undefined): boolean {
    if (!TASK_METHODS.has(method)) return true;
    const span = params === undefined ? undefined : soleMember(line, params, "taskId");
    if (span === undefined || span === "none") return false;
    const id = readString(line, span);
    return id !== undefined && this.#ids.has(id);
  }
}
