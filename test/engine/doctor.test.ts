/** The doctor tries every engine, and its text says what works and why not. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { doctor, formatDoctor, type DoctorReport } from "../../src/engine";

const doctorSuite = suite("doctor");

doctorSuite("every engine is tried; the portable ones work and are timed", async () => {
  const { engines, chosen, threads } = await doctor();
  assert.equal(
    engines.map(({ name }) => name),
    ["tensorflow", "webgpu", "wasm", "cpu"],
  );
  for (const { name, works, gflops = 0, residentBytes = 0, why } of engines) {
    if (name === "wasm" || name === "cpu") assert.ok(works, `${name}: ${why}`);
    if (works) assert.ok(gflops > 0.01 && residentBytes > 1e6, name);
    else assert.ok(why, `${name} without a reason`);
  }
  assert.ok(chosen !== undefined && threads > 0);
});

doctorSuite("the text has a line for each engine", () => {
  const report: DoctorReport = {
    ...{ node: "v20.1.0", platform: "linux x64", cpu: "Some CPU", threads: 2 },
    memory: { totalBytes: 8e9, freeBytes: 4e9 },
    nvidiaDriver: false,
    chosen: "wasm",
    engines: [
      { name: "tensorflow", works: false, why: "it is not set up" },
      {
        ...{ name: "wasm", works: true, version: "4.22.0" },
        ...{ gflops: 12.34, threads: 1, residentBytes: 2e8 },
      },
    ],
  };
  assert.is(
    formatDoctor(report),
    [
      "Node     v20.1.0 on linux x64",
      "CPU      Some CPU, 2 threads",
      "Memory   8.0 GB, 4.0 GB free",
      "NVIDIA   no driver found",
      "Chosen   wasm",
      "",
      "tensorflow  no     it is not set up",
      "wasm        works  4.22.0, 12.3 GFLOP/s, 1 thread, 200 MB, no GPU",
    ].join("\n"),
  );
});

doctorSuite.run();
