/** The tables of who is told what happens, and of what they are still to be told; conventions as in schema.ts. Secrets are sealed. */
import type { Generated } from 'kysely';
import type { EventAction } from '../../oci/registry-event.ts';

export interface WebhookTables {
  webhooks: WebhookTable;
  webhook_deliveries: WebhookDeliveryTable;
  webhook_lanes: WebhookLaneTable;
}

/** An endpoint: of a project, or one that the configuration names. */
interface WebhookTable {
  id: Generated<number>;
  /** null: of the configuration, which has its address, its headers and its patience */
  project_id: number | null;
  /** of the configuration's, unique there */
  name: string | null;
  description: string | null;
  /** empty for one of the configuration */
  url: string;
  /** what its deliveries are signed with */
  secret_sealed: string | null;
  /** JSON object: name → value */
  headers_sealed: string | null;
  /** JSON list, for people to see */
  header_names: string;
  /** JSON lists */
  ignored_actions: string;
  ignored_media_types: string;
  /** null: as the configuration says */
  timeout_ms: number | null;
  backoff_ms: number | null;
  max_retries: number | null;
  disabled: number;
  created_at: number;
  updated_at: number;
}

/** One event for one endpoint. partial index (webhook_id, repository_id, id) of what is pending */
interface WebhookDeliveryTable {
  /** in the order of the events of a repository */
  id: Generated<number>;
  webhook_id: number;
  repository_id: number;
  /** the same each time that it is tried */
  delivery_id: string;
  action: EventAction;
  /** JSON: the event but for its source */
  event: string;
  state: 'pending' | 'delivered' | 'dead';
  /** tries that came to an end */
  attempts: number;
  created_at: number;
  /** of the last try */
  attempted_at: number | null;
  duration_ms: number | null;
  response_status: number | null;
  /** its beginning */
  response_body: string | null;
  error: string | null;
  /** when it was delivered or given up */
  finished_at: number | null;
}

/**
 * What is pending of one repository for one endpoint: its deliveries are sent one after another, by whoever has the lease.
 * primary key (webhook_id, repository_id); index due_at
 */
interface WebhookLaneTable {
  webhook_id: number;
  repository_id: number;
  /** when the first delivery may be tried */
  due_at: number;
  owner: string | null;
  /** 0: nobody has it */
  leased_until: number;
  /** counts what was added, so that no lane goes while something comes */
  version: number;
}
