// What the tracker imports from JavaScript, for a page in a browser and for Node.js.
//
//     const tracker = new Memtrack();
//     const { instance } = await WebAssembly.instantiate(bytes, tracker.imports);
//     tracker.memory = instance.exports.memory;

/// A line of a stack that is a call in WebAssembly: the module, and the offset of the call in its file. Engines of V8 write
/// `at name (MODULE:wasm-function[7]:0x1f4)`, SpiderMonkey writes `name@MODULE:wasm-function[7]:0x1f4`.
const CALL = /([^\s(@]+):wasm-function\[\d+\]:0x([0-9a-f]+)\)?$/;

/// Texts of stacks whose offsets are remembered.
const REMEMBERED = 10_000;

export class Memtrack {
  /// The memory of the program: its export `memory`.
  memory = null;
  #offsets = new Map();
  #pieces = [];

  /// The imports of the module `memtrack`.
  imports = {
    memtrack: {
      stack: (to, most) => this.#stack(to, most),
      now: () => performance.now(),
      date: () => Date.now(),
      write: (from, length) => this.#pieces.push(new Uint8Array(this.memory.buffer, from, length).slice()),
    },
  };

  /// The bytes that the program has written since the last call: a dump.
  takeDump() {
    const pieces = this.#pieces;
    this.#pieces = [];
    return new Blob(pieces);
  }

  #stack(to, most) {
    if (this.memory === null) return 0;
    const offsets = this.#parsed(captured());
    new Uint32Array(this.memory.buffer, to, most).set(offsets.subarray(0, most));
    return offsets.length;
  }

  /// The offsets of a stack. A stack that has been seen before is not parsed again.
  #parsed(text) {
    let offsets = this.#offsets.get(text);
    if (offsets === undefined) {
      if (this.#offsets.size === REMEMBERED) this.#offsets.clear();
      offsets = parse(text);
      this.#offsets.set(text, offsets);
    }
    return offsets;
  }
}

/// The stack as the engine writes it. V8 writes ten lines unless it is told otherwise.
function captured() {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = Infinity;
  const text = new Error().stack;
  Error.stackTraceLimit = before;
  return text;
}

/// The offsets of the calls, the innermost first. Lines of JavaScript and of other modules are left out: the innermost call of
/// WebAssembly is the tracker's own.
function parse(text) {
  const calls = text.split("\n").map((line) => CALL.exec(line)).filter((call) => call !== null);
  const own = calls.filter((call) => call[1] === calls[0][1]);
  return Uint32Array.from(own, (call) => parseInt(call[2], 16));
}
