import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/global-setup.ts"],
    testTimeout: 60_000,
    // a loaded machine takes its time
    expect: { poll: { timeout: 20_000 } },
    hookTimeout: 60_000,
    // WHY: two cores on the reference machine; more workers only make the process tests noisy
    maxWorkers: 2,
  },
});
