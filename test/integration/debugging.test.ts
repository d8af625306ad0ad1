import { expect, test } from 'vitest';
import { TestApp } from '../support/app.ts';

const debugToken = 'a-token-of-twenty-and-more';
const headers = { authorization: `Bearer ${debugToken}` };

test('with its token the operations address tells of the process, and the address of clients never does', async () => {
  await using app = await TestApp.start({ debugToken });
  const ask = async (path: string) => (await fetch(`${app.operationsUrl}${path}`, { headers })).json();
  expect(await ask('/debug/health')).toEqual({});
  expect(await ask('/debug/vars')).toMatchObject({ pid: process.pid });
  expect(await ask('/debug/profiles/cpu?seconds=0.05')).toMatchObject({ nodes: expect.any(Array) });
  expect((await fetch(`${app.operationsUrl}/debug/vars`)).status).toBe(401);
  expect((await fetch(`${app.url}/debug/vars`, { headers })).status).toBe(404);
});

test('where no token was chosen, nobody is told anything', async () => {
  await using app = await TestApp.start();
  for (const authorization of ['', 'Bearer ', 'Bearer undefined'])
    expect((await fetch(`${app.operationsUrl}/debug/vars`, { headers: { authorization } })).status).toBe(404);
});
