import type { Destination, HttpRoute, Percent } from "@fairlead/config";
import type { FractionalPercent, RouteAction_RequestMirrorPolicy } from "../../proto/types.ts";
import type { Build } from "../generated.ts";
import { fractionOf, wholePercent } from "./percent.ts";

interface RuleOrigin {
  readonly source: Parameters<Build["from"]>[1];
  readonly path: string;
}

/** Where copies of requests go. Nothing is mirrored at zero percent. Source: Istio API, `HTTPRoute.mirror`, `mirrors`. */
export function mirrorPolicies(
  build: Build,
  rule: HttpRoute,
  origin: RuleOrigin,
  clusterOf: (destination: Destination) => string,
): readonly RouteAction_RequestMirrorPolicy[] {
  const policies: RouteAction_RequestMirrorPolicy[] = [];
  const add = (destination: Destination, share: FractionalPercent | undefined, path: string) => {
    if (!share) return;
    const policy: RouteAction_RequestMirrorPolicy = {
      cluster: clusterOf(destination),
      runtimeFraction: { defaultValue: share },
      traceSampled: false,
      disableShadowHostSuffixAppend: true,
    };
    policies.push(build.from(policy, origin.source, `${origin.path}.${path}`));
  };
  if (rule.mirror) add(rule.mirror, shareOf(rule.mirrorPercentage, rule.mirrorPercent), "mirror");
  for (const [index, mirror] of (rule.mirrors ?? []).entries())
    add(mirror.destination, shareOf(mirror.percentage, undefined), `mirrors[${index}]`);
  return policies;
}

function shareOf(percentage: Percent | undefined, whole: number | undefined): FractionalPercent | undefined {
  if (percentage) return (percentage.value ?? 0) > 0 ? fractionOf(percentage) : undefined;
  return whole === 0 ? undefined : wholePercent(whole ?? 100);
}
