import { PassThrough } from "node:stream";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createProgress, timeLeft } from "../../src/messages/progress";

const test = suite("progress");

function collector(isTTY: boolean): { stream: NodeJS.WriteStream; text: () => string } {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 100 });
  let text = "";
  stream.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => text };
}

test("time left from the mean time of what is done", () => {
  assert.is(timeLeft(2, 10, 4000), "16 s left");
  assert.is(timeLeft(1, 5, 31_250), "2 min 5 s left");
  assert.is(timeLeft(1, 2, 3_720_000), "1 h 2 min left");
  assert.is(timeLeft(0, 10, 4000), "");
  assert.is(timeLeft(10, 10, 4000), "");
});

test("plain lines at most every 10 seconds where there is no terminal, and the end", () => {
  const { stream, text } = collector(false);
  let time = 0;
  const progress = createProgress("candidates", 8, { stream, now: () => time });
  for (let i = 0; i < 8; i++) {
    time += 4000;
    progress.advance(1, `reward ${i}`);
  }
  progress.stop();
  progress.stop();
  assert.equal(text().trimEnd().split("\n"), [
    "candidates 3/8, 20 s left, reward 2",
    "candidates 6/8, 8 s left, reward 5",
    "candidates 8/8, reward 7",
  ]);
});

test("a bar on a terminal", () => {
  const { stream, text } = collector(true);
  const progress = createProgress("candidates", 4, { stream });
  progress.advance(3, "reward 0.5");
  progress.stop();
  assert.match(text(), "candidates");
  assert.match(text(), "3/4");
  assert.match(text(), "reward 0.5");
});

test("nothing when quiet", () => {
  const { stream, text } = collector(false);
  const progress = createProgress("candidates", 1, { stream, quiet: true });
  progress.advance();
  progress.stop();
  assert.is(text(), "");
});

test.run();
