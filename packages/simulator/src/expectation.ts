import type { Answer, Destination } from "./answer.ts";
import type { TraceStep } from "./trace.ts";

/** What an answer should say. Fields that are left out are not looked at. */
export interface ExpectedRoute {
  /** `reviews.default`, or the full host name. */
  readonly service?: string;
  /** Empty: none. */
  readonly subset?: string;
  readonly port?: number;
  readonly cluster?: string;
  /** Of all requests, 0 to 1. Default: any above 0. */
  readonly share?: number;
}

/** What a matcher of vitest, jest or chai-like libraries answers. */
export interface MatchResult {
  readonly pass: boolean;
  readonly message: () => string;
}

const TOLERANCE = 1e-9;

/** Whether a share of the requests goes where it should; the message names the rule and the line that decided. */
export function routeResult(answer: Answer, expected: ExpectedRoute): MatchResult {
  const fitting = answer.destinations.filter((destination) => fits(destination, expected));
  const share = fitting.reduce(
    (sum, destination) => sum + destination.share * (1 - (destination.denied?.share ?? 0)),
    0,
  );
  const pass = expected.share === undefined ? share > 0 : Math.abs(share - expected.share) < TOLERANCE;
  const wanted = `${expected.share === undefined ? "requests" : percent(expected.share)} to ${describeExpected(expected)}`;
  return {
    pass,
    message: () => `expected ${pass ? "not " : ""}${wanted}, got ${describeAnswer(answer)}\n${decisions(answer)}\n`,
  };
}

/** Whether the answer has this outcome. */
export function outcomeResult(answer: Answer, outcome: Answer["outcome"]): MatchResult {
  const pass = answer.outcome === outcome;
  return {
    pass,
    message: () =>
      `expected ${pass ? "not " : ""}the outcome ${outcome}, got ${describeAnswer(answer)}\n${decisions(answer)}\n`,
  };
}

function fits(destination: Destination, { service, subset, port, cluster }: ExpectedRoute): boolean {
  return (
    (service === undefined || destination.service === service || destination.service.startsWith(`${service}.svc.`)) &&
    (subset === undefined || destination.subset === subset) &&
    (port === undefined || destination.port === port) &&
    (cluster === undefined || destination.cluster === cluster)
  );
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(6))} %`;
}

function describeExpected({ service, subset, port, cluster }: ExpectedRoute): string {
  return (
    cluster ??
    `${service ?? "any service"}${port === undefined ? "" : `:${port}`}${subset ? ` subset ${subset}` : subset === "" ? " without subset" : ""}`
  );
}

function describeAnswer({ outcome, destinations, response }: Answer): string {
  const ways = destinations.map((one) => {
    const denied = one.denied
      ? `, ${percent(one.denied.share)} of it denied by ${one.denied.policy ?? one.denied.by}`
      : "";
    return `${percent(one.share)} to ${one.service || one.cluster}${one.subset ? ` subset ${one.subset}` : ""}${denied}`;
  });
  const own = response ? [`${percent(response.share)} answered ${response.status} by ${response.by}`] : [];
  return `${outcome}: ${[...ways, ...own].join(", ") || "nothing"}`;
}

/** The steps that decided: the last of each kind that has a place in a file, and what was passed over before it. */
function decisions({ trace }: Answer): string {
  const placed = trace.filter(({ source }) => source !== undefined);
  const routes = placed.filter(({ step }) => /route|weighted|rbac|filter$|virtual host/.test(step));
  const shown = routes.length > 0 ? routes : placed.length > 0 ? placed : trace;
  return shown.map(describeStep).join("\n");
}

function describeStep({ matched, step, rule, reason, source }: TraceStep): string {
  const line =
    source?.file === undefined
      ? (source?.object ?? "")
      : `${source.file}:${source.line} ${source.object} ${source.path}`;
  return `  ${matched ? "✓" : "✗"} ${step} ${rule}: ${reason}${line ? `\n      at ${line}` : ""}`;
}
