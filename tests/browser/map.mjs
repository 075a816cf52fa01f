// SPDX-License-Identifier: GPL-2.0-or-later
// The page of `holm ns map` in a real browser: node map.mjs PAGE [SCREENSHOTS]. Prints `ok` lines, or
// what is wrong, and then exits with 1. Needs chromium, and playwright-core, wherever NODE_PATH says.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const { chromium } = createRequire(process.env.NODE_PATH + "/")("playwright-core");
const [page_path, shots] = process.argv.slice(2);
let failed = 0;

function check(ok, words) {
	console.log((ok ? "ok " : "not ok ") + words);
	if (!ok) failed = 1;
}

const html = readFileSync(page_path, "utf8");
const data = JSON.parse(html.split('id="data"')[1].split(">").slice(1).join(">").split("</script>")[0]);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
const errors = [], requests = [];
page.on("console", (m) => { if (m.type() === "error" || m.type() === "warning") errors.push(m.text()); });
page.on("pageerror", (e) => errors.push(String(e)));
page.on("request", (r) => { if (!r.url().startsWith("file:")) requests.push(r.url()); });
const shot = async (name) => { if (shots) await page.screenshot({ path: `${shots}/${name}.png` }); };
const visible = (selector) => page.locator(selector).filter({ visible: true }).count();

const begin = Date.now();
await page.goto("file://" + page_path);
await page.waitForSelector(".island");
const loaded = Date.now() - begin;
check(loaded < 4000, `drawn in ${loaded} ms`);

const pid_ns = data.namespaces.filter((n) => n.type === "pid");
check(await page.locator(".island").count() === pid_ns.length, `${pid_ns.length} islands of pid namespaces`);
check(await page.locator(".card").count() === data.namespaces.filter((n) => n.type === "net").length, "a card for each network");
const pairs = data.links.filter((l) => l.kind === "veth" && l.peer_ns).length / 2;
check(await page.locator("#wires path").count() === pairs, `${pairs} lines between pairs`);
const nested = pid_ns.find((n) => pid_ns.some((m) => m.inode === n.parent));
if (nested)
	check(await page.locator(`.island .island .title button[data-inode="${nested.inode}"]`).count() === 1, "nested within its parent");
const overlap = await page.evaluate(() => {
	const all = [...document.querySelectorAll(".chip")].filter((e) => e.offsetParent).map((e) => e.getBoundingClientRect());
	const rows = new Map();
	for (const r of all) (rows.get(Math.round(r.top)) || rows.set(Math.round(r.top), []).get(Math.round(r.top))).push(r);
	return [...rows.values()].some((row) => row.sort((a, b) => a.left - b.left).some((r, i) => i && r.left < row[i - 1].right - 0.5));
});
check(!overlap, "nothing overlaps");
await shot("light");

// Search, by keyboard.
const named = data.processes.find((p) => !p.kernel && p.pid !== nested?.pid && p.pid > 2);
await page.keyboard.press("/");
check(await page.evaluate(() => document.activeElement.id) === "search", "/ goes to the search");
await page.keyboard.type(String(named.pid));
await page.waitForFunction(() => document.getElementById("sum").textContent.includes("found"));
check(await visible(`.chip.hit[data-pid="${named.pid}"]`) === 1, `search finds ${named.pid}`);
await shot("search");
await page.keyboard.press("Escape");
check((await page.textContent("#sum")).includes("processes"), "Escape lets go");

// Filter by type.
for (const type of ["mnt", "user", "pid", "ipc", "uts", "cgroup", "time"])
	await page.click(`#types button:text-is("${type}")`);
const usual = data.namespaces.filter((n) => n.type === "net").sort((a, b) => b.processes - a.processes)[0].inode;
const own = data.processes.filter((p) => p.ns.net && p.ns.net !== usual && !p.tid);
check(await visible(".chip[data-pid]") >= Math.min(own.length, 1) && await visible(".chip[data-pid]") <= own.length + 1,
	`with net alone ${own.length} processes with a network of their own stay`);
await shot("filter");
for (const type of ["mnt", "user", "pid", "ipc", "uts", "cgroup", "time"])
	await page.click(`#types button:text-is("${type}")`);

// Details, and following.
if (nested) {
	await page.click(`.title button[data-inode="${nested.inode}"]`);
	check((await page.textContent("#detail")).includes(String(nested.inode)), "a namespace tells of itself");
	await shot("namespace");
}
const child = data.processes.find((p) => !p.kernel && data.processes.some((q) => q.pid === p.parent && q.pid > 2 && !q.kernel));
await page.fill("#search", String(child.pid));
await page.waitForSelector(`.chip.hit[data-pid="${child.pid}"]`);
await page.click(`.chip[data-pid="${child.pid}"]`);
await page.keyboard.press("Escape");
await page.fill("#search", String(child.pid));
await page.waitForSelector(`.chip.hit[data-pid="${child.pid}"]`);
await page.click(`.chip[data-pid="${child.pid}"]`);
await page.click(`#detail .row:has(span:text-is("${child.parent}")) >> nth=0`);
check((await page.textContent("#detail dd >> nth=0")) === String(child.parent), "a process is followed to who has started it");
await page.fill("#search", "");
await page.waitForFunction(() => !document.getElementById("sum").textContent.includes("found"));

// Hover.
await page.hover(".chip[data-pid] >> nth=0");
check(await page.isVisible("#tip"), "hover tells");

// The keyboard alone.
await page.focus('#islands [tabindex="0"]');
await page.keyboard.press("ArrowRight");
const one = await page.evaluate(() => document.activeElement.textContent);
await page.keyboard.press("ArrowDown");
check(one !== await page.evaluate(() => document.activeElement.textContent), "arrow keys walk");
await page.keyboard.press("Enter");
check((await page.textContent("#detail h3")).length > 0, "Enter follows");
await page.keyboard.press("Escape");

// User namespaces as islands; dark.
await page.click('#nest button:text-is("user")');
check(await page.locator(".island").count() === data.namespaces.filter((n) => n.type === "user").length, "islands of user namespaces");
await page.click("#theme");
check(await page.evaluate(() => document.documentElement.dataset.theme) === "dark", "dark by the switch");
await shot("dark");
await page.evaluate(() => document.getElementById("net-title").scrollIntoView());
await shot("networks");
await page.setViewportSize({ width: 700, height: 900 });
await shot("narrow");
await page.emulateMedia({ media: "print" });
check(!await page.isVisible("#types"), "printed without its switches");
await shot("print");

// Responsive: a search from key to screen.
await page.emulateMedia({ media: "screen" });
await page.setViewportSize({ width: 1440, height: 900 });
const took = await page.evaluate(async () => {
	const s = document.getElementById("search"), from = performance.now();
	s.value = "s"; s.dispatchEvent(new Event("input"));
	await new Promise((done) => { const look = () => document.getElementById("sum").textContent.includes("found") ? requestAnimationFrame(done) : setTimeout(look, 5); look(); });
	return performance.now() - from;
});
check(took < 1500, `a search takes ${Math.round(took)} ms`);
check(requests.length === 0, "no request leaves the page");
check(errors.length === 0, "no word on the console" + errors.map((e) => "\n# " + e).join(""));
await browser.close();
process.exit(failed);
