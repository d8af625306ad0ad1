/** Tasks of a server, which a test waits for. */
import { expect } from 'vitest';
import type { TestApp } from './app.ts';
import { jsonOf } from './bodies.ts';
import { eventually } from './eventually.ts';

interface TaskBody {
  readonly name: string;
  readonly last_ended_at: string | null;
  readonly result: Readonly<Record<string, number>> | null;
}

/** Its result, once it has ended. @param laterMs so much later, when it is due by itself; otherwise it is asked for */
export async function runTask(
  app: TestApp,
  name: string,
  laterMs = 0,
): Promise<TaskBody['result'] | undefined> {
  const find = async () =>
    (await jsonOf<TaskBody[]>(await app.api('GET', '/admin/jobs'))).find((task) => task.name === name);
  const before = await eventually(async () => {
    const ended = (await find())?.last_ended_at;
    expect(ended).toEqual(expect.any(String));
    return ended;
  });
  app.advance(1000 + laterMs);
  if (laterMs === 0) await app.api('POST', `/admin/jobs/${name}/run`);
  return eventually(async () => {
    const task = await find();
    expect(task?.last_ended_at).not.toBe(before);
    return task?.result;
  });
}
