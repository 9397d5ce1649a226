// Output frames as the host reads them.
import { beforeAll, describe, expect, it } from "vitest";
import * as abi from "../../src/abi/frame.ts";
import { executeFrame } from "../../src/kernel/decide.ts";
import { CONTRIBUTORS, readOutputFrame } from "../../src/kernel/output-frame.ts";
import { REASONS, VERDICTS } from "../../src/verdict.ts";
import { fineFrame } from "../oracle/fine-frame.ts";
import { policyOf, policyTool } from "./policy-fixture.ts";
import { type PolicyImage, policyImage } from "./policy-image.ts";

const CALL = { item: 0, principal: "bob" };
let plain: PolicyImage;
beforeAll(() => {
  plain = policyImage(policyOf(policyTool()));
});

describe("output frame", () => {
  it("every contributor has a name, and the names of verdicts are their reasons", () => {
    expect(REASONS.length).toBe(abi.CONTRIBUTOR_OPERATOR);
    expect(CONTRIBUTORS.length).toBe(abi.CONTRIBUTOR_CUSTOM + 1);
    expect(new Set(CONTRIBUTORS).size).toBe(CONTRIBUTORS.length);
    expect(CONTRIBUTORS[abi.CONTRIBUTOR_CUSTOM]).toBe("custom_rule");
    expect(CONTRIBUTORS[abi.CONTRIBUTOR_OPERATOR]).toBe("operator_unverified");
  });

  it("names the layer and the outcome that the verdict table has for its verdict", () => {
    const seen = new Set<number>();
    const check = (frame: Uint8Array): void => {
      const output = readOutputFrame(executeFrame(plain.kernel, frame));
      const row = Object.values(VERDICTS)[output?.verdict ?? -1];
      expect(output).toMatchObject({ layer: row?.layer, outcome: row?.outcome });
      seen.add(output?.verdict ?? -1);
    };
    for (let at = 16; at < 27; at++) {
      for (const value of [0, 1, 2, 3, 4]) {
        const frame = fineFrame(plain, CALL);
        frame.u8(at, value);
        check(frame.bytes);
      }
    }
    expect(seen.size).toBeGreaterThan(12);
  });

  it("is not read when it is cut, longer, of another version, or says what is not known", () => {
    const whole = executeFrame(plain.kernel, fineFrame(plain, CALL).bytes);
    expect(readOutputFrame(whole)?.outcome).toBe("allow");
    expect(readOutputFrame(whole.subarray(0, 63))).toBeUndefined();
    expect(readOutputFrame(Uint8Array.of(...whole, 0, 0, 0, 0, 0, 0, 0, 0))).toBeUndefined();
    for (const at of [0, 4, 8, 16, 20, 61]) {
      const changed = whole.slice();
      changed[at] = 99;
      expect(readOutputFrame(changed), `byte ${at}`).toBeUndefined();
    }
  });
});
