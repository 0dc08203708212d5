// The REST API as the tests use it, with the session of the page or request they give.
import { type APIRequestContext, expect } from '@playwright/test';

type Json = Record<string, unknown>;

/** A node of a definition. */
export type Node = { kind: string; config?: Json; [key: string]: unknown };

/** A definition of these nodes, with edges written `a.out -> b.in` or, for the usual ports, `a -> b`. */
export function definition(name: string, nodes: Record<string, Node>, edges: string[], more: Json = {}): Json {
  const end = (text: string, port: string) => (text.includes('.') ? text : `${text}.${port}`);
  return {
    holon: 1,
    name,
    nodes,
    edges: edges.map((edge) => {
      const [from = '', to = ''] = edge.split('->').map((part) => part.trim());
      return { from: end(from, 'out'), to: end(to, 'in') };
    }),
    ...more,
  };
}

/** What the API answers about a run. */
export interface Run {
  summary: { id: string; status: string; error?: string };
  nodes: { path: string; status: string; output?: Json; attempts: number }[];
  output?: unknown;
  log_hash: string;
}

/** A signed-in client. */
export class Api {
  constructor(
    readonly request: APIRequestContext,
    readonly url: string,
  ) {}

  /** Any call; a body is sent as JSON. */
  call(method: string, path: string, data?: unknown, headers: Record<string, string> = {}) {
    return this.request.fetch(`${this.url}/api/v1${path}`, { method, data, headers: { origin: this.url, ...headers } });
  }

  /** A call that must succeed, and its answer. */
  async ok<T = Json>(method: string, path: string, data?: unknown, headers: Record<string, string> = {}): Promise<T> {
    const answer = await this.call(method, path, data, headers);
    const text = await answer.text();
    expect(answer.ok(), `${method} ${path}: ${answer.status()} ${text}`).toBe(true);
    return (text ? JSON.parse(text) : {}) as T;
  }

  /** Makes a flow and publishes it; gives its id and the addresses of its webhooks. */
  async publish(flow: Json): Promise<{ id: string; hooks: string[] }> {
    const { id } = await this.ok<{ id: string }>('POST', '/flows', { definition: flow });
    await this.ok('POST', `/flows/${id}/publish`, { message: 'for a test' });
    const { webhooks } = await this.ok<{ webhooks: { url: string }[] }>('GET', `/flows/${id}`);
    return { id, hooks: webhooks.map(({ url }) => url) };
  }

  /** The runs of a flow, newest first. */
  async runs(flow: string): Promise<{ id: string; status: string }[]> {
    const page = await this.ok<{ data: { id: string; status: string }[] }>('GET', `/runs?flow=${flow}`);
    return page.data;
  }

  /** A run, whole. */
  run(id: string): Promise<Run> {
    return this.ok<Run>('GET', `/runs/${id}`);
  }

  /** Waits until a run asks somebody something; the id of the task. */
  async task(run: string): Promise<string> {
    const open = async () => (await this.ok<{ data: { id: string }[] }>('GET', `/runs/${run}/tasks?state=open`)).data.map(({ id }) => id);
    await expect.poll(async () => (await open()).length).toBe(1);
    return (await open())[0] ?? '';
  }

  /** Waits until a run has one of these states. */
  async reaches(id: string, ...states: string[]): Promise<Run> {
    await expect.poll(async () => (await this.run(id)).summary.status).toMatch(new RegExp(`^(${states.join('|')})$`));
    return this.run(id);
  }
}
