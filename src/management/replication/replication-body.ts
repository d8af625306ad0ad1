/** Replication rules, their runs and tags as they are shown. Passwords go in and never come out. */
import { z } from 'zod';
import {
  type ReplicationRule,
  replicationDirections,
  replicationTriggers,
} from '../../metadata/replication/replication-rules.ts';
import { type ReplicationTag, replicationOutcomes } from '../../metadata/replication/replication-tags.ts';
import { instantText } from '../endpoint/dates.ts';

export const status = z.enum([...replicationOutcomes, 'waiting']);
export const direction = z.enum(replicationDirections);
export const trigger = z.enum(replicationTriggers);

export const ruleResponse = z
  .object({
    id: z.int(),
    project_id: z.int(),
    creator_id: z
      .int()
      .nullable()
      .meta({ description: 'By whose rights it acts: who made or changed it last; null: they are gone' }),
    name: z.string(),
    direction,
    trigger,
    every_hours: z.int().nullable(),
    next_run_at: instantText.nullable(),
    enabled: z.boolean(),
    repository_regex: z.string().nullable(),
    tag_regex: z.string(),
    target: z.string(),
    deletions: z.boolean(),
    override: z.boolean(),
    referrers: z.boolean(),
    url: z.string(),
    username: z.string().nullable(),
    allow_private_network: z.boolean(),
    proxy: z.string().nullable().meta({ description: 'Without its login' }),
    ca_certificate: z.string().nullable(),
    client_certificate: z.string().nullable(),
    tls_verify: z.boolean(),
    custom_headers: z.array(z.object({ key: z.string() })),
    created_at: instantText,
    updated_at: instantText,
  })
  .meta({ id: 'ReplicationRule' });

export const runResponse = z
  .object({
    id: z.int(),
    rule_id: z.int(),
    trigger,
    waiting: z.int().meta({ description: 'Tags that are to be looked at, or to be tried again' }),
    copied: z.int(),
    unchanged: z.int(),
    deleted: z.int(),
    skipped: z.int(),
    failed: z.int(),
    bytes: z.int().meta({ description: 'Of blobs that were sent, or fetched' }),
    reason: z.string().nullable().meta({ description: 'Why all of it waits, or has failed' }),
    started_at: instantText,
    ended_at: instantText.nullable().meta({ description: 'null: it goes on' }),
  })
  .meta({ id: 'ReplicationRun' });

export const tagResponse = z
  .object({
    repository: z.string().meta({ description: 'Its name where it comes from' }),
    tag: z.string(),
    status,
    reason: z.string().nullable(),
    bytes: z.int(),
    due_at: instantText.nullable().meta({ description: 'From when on it is tried; null: it is over' }),
    ended_at: instantText.nullable(),
  })
  .meta({ id: 'ReplicationTag' });

export function ruleBody(rule: ReplicationRule) {
  const { deletesTags: deletions, replacesTags: override, withReferrers: referrers, headerNames } = rule;
  return { ...rule, deletions, override, referrers, customHeaders: headerNames.map((key) => ({ key })) };
}

export function tagBody(tag: ReplicationTag) {
  return { ...tag, status: tag.dueAt === undefined ? (tag.outcome ?? 'failed') : ('waiting' as const) };
}
