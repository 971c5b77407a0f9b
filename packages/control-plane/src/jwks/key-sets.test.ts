import { describe, expect, it } from "vitest";
import { heldClock } from "../../test/held-clock.ts";
import { KeySets } from "./key-sets.ts";

const A = { url: "http://a", timeout: 1 };
const HOUR = 3_600_000;

function setUp(answers: (url: string) => string | Error) {
  const { clock, advance } = heldClock();
  const asked: string[] = [];
  const sets = new KeySets({
    fetch: ({ url }) => {
      asked.push(url);
      const answer = answers(url);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    clock,
    refresh: 20 * 60_000,
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const pass = async (milliseconds: number) => {
    advance(milliseconds);
    await settle();
  };
  return { sets, asked, pass, settle };
}

describe("KeySets", () => {
  it("fetches what is wanted once, and again after a while", async () => {
    let keys = "one";
    const { sets, asked, pass } = setUp(() => keys);
    await sets.want([A, A]);
    await sets.want([A]);
    expect([asked.length, sets.get(A.url)]).toEqual([1, { keys: "one" }]);
    keys = "two";
    await pass(19 * 60_000);
    expect(asked).toHaveLength(1);
    await pass(60_000);
    expect([asked.length, sets.get(A.url)]).toEqual([2, { keys: "two" }]);
    sets.close();
    await pass(HOUR);
    expect(asked).toHaveLength(2);
  });

  it("forgets what nobody wants", async () => {
    const { sets, asked, pass } = setUp(() => "keys");
    await sets.want([A]);
    await sets.want([]);
    expect(sets.get(A.url)).toBeUndefined();
    await pass(HOUR);
    expect(asked).toHaveLength(1);
  });

  it("says why there are none, and tries again ever later, but no later than it would look for new ones", async () => {
    const { sets, asked, pass } = setUp(() => new Error("no way"));
    await sets.want([A]);
    expect(sets.get(A.url)).toEqual({ problem: "the keys could not be fetched: no way" });
    const times = [];
    for (let second = 1; second <= 2 * 3_600; second++) {
      const before = asked.length;
      await pass(1000);
      if (asked.length > before) times.push(second);
    }
    expect(times.slice(0, 5)).toEqual([1, 3, 7, 15, 31]);
    expect((times.at(-1) ?? 0) - (times.at(-2) ?? 0)).toBe(20 * 60);
  });

  it("keeps the last good ones for a week", async () => {
    let broken = false;
    const { sets, pass } = setUp(() => (broken ? new Error("gone") : "good"));
    await sets.want([A]);
    broken = true;
    for (let hour = 0; hour < 7 * 24 - 1; hour++) await pass(HOUR);
    expect(sets.get(A.url)).toEqual({ keys: "good" });
    for (let hour = 0; hour < 3; hour++) await pass(HOUR);
    expect(sets.get(A.url)).toEqual({ problem: "the keys could not be fetched: gone" });
    broken = false;
    await pass(HOUR);
    expect(sets.get(A.url)).toEqual({ keys: "good" });
  });
});
