/** The house as docs/architecture.md §3 has it: who may import whom, and where packages and Node's own modules are at home. */
import type { Arrows, Homes } from './import-rules.ts';

/** From the ground up: a room sees only what stands above it here. */
const rooms = {
  concurrency: [],
  oci: [],
  rules: ['concurrency'],
  outbound: ['concurrency', 'oci'],
  storage: ['oci'],
  metadata: ['concurrency', 'oci'],
  observe: ['oci'],
  // The version is in package.json.
  config: ['oci', 'rules', '..'],
  cache: ['concurrency', 'oci'],
  tasks: ['concurrency', 'metadata'],
  upstreams: ['concurrency', 'oci', 'rules', 'cache', 'outbound'],
  cluster: ['concurrency', 'oci', 'metadata', 'outbound', 'upstreams'],
  admission: ['concurrency', 'oci', 'rules', 'metadata', 'cache', 'outbound', 'upstreams'],
  auth: ['concurrency', 'oci', 'rules', 'metadata', 'cache', 'outbound'],
  hosted: ['concurrency', 'oci', 'rules', 'storage', 'metadata', 'cache', 'admission'],
  proxy: [
    'concurrency',
    'oci',
    'storage',
    'metadata',
    'cache',
    'outbound',
    'upstreams',
    'cluster',
    'admission',
  ],
  replication: [
    'concurrency',
    'oci',
    'rules',
    'storage',
    'metadata',
    'outbound',
    'upstreams',
    'hosted',
    'proxy',
  ],
  retention: ['concurrency', 'oci', 'rules', 'metadata'],
  gc: ['concurrency', 'oci', 'storage', 'metadata', 'tasks'],
  webhooks: ['concurrency', 'oci', 'metadata', 'outbound'],
  management: [
    'concurrency',
    'oci',
    'rules',
    'metadata',
    'cache',
    'admission',
    'auth',
    'upstreams',
    'proxy',
    'hosted',
    'replication',
    'retention',
  ],
  api: ['concurrency', 'oci', 'auth', 'management'],
} as const satisfies Arrows;

/** What puts the rooms together sees all of them. */
const assembly = Object.keys(rooms);

export const arrows: Arrows = {
  ...rooms,
  app: assembly,
  commands: [...assembly, 'app'],
  'main.ts': ['app', 'commands', 'config', 'observe'],
};

/** The page's rooms, in ui/src: it sees the API by its description, and nothing of the server. */
const pageRooms = {
  texts: [],
  router: [],
  api: [],
  'format.ts': [],
  'theme.ts': [],
  components: ['api', 'format.ts', 'router', 'texts'],
  pages: ['api', 'components', 'format.ts', 'router', 'texts'],
} as const satisfies Arrows;

export const pageArrows: Arrows = {
  ...pageRooms,
  'routes.ts': ['router', 'pages'],
  'outlet.tsx': ['components', 'router', 'texts'],
  'layout.tsx': ['api', 'components', 'router', 'texts', 'theme.ts'],
  'app.tsx': ['api', 'components', 'layout.tsx', 'outlet.tsx', 'pages', 'router', 'routes.ts'],
  'main.tsx': ['app.tsx', 'router', 'styles', 'theme.ts'],
};

/** What comes along with the page. */
export const pageHomes: Homes = { preact: 'everywhere', 'preact/hooks': 'everywhere' };

/** Everybody logs, to whatever log they are given. */
export const typesOfAll = ['observe/log.ts'];

/** The list of all tables names the type of each, and every class is written against the list: this circle is meant, and of types alone. */
export const typeLists = ['metadata/db/tables.ts'];

/** `process` is an argument to all but these. */
export const processUsers = ['main.ts'];

