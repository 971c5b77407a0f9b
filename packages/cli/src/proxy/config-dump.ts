import { type Dumped, readConfigDump, SimulatorError } from "@fairlead/simulator";
import { CliError } from "../cli-error.ts";
import type { Call } from "../command.ts";
import { readText } from "../input.ts";
import { askHttp, parseJson } from "./http.ts";

/** The answer of `/config_dump?include_eds`, and everything in it, sorted by kind, name and state; the kind says which message each is. */
export interface ConfigDump {
  readonly json: unknown;
  readonly dumped: readonly Dumped[];
}

/** Of the Envoy whose admin address is `--admin`, or a saved one (`-f`). */
export async function dumpOf(call: Call): Promise<ConfigDump> {
  const admin = call.text("admin");
  const [file, ...more] = call.files;
  if ((admin === undefined) === (file === undefined) || more.length > 0)
    throw new CliError(
      "usage",
      "either --admin HOST:PORT or -f FILE, the answer of /config_dump?include_eds, is needed",
    );
  return file === undefined ? askDump(admin ?? "") : read(await readText(file), file);
}

export async function askDump(admin: string): Promise<ConfigDump> {
  return read(await askHttp(admin, "/config_dump?include_eds"), `http://${admin}/config_dump`);
}

function read(text: string, from: string): ConfigDump {
  const json = parseJson(text, from);
  try {
    const dumped = readConfigDump(json).map((one): Dumped => {
      const { "@type": _, ...resource } = one.resource;
      return { ...one, resource };
    });
    dumped.sort((a, b) => compare(a.kind, b.kind) || compare(a.name, b.name) || compare(a.state, b.state));
    return { json, dumped };
  } catch (error) {
    if (!(error instanceof SimulatorError)) throw error;
    throw new CliError("unreadable", `${from}: ${error.message}`, { cause: error });
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
