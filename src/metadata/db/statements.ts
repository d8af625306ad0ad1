/**
 * How statements are written: names in snake_case, booleans as 0 or 1, lists and objects as JSON, the same for what raw SQL refers to.
 * What is read comes back through {@link RecordRows}.
 */
import { PostgresQueryCompiler, type SelectModifierNode, SqliteQueryCompiler } from 'kysely';
import { snakeCase } from './names.ts';

export class PostgresStatements extends PostgresQueryCompiler {
  protected override sanitizeIdentifier(name: string): string {
    return super.sanitizeIdentifier(snakeCase(name));
  }

  protected override appendValue(value: unknown): void {
    super.appendValue(storedValue(value));
  }
}

export class SqliteStatements extends SqliteQueryCompiler {
  protected override sanitizeIdentifier(name: string): string {
    return super.sanitizeIdentifier(snakeCase(name));
  }

  protected override appendValue(value: unknown): void {
    super.appendValue(storedValue(value));
  }

  /** SQLite locks the database and not rows: `for update` is left out. */
  protected override visitSelectModifier(node: SelectModifierNode): void {
    if (node.modifier === 'Distinct') super.visitSelectModifier(node);
  }
}

function storedValue(value: unknown): unknown {
  if (typeof value === 'boolean') return Number(value);
  const isJson = typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
  return isJson ? JSON.stringify(value) : value;
}
