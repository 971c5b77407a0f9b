export type { ExitCode, Terminal } from "./command.ts";
export { run } from "./run.ts";
