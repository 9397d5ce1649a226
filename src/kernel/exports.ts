// The kernel's exported ABI as TypeScript sees it: assembly/index.ts, name by name.

/** Every argument and result is an i32; an address is an i32 as well. */
export interface KernelExports {
  readonly memory: WebAssembly.Memory;
  configure(
    imageSize: number,
    itemCount: number,
    serverCount: number,
    inputSize: number,
    recordSize: number,
    patternSize: number,
  ): number;
  growInput(inputSize: number, recordSize: number): number;
  regionImage(): number;
  regionInput(): number;
  regionName(): number;
  regionFrame(): number;
  regionList(): number;
  regionDigest(): number;
  regionCanonical(): number;
  regionItemStates(): number;
  regionServerStates(): number;
  regionInputFrame(): number;
  regionOutputFrame(): number;
  regionPatterns(): number;
  regionFindings(): number;
  loadImage(size: number): number;
  buildIndex(size: number): number;
  sealImage(size: number): void;
  hashNames(serverSize: number, kind: number, nameSize: number): number;
  digestBegin(): void;
  digestInput(size: number): void;
  digestEnd(): void;
  treeBegin(): void;
  treeAppend(size: number): void;
  treeEnd(): void;
  readJson(size: number, flags: number): number;
  readFailureAt(): number;
  canonicalize(size: number): number;
  decodeSpan(start: number, end: number): number;
  listBegin(kind: number, start: number, end: number): number;
  listNext(): number;
  readDefinition(kind: number, size: number): number;
  manifestBegin(size: number): void;
  manifestNext(): number;
  readMessage(size: number, flags: number): number;
  beginAdmission(server: number): void;
  comparePins(server: number, kind: number, nameSize: number): number;
  admitItem(server: number, kind: number, nameSize: number): number;
  markDrifted(server: number, kind: number, nameSize: number): number;
  markInstructionsDrifted(server: number): void;
  finishAdmission(server: number, smuggled: number): number;
  setCap(c0: number, c1: number, c2: number, c3: number): void;
  resolve(serverSize: number, kind: number, nameSize: number): number;
  setTime(nowLow: number, nowHigh: number): void;
  setRequest(s0: number, s1: number, s2: number, s3: number): void;
  check(serverSize: number, kind: number, nameSize: number): number;
  checkScoped(serverSize: number, kind: number, nameSize: number): number;
  checkHandle(item: number): number;
  bindServer(serverSize: number): number;
  checkBound(kind: number, nameSize: number): number;
  checkBoundScoped(kind: number, nameSize: number): number;
  checkMessage(size: number, flags: number): number;
  checkFrame(): number;
  decide(): number;
  loadPatterns(size: number): number;
  scanText(from: number, size: number): number;
  scanCount(): number;
  scanShape(size: number): number;
}

/**
 * Names that must be functions; a module that lacks one is not this kernel. A row per member of
 * the interface, or it does not compile.
 */
const EXPORT_NAMES: Readonly<Record<Exclude<keyof KernelExports, "memory">, true>> = {
  configure: true,
  growInput: true,
  regionImage: true,
  regionInput: true,
  regionName: true,
  regionFrame: true,
  regionList: true,
  regionDigest: true,
  regionCanonical: true,
  regionItemStates: true,
  regionServerStates: true,
  regionInputFrame: true,
  regionOutputFrame: true,
  regionPatterns: true,
  regionFindings: true,
  loadImage: true,
  buildIndex: true,
  sealImage: true,
  hashNames: true,
  digestBegin: true,
  digestInput: true,
  digestEnd: true,
  treeBegin: true,
  treeAppend: true,
  treeEnd: true,
  readJson: true,
  readFailureAt: true,
  canonicalize: true,
  decodeSpan: true,
  listBegin: true,
  listNext: true,
  readDefinition: true,
  manifestBegin: true,
  manifestNext: true,
  readMessage: true,
  beginAdmission: true,
  comparePins: true,
  admitItem: true,
  markDrifted: true,
  markInstructionsDrifted: true,
  finishAdmission: true,
  setCap: true,
  resolve: true,
  setTime: true,
  setRequest: true,
  check: true,
  checkScoped: true,
  checkHandle: true,
  bindServer: true,
  checkBound: true,
  checkBoundScoped: true,
  checkMessage: true,
  checkFrame: true,
  decide: true,
  loadPatterns: true,
  scanText: true,
  scanCount: true,
  scanShape: true,
};

/** True when `exports` is the kernel's ABI. */
export function isKernelExports(exports: unknown): exports is KernelExports {
  if (typeof exports !== "object" || exports === null) return false;
  const members = new Map<string, unknown>(Object.entries(exports));
  if (!(members.get("memory") instanceof WebAssembly.Memory)) return false;
  return Object.keys(EXPORT_NAMES).every((name) => typeof members.get(name) === "function");
}
