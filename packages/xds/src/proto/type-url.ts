const PREFIX = "type.googleapis.com/";

/** The full message name of a type URL (what follows its last slash); a name stays as it is. */
export function messageNameOf(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
}

/** `type.googleapis.com/NAME`. */
export function typeUrlOf(messageName: string): string {
  return `${PREFIX}${messageName}`;
}
