/**
 * Rows as records: names in camelCase, undefined for null, and what neither database has a type for: booleans, which are 0 or 1, and
 * JSON. Statements are written the other way round: see statements.ts.
 */
import type {
  KyselyPlugin,
  PluginTransformQueryArgs,
  PluginTransformResultArgs,
  QueryResult,
  RootOperationNode,
  SelectType,
} from 'kysely';
import { camelCase } from './names.ts';
import type { Tables } from './tables.ts';

export type Row = Readonly<Record<string, unknown>>;

/** The names of columns that hold such values, in any table. */
type ColumnsOf<Value> = {
  [Table in keyof Tables]: {
    [Column in keyof Tables[Table]]: Extract<
      Exclude<SelectType<Tables[Table][Column]>, Uint8Array | string>,
      Value
    > extends never
      ? never
      : Column;
  }[keyof Tables[Table]];
}[keyof Tables];

/** A name means the same in all tables. */
const readers: Record<ColumnsOf<boolean>, typeof asBoolean> & Record<ColumnsOf<object>, typeof asJson> = {
  actor: asJson,
  allowPatterns: asJson,
  allowPrivateNetwork: asBoolean,
  annotations: asJson,
  anonymousPull: asBoolean,
  claims: asJson,
  criteria: asJson,
  cut: asJson,
  deletesTags: asBoolean,
  denyPatterns: asJson,
  details: asJson,
  enabled: asBoolean,
  headerNames: asJson,
  identity: asJson,
  ignoredActions: asJson,
  ignoredMediaTypes: asJson,
  hasBegun: asBoolean,
  hosted: asBoolean,
  imageConfig: asJson,
  isAdmin: asBoolean,
  isDisabled: asBoolean,
  isSealed: asBoolean,
  isListed: asBoolean,
  isWoken: asBoolean,
  lastRun: asJson,
  manifestDetails: asJson,
  minAgeExemptDigests: asBoolean,
  minAgeExemptPatterns: asJson,
  minAgeTrustCreated: asBoolean,
  pieces: asJson,
  platform: asJson,
  platforms: asJson,
  notifyOnFailure: asBoolean,
  notifyOnSuccess: asBoolean,
  replacesTags: asBoolean,
  result: asJson,
  run: asJson,
  scopes: asJson,
  tlsVerify: asBoolean,
  trust: asJson,
  virtualRegistriesEnabled: asBoolean,
  withReferrers: asBoolean,
};
const readerOf = new Map<string, (value: unknown) => unknown>(Object.entries(readers));

export class RecordRows implements KyselyPlugin {
  transformQuery({ node }: PluginTransformQueryArgs): RootOperationNode {
    return node;
  }

  async transformResult({ result }: PluginTransformResultArgs): Promise<QueryResult<Row>> {
    const fields = fieldsOf(result.rows);
    return { ...result, rows: result.rows.map((row) => recordOf(row, fields)) };
  }
}

export interface Field {
  readonly column: string;
  readonly name: string;
  readonly read: ((value: unknown) => unknown) | undefined;
}

export function fieldsOf(rows: readonly Row[]): readonly Field[] {
  return Object.keys(rows[0] ?? {}).map((column) => {
    const name = camelCase(column);
    return { column, name, read: readerOf.get(name) };
  });
}

export function recordOf(row: Row, fields: readonly Field[]): Row {
  const record: Record<string, unknown> = {};
  for (const { column, name, read } of fields) {
    const value = row[column];
    if (value === null) record[name] = undefined;
    else record[name] = read ? read(value) : value;
  }
  return record;
}

function asBoolean(value: unknown): boolean {
  return value === 1;
}

function asJson(value: unknown): unknown {
  return JSON.parse(String(value));
}
