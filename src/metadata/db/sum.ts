import { type Expression, type RawBuilder, sql } from 'kysely';

/** The sum as a number: of nothing it is 0, and PostgreSQL would say it in decimals, which come as text. */
export function sumOf(values: Expression<number>): RawBuilder<number> {
  return sql<number>`cast(coalesce(sum(${values}), 0) as bigint)`;
}
