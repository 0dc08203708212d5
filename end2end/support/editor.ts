// The editor as the tests open it.
import { type Page, expect } from '@playwright/test';
import { Api, type Node, definition } from './api';
import type { HolonServer } from './server';
import { enter, visit } from './test';

/** A trigger and a node behind it that are not connected. */
export const apart: Record<string, Node> = {
  go: { kind: 'trigger.manual@1' },
  out: { kind: 'data.set@1', config: { fields: { a: 1 } } },
};

/** What the server has of a flow: its edges, and the settings of its nodes. */
export interface Drawn {
  nodes: Record<string, { config?: Record<string, unknown> }>;
  edges: { from: string; to: string }[];
}

/** Opens the editor of a new flow; gives what asks the server for its draft. */
export async function drawing(page: Page, server: HolonServer, name: string, nodes = apart, edges: string[] = [], more = {}): Promise<() => Promise<Drawn>> {
  await enter(page, server);
  const api = new Api(page.request, server.url);
  const { id } = await api.ok<{ id: string }>('POST', '/flows', { definition: definition(name, nodes, edges, more) });
  await visit(page, `/flows/${id}`);
  for (const key of Object.keys(nodes)) await expect(page.locator(`#node-${key}`)).toBeVisible();
  return async () => (await api.ok<{ definition: Drawn }>('GET', `/flows/${id}`)).definition;
}

/** The edges of a draft, as `a.out -> b.in`. */
export const edges = (drawn: Drawn) => drawn.edges.map(({ from, to }) => `${from} -> ${to}`).sort();
