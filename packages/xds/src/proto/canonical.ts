import { XdsError } from "../xds-error.ts";
import { asRecord, isDefault, takesNull } from "./json-value.ts";
import {
  found,
  printBytes,
  printEnum,
  printFloat,
  readBool,
  readBytes,
  readEnum,
  readFloat,
  readInt,
  readInt64,
  readString,
} from "./scalar.ts";
import { setOwn } from "./struct.ts";
import { type FieldTable, isKnownMessage, type Kind, type MessageTable, messageTable } from "./table.ts";
import { createTape } from "./tape.ts";
import { messageNameOf } from "./type-url.ts";
import { WELL_KNOWN } from "./well-known.ts";

type Json = Record<string, unknown>;
/** Takes each problem; `unknownType` each `Any` whose type is not known, which is no problem where its bytes are given. */
type Report = ((error: XdsError) => void) & { readonly unknownType?: (error: XdsError) => void };

const ANY = "google.protobuf.Any";

/**
 * The canonical form of a message's JSON: lowerCamelCase names, enum names, 64-bit integers as strings, defaults left out. An
 * `Any` of an unknown type stays as it is. Every problem goes to `report`, which may throw; what has one is left out.
 */
export function canonicalJson(name: string, json: unknown, report: Report): unknown {
  return attempt(() => message(name, json, "", report, 0), "", report);
}

/** Runs `read`; an error of its is reported below `path`. */
function attempt<T>(read: () => T, path: string, report: Report): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof XdsError) || reported.has(error)) throw error;
    const at = path === "" ? error : error.within(path);
    reported.add(at);
    report(at);
    return undefined;
  }
}

/** Errors that went through `report` and came back because it threw them. */
const reported = new WeakSet<XdsError>();

function join(path: string, segment: string): string {
  return path === "" || segment.startsWith("[") ? `${path}${segment}` : `${path}.${segment}`;
}

function message(name: string, json: unknown, path: string, report: Report, depth: number): unknown {
  if (depth > 100) throw new XdsError("invalid-value", "nested deeper than 100 levels");
  if (name === ANY) return any(asRecord(json), path, report, depth);
  const wellKnown = WELL_KNOWN.get(name);
  if (!wellKnown) return fields(messageTable(name), asRecord(json), {}, path, report, depth);
  const tape = createTape();
  wellKnown.write(json, tape.writer);
  return wellKnown.read(tape.reader, tape.length);
}

function any(json: Json, path: string, report: Report, depth: number): unknown {
  const typeUrl = json["@type"];
  if (typeUrl === undefined && Object.keys(json).length === 0) return {};
  if (typeof typeUrl !== "string")
    throw new XdsError("invalid-value", `expected a type URL, found ${found(typeUrl)}`, { path: "@type" });
  const name = messageNameOf(typeUrl);
  if (name === ANY || WELL_KNOWN.has(name))
    return {
      "@type": typeUrl,
      value: attempt(
        () => message(name, json.value ?? {}, join(path, "value"), report, depth + 1),
        join(path, "value"),
        report,
      ),
    };
  if (!isKnownMessage(name)) {
    const error = new XdsError("unknown-type", `no message ${JSON.stringify(name)} in the Envoy API`);
    report.unknownType?.(error.within(join(path, "@type")));
    return json;
  }
  const { "@type": _, ...rest } = json;
  return fields(messageTable(name), rest, { "@type": typeUrl }, path, report, depth + 1);
}

function fields(table: MessageTable, json: Json, result: Json, path: string, report: Report, depth: number): Json {
  const seen = new Map<string, string>();
  for (const key of Object.keys(json)) {
    const value = json[key];
    const at = join(path, key);
    attempt(
      () => {
        const field = table.byName.get(key);
        if (!field) throw new XdsError("unknown-field", `${table.name} has no such field`);
        if (value === undefined || (value === null && !takesNull(field))) return;
        for (const group of [field.jsonName, ...(field.oneof ? [`oneof ${field.oneof}`] : [])]) {
          const other = seen.get(group);
          if (other !== undefined)
            throw new XdsError(
              "conflicting-fields",
              `only one of ${field.oneof ?? field.jsonName} may be set, and ${other} is`,
            );
          seen.set(group, key);
        }
        const canonical = fieldValue(field, value, at, report, depth);
        if (canonical !== undefined) result[field.jsonName] = canonical;
      },
      at,
      report,
    );
  }
  return result;
}

function fieldValue(field: FieldTable, value: unknown, path: string, report: Report, depth: number): unknown {
  if (field.mapKey !== undefined) {
    const record = asRecord(value);
    const result: Json = {};
    for (const key of Object.keys(record)) {
      const at = join(path, key);
      const name = attempt(() => mapKey(field.mapKey as Kind, key), at, report);
      const item = attempt(() => one(field, record[key], at, report, depth), at, report);
      if (name !== undefined && item !== undefined) setOwn(result, name, item);
    }
    return Object.keys(result).length > 0 ? result : undefined;
  }
  if (field.repeated) {
    if (!Array.isArray(value)) throw new XdsError("invalid-value", `expected a list, found ${found(value)}`);
    const result = value.map((item, index) => {
      const at = join(path, `[${index}]`);
      return attempt(() => one(field, item, at, report, depth), at, report);
    });
    return result.length > 0 ? result.filter((item) => item !== undefined) : undefined;
  }
  if (!field.presence && isDefault(field, value)) return undefined;
  return one(field, value, path, report, depth);
}

function mapKey(kind: Kind, key: string): string {
  if (kind === "string") return key;
  if (kind === "bool") return String(readBool(key === "true" || (key === "false" ? false : key)));
  return String(scalar(kind, "", key));
}

function one(field: FieldTable, value: unknown, path: string, report: Report, depth: number): unknown {
  if (field.kind === "message") return message(field.type, value, path, report, depth + 1);
  return scalar(field.kind, field.type, value);
}

function scalar(kind: Kind, type: string, value: unknown): unknown {
  switch (kind) {
    case "string":
      return readString(value);
    case "bool":
      return readBool(value);
    case "bytes":
      return printBytes(readBytes(value));
    case "enum":
      return printEnum(type, readEnum(type, value));
    case "float":
    case "double": {
      const number = readFloat(kind, value);
      return printFloat(kind, kind === "float" ? Math.fround(number) : number);
    }
    case "int64":
    case "sint64":
    case "sfixed64":
      return String(readInt64(false, value));
    case "uint64":
    case "fixed64":
      return String(readInt64(true, value));
    default:
      return readInt(kind, value);
  }
}
