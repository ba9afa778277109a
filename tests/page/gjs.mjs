// The page's program in SpiderMonkey, the engine of Firefox, which GNOME's interpreter has: gjs --module gjs.mjs PROGRAM DUMP
// The interpreter lacks two classes of a browser. Here are as much of them as the page uses.
import GLib from "gi://GLib";
import { programArgs } from "system";

globalThis.performance = { now: () => GLib.get_monotonic_time() / 1000 };
globalThis.Blob = class {
  constructor(pieces) {
    this.bytes = Uint8Array.from(pieces.flatMap((piece) => [...piece]));
  }
};

const { Memtrack } = await import("../../examples/browser/memtrack.js");
const [program, dump] = programArgs;
const tracker = new Memtrack();
const [, bytes] = GLib.file_get_contents(program);
// The interpreter cannot compile in the background, as a page does.
const page = new WebAssembly.Instance(new WebAssembly.Module(bytes), tracker.imports).exports;
tracker.memory = page.memory;
page.index(200);
if (!page.dump()) throw new Error("the tracker cannot write its dump");
GLib.file_set_contents(dump, tracker.takeDump().bytes);
