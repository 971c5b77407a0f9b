import protobuf from "protobufjs";

/**
 * Adds fields that are newer than the shipped files. A line is `MESSAGE NAME NUMBER TYPE [repeated|optional|oneof:NAME|map:KEY]`;
 * `#` begins a comment. A field that the shipped files have by now is left alone.
 */
export function addOverlayFields(root: protobuf.Root, table: string): void {
  for (const line of table.split("\n")) {
    const [message, name, number, type, rule = ""] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (!message) continue;
    if (!name || !number || !type) throw new Error(`overlay: cannot read ${JSON.stringify(line)}`);
    const target = root.lookupType(message);
    if (target.fields[name]) continue;
    const id = Number(number);
    if (target.fieldsById[id]) throw new Error(`overlay: ${message} already has a field ${id}`);
    if (rule.startsWith("map:")) target.add(new protobuf.MapField(name, id, rule.slice(4), type));
    else if (rule === "repeated") target.add(new protobuf.Field(name, id, type, "repeated"));
    else if (rule === "optional") target.add(new protobuf.Field(name, id, type, "proto3_optional"));
    else target.add(new protobuf.Field(name, id, type));
    if (rule.startsWith("oneof:")) {
      const oneof = target.oneofs[rule.slice(6)];
      const field = target.fields[name];
      if (!oneof || !field) throw new Error(`overlay: ${message} has no oneof ${rule.slice(6)}`);
      oneof.add(field);
    }
  }
}
