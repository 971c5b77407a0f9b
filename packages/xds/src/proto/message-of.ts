import type { EnvoyMessages } from "../../gen/envoy.d.ts";

/** The interface of a message by its full name; plain JSON for a name that is not known at compile time. */
export type MessageOf<Name extends string> = Name extends keyof EnvoyMessages ? EnvoyMessages[Name] : object;
