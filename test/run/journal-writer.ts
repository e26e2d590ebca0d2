/** Appends to a journal until it is killed, telling its parent of each entry that is stored. */
import { openJournal } from "../../src/run/journal";

async function write(): Promise<void> {
  const journal = await openJournal(process.argv[2], JSON.parse(process.argv[3]));
  for (let i = 0; ; i++) {
    await journal.append(`key ${i}`, { i });
    process.send?.(i);
  }
}

void write();
