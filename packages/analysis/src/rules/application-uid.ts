import { at, type Json, record, records } from "../json.ts";
import type { Rule } from "../rule.ts";
import { isControlPlane, PROXY_CONTAINER } from "../workload.ts";

/** The proxy's user, whose traffic is not redirected. */
const PROXY_USER = 1337;

/** Applications must not run as the proxy's user: their traffic would pass the proxy by. */
export const applicationUid: Rule = {
  name: "workload/user",
  codes: ["IST0144"],
  check(input, report) {
    const users = (podSpec: Json) => [
      ["securityContext", at(podSpec, "securityContext", "runAsUser")] as const,
      ...records(podSpec.containers).flatMap((container, index) =>
        container.name === PROXY_CONTAINER || container.name === "istio-operator"
          ? []
          : [[`containers[${index}].securityContext`, at(container, "securityContext", "runAsUser")] as const],
      ),
    ];
    for (const [kind, at_] of [
      ["Pod", "spec"],
      ["Deployment", "spec.template.spec"],
    ] as const)
      for (const resource of input.of(kind)) {
        if (isControlPlane(resource)) continue;
        const podSpec = kind === "Pod" ? resource.spec : record(at(resource.spec, "template", "spec"));
        for (const [path, user] of users(podSpec))
          if (user === PROXY_USER)
            report(
              "IST0144",
              resource,
              `runs as user ${PROXY_USER}, the proxy's: its traffic is not redirected`,
              `${at_}.${path}`,
            );
      }
  },
};
