/** `4,812`. Intl would say the same, but takes 20 ms to load. */
export function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}

/** `1 socket`, `4,812 sockets`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

/** `53 %`, rounded down so that only what is full reads as 100 %. */
export function percentOf(part: number, whole: number): string {
  return `${Math.floor((part / whole) * 100)} %`;
}

/** `2 s`, `0.5 s`. */
export function inSeconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}
