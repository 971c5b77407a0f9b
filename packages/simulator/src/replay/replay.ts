import type { Mesh } from "@fairlead/mesh";
import { answerDifferences, type BehaviourChange } from "../diff/behaviour.ts";
import { SimulatorError } from "../error.ts";
import { evaluate, type Question } from "../evaluate.ts";

/** What a change would have done to requests that were made. */
export interface Replay {
  /** Requests that were asked of both meshes. */
  readonly asked: number;
  /** Each kind of request once, with how many there were. */
  readonly changed: readonly (BehaviourChange & { readonly times: number })[];
  /** Requests that cannot be asked of one of the meshes, and why. */
  readonly unanswered: readonly { readonly question: Question; readonly reason: string; readonly times: number }[];
}

/** Asks two meshes the same requests and tells those whose fate differs. Equal requests are asked once. Pure. */
export function replay(before: Mesh, after: Mesh, questions: Iterable<Question>): Replay {
  const kinds = new Map<string, { readonly question: Question; times: number }>();
  for (const question of questions) {
    const key = JSON.stringify(question);
    const kind = kinds.get(key);
    if (kind) kind.times += 1;
    else kinds.set(key, { question, times: 1 });
  }
  const changed: Replay["changed"][number][] = [];
  const unanswered: Replay["unanswered"][number][] = [];
  let asked = 0;
  for (const { question, times } of kinds.values()) {
    try {
      const [old, now] = [evaluate(before, question), evaluate(after, question)];
      asked += times;
      const found = answerDifferences(old, now);
      if (found.differs.length > 0) changed.push({ question, before: old, after: now, ...found, times });
    } catch (error) {
      if (!(error instanceof SimulatorError)) throw error;
      unanswered.push({ question, reason: error.message, times });
    }
  }
  return { asked, changed, unanswered };
}
