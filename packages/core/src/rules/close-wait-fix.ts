import type { CloseWaitCause, Fix } from '../finding/finding.ts';

/**
 * What to do about sockets that stay in CLOSE-WAIT, by why they do.
 * @param isClient whether the program has made the connections itself
 */
export function closeWaitFix(cause: CloseWaitCause, isClient = false): Fix {
  switch (cause) {
    case 'blocked-elsewhere':
      return BOUND_THE_WAIT;
    case 'spinning':
      return END_THE_LOOP;
    case 'not-watched':
      return REGISTER;
    case 'close-skipped':
      return isClient ? CLOSE_WHAT_WAS_USED : CLOSE_ON_EVERY_PATH;
    case 'data-abandoned':
    case 'eof-ignored':
    case 'not-reading':
    case 'unknown':
      return isClient ? CLOSE_WHAT_WAS_USED : CLOSE_AT_THE_END;
    default:
      return cause satisfies never;
  }
}

const docs = 'docs/close-wait-leak.md';

const CLOSE_AT_THE_END: Fix = {
  summary:
    'read until the end of the stream (a read that returns 0 bytes), then close; close on every error',
  steps: [
    {
      language: 'Node',
      text: "consume the data (socket.resume() or a 'data' listener) so that 'end' comes; with allowHalfOpen call socket.end() on 'end'; destroy the socket in every catch",
    },
    {
      language: 'Python',
      text: "`with conn:` (or contextlib.closing) around the handler; leave the loop when recv() returns b''; in asyncio: writer.close() and await writer.wait_closed() in finally",
    },
    {
      language: 'Go',
      text: 'defer conn.Close() right after Accept or Dial; for HTTP clients defer resp.Body.Close() and read the body to its end',
    },
    {
      language: 'Java',
      text: 'try-with-resources around the Socket, SocketChannel or HTTP response; close when read() returns -1',
    },
  ],
  docs,
};

const CLOSE_ON_EVERY_PATH: Fix = {
  summary:
    'put the close where no exception and no early return can skip it, and drop references that outlive the handler',
  steps: [
    {
      language: 'Node',
      text: "try { … } finally { socket.destroy(); } in the handler; take the socket out of every Map and array on 'close'",
    },
    {
      language: 'Python',
      text: '`with conn:` (or contextlib.closing) around the whole handler: it closes on an exception, too; take the socket out of every list',
    },
    {
      language: 'Go',
      text: 'defer conn.Close() right after Accept: it runs on return and on panic',
    },
    {
      language: 'Java',
      text: 'try-with-resources around the accepted Socket: it closes on an exception, too',
    },
  ],
  docs,
};

const CLOSE_WHAT_WAS_USED: Fix = {
  summary:
    'read each answer to its end and close it, on every path; or use one client for all requests, whose pool closes what its peer has closed',
  steps: [
    {
      language: 'Node',
      text: 'after every fetch() await response.text() or await response.body?.cancel(); response.resume() with http; await body.dump() with undici; socket.destroy() in finally',
    },
    {
      language: 'Python',
      text: 'with contextlib.closing(http.client.HTTPConnection(…)) as connection; `with requests.Session() as session:` or `with httpx.Client() as client:`; `with socket.create_connection(…) as sock:`',
    },
    {
      language: 'Go',
      text: 'defer resp.Body.Close() right after the error check, and io.Copy(io.Discard, resp.Body); defer conn.Close() after Dial',
    },
    {
      language: 'Java',
      text: 'try-with-resources around the response, its body and the Socket; one HttpClient for all requests',
    },
  ],
  docs,
};

const BOUND_THE_WAIT: Fix = {
  summary: 'give the call that it waits in a time-out, and close the socket when that passes',
  steps: [
    {
      language: 'Node',
      text: 'no synchronous calls in a handler (execSync, Atomics.wait); AbortSignal.timeout(30_000) for what it awaits; socket.destroy() in finally',
    },
    {
      language: 'Python',
      text: 'sock.settimeout(30), requests.get(url, timeout=(3, 30)), subprocess.run(…, timeout=30), lock.acquire(timeout=30), inside `with conn:`',
    },
    {
      language: 'Go',
      text: 'conn.SetDeadline(time.Now().Add(30*time.Second)) or context.WithTimeout for what the handler calls, and defer conn.Close()',
    },
    {
      language: 'Java',
      text: 'setSoTimeout, HttpRequest.timeout, Process.waitFor(30, SECONDS), tryLock(30, SECONDS), inside try-with-resources',
    },
  ],
  docs,
};

const END_THE_LOOP: Fix = {
  summary:
    'end the loop: leave it when there is nothing more to do, and when the peer has closed; then close the socket',
  steps: [
    {
      language: 'Node',
      text: 'node --cpu-prof shows the loop; hand long work to a worker thread, so that the event loop goes on',
    },
    {
      language: 'Python',
      text: 'py-spy dump --pid PID shows the line; `with conn:` around the handler, and a condition that ends the loop',
    },
    {
      language: 'Go',
      text: 'the goroutine profile of net/http/pprof shows the line; return from the loop, and defer conn.Close()',
    },
    {
      language: 'Java',
      text: 'jcmd PID Thread.print shows the line; leave the loop inside try-with-resources',
    },
  ],
  docs,
};

const REGISTER: Fix = {
  summary: 'watch every connection for input from accept to close: that is how its end is learned',
  steps: [
    { language: 'Node', text: "socket.resume() or a 'data' listener keeps a socket watched" },
    {
      language: 'Python',
      text: "selector.register(conn, selectors.EVENT_READ) right after accept; unregister and close when recv() returns b''",
    },
    {
      language: 'Go',
      text: 'a goroutine that reads each connection; the runtime does the watching',
    },
    {
      language: 'Java',
      text: 'channel.register(selector, OP_READ) after accept; key.cancel() and channel.close() when read() returns -1',
    },
  ],
  docs,
};
