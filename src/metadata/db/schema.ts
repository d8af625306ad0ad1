/**
 * The tables, the same on SQLite and PostgreSQL. Instants are epoch milliseconds, booleans 0 or 1, lists JSON text.
 * Those that do not stand beside their class yet.
 */
import type { CleanupPolicyTables } from '../hosted/schema-cleanup-policies.ts';

export interface Tables extends CleanupPolicyTables {}
