/** Python's numbers: arithmetic, how floats are written and rounded, and reading numbers from text. */
import { fail, isNumber, wholeOf, type Value } from "./values";

/** Bits of the largest int; Python itself prints none above 4300 digits. */
const MAXIMUM_BITS = 14_000n;

/** `a operator b` for numbers; undefined where one of them is none. */
export function arithmetic(operator: string, a: Value, b: Value): Value | undefined {
  if (!isNumber(a) || !isNumber(b)) return undefined;
  const [x, y] = [wholeOf(a), wholeOf(b)];
  if (x !== undefined && y !== undefined) return ofInts(operator, x, y);
  return ofFloats(operator, toFloat(a), toFloat(b));
}

function ofInts(operator: string, x: bigint, y: bigint): Value | undefined {
  switch (operator) {
    case "+":
      return bounded(x + y);
    case "-":
      return bounded(x - y);
    case "*":
      return bounded(x * y);
    case "/":
      return toFloat(exactFloat(x)) / toFloat(exactFloat(notZero(y)));
    case "//":
      return floorDivide(x, notZero(y));
    case "%":
      return x - floorDivide(x, notZero(y)) * y;
    case "**":
      return power(x, y);
    default:
      return undefined;
  }
}

function ofFloats(operator: string, x: number, y: number): Value | undefined {
  switch (operator) {
    case "+":
      return x + y;
    case "-":
      return x - y;
    case "*":
      return x * y;
    case "/":
      return x / notZero(y);
    case "//":
      return floorDivideFloats(x, notZero(y));
    case "%":
      return floatRemainder(x, notZero(y));
    case "**":
      // JavaScript's powers are not always the nearest float.
      return fail("a power of floats is not supported here");
    default:
      return undefined;
  }
}

/** An int that a float holds exactly, so that a quotient is the nearest one. */
function exactFloat(x: bigint): bigint {
  return x > 2n ** 53n || x < -(2n ** 53n)
    ? fail("a division of ints this large is not supported here")
    : x;
}

/** Minus zero is negative too. */
export function isNegative(x: number): boolean {
  return x < 0 || Object.is(x, -0);
}

function notZero<T extends bigint | number>(divisor: T): T {
  return divisor ? divisor : fail("division by zero");
}

/** Rounded down, as Python's //. */
function floorDivide(x: bigint, y: bigint): bigint {
  const quotient = x / y;
  return x % y !== 0n && x < 0n !== y < 0n ? quotient - 1n : quotient;
}

/** With the divisor's sign, as Python's %. */
function floatRemainder(x: number, y: number): number {
  const remainder = x % y;
  if (remainder === 0) return y < 0 ? -0 : 0;
  return remainder < 0 === y < 0 ? remainder : remainder + y;
}

/** As CPython computes it, which is not always the floor of the quotient. */
function floorDivideFloats(x: number, y: number): number {
  const quotient = (x - floatRemainder(x, y)) / y;
  if (quotient === 0) return isNegative(x / y) ? -0 : 0;
  const down = Math.floor(quotient);
  return quotient - down > 0.5 ? down + 1 : down;
}

function power(x: bigint, y: bigint): Value | undefined {
  if (y < 0n) return 1 / toFloat(power(notZero(x), -y) as bigint);
  const bits = BigInt((x < 0n ? -x : x).toString(2).length);
  if (bits > 1n && bits * y > MAXIMUM_BITS) return tooLarge();
  return x ** y;
}

function bounded(x: bigint): bigint {
  return x > LARGEST || x < -LARGEST ? tooLarge() : x;
}

const LARGEST = 2n ** MAXIMUM_BITS;

function tooLarge(): never {
  return fail("a number is too large");
}

/** A number as a float. Fails above what a float can hold. */
export function toFloat(value: boolean | bigint | number): number {
  const float = Number(value);
  return typeof value === "bigint" && !Number.isFinite(float) ? tooLarge() : float;
}

/** A finite float as mantissa * 2 ** exponent, exactly. */
function exactParts(x: number): { mantissa: bigint; exponent: number } {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, x);
  const raw = bits.getBigUint64(0);
  const biased = Number((raw >> 52n) & 2047n);
  const fraction = raw & (2n ** 52n - 1n);
  const mantissa = biased === 0 ? fraction : fraction + 2n ** 52n;
  return { mantissa: x < 0 ? -mantissa : mantissa, exponent: Math.max(biased, 1) - 1075 };
}

/** x * 10 ** digits to the nearest int, halves to the even one; from x's exact value. */
export function scaledInt(x: number, digits: number): bigint {
  const { mantissa, exponent } = exactParts(x);
  const over = mantissa * 10n ** BigInt(Math.max(digits, 0)) * 2n ** BigInt(Math.max(exponent, 0));
  const under = 10n ** BigInt(Math.max(-digits, 0)) * 2n ** BigInt(Math.max(-exponent, 0));
  return divideToEven(over, under);
}

