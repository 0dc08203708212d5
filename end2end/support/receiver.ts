// An HTTP endpoint that flows call: it remembers every request and answers as told.
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as it came. */
export interface Received {
  method: string;
  path: string;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** How to answer one request. */
export type Answer = (request: Received, number: number) => { status: number; body?: unknown; afterMs?: number };

/** A listening endpoint. */
export class Receiver {
  readonly received: Received[] = [];
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  /** Listens on a free port of the loopback address. */
  static start(answer: Answer = () => ({ status: 200, body: { ok: true } })): Promise<Receiver> {
    return new Promise((resolve) => {
      const server = createServer((request, response) => {
        const parts: Buffer[] = [];
        request.on('data', (part: Buffer) => parts.push(part));
        request.on('end', () => {
          const seen: Received = {
            method: request.method ?? '',
            path: request.url ?? '',
            headers: request.headers,
            body: Buffer.concat(parts).toString('utf8'),
          };
          receiver.received.push(seen);
          const { status, body, afterMs } = answer(seen, receiver.received.length);
          setTimeout(() => {
            response.writeHead(status, { 'content-type': 'application/json' });
            response.end(body === undefined ? undefined : JSON.stringify(body));
          }, afterMs ?? 0);
        });
      });
      let receiver: Receiver;
      server.listen(0, '127.0.0.1', () => {
        receiver = new Receiver(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
        resolve(receiver);
      });
    });
  }

  /** The different idempotency keys seen, in the order in which they came. */
  keys(): string[] {
    return [...new Set(this.received.map(({ headers }) => String(headers['idempotency-key'] ?? '')))];
  }

  /** Stops listening, also to those still connected. */
  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
