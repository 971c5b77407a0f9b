import { at, type Json, record, records } from "../json.ts";
import type { Rule } from "../rule.ts";
import { isControlPlane, PROXY_CONTAINER } from "../workload.ts";

/** The proxy's user, whose traffic is not redirected. */
const PROXY_USER = 1337;

/** Applications must not run as the proxy's user: their traffic would pass the proxy by. */
export const applicationUid: Rule = {
  name: "workload/user",
  codes: ["IST0144"],
  kinds: ["Pod", "Deployment"],
  check(resource, report) {
    if (isControlPlane(resource)) return;
    const users = (podSpec: Json) => [
      ["securityContext", at(podSpec, "securityContext", "runAsUser")] as const,
      ...records(podSpec.containers).flatMap((container, index) =>
        container.name === PROXY_CONTAINER || container.name === "istio-operator"
          ? []
          : [[`containers[${index}].securityContext`, at(container, "securityContext", "runAsUser")] as const],
      ),
    ];
    const [podSpec, place] =
      resource.kind === "Pod"
        ? [resource.spec, "spec"]
        : [record(at(resource.spec, "template", "spec")), "spec.template.spec"];
    for (const [path, user] of users(podSpec))
      if (user === PROXY_USER)
        report("IST0144", `runs as user ${PROXY_USER}, the proxy's: its traffic is not redirected`, `${place}.${path}`);
  },
};
