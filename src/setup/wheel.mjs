/** Takes chosen files out of a Python wheel (a zip), streaming; what they are for is the caller's matter. */
import fs from "node:fs";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import yauzl from "yauzl";

/** The whole of one entry as text. */
async function readText(open, entry) {
  const chunks = [];
  for await (const chunk of await open(entry)) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

/** Writes each entry for which `place(name)` names a file there; resolves to the text of the wheel's METADATA. */
export async function openWheel(file, place) {
  const zip = await promisify(yauzl.open)(file, { lazyEntries: true, autoClose: false });
  const open = promisify(zip.openReadStream.bind(zip));
  let metadata = "";
  const take = async (entry) => {
    if (/^[^/]+\.dist-info\/METADATA$/.test(entry.fileName)) metadata = await readText(open, entry);
    const target = entry.fileName.endsWith("/") ? undefined : place(entry.fileName);
    if (!target) return;
    fs.mkdirSync(path.dirname(target), { recursive: true });
    const mode = (entry.externalFileAttributes >>> 16) & 0o111 ? 0o755 : 0o644;
    await pipeline(await open(entry), fs.createWriteStream(target, { mode }));
  };
  try {
    await new Promise((resolve, reject) => {
      zip.on("error", reject);
      zip.on("end", resolve);
      zip.on("entry", (entry) => take(entry).then(() => zip.readEntry(), reject));
      zip.readEntry();
    });
  } finally {
    zip.close();
  }
  return metadata;
}
