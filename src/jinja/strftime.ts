/** Python's strftime for a local date, in English. */
import { fail } from "./values";

const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months =
  "January February March April May June July August September October November December".split(
    " ",
  );

const two = (value: number): string => String(value).padStart(2, "0");
const hour12 = (date: Date): number => date.getHours() % 12 || 12;

function dayOfYear(date: Date): number {
  const start = Date.UTC(date.getFullYear(), 0, 1);
  return (Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - start) / 86_400_000 + 1;
}

const parts: Readonly<Record<string, (date: Date) => string>> = {
  "%": () => "%",
  Y: (date) => String(date.getFullYear()),
  y: (date) => two(date.getFullYear() % 100),
  m: (date) => two(date.getMonth() + 1),
  d: (date) => two(date.getDate()),
  e: (date) => String(date.getDate()).padStart(2),
  H: (date) => two(date.getHours()),
  I: (date) => two(hour12(date)),
  M: (date) => two(date.getMinutes()),
  S: (date) => two(date.getSeconds()),
  p: (date) => (date.getHours() < 12 ? "AM" : "PM"),
  A: (date) => days[date.getDay()],
  a: (date) => days[date.getDay()].slice(0, 3),
  B: (date) => months[date.getMonth()],
  b: (date) => months[date.getMonth()].slice(0, 3),
  h: (date) => months[date.getMonth()].slice(0, 3),
  j: (date) => String(dayOfYear(date)).padStart(3, "0"),
  w: (date) => String(date.getDay()),
  u: (date) => String(date.getDay() || 7),
  D: (date) => strftime("%m/%d/%y", date),
  F: (date) => strftime("%Y-%m-%d", date),
  R: (date) => strftime("%H:%M", date),
  T: (date) => strftime("%H:%M:%S", date),
  c: (date) => strftime("%a %b %e %H:%M:%S %Y", date),
  x: (date) => strftime("%m/%d/%y", date),
  X: (date) => strftime("%H:%M:%S", date),
  n: () => "\n",
  t: () => "\t",
  Z: () => "",
  z: () => "",
};

/** The date as `format` says; `%-d` is without the zero before. Fails for parts that are not known here. */
export function strftime(format: string, date: Date): string {
  return format.replace(/%(-?)(.?)/gsu, (all, bare: string, letter: string) => {
    const part = Object.hasOwn(parts, letter) ? parts[letter](date) : undefined;
    if (part === undefined) return fail(`strftime_now(): ${all} is not supported here`);
    return bare ? part.replace(/^[0 ]+(?=\d)/, "") : part;
  });
}
