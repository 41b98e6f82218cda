import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { acknowledgeNow } from './acknowledge.ts';

// Read first: RFC 6455 §5.2, the base framing protocol. The inspector sends text in whole frames, unmasked, and no extension.

const CONTINUATION = 0x0;
const TEXT = 0x1;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;
const FIN = 0x80;
const MASKED = 0x80;

/** A script of some megabytes may come in one message. */
export const LARGEST_MESSAGE = 16 << 20;

export interface WebSocketFrame {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly payload: Buffer;
  /** Bytes of the frame, header included. */
  readonly length: number;
}

/**
 * Parses the frame at the beginning of the bytes.
 * @returns null while it is not complete
 * @throws RangeError when it is longer than `LARGEST_MESSAGE`, or masked, which a server must not do
 */
export function parseFrame(bytes: Buffer): WebSocketFrame | null {
  if (bytes.length < 2) return null;
  const [first, second] = bytes;
  if ((second & MASKED) !== 0) throw new RangeError('the inspector sent a masked frame');
  const short = second & 0x7f;
  const header = short === 127 ? 10 : short === 126 ? 4 : 2;
  if (bytes.length < header) return null;
  const size =
    short === 127
      ? Number(bytes.readBigUInt64BE(2))
      : short === 126
        ? bytes.readUInt16BE(2)
        : short;
  if (size > LARGEST_MESSAGE) throw new RangeError(`the inspector sent a frame of ${size} bytes`);
  if (bytes.length < header + size) return null;
  const payload = bytes.subarray(header, header + size);
  return {
    opcode: first & 0x0f,
    isFinal: (first & FIN) !== 0,
    payload,
    length: header + size,
  };
}

/** A frame of a client: complete and masked. */
export function frameBytes(opcode: number, payload: Buffer, mask: Buffer): Buffer {
  const size = payload.length;
  const length =
    size < 126 ? [size] : size < 65_536 ? [126, size >>> 8, size & 0xff] : [127, ...bytes64(size)];
  const header = Buffer.from([FIN | opcode, ...length]);
  header[1] |= MASKED;
  return Buffer.concat([header, mask, Buffer.from(payload.map((byte, i) => byte ^ mask[i & 3]))]);
}

function bytes64(value: number): readonly number[] {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return [...bytes];
}

/** A connection that carries text messages. */
export class WebSocketClient implements Disposable {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #parts: Buffer[] = [];
  /** Called with each message. */
  onMessage: (text: string) => void = () => {};
  /** Called once, when no more messages can come. */
  onClose: () => void = () => {};

  constructor(socket: Socket, head: Buffer) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('close', () => this.onClose());
    socket.on('error', () => {});
    if (head.length > 0) this.#receive(head);
  }

  send(text: string): void {
    this.#write(TEXT, Buffer.from(text));
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #write(opcode: number, payload: Buffer): void {
    if (this.#socket.writable) this.#socket.write(frameBytes(opcode, payload, randomBytes(4)));
  }

  #receive(bytes: Buffer): void {
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    try {
      for (let frame = this.#next(); frame !== null; frame = this.#next()) this.#handle(frame);
    } catch {
      this.#socket.destroy();
    }
    // An event often comes before an answer, and the answer only when the event was acknowledged.
    acknowledgeNow(this.#socket);
  }

  #next(): WebSocketFrame | null {
    const frame = parseFrame(this.#received);
    if (frame !== null) this.#received = this.#received.subarray(frame.length);
    return frame;
  }

  #handle({ opcode, isFinal, payload }: WebSocketFrame): void {
    switch (opcode) {
      case CLOSE:
        this.#write(CLOSE, payload);
        this.#socket.end();
        break;
      case PING:
        this.#write(PONG, payload);
        break;
      case TEXT:
      case CONTINUATION: {
        this.#parts.push(payload);
        const size = this.#parts.reduce((sum, part) => sum + part.length, 0);
        if (size > LARGEST_MESSAGE) throw new RangeError('the inspector sent too much');
        if (!isFinal) break;
        const text = Buffer.concat(this.#parts).toString('utf8');
        this.#parts = [];
        this.onMessage(text);
        break;
      }
      default:
    }
  }
}

export interface UpgradeOptions {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly connect: () => Socket;
  readonly timeoutMs: number;
}

/** Opens a WebSocket over a connection that `connect` makes; rejects when the server does not agree in time. */
export function openWebSocket({
  host,
  port,
  path,
  connect,
  timeoutMs,
}: UpgradeOptions): Promise<WebSocketClient> {
  return new Promise((resolve, reject) => {
    const opening = request({
      path,
      createConnection: connect,
      headers: {
        Host: `${host}:${port}`,
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
      },
    });
    const timer = setTimeout(() => opening.destroy(new Error('time-out')), timeoutMs);
    opening.once('upgrade', (_response, socket, head) => {
      clearTimeout(timer);
      resolve(new WebSocketClient(socket, head));
    });
    opening.once('response', (response) => {
      opening.destroy(new Error(`HTTP status ${response.statusCode}`));
    });
    opening.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    opening.end();
  });
}
