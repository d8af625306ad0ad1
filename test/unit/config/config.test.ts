import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import { formatConfig } from '../../../src/config/format-config.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { ConfigError, type Environment } from '../../../src/config/settings.ts';

const root = new URL('../../../', import.meta.url);
const defaults = readFileSync(new URL('config/default.yaml', root), 'utf8');

interface Given {
  readonly fixture?: string;
  readonly yaml?: string;
  readonly environment?: Environment;
  readonly files?: Readonly<Record<string, string>>;
}

function load({ fixture, yaml, environment = {}, files = {} }: Given = {}): Config {
  const text = fixture ? readFileSync(new URL(`test/fixtures/config/${fixture}`, root), 'utf8') : yaml;
  return loadConfig({
    defaults,
    file: text === undefined ? undefined : { name: fixture ?? 'config.yaml', text },
    environment,
    readFile: (path) => {
      const content = files[path];
      if (content === undefined) throw new Error('no such file');
      return content;
    },
  });
}

function faultsOf(given: Given): string[] {
  try {
    load(given);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('configuration', () => {
  test('nothing given is the defaults', () => {
    const config = load();
    expect(config.dataDirectory).toBe('./data');
    expect(config.http.address).toBe('127.0.0.1:5000');
    expect(config.database.url).toBeUndefined();
    expect(config.http.tls).toEqual({ certificate: undefined, key: undefined });
    expect(config.upstreams.tokenHosts).toEqual(['registry-1.docker.io=auth.docker.io']);
  });

  test('the file overrides single settings, and the environment overrides the file', () => {
    const yaml = 'http:\n  address: 127.0.0.1:6000\n  shutdown_seconds: 5\n';
    const config = load({ yaml, environment: { ENTREPOT_HTTP__ADDRESS: ':7000' } });
    expect(config.http.address).toBe(':7000');
    expect(config.http.shutdownMs).toBe(5000);
    expect(config.operations.address).toBe('127.0.0.1:5001');
  });

  test('the file with every kind of setting is read', () => {
    const config = load({ fixture: 'good.yaml' });
    expect(config.http).toEqual({
      address: '[::1]:5000',
      externalUrl: 'https://registry.example.com',
      relativeUrls: false,
      trustedProxies: ['10.0.0.0/8', '192.0.2.7/32', '2001:db8::1/128'],
      tls: { certificate: '/etc/entrepot/tls.crt', key: '/etc/entrepot/tls.key' },
      maxConnections: 4096,
      maxConnectionsPerAddress: 1024,
      page: true,
      shutdownMs: 120_000,
      workers: 1,
    });
    expect(config.cache.hotManifestBytes).toBe(128 * 2 ** 20);
    expect(config.cache.notFoundMs).toBe(0);
    expect(config.log.level).toBe('warn');
  });

  test('the example for production is valid', () => {
    const text = readFileSync(new URL('config/production.example.yaml', root), 'utf8');
    expect(faultsOf({ yaml: text })).toEqual([]);
    expect(load({ yaml: text }).database.url).toMatch(/^postgres/);
  });

  test('texts of the environment become lists, numbers, durations and sizes', () => {
    const config = load({
      environment: {
        ENTREPOT_UPSTREAMS__ALLOWED_NETWORKS: '127.0.0.0/8, 10.0.0.0/8',
        ENTREPOT_UPSTREAMS__TOKEN_HOSTS: '',
        ENTREPOT_VIRTUAL_REGISTRIES__MAX_PER_GROUP: '7',
        ENTREPOT_AUTH__TOKEN_SECONDS: '5m',
        ENTREPOT_UPSTREAMS__IDLE_SECONDS: '0.5',
        ENTREPOT_CACHE__HOT_MANIFEST_BYTES: '1GiB',
      },
    });
    expect(config.upstreams.allowedNetworks).toEqual(['127.0.0.0/8', '10.0.0.0/8']);
    expect(config.upstreams.tokenHosts).toEqual([]);
    expect(config.virtualRegistries.maxPerGroup).toBe(7);
    expect(config.auth.tokenMs).toBe(300_000);
    expect(config.upstreams.idleMs).toBe(500);
    expect(config.cache.hotManifestBytes).toBe(2 ** 30);
  });

  test('registry tokens live as long as clients use them at least, and no longer than a day', () => {
    const of = (text: string) => ({ environment: { ENTREPOT_AUTH__TOKEN_SECONDS: text } });
    for (const text of ['60', '1d']) expect(faultsOf(of(text))).toEqual([]);
    for (const text of ['1', '59', '0', '86401', '25h'])
      expect(faultsOf(of(text))).toEqual([
        'ENTREPOT_AUTH__TOKEN_SECONDS: auth.token_seconds: expected seconds from 60 to 86400, such as 90 or 5m: Docker and containerd use each token for 60 seconds, whatever it says',
      ]);
  });

  test('an empty text says "none" where the default file documents it', () => {
    const config = load({
      environment: { ENTREPOT_OPERATIONS__ADDRESS: '', ENTREPOT_STORAGE__DIRECTORY: '' },
    });
    expect(config.operations.address).toBeUndefined();
    expect(config.storage.directory).toBeUndefined();
    expect(faultsOf({ environment: { ENTREPOT_HTTP__ADDRESS: '' } })).toHaveLength(1);
  });

  test('a setting or section with nothing after it keeps its default', () => {
    expect(load({ yaml: 'http:\noperations:\n  address:\n' })).toEqual(load());
    expect(load({ yaml: '# nothing yet\n' })).toEqual(load());
  });

  test('a value can come from a file, without the end of its line', () => {
    const environment = { ENTREPOT_DATABASE__URL_FILE: '/run/secrets/database' };
    const files = { '/run/secrets/database': 'postgres://u:p@db/entrepot\n' };
    expect(load({ environment, files }).database.url).toBe('postgres://u:p@db/entrepot');
  });

  test('a file that cannot be read, and a value given twice, are faults', () => {
    expect(faultsOf({ environment: { ENTREPOT_DATABASE__URL_FILE: '/nowhere' } })).toEqual([
      'ENTREPOT_DATABASE__URL_FILE: cannot read /nowhere: no such file',
    ]);
    const environment = { ENTREPOT_LOG__LEVEL: 'info', ENTREPOT_LOG__LEVEL_FILE: '/level' };
    expect(faultsOf({ environment, files: { '/level': 'warn' } })).toEqual([
      'ENTREPOT_LOG__LEVEL_FILE: expected either ENTREPOT_LOG__LEVEL or ENTREPOT_LOG__LEVEL_FILE',
    ]);
  });

  test('every fault is reported at once, with where it is written, its path and what was expected', () => {
    const faults = faultsOf({
      fixture: 'bad.yaml',
      environment: { ENTREPOT_HTTP_ADDRESS: ':1', ENTREPOT_CACHE__LIST_SECONDS: 'soon' },
    });
    expect(faults).toEqual([
      'bad.yaml:4: http.adress: no such setting; did you mean http.address?',
      'bad.yaml:18: nonsense.deep: no such setting',
      'bad.yaml:19: log: expected settings below it, such as log.level',
      'ENTREPOT_HTTP_ADDRESS: no such setting; did you mean ENTREPOT_HTTP__ADDRESS?',
      'bad.yaml:2: data_directory: expected the path of a directory',
      'bad.yaml:5: http.address: expected host:port, such as 127.0.0.1:5000, [::1]:5000 or :5000',
      'bad.yaml:6: http.external_url: expected http:// or https:// with a host and no path, or nothing',
      "bad.yaml:7: http.trusted_proxies: expected a network such as 10.0.0.0/8 or fd00::/8, not '10.0.0.0/33'",
      'bad.yaml:9: http.tls: expected both certificate and key, or neither',
      'bad.yaml:11: database.url: expected postgres://user:password@host/name or postgresql://…, or nothing',
      'bad.yaml:13: shared_cache.url: expected redis://host:6379 or rediss://…, or nothing',
      'bad.yaml:15: virtual_registries.max_upstreams: expected a whole number from 1 to 20',
      'bad.yaml:17: upstreams.token_hosts: expected registry host = token host, such as registry.example.com=auth.example.net',
      'ENTREPOT_CACHE__LIST_SECONDS: cache.list_seconds: expected seconds, 0 or more and at most 24d, such as 90 or 5m',
    ]);
  });

  test('browsers are led to https only where it is said which', () => {
    const environment = { ENTREPOT_HTTP__REDIRECT: ':8080' };
    const fault = 'ENTREPOT_HTTP__REDIRECT: http.redirect: expected an http.external_url of https beside it';
    expect(faultsOf({ environment })).toEqual([fault]);
    const at = (url: string) => ({ environment: { ...environment, ENTREPOT_HTTP__EXTERNAL_URL: url } });
    expect(faultsOf(at('http://registry.example.com'))).toEqual([fault]);
    expect(load(at('https://registry.example.com')).http.redirect).toBe(':8080');
  });

  test('a text that is no YAML is a fault with its line', () => {
    expect(faultsOf({ yaml: 'http:\n  address: [\n' })[0]).toMatch(/^config\.yaml:3: /);
    expect(faultsOf({ yaml: '- a\n' })).toEqual(['config.yaml: expected a mapping of settings']);
    expect(faultsOf({ yaml: 'log: {}\nlog: {}\n' })[0]).toMatch(/^config\.yaml:2: .*unique/);
  });

  test.each(['0.0.0.0:5000', '[::1]:5000', ':5000', 'localhost:0', 'registry.internal:65535'])(
    '%s is an address',
    (address) => {
      expect(load({ environment: { ENTREPOT_HTTP__ADDRESS: address } }).http.address).toBe(address);
    },
  );

  test.each(['5000', '::1:5000', '[127.0.0.1]:5000', 'host:', 'host:65536', 'http://host:5000', 'a b:1'])(
    '%s is no address',
    (address) => {
      expect(faultsOf({ environment: { ENTREPOT_HTTP__ADDRESS: address } })).toHaveLength(1);
    },
  );

  test('a fault never repeats a password', () => {
    const faults = faultsOf({ environment: { ENTREPOT_DATABASE__URL: 'mysql://u:hunter2@db/x' } });
    expect(faults).toHaveLength(1);
    expect(faults.join()).not.toContain('hunter2');
  });

  test('what Kubernetes sets for a service named entrepot is not taken for settings', () => {
    const environment = {
      ENTREPOT_SERVICE_HOST: '10.0.0.1',
      ENTREPOT_SERVICE_PORT: '5000',
      ENTREPOT_SERVICE_PORT_HTTP: '5000',
      ENTREPOT_PORT: 'tcp://10.0.0.1:5000',
      ENTREPOT_PORT_5000_TCP: 'tcp://10.0.0.1:5000',
      ENTREPOT_PORT_5000_TCP_ADDR: '10.0.0.1',
      ENTREPOT_REDIS_SERVICE_HOST: '10.0.0.2',
    };
    expect(load({ environment })).toEqual(load());
  });

  test('the variables of secrets are no faults, and no part of the configuration', () => {
    const environment = {
      ENTREPOT_SECRET_KEY: 'k',
      ENTREPOT_ROOT_TOKEN_FILE: '/t',
      ENTREPOT_ROOT_PASSWORD: 'p',
    };
    expect(load({ environment })).toEqual(load());
  });

  test('a key for tokens comes with its certificate', () => {
    for (const half of ['certificate', 'key'])
      expect(faultsOf({ yaml: `auth: { ${half}: /token.pem }` })[0]).toContain(
        'expected both certificate and key, or neither',
      );
    const { auth } = load({
      yaml: 'auth: { certificate: /token.crt, key: /token.key, issuer: gitlab-issuer }',
    });
    expect(auth).toMatchObject({ certificate: '/token.crt', key: '/token.key', issuer: 'gitlab-issuer' });
  });

  test('an external registry is one that trusts our tokens', () => {
    const of = (external: object, services = '[theirs]') =>
      `auth: { services: ${services} }\nexternal_registry: ${JSON.stringify(external)}`;
    const api_url = 'https://registry.example:5000';
    expect(load({ yaml: of({ api_url, service: 'theirs' }) }).externalRegistry).toEqual({
      apiUrl: api_url,
      service: 'theirs',
      host: undefined,
    });
    expect(faultsOf({ yaml: of({ api_url }) })[0]).toContain('expected both api_url and service, or neither');
    expect(faultsOf({ yaml: of({ api_url, service: 'theirs' }, '[others]') })[0]).toContain(
      'external_registry.service: expected one of auth.services',
    );
    expect(faultsOf({ yaml: of({ api_url, service: 'theirs', host: 'https://a' }) })[0]).toContain(
      'external_registry.host: expected hosts of registries',
    );
  });

  test('another token service is configured as a whole, with keys of one kind', () => {
    const service = { realm: 'https://auth.example/token?a=b', service: 'here', issuer: 'The auth service' };
    const of = (settings: Readonly<Record<string, string>>) =>
      JSON.stringify({
        auth: Object.fromEntries(Object.entries(settings).map(([key, value]) => [`token_${key}`, value])),
      });
    const [bundle, address] = [
      { rootcertbundle: '/auth.pem' },
      { jwks_url: 'https://auth.example/jwks.json' },
    ];
    for (const keys of [bundle, address]) {
      expect(load({ yaml: of({ ...service, ...keys }) }).auth.tokenRealm).toBe(service.realm);
    }
    expect(faultsOf({ yaml: of({ realm: service.realm, ...bundle }) })[0]).toContain(
      'expected token_realm, token_service and token_issuer, or none of them',
    );
    for (const keys of [service, { ...service, ...bundle, ...address }, bundle]) {
      expect(faultsOf({ yaml: of(keys) })[0]).toContain(
        'expected either token_rootcertbundle or token_jwks_url',
      );
    }
    for (const realm of [
      'auth.example',
      'https://user:pw@auth.example',
      'https://auth.example/"',
      'ftp://a',
    ]) {
      expect(faultsOf({ yaml: of({ ...service, ...bundle, realm }) })[0]).toContain(
        'expected an address such as',
      );
    }
    expect(faultsOf({ yaml: of({ ...service, ...bundle, service: 'a"b' }) })[0]).toContain('without quotes');
  });

  test('it is frozen to its depths', () => {
    const config = load();
    for (const part of [config, config.http, config.http.tls, config.upstreams.tokenHosts, config.log]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });
});

describe('the printed configuration', () => {
  test('is a file that gives the same configuration', () => {
    const config = load({ fixture: 'good.yaml' });
    expect(load({ yaml: formatConfig(config) })).toEqual(config);
    expect(load({ yaml: formatConfig(load()) })).toEqual(load());
    const written = 'upstreams:\n  idle_seconds: 1.001\ngc:\n  untagged: 30d\n';
    expect(formatConfig(load({ yaml: written }))).toMatch(/idle_seconds: 1\.001\n/);
    expect(load({ yaml: formatConfig(load({ yaml: written })) }).gc.untaggedMs).toBe(30 * 86_400_000);
  });

  test('hides passwords, wherever a URL has them', () => {
    const printed = formatConfig(
      load({
        environment: {
          ENTREPOT_DATABASE__URL: 'postgres://user:hunter2@db/x?password=hunter3&sslmode=require',
          ENTREPOT_SHARED_CACHE__URL: 'rediss://:hunter4@cache:6379',
        },
      }),
    );
    expect(printed).not.toMatch(/hunter/);
    expect(printed).toContain('url: postgres://user:***@db/x?password=***&sslmode=require');
    expect(printed).toContain('url: rediss://:***@cache:6379');
  });
});

describe('mirrors', () => {
  const yaml = `
mirrors:
  - {host: Mirror.Example.com, registry: 1}
  - {address: ":5010", registry: 2, anonymous: true, stands_for: [docker.io, "quay.io:8443"]}
`;

  test('are a list in the file, and JSON in the environment', () => {
    expect(load({ yaml }).mirrors).toEqual([
      { host: 'mirror.example.com', address: undefined, registry: 1, anonymous: false, standsFor: [] },
      {
        host: undefined,
        address: ':5010',
        registry: 2,
        anonymous: true,
        standsFor: ['docker.io', 'quay.io:8443'],
      },
    ]);
    const environment = { ENTREPOT_MIRRORS: JSON.stringify([{ host: 'm', registry: 3 }]) };
    expect(load({ yaml, environment }).mirrors).toMatchObject([{ host: 'm', registry: 3 }]);
  });

  test('are printed so that they can be read again', () => {
    const { mirrors } = load({ yaml });
    expect(load({ yaml: formatConfig(load({ yaml })) }).mirrors).toEqual(mirrors);
  });

  test.each([
    ['[{"registry": 1}]', 'expected either a host or an address of its own'],
    ['[{"host": "a", "address": ":1", "registry": 1}]', 'expected either a host or an address of its own'],
    ['[{"host": "a.example:80", "registry": 1}]', 'without a port'],
    ['[{"host": "a"}]', 'expected a whole number from 1'],
    ['[{"host": "a", "registry": 0}]', 'expected a whole number from 1'],
    ['[{"address": "nowhere", "registry": 1}]', 'expected host:port'],
    ['[{"host": "a", "registry": 1, "anonymus": true}]', 'expected host or address, registry'],
    ['[{"host": "a", "registry": 1, "stands_for": ["https://docker.io"]}]', 'hosts of registries'],
    ['[{"host": "a", "registry": 1}, {"host": "A", "registry": 2}]', 'expected another host or address'],
    ['[{"host": "registry.example.com", "registry": 1}]', 'another host than that of http.external_url'],
  ])('that cannot be are a fault: %s', (text, message) => {
    const environment = {
      ENTREPOT_MIRRORS: text,
      ENTREPOT_HTTP__EXTERNAL_URL: 'https://registry.example.com',
    };
    expect(faultsOf({ environment })).toEqual([
      expect.stringMatching(`^ENTREPOT_MIRRORS: mirrors.*${message}`),
    ]);
  });
});

describe('endpoints of webhooks', () => {
  const yaml = `
webhooks:
  endpoints:
    - name: scanner
      url: https://scanner.example/events
      headers: ["Authorization: Bearer hidden"]
      timeout_seconds: 5s
      ignored_actions: [pull]
    - {name: other, url: "http://other.example/"}
`;

  test('are a list in the file, and JSON in the environment', () => {
    const [scanner, other] = load({ yaml }).webhooks.endpoints;
    expect(scanner).toMatchObject({
      name: 'scanner',
      timeoutMs: 5000,
      maxRetries: undefined,
      ignoredActions: ['pull'],
      disabled: false,
    });
    expect(scanner?.headers.map((header) => [header.name, header.reveal()])).toEqual([
      ['Authorization', 'Bearer hidden'],
    ]);
    expect(other).toMatchObject({ url: 'http://other.example/', headers: [] });
    const json = JSON.stringify([{ name: 'ci', url: 'https://ci.example/' }]);
    const environment = { ENTREPOT_WEBHOOKS__ENDPOINTS: json };
    expect(load({ yaml, environment }).webhooks.endpoints.map(({ name }) => name)).toEqual(['ci']);
    expect(load({ environment: { ENTREPOT_WEBHOOKS__ENDPOINTS: '' } }).webhooks.endpoints).toEqual([]);
  });

  test('are printed without the values of their headers', () => {
    const printed = formatConfig(load({ yaml }));
    expect(printed).toContain('Authorization: ***');
    expect(printed).not.toContain('hidden');
    expect(JSON.stringify(load({ yaml }))).not.toContain('hidden');
  });

  test.each([
    ['[{"url": "https://a.example"}]', 'expected printable ASCII'],
    ['[{"name": "a", "url": "ftp://a.example"}]', 'expected an address'],
    ['[{"name": "a", "url": "https://ada:secret@a.example"}]', 'without a user'],
    ['[{"name": "a", "url": "https://a.example", "headers": ["Host: b"]}]', 'expected a header'],
    ['[{"name": "a", "url": "https://a.example", "ignored_actions": ["jump"]}]', 'expected some of push'],
    ['[{"name": "a", "url": "https://a.example", "time_out": 1}]', 'expected name, url'],
    [
      '[{"name": "a", "url": "https://a.example"}, {"name": "a", "url": "https://b.example"}]',
      'another name',
    ],
    ['scanner', 'in the environment as JSON'],
  ])('that cannot be are refused: %s', (json, message) => {
    const faults = faultsOf({ environment: { ENTREPOT_WEBHOOKS__ENDPOINTS: json } });
    expect(faults).toEqual([expect.stringContaining(message)]);
    expect(faults[0]).toMatch(/^ENTREPOT_WEBHOOKS__ENDPOINTS: webhooks\.endpoints/);
  });
});

describe('variables that all programs know', () => {
  const outboundOf = (environment: Environment, yaml?: string) =>
    load({ environment, ...(yaml !== undefined && { yaml }) }).outbound;

  test('say the proxies, the hosts without one, and the authorities', () => {
    const environment = {
      HTTPS_PROXY: 'http://robot:s%40cret@proxy.corp:3128',
      HTTP_PROXY: 'proxy.corp:3128',
      NO_PROXY: 'localhost, .corp.test,10.0.0.0/8',
      SSL_CERT_FILE: '/etc/ca.pem',
    };
    expect(outboundOf(environment)).toEqual({
      httpsProxy: 'http://robot:s%40cret@proxy.corp:3128/',
      httpProxy: 'http://proxy.corp:3128/',
      noProxy: ['localhost', '.corp.test', '10.0.0.0/8'],
      caFile: '/etc/ca.pem',
    });
    const lower = Object.entries(environment).map(([name, value]) => [name.toLowerCase(), value] as const);
    expect(outboundOf(Object.fromEntries(lower))).toEqual({
      ...outboundOf(environment),
      caFile: undefined,
    });
  });

  test('the first of several that says something counts', () => {
    const [one, other, all] = ['http://one/', 'http://other/', 'http://all/'];
    const environment = {
      https_proxy: one,
      HTTPS_PROXY: other,
      http_proxy: ' ',
      HTTP_PROXY: '',
      ALL_PROXY: all,
    };
    expect(outboundOf(environment)).toMatchObject({ httpsProxy: one, httpProxy: all });
    expect(outboundOf({ all_proxy: one, ALL_PROXY: all })).toMatchObject({ httpsProxy: one, httpProxy: one });
  });

  test('are less than the file, where an empty text is none, and than our own', () => {
    const environment = {
      HTTPS_PROXY: 'http://one/',
      HTTP_PROXY: 'http://one/',
      NO_PROXY: 'a',
      SSL_CERT_FILE: 'a',
    };
    const yaml = 'outbound:\n  https_proxy: ""\n  no_proxy: []\n  ca_file: ""\n';
    expect(outboundOf(environment, yaml)).toEqual({
      httpsProxy: undefined,
      httpProxy: 'http://one/',
      noProxy: [],
      caFile: undefined,
    });
    const own = { ...environment, ENTREPOT_OUTBOUND__HTTPS_PROXY: 'http://two/' };
    expect(outboundOf(own).httpsProxy).toBe('http://two/');
  });

  test('a proxy that is none is refused with the variable, and without what it says', () => {
    const faults = faultsOf({
      environment: { HTTPS_PROXY: 'http://robot:se#cret@proxy', all_proxy: 'socks5h://proxy' },
    });
    expect(faults).toEqual([
      expect.stringMatching(/^HTTPS_PROXY: outbound\.https_proxy: expected http:\/\/host:port/),
      expect.stringMatching(/^all_proxy: outbound\.http_proxy: expected http:\/\/host:port .*none of SOCKS/),
    ]);
    expect(faults.join()).not.toContain('cret');
  });

  test('what only others understand is let pass', () => {
    expect(
      faultsOf({ environment: { NO_PROXY: '???,,10.0.0.0/99', FTP_PROXY: 'x', SOCKS_PROXY: 'y' } }),
    ).toEqual([]);
  });

  test('the proxy of upstreams is one, or none at all', () => {
    const proxyOf = (proxy: string) => load({ yaml: `upstreams:\n  proxy: "${proxy}"\n` }).upstreams.proxy;
    expect(['direct', 'proxy:3128', ''].map(proxyOf)).toEqual(['direct', 'http://proxy:3128/', undefined]);
    expect(faultsOf({ yaml: 'upstreams:\n  proxy: socks5://x\n' })).toEqual([
      expect.stringMatching(/^config.yaml:2: upstreams.proxy: expected http:\/\/.*or direct$/),
    ]);
  });

  test('are printed without the passwords of proxies', () => {
    const config = load({ environment: { HTTPS_PROXY: 'robot:secret@proxy:3128' } });
    expect(formatConfig(config)).toContain('https_proxy: http://robot:***@proxy:3128/');
  });
});
