/** Counters since the start, and present values; for the control plane to print. */
export interface ServerMetrics {
  /** Streams open now. */
  streams: number;
  streamsOpened: number;
  /** Streams turned away: too many, not authorized, no or a bad node, a malformed request. */
  streamsRefused: number;
  /** By short type name. */
  requests: Record<string, number>;
  responses: Record<string, number>;
  acks: Record<string, number>;
  nacks: Record<string, number>;
  resourcesSent: Record<string, number>;
  removalsSent: Record<string, number>;
  bytesSent: number;
  /** Answers to a response that is not the latest. */
  staleNonces: number;
  /** Secrets asked for on a plaintext connection, and not given. */
  secretsWithheld: number;
  /** Handed to the transport and not yet taken by it. */
  bytesInFlight: number;
  /** The same, stuck behind a slow client for longer than the limit. */
  bytesStalled: number;
  /** Streams that wait for room in the budget. */
  streamsWaiting: number;
  /** Encoded responses kept for the next stream. */
  bytesCached: number;
  /** Resource versions that clients rejected and are not sent again. */
  rejectedVersions: number;
}

export type Counters = Omit<
  ServerMetrics,
  "streams" | "bytesInFlight" | "bytesStalled" | "streamsWaiting" | "bytesCached" | "rejectedVersions"
>;

export function createCounters(): Counters {
  return {
    streamsOpened: 0,
    streamsRefused: 0,
    requests: {},
    responses: {},
    acks: {},
    nacks: {},
    resourcesSent: {},
    removalsSent: {},
    bytesSent: 0,
    staleNonces: 0,
    secretsWithheld: 0,
  };
}

export function count(counter: Record<string, number>, key: string, by = 1): void {
  counter[key] = (counter[key] ?? 0) + by;
}
