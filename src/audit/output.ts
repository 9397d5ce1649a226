// Where a log's lines and signed things go: a file, memory, or a host's callback.

/** A statement, or a checkpoint behind the statements of the refusals that it covers. */
export interface Signed {
  readonly kind: "statement" | "checkpoint";
  /** As it is kept: with its line feeds. */
  readonly text: string;
}

export interface AuditOutput {
  /** False while something that was handed over cannot be kept. */
  readonly isAvailable: boolean;
  /** Keeps one line, line feed included: all of it, or nothing and false. Never throws. */
  write(line: Uint8Array): boolean;
  /** Keeps signed things, in order, each after the lines that it speaks about. Never throws. */
  publish(signed: readonly Signed[]): void;
  /** Resolves when all that was published is kept: true; false when that failed. */
  settle(): Promise<boolean>;
}
