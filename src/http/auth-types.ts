// What comes of looking at who calls.

/** Who calls, and by which credential: what sessions and labels belong to. */
export interface Caller {
  readonly principal: string;
  /** Names the credential without giving it away. */
  readonly credential: string;
}

/** Why nobody is let in. */
export interface AuthRefusal {
  /** 401 for the caller's fault, 503 when nobody can say. */
  readonly status: 401 | 503;
  /** One line for the record; the caller is told less. */
  readonly detail: string;
}
