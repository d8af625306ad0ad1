/** Tables for people, JSON for programs; what came from elsewhere does not steer a terminal. */
import { withoutControls } from '../../observe/log-line.ts';
import type { Terminal } from '../command.ts';
import type { Row } from './api-client.ts';

/** Headings, and what of a row is below each. */
export type Columns = Readonly<Record<string, string | ((row: Row) => unknown)>>;

const line = { left: '', mid: '', right: '', other: '' };
const style = { headerTop: line, headerBottom: line, tableBottom: line, vertical: '' };

export class Output {
  readonly #stdout: Terminal['stdout'];
  readonly #asJson: boolean;

  constructor({ stdout }: Pick<Terminal, 'stdout'>, asJson: boolean) {
    this.#stdout = stdout;
    this.#asJson = asJson;
  }

  /** @param of the answer that the rows are a part of, and a sentence about them */
  async list(rows: readonly Row[], columns: Columns, of?: { answer: Row; note: string }): Promise<void> {
    if (this.#asJson) return this.#json(of?.answer ?? rows);
    this.#stdout.write(rows.length === 0 ? 'none\n' : await tableOf(rows, columns));
    if (of) this.done(of.answer, of.note);
  }

  /** One thing, a line for each of its parts. */
  async details(row: Row, columns: Columns): Promise<void> {
    if (this.#asJson) return this.#json(row);
    const parts = Object.entries(columns).map(([name, column]) => ({ name, value: cellOf(row, column) }));
    this.#stdout.write(
      await tableOf(
        parts.filter(({ value }) => value !== ''),
        { '': 'name', ' ': 'value' },
      ),
    );
  }

  /** What was done. @param text for people, a sentence or what they asked for; of many lines as they are */
  done(answer: Row, text: string): void {
    if (this.#asJson) this.#json(answer);
    else this.#stdout.write(`${withoutControls(text)}\n`);
  }

  #json(value: unknown): void {
    this.#stdout.write(`${withoutControls(JSON.stringify(value, undefined, 2))}\n`);
  }
}

async function tableOf(rows: readonly Row[], columns: Columns): Promise<string> {
  const { Table } = await import('console-table-printer');
  const table = new Table({
    shouldDisableColors: true,
    style,
    columns: Object.keys(columns).map((title) => ({ name: title, title, alignment: 'left' })),
  });
  for (const row of rows)
    table.addRow(Object.fromEntries(Object.entries(columns).map(([title, of]) => [title, cellOf(row, of)])));
  const lines = table
    .render()
    .split('\n')
    .filter((each) => each.trim() !== '');
  return lines.map((each) => `${each.slice(1).trimEnd()}\n`).join('');
}

function cellOf(row: Row, column: Columns[string]): string {
  const value = typeof column === 'string' ? row[column] : column(row);
  if (value === undefined || value === null) return '';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  const text = Array.isArray(value) ? value.join(', ') : String(value);
  return withoutControls(text.replaceAll('\n', ' '));
}
