import { type NodeJson, type ProxyNode, parseNode } from "@fairlead/model";
import { CliError } from "../cli-error.ts";
import { readText } from "../input.ts";

/** Reads a `core.v3.Node` in protobuf JSON. */
export async function readNode(path: string): Promise<{ readonly json: NodeJson; readonly node: ProxyNode }> {
  const text = await readText(path);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new CliError("unreadable", `${path} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new CliError("unreadable", `${path} is not a JSON object`);
  const { node, diagnostics } = parseNode(json as NodeJson);
  if (!node)
    throw new CliError(
      "unreadable",
      `${path} is not a node: ${diagnostics.map(({ path: field, message }) => `${field}: ${message}`).join("; ")}`,
    );
  return { json: json as NodeJson, node };
}
