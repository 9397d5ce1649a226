// The check of P1 as every host runs it, from the installed package. No clock is read here: that of a
// Worker stands still while it computes, and that of a page is coarse.
import { ScopeGuard, TrustedCatalog, Validator } from "portcullis";

/** WHY: an indexed loop, as in bench/check.ts; `for ... of` keeps V8 from inlining calls into WebAssembly. */
function checkAll(guard, scopes, calls) {
  let sum = 0;
  for (let index = 0; index < calls.length; index++) {
    const { server, tool } = calls[index];
    sum += guard.check({ server, tool, scopes }).code;
  }
  return sum;
}

/**
 * Loads the catalog, and proves every answer before anything is timed.
 *
 * @returns what is asked with `check <n>` or `parse <n>`: n passes over all batches, each parsed just before
 *   it is checked, or only parsed; gives the sum of the verdicts, or the number of calls
 */
export async function makeWorkload({
  root,
  rootPin,
  envelope,
  nowMs,
  manifests,
  answers,
  batches,
}) {
  const clock = () => nowMs;
  const catalog = await TrustedCatalog.open({ root, rootPin, envelope, clock });
  const guard = ScopeGuard.fromCatalog(catalog, { clock, messageSizeMax: 65_536 });
  const validator = new Validator(catalog);
  for (const [id, manifest] of manifests) guard.admit(validator.validate(id, manifest));
  const scopes = guard.scopes(["fs.read"]);
  for (const { server, tool, code } of answers) {
    const got = guard.check({ server, tool, scopes }).code;
    if (got !== code) throw new Error(`expected ${code} for ${server} ${tool}, got ${got}`);
  }
  return (line) => {
    const [kind, count] = line.split(" ");
    let sum = 0;
    for (let pass = 0; pass < Number(count); pass++) {
      for (const batch of batches) {
        const calls = JSON.parse(batch);
        sum += kind === "check" ? checkAll(guard, scopes, calls) : calls.length;
      }
    }
    return sum;
  };
}
