import { defineConfig } from "vitest/config";

/**
 * unit: beside the code, and what holds for the workspace. golden: reviewable cases and the conformance data. envoy: real
 * Envoys and gRPC clients. real: what needs Go, Java or Debian servers.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["packages/*/src/**/*.test.ts", "tests/workspace/**/*.test.ts"],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: "golden",
          include: ["packages/*/test/**/*.test.ts", "tests/conformance/**/*.test.ts"],
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: "envoy",
          // Real processes and real time: what another process on the machine can upset is asked once more, and said.
          retry: 1,
          include: ["tests/envoy/**/*.test.ts", "tests/e2e/**/*.test.ts"],
          globalSetup: ["tests/support/envoy-setup.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "real",
          retry: 1,
          include: ["tests/real/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 900_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
