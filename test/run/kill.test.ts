/**
 * A run that is killed again and again, at seeded changes of the disk, also in the middle of a write, ends as one that
 * was not: rows, rollouts, figures and policies bit for bit. KILL_CHAINS=5 KILLS=6 makes it 30 kills.
 */
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "../../src/statistics/random";
import { finishedFiles, policies, runLoop, type Ended, type KillPoint } from "./killing";
import { temporaryFolder } from "./temporary";

const test = suite("killed runs");
const folder = temporaryFolder(test, "killed");

const chains = Number(process.env.KILL_CHAINS ?? 1);
const kills = Number(process.env.KILLS ?? 2);
/** Up to here a run of the tiny loop computes; what follows are its records and figures. */
const COMPUTING = 40;

let first: Map<string, string>;
let firstRun: Ended;

test("uninterrupted", async () => {
  firstRun = await runLoop(path.join(folder, "first"));
  assert.is(firstRun.code, 0, firstRun.stderr);
  first = finishedFiles(path.join(folder, "first"));
  // 9 arms and rounds of 2 held-out people, and 2 x 2 scored candidates.
  assert.is(first.get("rollouts.jsonl")?.split("\n").length, 9 * 2 + 2 * 2);
  assert.is(policies(firstRun.stderr).length, 2);
  assert.ok(firstRun.changes > COMPUTING);
});

for (let chain = 0; chain < chains; chain++)
  test(`killed ${kills} times (chain ${chain + 1})`, async () => {
    const random = createRandom(`kill/${chain}`);
    const own = path.join(folder, `chain ${chain}`);
    const told = new Set<string>();
    for (let kill = 0; kill < kills; kill++) {
      const last = kill === kills - 1;
      const most = last ? firstRun.changes - COMPUTING : COMPUTING;
      const point: KillPoint = {
        at: 1 + random.integer(most),
        when: random.pick(["before", "middle", "after"]),
      };
      const ended = await runLoop(own, point);
      console.log(`\nkill at change ${point.at}, ${point.when}: ${ended.signal ?? ended.code}`);
      policies(ended.stderr).forEach((line) => told.add(line));
      assert.ok(ended.signal === "SIGKILL" || (last && ended.code === 0), ended.stderr);
    }
    const ended = await runLoop(own);
    assert.is(ended.code, 0, ended.stderr);
    policies(ended.stderr).forEach((line) => told.add(line));
    assert.equal([...told], policies(firstRun.stderr));
    const files = finishedFiles(own);
    assert.equal([...files.keys()], [...first.keys()]);
    for (const [name, content] of files) assert.ok(content === first.get(name), name);
  });

test.run();
