// The clients of the shutdown bench. Each ends when it is told to connect anew: the server is gone, and that is no drop.
import http from 'node:http';
import http2 from 'node:http2';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** What the clients of one run saw; a request is dropped when it was sent and got no answer. */
export class Tally {
  answered = 0;
  dropped = 0;
  /** Refused with the proof that it was not processed (503, REFUSED_STREAM): the client has to send it again. */
  refused = 0;
  errors = {};

  drop(what) {
    this.dropped++;
    this.errors[what] = (this.errors[what] ?? 0) + 1;
  }
}

/** One keep-alive client of `POST /?ms=…`, one request at a time, until its connection is over. */
export async function keepAliveClient(port, { serviceMs, thinkMs }, tally, isOver) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  while (!isOver()) {
    const end = await post(port, agent, serviceMs);
    if (end === 'answered') tally.answered++;
    else if (end === 'no connection') break;
    else if (end === 503) tally.refused++;
    else tally.drop(end);
    await pause(Math.random() * thinkMs);
  }
  agent.destroy();
}

function post(port, agent, serviceMs) {
  return new Promise((resolve) => {
    const request = http.request({
      port,
      host: '127.0.0.1',
      method: 'POST',
      agent,
      path: `/?ms=${serviceMs}`,
      headers: { 'Content-Length': 0 },
    });
    request.on('response', (response) => {
      response.resume();
      response.on('end', () => {
        resolve(response.statusCode === 200 ? 'answered' : response.statusCode);
      });
      response.on('error', (error) => resolve(error.code));
    });
    request.on('error', (error) => {
      resolve(error.syscall === 'connect' ? 'no connection' : error.code);
    });
    request.end();
  });
}

/** Three pipelined requests in one segment, of which the first is in service when the server is told to stop. */
export function pipeliningClient(port, tally) {
  const head = (ms) => `POST /?ms=${ms} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`;
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    let error = 'closed';
    socket.setEncoding('utf8');
    socket.write(head(300) + head(50) + head(0));
    socket.on('data', (data) => {
      text += data;
    });
    socket.on('error', ({ code }) => {
      error = code;
    });
    socket.on('close', () => {
      const answers = text.match(/HTTP\/1\.1 200/g)?.length ?? 0;
      tally.answered += answers;
      for (let missing = 3 - answers; missing > 0; missing--) tally.drop(error);
      resolve();
    });
  });
}

/** One session: one request after the other, and `inFlight` slow ones, until the server says goodbye. */
export async function http2Client(port, { serviceMs, thinkMs, inFlight }, tally, isOver) {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  const slow = Array.from({ length: inFlight }, () => getStream(session, 600, tally));
  while (!isOver() && !session.closed && !session.destroyed) {
    if (!(await getStream(session, serviceMs, tally))) break;
    await pause(Math.random() * thinkMs);
  }
  await Promise.all(slow);
  session.close();
}

/** @returns whether it was answered */
function getStream(session, ms, tally) {
  return new Promise((resolve) => {
    let stream;
    try {
      stream = session.request({ ':path': `/?ms=${ms}` });
    } catch {
      // It has said goodbye meanwhile: nothing was sent.
      resolve(false);
      return;
    }
    let body = '';
    let error = 'closed';
    let status = 0;
    stream.on('response', (headers) => {
      status = headers[':status'];
    });
    stream.setEncoding('utf8');
    stream.on('data', (data) => {
      body += data;
    });
    stream.on('error', ({ code }) => {
      error = code;
    });
    stream.on('close', () => {
      if (body === 'ok') tally.answered++;
      else if (status === 503 || stream.rstCode === http2.constants.NGHTTP2_REFUSED_STREAM) {
        tally.refused++;
      } else tally.drop(error);
      resolve(body === 'ok');
    });
  });
}
