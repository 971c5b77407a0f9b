import type { Outcome, RequestInput } from "@fairlead/simulator";
import type { ExpectedRoute } from "@fairlead/simulator/testing";
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { CliError } from "./cli-error.ts";
import type { TextFile } from "./input.ts";

/** One test of a file: a request, and what should become of it. */
export interface RouteTest {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly from: string;
  readonly request: RequestInput;
  readonly outcome?: Outcome;
  readonly destinations: readonly ExpectedRoute[];
  readonly status?: number;
}

type Shape = Readonly<Record<string, "text" | "number" | "map" | "list" | "any">>;

const TEST: Shape = { name: "text", from: "text", request: "map", expect: "map" };
const REQUEST: Shape = {
  url: "text",
  method: "text",
  headers: "map",
  protocol: "text",
  sni: "text",
  claims: "map",
};
const EXPECT: Shape = { outcome: "text", destination: "map", destinations: "list", status: "number" };
const DESTINATION: Shape = { service: "text", subset: "text", port: "number", cluster: "text", share: "number" };
const OUTCOMES: readonly string[] = ["routed", "redirected", "responded", "denied", "unroutable"];

/** The tests of a file. Throws a `CliError` that tells everything that is wrong with it. */
export function parseTests({ file, text }: TextFile): readonly RouteTest[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const problems: string[] = [];
  const lineOf = (node: Node | null | undefined) => (node?.range ? lines.linePos(node.range[0]).line : 1);
  const problem = (node: Node | null | undefined, message: string) =>
    problems.push(`${file}:${lineOf(node)}: ${message}`);
  for (const { message, pos } of document.errors) problems.push(`${file}:${lines.linePos(pos[0]).line}: ${message}`);

  const check = (node: Node | null | undefined, shape: Shape, what: string): Record<string, unknown> => {
    if (!isMap(node)) {
      problem(node, `${what} must be a map of ${Object.keys(shape).join(", ")}`);
      return {};
    }
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : "";
      const wanted = shape[name];
      const given = value as Node | null;
      if (wanted === undefined)
        problem(key as Node, `${what} has no field ${JSON.stringify(name)}; it has ${Object.keys(shape).join(", ")}`);
      else if (!fits(given, wanted)) problem(key as Node, `${name} must be a ${wanted}`);
    }
    return node.toJS(document) as Record<string, unknown>;
  };

  const root = document.contents as Node | null;
  const list = isMap(root) ? root.get("tests", true) : undefined;
  if (problems.length === 0 && !isSeq(list)) problem(root, "a test file is a map with a list of `tests`");
  const tests = (isSeq(list) ? (list.items as Node[]) : []).map((node, index): RouteTest => {
    const { name = `test ${index + 1}`, from } = check(node, TEST, "a test");
    const part = (key: string) => (isMap(node) ? (node.get(key, true) as Node | undefined) : undefined);
    const request = check(part("request"), REQUEST, "request");
    const expectation = check(part("expect"), EXPECT, "expect");
    const expected = part("expect");
    if (typeof from !== "string") problem(node, "from (WORKLOAD.NAMESPACE) is needed");
    if (typeof request.url !== "string") problem(part("request") ?? node, "request.url is needed");
    const { outcome, status } = expectation;
    if (outcome !== undefined && !OUTCOMES.includes(String(outcome)))
      problem(expected, `outcome is one of ${OUTCOMES.join(", ")}`);
    const inside = (key: string) => (isMap(expected) ? (expected.get(key, true) as Node | undefined) : undefined);
    const many = inside("destinations");
    const nodes = [inside("destination"), ...(isSeq(many) ? (many.items as Node[]) : [])].filter(
      (one) => one !== undefined,
    );
    const destinations = nodes.map((one) => check(one, DESTINATION, "a destination") as ExpectedRoute);
    if (outcome === undefined && status === undefined && destinations.length === 0)
      problem(expected ?? node, "expect says nothing: outcome, destination, destinations or status is needed");
    return {
      name: String(name),
      file,
      line: lineOf(node),
      from: String(from),
      request: request as unknown as RequestInput,
      destinations,
      ...(outcome === undefined ? {} : { outcome: outcome as Outcome }),
      ...(status === undefined ? {} : { status: Number(status) }),
    };
  });
  if (problems.length > 0) throw new CliError("unreadable", problems.join("\nfairlead: "));
  return tests;
}

function fits(node: Node | null, wanted: Shape[string]): boolean {
  if (wanted === "map") return isMap(node);
  if (wanted === "list") return isSeq(node);
  if (!isScalar(node)) return false;
  return wanted === "number" ? typeof node.value === "number" : typeof node.value === "string";
}
