/** "in this group or its subgroups", as a range of full paths: they are compared byte by byte, so that it is one of an index. */
import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely';

/** The range leaves the path itself out. 0 is the byte after the slash. */
export function below(fullPath: Expression<string>, path: Expression<string> | string): RawBuilder<SqlBool> {
  return typeof path === 'string'
    ? sql<SqlBool>`(${fullPath} > ${`${path}/`} and ${fullPath} < ${`${path}0`})`
    : sql<SqlBool>`(${fullPath} > ${path} || '/' and ${fullPath} < ${path} || '0')`;
}

/** The path of the group itself and those of the groups around it, the outermost first. */
export function pathsUpTo(fullPath: string): string[] {
  const segments = fullPath.split('/');
  return segments.map((_, index) => segments.slice(0, index + 1).join('/'));
}
