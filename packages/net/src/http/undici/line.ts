import type { Socket } from 'node:net';

/** The one connection of an undici client, and how many exchanges it has been given that have not started on it. */
export class Line {
  socket: Socket | undefined;
  waiting = 0;
}
