import { defineConfig } from "vitest/config";

/** unit: beside the code. golden: reviewable cases and the conformance data. envoy: real Envoys. real: what needs Go, Java or Debian servers. */
export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["packages/*/src/**/*.test.ts", "tests/workspace/**/*.test.ts"] } },
      { test: { name: "golden", include: ["packages/*/test/**/*.test.ts", "tests/conformance/**/*.test.ts"] } },
      { test: { name: "envoy", include: ["tests/envoy/**/*.test.ts", "tests/e2e/**/*.test.ts"], testTimeout: 120_000, hookTimeout: 180_000, fileParallelism: false } },
      { test: { name: "real", include: ["tests/real/**/*.test.ts"], testTimeout: 600_000, hookTimeout: 1_800_000, fileParallelism: false } },
    ],
  },
});
