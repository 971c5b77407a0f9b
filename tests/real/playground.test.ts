import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { servePlayground } from "../../examples/playground/serve.ts";
import { CHROMIUM, CHROMIUM_ARGUMENTS, hasChromium } from "../support/chromium.ts";

const here = await hasChromium("the playground in a browser");

describe.skipIf(!here)("the playground, in Chromium under script-src 'self'", () => {
  let server: Awaited<ReturnType<typeof servePlayground>>;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];
  const outcome = () => page.locator("#outcome").textContent();
  const destinations = async () => (await page.locator("#destinations tbody tr").allInnerTexts()).map(words);
  const words = (text: string) => text.split(/\s+/).slice(0, 5).join(" ");
  const ask = () => page.getByRole("button", { name: "Ask" }).click();
  const edit = async (change: (yaml: string) => string) => {
    const yaml = page.locator("#yaml");
    await yaml.fill(change(await yaml.inputValue()));
  };

  beforeAll(async () => {
    server = await servePlayground();
    browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_ARGUMENTS });
    page = await browser.newPage({ viewport: { width: 1440, height: 960 } });
    page.on("console", (message) => void complaints.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => void complaints.push(String(error)));
    page.on("requestfailed", (request) => void complaints.push(`${request.url()} failed`));
    await page.addInitScript({
      content: `addEventListener("securitypolicyviolation", ({ violatedDirective, sourceFile, lineNumber }) =>
        console.error(\`violates \${violatedDirective} at \${sourceFile}:\${lineNumber}\`))`,
    });
    await page.goto(server.url);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  it("answers at once, and no script is made at run time", async () => {
    await expect.poll(outcome).toMatch(/^routed/);
    expect(await destinations()).toEqual([
      "70 % reviews.default.svc.cluster.local v1 10.2.0.2:9080",
      "30 % reviews.default.svc.cluster.local v2 10.2.0.3:9080",
    ]);
    expect(complaints).toEqual([]);
  });

  it("an edited weight moves the shares", async () => {
    await edit((yaml) => yaml.replace("weight: 70", "weight: 95").replace("weight: 30", "weight: 5"));
    await expect
      .poll(destinations)
      .toEqual([
        "95 % reviews.default.svc.cluster.local v1 10.2.0.2:9080",
        "5 % reviews.default.svc.cluster.local v2 10.2.0.3:9080",
      ]);
    expect(await page.locator("#routes").textContent()).toContain("95 → reviews.default.svc.cluster.local v1");
  });

  it("a request gets its answer, and the trace leads to the line that decided", async () => {
    await page.locator("#headers").fill("end-user: jason");
    await ask();
    await expect.poll(destinations).toEqual(["100 % reviews.default.svc.cluster.local v2 10.2.0.3:9080"]);
    const decided = page.locator("#trace .hit", { hasText: "spec.http[1]" }).first();
    await decided.locator(".place").click();
    const selected = await page.locator("#yaml").evaluate((area) => {
      const { value, selectionStart, selectionEnd } = area as unknown as {
        value: string;
        selectionStart: number;
        selectionEnd: number;
      };
      return value.slice(selectionStart, selectionEnd);
    });
    expect(selected.trim()).toMatch(/^- (match:|headers: \{end-user: \{exact: jason\}\})$/);
    if (process.env.PLAYGROUND_SCREENSHOT)
      await page.screenshot({ path: join(process.env.PLAYGROUND_SCREENSHOT, "playground.png") });
  });

  it("a method that no policy allows is denied by the callee", async () => {
    await page.locator("#method").selectOption("DELETE");
    await expect.poll(outcome).toMatch(/^denied, 403 by rbac/);
    await page.locator("#method").selectOption("GET");
  });

  it("an example is one click", async () => {
    await page.getByRole("button", { name: "a wrong port" }).click();
    await expect
      .poll(() => page.locator("#trace .miss").first().textContent())
      .toContain("has no port 80; it has 9080");
    await page.getByRole("button", { name: "everybody" }).click();
    await expect.poll(outcome).toMatch(/^routed/);
  });

  it("a redirect says where to", async () => {
    await page.locator("#url").fill("http://reviews:9080/old/page");
    await ask();
    await expect.poll(outcome).toMatch(/^redirected, 301 by redirect .* to http:\/\/reviews:9080\/new/);
  });

  it("what is wrong is said with its line, and the rest goes on", async () => {
    await edit((yaml) => yaml.replace("redirect: {uri: /new}", "redirct: {uri: /new}"));
    await expect.poll(() => page.locator("#diagnostics").textContent()).toContain("redirct");
    await page.locator("#url").fill("http://nowhere.default/");
    await ask();
    await expect.poll(outcome).toContain("nowhere");
    expect(complaints).toEqual([]);
  });

  it("the policy is in force: a script that the page makes does not run", async () => {
    const title = await page.evaluate(`{
      const script = document.createElement("script");
      script.textContent = "document.title = 'made'";
      document.head.append(script);
      document.title;
    }`);
    expect(title).toBe("Fairlead playground");
    await expect.poll(() => complaints.join("\n")).toContain("violates script-src");
  });
});
