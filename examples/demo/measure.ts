import { type Answer, get } from "./program.ts";

export interface Split {
  readonly counts: Readonly<Record<string, number>>;
  readonly requests: number;
  readonly failed: readonly string[];
}

/** One request through the gateway. */
export async function visit(headers: Record<string, string> = {}): Promise<{ status: number; body: string }> {
  return get("127.0.20.2", 9000, "shop.example", "/", headers);
}

/** The reviews version that an answer of the page came by. */
export function reviewsVersion(answer: Answer): string {
  return answer.calls.find((call) => call.service === "reviews")?.version ?? "none";
}

/** Sends requests, `parallel` at a time, and counts the versions of reviews that answered. */
export async function measureSplit(
  requests: number,
  headers: Record<string, string> = {},
  parallel = 8,
): Promise<Split> {
  const counts: Record<string, number> = {};
  const failed: string[] = [];
  let left = requests;
  const worker = async () => {
    while (left-- > 0) {
      try {
        const { status, body } = await visit(headers);
        if (status !== 200) throw new Error(`${status}: ${body.slice(0, 200)}`);
        const version = reviewsVersion(JSON.parse(body) as Answer);
        counts[version] = (counts[version] ?? 0) + 1;
      } catch (error) {
        failed.push((error as Error).message);
      }
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return { counts, requests, failed };
}

/**
 * How far a count of `requests` independent draws may be from `share` before it is doubtful: the normal bound that 99.9 %
 * of draws stay within (3.29 standard deviations, and one for rounding).
 */
export function bound(requests: number, share: number): number {
  return 3.29 * Math.sqrt(requests * share * (1 - share)) + 1;
}

/** Steady traffic until `stop`: what was sent, and what failed. */
export function steadyTraffic(parallel = 4): { stop(): Promise<{ requests: number; failed: readonly string[] }> } {
  let requests = 0;
  let going = true;
  const failed: string[] = [];
  const worker = async () => {
    while (going) {
      requests++;
      const answer = await visit().catch((error: Error) => ({ status: 0, body: error.message }));
      if (answer.status !== 200) failed.push(`${answer.status}: ${answer.body.slice(0, 200)}`);
    }
  };
  const workers = Array.from({ length: parallel }, worker);
  return {
    async stop() {
      going = false;
      await Promise.all(workers);
      return { requests, failed };
    },
  };
}
