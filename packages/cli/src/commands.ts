import type { Command } from "./command.ts";
import { agent } from "./commands/agent.ts";
import { analyze } from "./commands/analyze.ts";
import { bootstrap } from "./commands/bootstrap.ts";
import { caInit, caInspect, caIssue } from "./commands/ca.ts";
import { caAudit } from "./commands/ca-audit.ts";
import { caCrl, caRevoke } from "./commands/ca-revoke.ts";
import { caRotate } from "./commands/ca-rotate.ts";
import { completionOf } from "./commands/completion.ts";
import { describeService } from "./commands/describe-service.ts";
import { describeWorkload } from "./commands/describe-workload.ts";
import { diff } from "./commands/diff.ts";
import { proxyConfig } from "./commands/proxy-config.ts";
import { proxyLog } from "./commands/proxy-log.ts";
import { proxyRoute } from "./commands/proxy-route.ts";
import { proxyStats } from "./commands/proxy-stats.ts";
import { proxyStatus } from "./commands/proxy-status.ts";
import { reach } from "./commands/reach.ts";
import { route } from "./commands/route.ts";
import { serve } from "./commands/serve.ts";
import { test } from "./commands/test.ts";
import { validate } from "./commands/validate.ts";
import { version } from "./commands/version.ts";
import { xds } from "./commands/xds.ts";

/** Every command by its words. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  validate,
  analyze,
  xds,
  route,
  diff,
  reach,
  "describe workload": describeWorkload,
  "describe service": describeService,
  test,
  serve,
  bootstrap,
  "proxy-status": proxyStatus,
  "proxy-config": proxyConfig,
  "proxy-route": proxyRoute,
  "proxy-log": proxyLog,
  "proxy-stats": proxyStats,
  agent,
  "ca init": caInit,
  "ca issue": caIssue,
  "ca inspect": caInspect,
  "ca rotate": caRotate,
  "ca revoke": caRevoke,
  "ca crl": caCrl,
  "ca audit": caAudit,
  version,
  completion: completionOf(() => COMMANDS),
};
