// Runs a WebAssembly program that Rust has built for wasm32-wasip1 or wasm32-unknown-unknown, under
// Node. As a runner of cargo it gets the file and the arguments.
//
// A panic ends an instance, and a test that fails would take the others with it. So of a test
// program (its file is in a folder `deps`) each test has an instance of its own, and is
//
// - passed, if the instance ends with 0, or with the panic that it announced by a line
//   `must panic: WORDS`;
// - left out, if it wanted a second thread, which is not to be had;
// - failed otherwise.
//
// It fails too if no test passed. Hangs are for `timeout` to end: the name of a test is printed
// before it runs.

import { openSync, closeSync, readFileSync, mkdtempSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { WASI } from "node:wasi";

const [file, ...args] = process.argv.slice(2);
const module = await WebAssembly.compile(readFileSync(file));
const scratch = mkdtempSync(join(tmpdir(), "wasi-"));
process.on("exit", () => rmSync(scratch, { recursive: true }));

// Runs the program once; how it ended, and what it said.
async function run(args) {
    const paths = ["out", "err"].map((name) => join(scratch, name));
    const [stdout, stderr] = paths.map((path) => openSync(path, "w+"));
    let code;
    try {
        const options = { version: "preview1", args: [basename(file), ...args], stdout, stderr };
        const wasi = new WASI({ ...options, env: { RUST_BACKTRACE: "0" }, returnOnExit: true });
        const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
        code = wasi.start(instance);
    } catch (error) {
        if (!(error instanceof WebAssembly.RuntimeError)) throw error;
        code = "trap";
    } finally {
        closeSync(stdout);
        closeSync(stderr);
    }
    const [out, err] = paths.map((path) => readFileSync(path, "utf8"));
    return { code, out, err };
}

function judge({ code, err }) {
    if (code === 0) return err.includes("must panic:") ? "failed" : "ok";
    if (err.includes("failed to spawn thread")) return "left out: no second thread";
    const words = /^must panic: (.+)$/m.exec(err)?.[1];
    const panic = words && err.slice(err.indexOf("must panic:")).split(/ panicked at .*\n/)[1];
    return panic?.includes(words) ? "ok" : "failed";
}

async function runTests() {
    const list = await run(["--list", "--format", "terse", ...args]);
    const names = [...list.out.matchAll(/^(.+): test$/gm)].map((match) => match[1]);
    const counts = { ok: 0, failed: 0, left: 0 };
    for (const name of names) {
        writeSync(1, `test ${name} ... `);
        const run_ = await run([name, "--exact", "--nocapture", ...args.filter((arg) => arg.startsWith("-"))]);
        const ignored = / 1 ignored;/.test(run_.out);
        const verdict = ignored ? "left out: ignored" : judge(run_);
        writeSync(1, `${verdict}\n`);
        counts[verdict.split(" ")[0]] += 1;
        if (verdict === "failed") writeSync(1, run_.out + run_.err);
    }
    const fine = counts.failed === 0 && counts.ok > 0;
    const { ok, failed, left } = counts;
    writeSync(1, `test result: ${fine ? "ok" : "FAILED"}. ${ok} passed; ${failed} failed; ${left} left out\n`);
    return fine ? 0 : 1;
}

// Without a system there is no output: the code, or a trap, is all there is to see.
async function runBare() {
    const { exports } = await WebAssembly.instantiate(module, {});
    return exports.main(0, 0);
}

async function runProgram() {
    const { code, out, err } = await run(args);
    writeSync(1, out);
    writeSync(2, err);
    return code;
}

const bare = WebAssembly.Module.imports(module).length === 0;
const code = await (bare ? runBare() : /[\\/]deps[\\/]/.test(file) ? runTests() : runProgram());
process.exitCode = code === 0 ? 0 : 1;
