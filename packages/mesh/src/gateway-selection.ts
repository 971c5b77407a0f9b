import type { ConfigObject } from "@fairlead/config";
import type { Reader } from "./derivation.ts";
import { byAge } from "./mesh.ts";
import { nodeMatches } from "./visibility.ts";

/** The Gateways whose selector picks the node, oldest first. A Gateway of any namespace may pick it. */
export function gatewaysOf(read: Reader): readonly ConfigObject<"Gateway">[] {
  return (read.bucket("configNamespaces", "Gateway") ?? [])
    .flatMap((namespace) => [...(read.bucket("config", `Gateway/${namespace}`) ?? [])] as ConfigObject<"Gateway">[])
    .filter((object) => nodeMatches(read, object.spec.selector ?? {}))
    .sort((a, b) =>
      byAge(
        { creationTime: a.metadata.creationTimestamp, ...nameOf(a) },
        { creationTime: b.metadata.creationTimestamp, ...nameOf(b) },
      ),
    );
}

function nameOf(object: ConfigObject) {
  return { name: object.metadata.name, namespace: object.metadata.namespace };
}
