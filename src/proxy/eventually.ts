// Answers of a store: there at once, or later. What is there at once goes on in the same turn.

export type Eventually<T> = T | Promise<T>;

/** What `go` makes of an answer. */
export function andThen<T, U>(
  answer: Eventually<T>,
  go: (answer: T) => Eventually<U>,
): Eventually<U> {
  return answer instanceof Promise ? answer.then(go) : go(answer);
}

/** What was asked for; `otherwise` when nobody can be asked. Never throws, never rejects. */
export function orElse<T>(ask: () => Eventually<T>, otherwise: T): Eventually<T> {
  try {
    const answer = ask();
    return answer instanceof Promise ? answer.catch(() => otherwise) : answer;
  } catch {
    // STORE_UNAVAILABLE, STORE_CORRUPT, or a fault of the host's own store
    return otherwise;
  }
}
