/** docs/performance.md: each measuring command writes its own section and leaves the others alone. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';

const docs = join(import.meta.dirname, '../docs');

/** Replaces what is between the section's marks, or appends it. @param file of the documents */
export function writeSection(name: string, text: string, file = 'performance.md'): void {
  const page = join(docs, file);
  const before = existsSync(page) ? readFileSync(page, 'utf8') : '# Performance\n';
  const [start, end] = [`<!-- ${name}: written by its command -->`, `<!-- end of ${name} -->`];
  const section = `${start}\n\n${text.trim()}\n\n${end}`;
  const from = before.indexOf(start);
  const to = before.indexOf(end);
  const after =
    from < 0 || to < 0
      ? `${before.trimEnd()}\n\n${section}\n`
      : `${before.slice(0, from)}${section}${before.slice(to + end.length)}`;
  writeFileSync(page, after);
}

export function markdownTable(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n');
}

/** What the figures were measured on, and when. */
export function machine(): string {
  const [cpu] = cpus();
  const memory = `${Math.round(totalmem() / 1024 ** 3)} GiB`;
  const day = new Date().toISOString().slice(0, 10);
  return `${day}, ${cpus().length} × ${cpu?.model.trim()}, ${memory}, Linux ${release()}, Node ${process.version}`;
}
