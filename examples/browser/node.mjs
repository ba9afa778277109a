// The same program in Node.js: node node.mjs page.wasm page.memtrack
import fs from "node:fs";
import { Memtrack } from "./memtrack.js";

const [program, dump] = process.argv.slice(2);
const tracker = new Memtrack();
const { instance } = await WebAssembly.instantiate(fs.readFileSync(program), tracker.imports);
const page = instance.exports;
tracker.memory = page.memory;

console.log(`${page.index(200)} words`);
console.log(`${page.live_bytes()} bytes live, ${page.peak_bytes()} bytes at the peak`);
if (!page.dump()) throw new Error("the tracker cannot write its dump");
fs.writeFileSync(dump, new Uint8Array(await tracker.takeDump().arrayBuffer()));
