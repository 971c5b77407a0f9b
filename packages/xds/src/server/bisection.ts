import type { EncodedResource } from "../encoded-resource.ts";
import type { Hold } from "./rejections.ts";

/**
 * The search for what a client rejected when it did not say: the resources of the response are offered again in halves, and the
 * half that is rejected in halves of its own. All that is good arrives on the way.
 */
export interface Bisection {
  /** What must not be offered in the present step. */
  readonly holds: readonly Hold[];
  /** The present step was accepted, or there is nothing of it to offer any more. */
  accepted(): void;
  /** The present step, which offered these, was rejected. Returns the culprit once it stands alone. */
  rejected(offered: readonly EncodedResource[]): EncodedResource | undefined;
  readonly done: boolean;
}

export function bisect(candidates: readonly EncodedResource[]): Bisection {
  let groups: readonly (readonly EncodedResource[])[] = halves(candidates);
  let holds = holdsOf(groups);
  const move = (next: readonly (readonly EncodedResource[])[]) => {
    groups = next;
    holds = holdsOf(groups);
  };
  return {
    get holds() {
      return holds;
    },
    accepted: () => move(groups.slice(1)),
    rejected(offered) {
      const rest = groups.slice(1);
      if (offered.length === 1) {
        move(rest);
        return offered[0];
      }
      move([...halves(offered), ...rest]);
      return undefined;
    },
    get done() {
      return groups.length === 0;
    },
  };
}

function halves(resources: readonly EncodedResource[]): (readonly EncodedResource[])[] {
  const middle = Math.ceil(resources.length / 2);
  return [resources.slice(0, middle), resources.slice(middle)].filter((half) => half.length > 0);
}

function holdsOf(groups: readonly (readonly EncodedResource[])[]): readonly Hold[] {
  return groups.slice(1).flatMap((group) => group.map(({ name, version }) => ({ name, version, fallback: undefined })));
}
