import type { Mesh } from "@fairlead/mesh";
import { type ProxyNode, structurallyEqual } from "@fairlead/model";
import type { Answer } from "../answer.ts";
import { SimulatorError } from "../error.ts";
import { evaluate, type Question } from "../evaluate.ts";
import { type SettingChange, settingChanges } from "../settings/difference.ts";
import type { Candidate } from "./candidate.ts";

/** A request whose fate changes. It can be asked of both meshes as it stands. */
export interface BehaviourChange {
  readonly question: Question;
  readonly before: Answer;
  readonly after: Answer;
  /** What of the answer differs. */
  readonly differs: readonly AnswerPart[];
  /** The fields of clusters, filters and other settings on the same way that differ; empty where the way is another. */
  readonly settings: readonly SettingChange[];
}

export type AnswerPart = "outcome" | "destinations" | "response" | "rewrites" | "policy" | "settings";

const PARTS = ["outcome", "destinations", "response", "rewrites", "policy"] as const;
/** Places whose settings show in the policy and the rewrites, when these differ. */
const ROUTING = new Set(["virtual host", "route", "weighted cluster"]);

/** What of two answers differs. */
export function answerDifferences(before: Answer, after: Answer): Pick<BehaviourChange, "differs" | "settings"> {
  const differs = PARTS.filter((part) => !structurallyEqual(before[part], after[part]));
  // Another way has other settings: that is no news.
  if (differs.includes("outcome") || differs.includes("destinations")) return { differs, settings: [] };
  const but = (place: string) => differs.length > 0 && ROUTING.has(place);
  const settings = settingChanges(before.settings, after.settings, but);
  return { differs: settings.length > 0 ? [...differs, "settings"] : differs, settings };
}

/** What a change is about: equal texts are the same news. */
export function newsOf({ differs, settings, before, after }: BehaviourChange): string {
  const parts = differs.flatMap((part) => (part === "settings" ? [] : [[part, before[part], after[part]]]));
  return JSON.stringify([parts, settings]);
}

/** The difference that a request shows; undefined when it shows none or cannot be asked. */
export function compared(
  before: Mesh,
  after: Mesh,
  from: ProxyNode,
  candidate: Candidate,
): BehaviourChange | undefined {
  const question = { from, ...candidate };
  try {
    const [left, right] = [evaluate(before, question), evaluate(after, question)];
    const found = answerDifferences(left, right);
    return found.differs.length > 0 ? { question, before: left, after: right, ...found } : undefined;
  } catch (error) {
    if (error instanceof SimulatorError) return undefined;
    throw error;
  }
}
