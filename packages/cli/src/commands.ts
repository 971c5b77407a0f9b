import type { Command } from "./command.ts";
import { agent } from "./commands/agent.ts";
import { analyze } from "./commands/analyze.ts";
import { bootstrap } from "./commands/bootstrap.ts";
import { caInit, caInspect, caIssue } from "./commands/ca.ts";
import { caAudit } from "./commands/ca-audit.ts";
import { caCrl, caRevoke } from "./commands/ca-revoke.ts";
import { caRotate } from "./commands/ca-rotate.ts";
import { diff } from "./commands/diff.ts";
import { reach } from "./commands/reach.ts";
import { route } from "./commands/route.ts";
import { serve } from "./commands/serve.ts";
import { test } from "./commands/test.ts";
import { validate } from "./commands/validate.ts";
import { xds } from "./commands/xds.ts";

/** Every command by its words. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  validate,
  analyze,
  xds,
  route,
  diff,
  reach,
  test,
  serve,
  bootstrap,
  agent,
  "ca init": caInit,
  "ca issue": caIssue,
  "ca inspect": caInspect,
  "ca rotate": caRotate,
  "ca revoke": caRevoke,
  "ca crl": caCrl,
  "ca audit": caAudit,
};
