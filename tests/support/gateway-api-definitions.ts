import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { GATEWAY_API_KINDS } from "@fairlead/config";
import type { KubernetesClient, ResourceType } from "@fairlead/kubernetes";
import { parseAllDocuments } from "yaml";

const run = promisify(execFile);
const MODULE = "sigs.k8s.io/gateway-api@v1.6.0";

type Json = Readonly<Record<string, unknown>>;

/** The folder of the Gateway API's Go module, with its CRDs and examples; Go fetches it where it is not there. */
export async function gatewayApiModule(): Promise<string> {
  const { stdout } = await run("go", ["mod", "download", "-json", MODULE], { cwd: tmpdir() });
  return (JSON.parse(stdout) as { readonly Dir: string }).Dir;
}

/** All documents of the YAML files below a folder, with the file each is in. */
export function documentsBelow(folder: string): readonly { readonly file: string; readonly value: Json }[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".yaml"))
    .sort()
    .flatMap((file) =>
      parseAllDocuments(readFileSync(join(folder, file), "utf8")).flatMap((document) => {
        const value = document.toJS() as Json | null;
        return value ? [{ file, value }] : [];
      }),
    );
}

const DEFINITIONS: ResourceType = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  namespaced: false,
};

/** Applies the Gateway API's own CustomResourceDefinitions (experimental channel) and waits until they are served. */
export async function installGatewayApi(client: KubernetesClient, module: string): Promise<void> {
  for (const { value } of documentsBelow(join(module, "config/crd/experimental")))
    if (value.kind === DEFINITIONS.kind) await client.create(DEFINITIONS, value);
  const served = async () => {
    for (const { group, versions, plural } of Object.values(GATEWAY_API_KINDS))
      for (const version of versions)
        if (!(await client.resources(`${group}/${version}`)).includes(plural)) return false;
    return true;
  };
  const end = Date.now() + 60_000;
  while (!(await served())) {
    if (Date.now() > end) throw new Error("the Gateway API's kinds are not served after a minute");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
