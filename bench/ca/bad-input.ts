import { createHash } from "node:crypto";
import { memoryKeyManager, selfSignedAuthority } from "@fairlead/ca";
import { BAD_REQUESTS, deniedKey } from "../../packages/ca/test/support/bad-requests.ts";
import { csrPem, identity, spkiOf } from "../../packages/ca/test/support/requests.ts";

/** The longest that a bad request may take, in milliseconds. */
const LIMIT = 10;
const RUNS = 7;

interface Verdict {
  readonly code: string;
  readonly grpc: string;
}

/** Prints what becomes of each bad request and what that costs; fails where a verdict is another or takes too long. */
export async function printBadInput(): Promise<void> {
  const keys = memoryKeyManager();
  await using authority = await selfSignedAuthority({
    trustDomain: "cluster.local",
    keys,
    csr: { deniedKeys: new Set([createHash("sha256").update(spkiOf(deniedKey)).digest("hex")]) },
  });
  const [id = ""] = await keys.listKeys();
  const authorityKey = (await keys.getKey(id))?.publicKey ?? new Uint8Array();
  const verdict = (csr: string): Promise<Verdict> =>
    authority.issue({ csr, identity }).then(
      () => ({ code: "issued", grpc: "0" }),
      (error: { code?: string; grpcStatus?: number }) => ({
        code: error.code ?? "not a CaError",
        grpc: String(error.grpcStatus),
      }),
    );
  for (let warm = 0; warm < 500; warm++) await verdict(csrPem());
  let [wrong, slowest] = [0, 0];
  console.log("row  verdict                  gRPC      µs  input");
  for (const [row, what, code, make] of BAD_REQUESTS) {
    const csr = make(authorityKey);
    const found = await verdict(csr);
    const times: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      const start = performance.now();
      await verdict(csr);
      times.push(performance.now() - start);
    }
    const time = times.sort((a, b) => a - b)[RUNS >> 1] ?? 0;
    slowest = Math.max(slowest, time);
    if (found.code !== code || time > LIMIT) wrong++;
    const verdictText = found.code === code ? code : `${found.code} (not ${code})`;
    console.log(
      `${String(row).padStart(3)}  ${verdictText.padEnd(24)} ${found.grpc.padStart(4)} ${(time * 1000).toFixed(0).padStart(7)}  ${what}`,
    );
  }
  console.log(
    `${BAD_REQUESTS.length} inputs, the slowest ${(slowest * 1000).toFixed(0)} µs, ${wrong} wrong or over ${LIMIT} ms`,
  );
  if (wrong > 0) process.exitCode = 1;
}