/** All that is imported from outside: what is missing here may not be. */
export const homes: Homes = {
  // HTTP and the network, in and out.
  koa: ['api', 'app'],
  '@koa/router': ['api'],
  'path-to-regexp': ['api'],
  'koa-body': ['api'],
  undici: ['outbound'],
  'undici/lib/api/index.js': ['outbound/undici.ts'],
  'undici/lib/core/connect.js': ['outbound/undici.ts'],
  'undici/lib/core/errors.js': ['outbound/undici.ts'],
  'undici/lib/dispatcher/agent.js': ['outbound/undici.ts'],
  'undici/lib/dispatcher/client.js': ['outbound/undici.ts'],
  'undici/lib/dispatcher/dispatcher.js': ['outbound/undici.ts'],
  // Status names, types, and the servers that listen.
  'node:http': ['api', 'app', 'cluster', 'upstreams'],
  'node:https': ['api/server'],
  'node:tls': ['api/server', 'outbound'],
  'node:cluster': ['app/workers'],
  'node:net': ['api', 'config', 'metadata/db', 'outbound', 'storage/redirects'],
  'node:dns': ['outbound'],
  'http-link-header': ['oci'],
  'ipaddr.js': ['api', 'auth', 'outbound'],
  tldts: ['upstreams'],

  // Records and beliefs.
  kysely: ['metadata'],
  'kysely/migration': ['metadata/migrations'],
  pg: ['metadata/db'],
  // A lock on a file is one of SQLite's, too.
  'node:sqlite': ['metadata/db', 'storage/file-lock.ts'],
  'node:worker_threads': ['metadata/db'],
  keyv: ['cache'],
  '@keyv/redis': ['cache'],
  'lru-cache': [
    'admission',
    'auth',
    'cache',
    'cluster',
    'hosted',
    'management',
    'metadata',
    'outbound',
    'proxy',
    'rules',
    'storage',
    'upstreams',
    'webhooks',
  ],
  // Clouds, each in its driver, loaded where it is configured.
  '@aws-sdk/client-s3': ['storage/s3'],
  '@aws-sdk/s3-request-presigner': ['storage/s3'],
  '@azure/storage-blob': ['storage/azure'],
  '@aws-sdk/client-ecr': ['upstreams/clouds'],
  '@aws-sdk/client-ecr-public': ['upstreams/clouds'],
  '@aws-sdk/credential-providers': ['upstreams/clouds'],
  '@azure/identity': ['storage/azure', 'upstreams/clouds'],
  '@google-cloud/storage': ['storage/gcs'],
  'google-auth-library': ['storage/gcs', 'upstreams/clouds'],

  // Signatures, loaded where a policy wants them.
  '@sigstore/bundle': ['admission/sigstore.ts'],
  '@sigstore/protobuf-specs': ['admission/sigstore.ts'],
  '@sigstore/verify': ['admission/sigstore.ts'],

  // Files.
  'node:fs': ['api/server', 'app', 'commands', 'config', 'metadata/db', 'storage'],
  'node:fs/promises': ['api/operations', 'api/server', 'app', 'commands', 'metadata/db', 'storage'],
  'node:path': ['app', 'commands', 'config', 'main.ts', 'storage'],
  'node:url': ['api/operations', 'storage'],
  'tar-stream': ['commands'],
  yaml: ['config', 'management'],

  // Who asks.
  jose: ['auth', 'upstreams/clouds'],
  oauth4webapi: ['auth'],
  asn1js: ['auth/tokens'],
  'node:zlib': ['auth/tokens', 'outbound', 'storage/s3'],

  // The process itself; the owner of a data directory says by its number who it is, and it tells of itself.
  'node:process': ['app/data-directory-owner.ts', 'observe/variables.ts'],
  'node:os': ['app', 'commands', 'main.ts'],
  'node:v8': ['main.ts', 'observe/variables.ts'],
  'node:inspector/promises': ['observe/profiler.ts'],
  'node:vm': ['main.ts'],
  // Threads are told where what is compiled is kept.
  'node:module': ['metadata/db', 'rules/re2.ts', 'upstreams/realm.ts'],
  pino: ['observe'],
  'pino-pretty': ['observe/log-line.ts'],
  // The command line; a server that runs has none of it.
  commander: ['commands'],
  '@bomb.sh/tab/commander': ['commands/program.ts'],
  'console-table-printer': ['commands/remote/output.ts'],
  '@clack/prompts': ['commands'],
  'node:stream/consumers': ['commands'],
  'prom-client': ['app/metrics'],
  '@opentelemetry/api': ['app/tracing/open-telemetry.ts', 'app/tracing/tracing.ts'],
  '@opentelemetry/core': ['app/tracing/open-telemetry.ts'],
  '@opentelemetry/exporter-trace-otlp-http': ['app/tracing/open-telemetry.ts'],
  '@opentelemetry/resources': ['app/tracing/open-telemetry.ts'],
  '@opentelemetry/sdk-trace': ['app/tracing/open-telemetry.ts'],
  'node:async_hooks': ['app/tracing/open-telemetry.ts'],

  // Pure functions.
  re2js: ['rules'],
  zod: ['api', 'auth', 'cluster', 'commands', 'config', 'management', 'metadata', 'storage/gcs', 'upstreams'],
  'p-limit': ['auth', 'proxy'],
  'node:crypto': 'everywhere',
  'node:stream': 'everywhere',
  'node:stream/promises': 'everywhere',
  'node:timers': 'everywhere',
  'node:timers/promises': 'everywhere',
  'node:util': 'everywhere',
};
