import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

/** FEATURES.md says no more than what is there: named tests exist, what is done has one, the counts are right. */

const root = join(import.meta.dirname, "../..");
const text = readFileSync(join(root, "FEATURES.md"), "utf8");

const STATUSES = ["done", "partial", "not yet"] as const;

interface Row {
  readonly feature: string;
  readonly status: string;
  readonly where: string;
}

function cells(line: string): readonly string[] {
  return line
    .slice(1, -1)
    .split("|")
    .map((cell) => cell.trim());
}

const sections: ReadonlyMap<string, readonly Row[]> = new Map(
  text
    .split(/^## /m)
    .slice(1)
    .map((part) => {
      const [title = "", ...lines] = part.split("\n");
      const rows = lines.filter((line) => line.startsWith("|")).slice(2);
      return [
        title.split(".")[0] ?? "",
        rows.map((line): Row => {
          const [feature = "", status = "", where = "", ...rest] = cells(line);
          if (rest.length > 0) throw new Error(`a row has more than three cells: ${line}`);
          return { feature, status, where };
        }),
      ];
    }),
);
const rows = [...sections].flatMap(([section, list]) => list.map((row) => ({ section, ...row })));

describe("FEATURES.md", () => {
  it("has every section, in order", () => {
    expect([...sections.keys()]).toEqual([...Array.from({ length: 13 }, (_, index) => `A${index + 1}`), "B"]);
    expect(sections.get("B")).toHaveLength(25);
  });

  it("knows three statuses, and names each feature once in its section", () => {
    expect(rows.filter(({ status }) => !STATUSES.some((known) => known === status))).toEqual([]);
    const names = rows.map(({ section, feature }) => `${section} ${feature}`);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it("says of what is done which test shows it, and of the rest what is missing", () => {
    const silent = rows.filter(({ status, where }) =>
      status === "done" ? !/`[\w./-]+\.test\.ts`/.test(where) : where === "",
    );
    expect(silent).toEqual([]);
  });

  it("names files that exist", () => {
    const named = [...text.matchAll(/`((?:packages|tests|examples)\/[\w./-]+)`/g)].map(([, path = ""]) => path);
    expect(named.length).toBeGreaterThan(100);
    expect([...new Set(named)].filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it("counts right", () => {
    const [top = ""] = text.split(/^## /m);
    const table = top.split("\n").filter((line) => line.startsWith("|"));
    const counted = table.slice(2).map((line) => {
      const [section = "", , ...numbers] = cells(line);
      return [section, numbers.map(Number)] as const;
    });
    const count = (list: readonly Row[]) => [
      ...STATUSES.map((wanted) => list.filter(({ status }) => status === wanted).length),
      list.length,
    ];
    expect(counted).toEqual([...[...sections].map(([section, list]) => [section, count(list)]), ["all", count(rows)]]);
  });
});