/** The nearest int to over / under (above 0), halves to the even one. */
export function divideToEven(over: bigint, under: bigint): bigint {
  const down = floorDivide(over, under);
  const twice = 2n * (over - down * under);
  return twice > under || (twice === under && down % 2n !== 0n) ? down + 1n : down;
}

/** x with so many digits after the point, as `"%.2f" % x`. */
export function fixed(x: number, digits: number): string {
  const scaled = scaledInt(Math.abs(x), digits)
    .toString()
    .padStart(digits + 1, "0");
  const whole = scaled.slice(0, scaled.length - digits);
  const sign = isNegative(x) ? "-" : "";
  return sign + whole + (digits > 0 ? `.${scaled.slice(-digits)}` : "");
}

/** The digits (`1.25`) and the exponent of x above 0 with so many digits after the point, rounded as fixed does. */
export function scientific(x: number, digits: number): { digits: string; exponent: number } {
  if (x === 0) return { digits: fixed(0, digits), exponent: 0 };
  let exponent = Number(x.toExponential().split("e")[1]);
  let scaled = scaledInt(x, digits - exponent).toString();
  if (scaled.length > digits + 1) {
    exponent += 1;
    scaled = scaledInt(x, digits - exponent).toString();
  }
  const point = digits > 0 ? `.${scaled.slice(1)}` : "";
  return { digits: scaled[0] + point, exponent };
}

/** `repr(x)` of a float: the shortest digits that give it back. */
export function floatText(x: number): string {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x < 0 ? "-inf" : "inf";
  const sign = isNegative(x) ? "-" : "";
  const [digits, power] = Math.abs(x).toExponential().split("e");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) return `${sign}${digits}e${exponentText(exponent)}`;
  const figures = digits.replace(".", "");
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${figures}`;
  const whole = figures.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${figures.slice(exponent + 1) || "0"}`;
}

/** `+16`, `-05`: at least two digits. */
export function exponentText(exponent: number): string {
  return (exponent < 0 ? "-" : "+") + String(Math.abs(exponent)).padStart(2, "0");
}

/** `int(text, base)`; undefined where the text is no int. */
export function readInt(text: string, base = 10): bigint | undefined {
  const plain = asciiDigits(text).toLowerCase();
  const [, sign = "", prefix = "", digits = ""] = /^([+-]?)(0[box])?(.*)$/s.exec(plain) ?? [];
  const prefixBase = { "0b": 2, "0o": 8, "0x": 16 }[prefix];
  const actual = base === 0 ? (prefixBase ?? 10) : base;
  if (!Number.isInteger(base) || base === 1 || base < 0 || base > 36) return undefined;
  // "0b1" is a number to the base of 16, too.
  const figures = prefixBase === actual ? digits.replace(/^_/, "") : prefix + digits;
  if (!/^[0-9a-z]+(_[0-9a-z]+)*$/.test(figures)) return undefined;
  let value = 0n;
  for (const figure of figures.replaceAll("_", "")) {
    const worth = parseInt(figure, 36);
    if (worth >= actual) return undefined;
    value = bounded(value * BigInt(actual) + BigInt(worth));
  }
  return sign === "-" ? -value : value;
}

/** `float(text)`; undefined where the text is no float. */
export function readFloat(text: string): number | undefined {
  const plain = asciiDigits(text).toLowerCase();
  if (/^[+-]?(inf|infinity)$/.test(plain)) return plain.startsWith("-") ? -Infinity : Infinity;
  if (/^[+-]?nan$/.test(plain)) return NaN;
  const digits = /\d(?:_?\d)*/.source;
  const form = new RegExp(
    `^[+-]?(?:(?:${digits})\\.?(?:${digits})?|\\.(?:${digits}))(?:e[+-]?(?:${digits}))?$`,
  );
  return form.test(plain) ? Number(plain.replaceAll("_", "")) : undefined;
}

/** Without whitespace around, and with the digits of other scripts as 0 to 9. */
function asciiDigits(text: string): string {
  return text
    .replace(/^[\s\x1c-\x1f\x85]+|[\s\x1c-\x1f\x85]+$/g, "")
    .replace(/\p{Nd}/gu, (digit) => String(digitValue(digit)));
}

/** Decimal digits stand in rows of ten, from zero to nine; some rows follow one another. */
function digitValue(digit: string): number {
  const code = digit.codePointAt(0) ?? 0;
  let before = 0;
  while (/^\p{Nd}$/u.test(String.fromCodePoint(code - before - 1))) before++;
  return before % 10;
}
