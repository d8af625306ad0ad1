import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

/**
 * Every loop and timer that could go on for ever, how many there are of them in a file, and what keeps each from failing at full speed.
 * Whoever adds one looks for what ends it and what slows it down after a failure: what goes by the clock is a RepeatedRun.
 */
const reviewed: Readonly<Record<string, readonly [number, string]>> = {
  'api/body-parser.ts': [1, 'the limit of a form'],
  'api/server/doorkeeper.ts': [
    5,
    'limits of connections; a full server looks once more, for each that comes',
  ],
  'admission/signature-admission.ts': [1, 'the limit of looking for signatures'],
  'api/forwarded-header.ts': [1, 'reads a header, whose length Node limits'],
  'api/server/refused-connection.ts': [1, 'the limit of an answer'],
  'api/registry/early-answer.ts': [2, 'once for each answer'],
  'api/registry/request-body.ts': [3, 'waits for what the client sends, with an idle limit, and one in all'],
  'api/registry/send-bytes.ts': [2, 'the idle limit of a socket'],
  'api/server/server.ts': [2, 'only while closing, up to its limit'],
  'api/server/tls-files.ts': [1, 'two files, looked at at an interval'],
  'auth/tokens/grants.ts': [1, 'gives others their turn'],
  'auth/oidc/remote-document.ts': [1, 'the limit of a fetch'],
  'auth/oidc/oidc-client.ts': [1, 'the limit of a fetch'],
  'auth/tokens/token-grants.ts': [1, 'a binary search'],
  'metadata/db/pages.ts': [1, 'one mark a page of ten thousand rows'],
  'concurrency/interruptible.ts': [1, 'items as they come'],
  'concurrency/within-time.ts': [1, 'a limit'],
  'concurrency/write-behind.ts': [
    2,
    'batches of what waits, between which others have their turn; ends with what recording throws, as a RepeatedRun',
  ],
  'concurrency/repeated-run.ts': [1, 'the mechanism itself'],
  'cluster/frame-writer.ts': [1, 'says once a second that somebody is there, until the answer is over'],
  'cluster/frames.ts': [4, 'what another process sends, with limits of silence and of what it says'],
  'cluster/shared-fill.ts': [
    5,
    'frames as they come; owners tried counted; while other processes say that they have not kept it, of which each is taken for dead then',
  ],
  'commands/doctor/network.ts': [2, 'the limit of an answer'],
  'commands/remote/prewarms.ts': [2, 'asks once a second how far it is, until it is done or left'],
  'commands/remote/api-client.ts': [1, 'pages of a list; each request has a limit'],
  'commands/backup.ts': [1, 'pages of records, once'],
  'commands/import/open-registry.ts': [1, 'the pauses of an import, which nothing else waits for'],
  'app/replication.ts': [1, 'before a transfer is taken up again; ends with the task'],
  'replication/hosted-source.ts': [1, 'pages of records; ends with what the database throws'],
  'replication/registry-connection.ts': [1, 'pages of records; ends with what the database throws'],
  'replication/replication-task.ts': [
    1,
    'tags that are due, for a minute at most; waits for those under way',
  ],
  'commands/import/remote-registry.ts': [1, 'six tries at most, with pauses that grow'],
  'cache/redis.ts': [1, 'the limit of waiting at the start; the client tries again after pauses that grow'],
  'retention/cache-room.ts': [
    3,
    'waits for room up to a limit, looking every 50 ms; ends with what the database throws',
  ],
  'gc/collector-worker.ts': [2, 'pauses after each look, growing after failures, of which nobody wakes it'],
  'gc/collector.ts': [
    2,
    'while reviews are claimed; ends with what the database throws; a review that fails is postponed, longer each time',
  ],
  'retention/entry-eviction.ts': [
    1,
    'while there are entries: each is removed or moved on; ends with what the database throws',
  ],
  'gc/in-pages.ts': [1, 'pages of records; ends with what the database throws'],
  'retention/pinned-bytes.ts': [1, 'a graph of manifests, each once'],
  'tasks/scheduler.ts': [1, 'renews a lease while a task runs'],
  'gc/scrub.ts': [2, 'paced by bytes, up to a minute; ends with what database and store throw'],
  'gc/untagged-rule.ts': [1, 'pages of records; ends with what the database throws'],
  'gc/verify-copy.ts': [1, 'the bytes of a file'],
  'hosted/changes/protection.ts': [1, 'pages of tags'],
  'hosted/uploads/blob-commit.ts': [1, 'tries counted'],
  'hosted/tags/cleanup.ts': [1, 'one repository after the other; ends with what the database throws'],
  'hosted/manifests/image-facts.ts': [1, 'the bytes of a config, limited'],
  'hosted/repositories/place-deletion.ts': [
    2,
    'removes a part each time, with a pause; what fails is logged',
  ],
  'hosted/repositories/repository-deletion.ts': [
    3,
    'removes a part each time, with a pause; ends with what the database throws',
  ],
  'hosted/tags/tag-removal.ts': [1, 'a pause after each part'],
  'observe/log.ts': [1, 'the limit of writing at the end'],
  'main.ts': [2, 'once; the limit of closing'],
  'management/cleanup/cleanup-previews.ts': [1, 'pages of tags; ends with what the database throws'],
  'metadata/content/blobs.ts': [1, 'tries counted'],
  'metadata/db/in-transaction.ts': [2, 'tries counted, with pauses'],
  'metadata/content/manifest-payloads.ts': [
    1,
    'again only where another removed the row between two statements',
  ],
  'metadata/db/postgres.ts': [2, 'the limit of an answer; as many tries as there are connections'],
  'metadata/cached/remove-entries.ts': [1, 'removes rows each time'],
  'metadata/db/sqlite-reader-thread.ts': [1, 'rows of one statement, up to a number'],
  'metadata/db/sqlite-readers.ts': [
    4,
    'what waits, as far as threads are free; the limits of a read, of idle threads and of closing',
  ],
  'metadata/db/sqlite-apart.ts': [1, 'a break of 10 ms, after 25 ms of writing'],
  'metadata/db/sqlite-file.ts': [2, 'tries a busy database every 5 ms, up to 10 s for all'],
  'metadata/hosted/tags.ts': [1, 'pages of tags'],
  'metadata/server/fill-leases.ts': [1, 'tries counted'],
  'outbound/body-chunks.ts': [2, 'a moment, begun again with each chunk; woken by what comes'],
  'proxy/blob-pull.ts': [1, 'again only where a fill ended meanwhile'],
  'proxy/download.ts': [2, 'resumes counted, with pauses that grow'],
  'proxy/fill.ts': [2, 'chunks as they come; wakes readers'],
  'proxy/fills.ts': [1, 'running fills, each once'],
  'proxy/publish-blob.ts': [1, 'tries counted'],
  'proxy/tag-page.ts': [1, 'a binary search'],
  'observe/profiler.ts': [1, 'once for each profile, as long as was asked for'],
  'observe/repeated-faults.ts': [1, 'once a minute for each fault'],
  'concurrency/turn.ts': [2, 'gives others their turn'],
  'storage/objects/object-inventory.ts': [1, 'the parts of an object'],
  'storage/objects/gathered-bytes.ts': [1, 'the bytes of a chunk'],
  'storage/objects/object-blob-store.ts': [1, 'the parts of a spool'],
  'storage/objects/object-reader.ts': [
    1,
    'ends with the buffer, or where three tries in a row brought nothing',
  ],
  'storage/objects/object-spool.ts': [1, 'the parts of what was appended, each of which makes less of it'],
  'storage/objects/object-upload-store.ts': [1, 'tries counted'],
  'storage/objects/read-fully.ts': [1, 'the bytes of a buffer'],
  'storage/s3/s3-storage.ts': [1, 'a limit for one call, cleared when it is answered'],
  'storage/space-reserve.ts': [1, 'looks how much room there is, at an interval'],
  'app/start-server.ts': [1, 'the limit of closing'],
  'storage/azure/azure-storage.ts': [1, 'pages of a listing, once'],
  'storage/gcs/gcs-storage.ts': [2, 'pages of a listing, once'],
  'storage/pace.ts': [1, 'its turn among what is paced'],
  'storage/read-cache/cache-fill.ts': [1, 'while a blob grows; ends with its fill'],
  'storage/chunk-reader.ts': [1, 'the bytes of a file'],
  'proxy/shared/peer-fill.ts': [1, 'the bytes of a file'],
  'proxy/spool-window.ts': [1, 'while the disk gives bytes'],
  'storage/filesystem-spool.ts': [1, 'while a write takes bytes'],
  'storage/filesystem-upload-store.ts': [3, 'tries counted'],
  'app/virtual-registries.ts': [1, 'the pauses between resumes'],
  'app/workers/gathered-metrics.ts': [1, 'the limit of an answer'],
  'app/workers/primary.ts': [1, 'the pauses between starts of a worker, and the limit of a stop'],
  'app/workers/supervisor.ts': [1, 'replaces each worker once, for each time it is asked to'],
  'app/storage.ts': [1, 'looks whether the store is there, at an interval'],
  'outbound/answer.ts': [1, 'the limit of an answer'],
  'upstreams/challenge.ts': [1, 'reads a header, whose length undici limits'],
  'outbound/connection-queue.ts': [1, 'the limit of waiting'],
  'outbound/deadline.ts': [1, 'the limit of an answer'],
  'outbound/poster.ts': [1, 'the limit of an answer'],
  'upstreams/coded-blob.ts': [1, 'until four megabytes are held'],
  'upstreams/list-pages.ts': [1, 'two hundred pages at most'],
  'upstreams/tag-list.ts': [1, 'half as many lists each time'],
  'webhooks/delivery-worker.ts': [1, 'when a delivery that hangs makes room'],
};

/** Timers, pauses, loops without a bound in their head, and tries. */
const loops =
  /\bset(?:Timeout|Interval|Immediate)\(|\b(?:sleep|others)\(|\bwhile \(|\bfor \([^;()]*(?:\([^()]*\)[^;()]*)*;[^;]*;\s*\)|\bfor \(let tries|\b(?:queueMicrotask|nextTick|watchFile)\(|\bdo \{|AbortSignal\.timeout\(/g;

test('every loop and timer of the source has been looked at', () => {
  const root = resolve(import.meta.dirname, '../../src');
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const found = files
    .map((file) => [file, readFileSync(join(root, file), 'utf8').match(loops)?.length ?? 0] as const)
    .filter(([, count]) => count > 0);
  expect(Object.fromEntries(found)).toEqual(
    Object.fromEntries(Object.entries(reviewed).map(([file, [count]]) => [file, count])),
  );
});
