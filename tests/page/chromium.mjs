// The page in Chromium, as a person uses it: serves the example, opens it, clicks both buttons, and keeps the file that the
// browser saves: node chromium.mjs PROGRAM DUMP
import { spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import readline from "node:readline";

const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";
const PATIENCE_MS = 60_000;
const PAUSE_MS = 50;

const [program, dump] = process.argv.slice(2);
const example = new URL("../../examples/browser/", import.meta.url);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "page-"));

const FILES = {
  "/": ["text/html", new URL("index.html", example)],
  "/memtrack.js": ["text/javascript", new URL("memtrack.js", example)],
  "/page.wasm": ["application/wasm", program],
};

// Serves the page on a free port of the loopback interface.
function serve() {
  const server = http.createServer((request, response) => {
    const [type, file] = FILES[request.url] ?? [];
    response.writeHead(file ? 200 : 404, { "content-type": type ?? "text/plain" });
    response.end(file && fs.readFileSync(file));
  });
  return new Promise((ready) => server.listen(0, "127.0.0.1", () => ready(server)));
}

// Starts the browser's driver. Returns it with the address at which it answers.
async function drive() {
  const driver = spawn("chromedriver", ["--port=0"], { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of readline.createInterface({ input: driver.stdout })) {
    const port = /successfully on port (\d+)/.exec(line);
    if (port) return [driver, `http://127.0.0.1:${port[1]}`];
  }
  throw new Error("chromedriver ended");
}

async function call(address, method, body) {
  const answer = await fetch(address, { method, body: body && JSON.stringify(body) });
  const { value } = await answer.json();
  if (!answer.ok) throw new Error(`${address}: ${value.message}`);
  return value;
}

async function until(what, condition) {
  for (const end = Date.now() + PATIENCE_MS; !(await condition()); ) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((later) => setTimeout(later, PAUSE_MS));
  }
}

const server = await serve();
const [driver, address] = await drive();
try {
  const args = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", `--user-data-dir=${folder}/profile`];
  const prefs = { "download.default_directory": folder, "download.prompt_for_download": false };
  const capabilities = { alwaysMatch: { "goog:chromeOptions": { args, prefs } } };
  const { sessionId } = await call(`${address}/session`, "POST", { capabilities });
  const session = `${address}/session/${sessionId}`;
  await call(`${session}/url`, "POST", { url: `http://127.0.0.1:${server.address().port}/` });
  // The page shows figures once its program is there.
  const script = 'return document.getElementById("figures").textContent';
  await until("the program", () => call(`${session}/execute/sync`, "POST", { script, args: [] }));
  for (const button of ["#index", "#save"]) {
    const found = await call(`${session}/element`, "POST", { using: "css selector", value: button });
    await call(`${session}/element/${found[ELEMENT]}/click`, "POST", {});
  }
  // A file that is not complete has another name.
  const saved = path.join(folder, "page.memtrack");
  await until("the saved dump", () => fs.existsSync(saved) && fs.statSync(saved).size > 0);
  fs.copyFileSync(saved, dump);
  await call(session, "DELETE");
} finally {
  driver.kill();
  server.close();
  server.closeAllConnections();
  fs.rmSync(folder, { recursive: true, force: true });
}
