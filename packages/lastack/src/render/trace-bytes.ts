import { putAscii, putNumber } from './bytes.ts';

const ZERO = 48;
const DOT = 46;
const LARGEST_WORD = 0xffff_ffff;

/** An unsigned integer, decimal, of any size. */
export function putInteger(buffer: Uint8Array, at: number, value: number): number {
  return value <= LARGEST_WORD ? putNumber(buffer, at, value) : putAscii(buffer, at, String(value));
}

/** A number that is not negative, with three decimals. */
export function putDecimals(buffer: Uint8Array, at: number, value: number): number {
  const thousandths = Math.round(value * 1000);
  const whole = Math.floor(thousandths / 1000);
  at = putInteger(buffer, at, whole);
  buffer[at] = DOT;
  return putThousandths(buffer, at + 1, thousandths - whole * 1000);
}

/** A number below 1000 in three digits. */
function putThousandths(buffer: Uint8Array, at: number, value: number): number {
  const hundreds = Math.floor(value / 100);
  const tens = Math.floor(value / 10) - hundreds * 10;
  buffer[at] = ZERO + hundreds;
  buffer[at + 1] = ZERO + tens;
  buffer[at + 2] = ZERO + value - hundreds * 100 - tens * 10;
  return at + 3;
}

/** Writes a time to the millisecond; what comes before it is made once a second. */
export class SecondClock {
  readonly #format: (date: Date) => string;
  #second = NaN;
  #text = '';

  /** @param format a time without its milliseconds, in ASCII */
  constructor(format: (date: Date) => string) {
    this.#format = format;
  }

  put(buffer: Uint8Array, at: number, atMs: number): number {
    const second = Math.floor(atMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = this.#format(new Date(second * 1000));
    }
    const ms = Math.floor(atMs) - second * 1000;
    return putThousandths(buffer, putAscii(buffer, at, this.#text), ms);
  }
}
