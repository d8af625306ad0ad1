/** docs/troubleshooting.md as data: under each heading, what each client says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const page = join(import.meta.dirname, '../../docs/troubleshooting.md');

/** By heading and client; `…` stands for whatever differs from case to case. @throws Error where nothing is said */
export function documentedMessage(heading: string, client: string): RegExp {
  const text = readFileSync(page, 'utf8');
  const section = text.split(/^#+ /m).find((each) => each.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`docs/troubleshooting.md has no heading “${heading}”`);
  const rows = section.matchAll(/^\| ([^|`]+) \| `(.+?)` \|$/gm);
  const message = [...rows].find(([, clients = '']) => clients.split(', ').includes(client))?.[2];
  if (message === undefined)
    throw new Error(`docs/troubleshooting.md does not say what ${client} says under “${heading}”`);
  return new RegExp(message.split('…').map(RegExp.escape).join('[^]*?'));
}
