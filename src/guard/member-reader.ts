// Members of a value whose shape nobody has checked.

/** Reads one member, each call once; `undefined` when it is absent. */
export type MemberReader = (key: string) => unknown;

/** A reader of `value`'s members, or `undefined` when it is no object. May throw as a getter does. */
export function memberReader(value: unknown): MemberReader | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const target: object = value;
  return (key) => Reflect.get(target, key);
}
