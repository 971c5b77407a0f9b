/** What the demo says, for people. */

const colour = process.stdout.isTTY && process.env.NO_COLOR === undefined;
const paint = (code: number, text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);

let failures = 0;

export function title(text: string): void {
  console.log(`\n${paint(1, text)}`);
}

export function say(text: string): void {
  console.log(`  ${text}`);
}

/** A claim and whether it is so. A claim that is not makes the demo fail. */
export function claim(holds: boolean, text: string): void {
  if (!holds) failures++;
  console.log(`  ${holds ? paint(32, "✓") : paint(31, "✗")} ${text}`);
}

export function failed(): number {
  return failures;
}

/** A step that takes a while: says what it does, then how long it took. */
export async function step<T>(text: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const live = process.stdout.isTTY;
  if (live) process.stdout.write(`  … ${text}`);
  try {
    const result = await work();
    const took = performance.now() - started;
    console.log(
      `${live ? "\r" : ""}  ${paint(32, "✓")} ${text} ${paint(2, `(${took < 1000 ? `${took.toFixed(0)} ms` : `${(took / 1000).toFixed(1)} s`})`)}`,
    );
    return result;
  } catch (error) {
    console.log(`${live ? "\r" : ""}  ${paint(31, "✗")} ${text}`);
    throw error;
  }
}

/** Rows of text under a head, in columns. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((text, column) => Math.max(text.length, ...rows.map((row) => (row[column] ?? "").length)));
  const line = (row: readonly string[]) => row.map((text, column) => text.padEnd(widths[column] ?? 0)).join("  ");
  console.log(`    ${paint(2, line(head))}`);
  for (const row of rows) console.log(`    ${line(row)}`);
}
