// P2: one check by a resolved handle.
//
// The guard is a constant of its module, as it is in a program that has one guard: importing this
// file makes it.
import type { Handle } from "portcullis";
import { TOOLS_PER_SERVER } from "./catalogs.js";
import { makeBench } from "./check.js";
import type { Finding } from "./finding.js";
import { type Contender, makeRandom, measureRounds, medians } from "./measure.js";

const TOOL_COUNT = 200;
const HANDLE_COUNT = 65_536;
const { tools, guard, reads } = await makeBench(TOOL_COUNT, TOOLS_PER_SERVER);
const resolved = tools.flatMap(({ server, tool, isReadable }) => {
  const handle = isReadable ? guard.resolve(server, tool) : undefined;
  return handle === undefined ? [] : [handle];
});

/** Handles in random order. */
function pickHandles(): Handle[] {
  const random = makeRandom(1);
  return Array.from({ length: HANDLE_COUNT }, () => resolved[random(resolved.length)]).filter(
    (handle) => handle !== undefined,
  );
}

/** `checkHandle`, less the loop around it. */
export function measureHandle(): Finding[] {
  const handles = pickHandles();
  const prepare = (): readonly Handle[] => handles;
  const guarded: Contender<readonly Handle[]> = {
    name: "portcullis",
    prepare,
    run: (list) => {
      let sum = 0;
      // WHY: see `callAt` in check.ts
      for (let index = 0; index < list.length; index++) {
        const handle = list[index];
        if (handle !== undefined) sum += guard.checkHandle(handle, reads).code;
      }
      return sum;
    },
  };
  const loop: Contender<readonly Handle[]> = {
    name: "loop alone",
    prepare,
    run: (list) => {
      let sum = 0;
      for (let index = 0; index < list.length; index++) {
        const handle = list[index];
        if (handle !== undefined) sum += handle.item < 0 ? 0 : 1;
      }
      return sum;
    },
  };
  const options = { operationCount: HANDLE_COUNT, batchCount: 12, warmUpCount: 150 };
  const values = medians(measureRounds([guarded, loop], options));
  return [
    {
      key: "P2/call",
      what: `checkHandle, ${TOOL_COUNT} tools`,
      unit: "ns",
      values,
      scores: [(values["portcullis"] ?? Number.NaN) - (values["loop alone"] ?? Number.NaN)],
      scoreUnit: "ns",
    },
  ];
}
