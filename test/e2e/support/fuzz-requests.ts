/** Made-up requests to /v2 and /jwt/auth, as raw bytes: the same seed makes the same one. */

/** A small generator of numbers: https://en.wikipedia.org/wiki/Xorshift */
export class Chance {
  #state: number;

  constructor(seed: number) {
    // Seeds that follow each other begin far apart.
    this.#state = Math.imul(seed + 1, 0x9e3779b1) | 1;
    for (let round = 0; round < 4; round += 1) this.below(2);
  }

  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }

  happens(percent: number): boolean {
    return this.below(100) < percent;
  }

  oneOf<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)];
    if (value === undefined) throw new Error('there is nothing to choose from');
    return value;
  }
}

export interface FuzzRequest {
  /** Each is written by itself. */
  readonly parts: readonly Buffer[];
  /** Whether an answer can be expected. */
  readonly isWhole: boolean;
  readonly end: 'wait' | 'half-close' | 'cut';
}

export interface Known {
  readonly basic: string;
  readonly bearer: string;
  readonly digest: string;
}

const methods = [
  'GET',
  'GET',
  'GET',
  'GET',
  'HEAD',
  'POST',
  'POST',
  'PUT',
  'PUT',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
];
const oddMethods = ['TRACE', 'QUERY', 'CONNECT', 'FOO', 'get', ''];
const oddTexts = [
  '%',
  '%00',
  '%zz',
  '%2e%2e',
  '..',
  '.',
  '',
  ' ',
  '%ff%fe',
  'ä',
  '\u0000',
  '"',
  '<script>',
  '%F0%9F%90%B3',
  ';',
  '?',
  '#',
  '\\',
  '*',
  'A'.repeat(300),
  'a/'.repeat(400),
  '[]',
  '{}',
  '%0d%0aX-Evil:1',
  '\ud800',
];
const types = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
  'application/json',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=b',
  'multipart/form-data',
  'text/html; charset=nonsense',
  '',
  '/',
  ';;;;',
];

export function makeRequest(seed: number, known: Known): FuzzRequest {
  const chance = new Chance(seed);
  const pipelined = chance.happens(10) ? 2 + chance.below(8) : 1;
  const isFramed = chance.happens(85);
  const texts = Array.from({ length: pipelined }, () => oneRequest(chance, known, isFramed));
  let bytes: Buffer = Buffer.concat(texts);
  const isBroken = chance.happens(10);
  if (isBroken) bytes = damage(chance, bytes);
  const isShort = chance.happens(10);
  if (isShort) bytes = bytes.subarray(0, chance.below(bytes.length + 1));
  return {
    parts: chance.happens(30) ? cutUp(chance, bytes) : [bytes],
    isWhole: isFramed && !isBroken && !isShort,
    end: chance.oneOf(['wait', 'wait', 'wait', 'wait', 'half-close', 'cut']),
  };
}

function oneRequest(chance: Chance, known: Known, isFramed: boolean): Buffer {
  const method = chance.oneOf(chance.happens(90) ? methods : oddMethods);
  const body =
    ['PUT', 'POST', 'PATCH', 'DELETE'].includes(method) && chance.happens(80)
      ? bodyOf(chance, known)
      : undefined;
  const lines = [
    `${method} ${targetOf(chance, known)} HTTP/1.1`,
    `Host: ${chance.happens(97) ? 'a' : odd(chance)}`,
  ];
  if (chance.happens(80)) lines.push(`Authorization: ${authorizationOf(chance, known)}`);
  for (let count = chance.below(4); count > 0; count -= 1) lines.push(headerOf(chance, known));
  if (chance.happens(50)) lines.push('Connection: close');
  if (!body) return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  if (chance.happens(70)) lines.push(`Content-Type: ${chance.oneOf(types)}`);
  const isChunked = chance.happens(30);
  const length = isFramed ? body.length : body.length + chance.below(6000) - 10;
  lines.push(isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`);
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  return Buffer.concat([head, isChunked ? chunked(chance, body, isFramed) : body]);
}

function odd(chance: Chance): string {
  return chance.oneOf(oddTexts);
}

function nameOf(chance: Chance): string {
  const names = [
    'fuzz/images',
    'fuzz/images/app',
    'virtual_registries/container/1/team/app',
    'virtual_registries/container/0',
    'virtual_registries',
    'nobody/nothing',
    'FUZZ',
    'a//b',
  ];
  return chance.happens(85) ? chance.oneOf(names) : odd(chance);
}

function targetOf(chance: Chance, known: Known): string {
  const references = [`sha256:${'0'.repeat(64)}`, `sha512:${'f'.repeat(128)}`, odd(chance)];
  const reference = chance.oneOf(chance.happens(60) ? ['v1', known.digest] : references);
  const name = nameOf(chance);
  const path = chance.oneOf([
    '/v2/',
    '/v2',
    '/v2/_catalog',
    `/v2/${name}/manifests/${reference}`,
    `/v2/${name}/manifests/${reference}`,
    `/v2/${name}/blobs/${reference}`,
    `/v2/${name}/blobs/uploads/`,
    `/v2/${name}/blobs/uploads/${odd(chance)}`,
    `/v2/${name}/tags/list`,
    `/v2/${name}/referrers/${reference}`,
    `/v2/${name}/tags/reference/${reference}`,
    `/v2/${odd(chance)}`,
    `//v2/${odd(chance)}/${odd(chance)}`,
    `http://elsewhere/v2/${odd(chance)}`,
    'http://[::1/v2/',
    '/jwt/auth',
    '/jwt/auth',
    '/jwt/auth',
    `/gitlab/v1/repositories/${name}/tags/list/`,
    '*',
  ]);
  const query = Array.from({ length: chance.below(5) }, () => parameterOf(chance, known));
  return query.length === 0 ? path : `${path}?${query.join('&')}`;
}

function parameterOf(chance: Chance, known: Known): string {
  const key = chance.oneOf([
    'n',
    'last',
    'digest',
    'mount',
    'from',
    'artifactType',
    'tag',
    'scope',
    'service',
    'account',
    'digest-algorithm',
    'state',
    '__proto__',
    odd(chance),
  ]);
  const value = chance.oneOf([
    '',
    '1',
    '-1',
    '1e9',
    '99999999999999999999',
    known.digest,
    'sha512',
    'container_registry',
    'fuzz/images',
    odd(chance),
    `repository:${nameOf(chance)}:pull,push,delete`,
    'repository:fuzz/images:*',
    'registry:catalog:*',
    'a:b:c:d:e',
    'repository(plugin):a:pull',
  ]);
  return `${key}=${value}`;
}

function authorizationOf(chance: Chance, known: Known): string {
  if (chance.happens(75)) return chance.oneOf([known.basic, known.bearer]);
  return chance.oneOf([
    'Basic',
    'Basic ',
    'Basic %%%',
    `Basic ${Buffer.from('nobody').toString('base64')}`,
    `Basic ${Buffer.from('\0:\0').toString('base64')}`,
    'Bearer',
    'Bearer a.b.c',
    'Bearer eyJhbGciOiJub25lIn0.e30.',
    'Digest username="a"',
    `Bearer ${'a'.repeat(9000)}`,
    'bearer x',
    odd(chance),
  ]);
}

function headerOf(chance: Chance, known: Known): string {
  if (chance.happens(10)) return brokenHeaderOf(chance);
  return chance.oneOf([
    `Range: bytes=${chance.oneOf(['0-', '-1', '5-2', '0-0,2-3', `${'0-1,'.repeat(2000)}`, '99999999999999999-', 'x'])}`,
    `Content-Range: ${chance.oneOf(['0-9', '9-0', 'bytes 0-9/*', '1-', 'x'])}`,
    `If-None-Match: ${chance.oneOf(['*', `"${known.digest}"`, `${'"a",'.repeat(3000)}`])}`,
    `If-Range: ${odd(chance)}`,
    `Accept: ${chance.oneOf(['*/*', types.join(', '), `${'a/b;q=0.1,'.repeat(2000)}`, 'text/html'])}`,
    `Accept-Encoding: ${chance.oneOf(['gzip', 'zstd;q=9', '*;q=0'])}`,
    `X-Request-Id: ${odd(chance)}`,
    `X-Forwarded-For: ${odd(chance)}`,
    `Forwarded: for="${odd(chance)}`,
    `Cookie: ${chance.oneOf(['entrepot=a', `${'a=b;'.repeat(2000)}`, 'entrepot="'])}`,
    `Expect: ${chance.oneOf(['100-continue', 'more'])}`,
    'Upgrade: websocket',
    `User-Agent: ${odd(chance)}`,
  ]);
}

function brokenHeaderOf(chance: Chance): string {
  return chance.oneOf([
    `Content-Length: ${chance.oneOf(['0', '5', '-1', '99999999999999999999'])}`,
    'Transfer-Encoding: gzip, chunked',
    `${odd(chance)}: ${odd(chance)}`,
    `X-Large: ${'a'.repeat(40_000)}`,
  ]);
}

function bodyOf(chance: Chance, known: Known): Buffer {
  const descriptor = `{"mediaType":"application/octet-stream","digest":"${known.digest}","size":${chance.oneOf(['2', '-1', '1e3', 'null', '2.5'])}}`;
  return Buffer.from(
    chance.oneOf([
      () => '{}',
      () => 'null',
      () => odd(chance),
      () =>
        `{"schemaVersion":2,"mediaType":"${chance.oneOf(types)}","config":${descriptor},"layers":[${descriptor}]}`,
      () =>
        `{"schemaVersion":2,"manifests":[${Array.from({ length: chance.below(3000) }, () => descriptor).join(',')}]}`,
      () => '['.repeat(1 + chance.below(200_000)),
      () => `${'{"a":'.repeat(1 + chance.below(20_000))}1`,
      () =>
        `{"annotations":{${Array.from({ length: chance.below(20_000) }, (_, index) => `"${index}":"x"`).join(',')}}}`,
      () =>
        `{"schemaVersion":2,"artifactType":"\\u0000\\ud800","config":${descriptor},"layers":[],"__proto__":{"a":1}}`,
      () => `\ufeff{"schemaVersion":2,"config":${descriptor},"layers":[]}`,
      () => `"${'\\u0000'.repeat(chance.below(50_000))}"`,
      () => '\0'.repeat(chance.below(5000)),
      () =>
        `grant_type=${chance.oneOf(['password', 'refresh_token', 'x'])}&username=root&password=${odd(chance)}&scope=repository:${nameOf(chance)}:pull`,
      () => `${'a[b][c]='.repeat(chance.below(2000))}&${'a&'.repeat(chance.below(5000))}`,
      () => '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--b--\r\n',
    ])(),
  );
}

function chunked(chance: Chance, body: Buffer, isFramed: boolean): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const size = Math.min(body.length - at, 1 + chance.below(20_000));
    const extension = chance.happens(10) ? ';a="b"' : '';
    pieces.push(
      Buffer.from(`${size.toString(16)}${extension}\r\n`),
      body.subarray(at, at + size),
      Buffer.from('\r\n'),
    );
    at += size;
  }
  pieces.push(
    Buffer.from(
      isFramed ? '0\r\n\r\n' : chance.oneOf(['', '0\r\n', 'fffffffffffffffff\r\n', '-1\r\n\r\n', 'x\r\n']),
    ),
  );
  return Buffer.concat(pieces);
}

function damage(chance: Chance, bytes: Buffer): Buffer {
  const damaged = Buffer.from(bytes);
  for (let count = 1 + chance.below(8); count > 0 && damaged.length > 0; count -= 1)
    damaged[chance.below(Math.min(damaged.length, 2000))] = chance.below(256);
  return damaged;
}

function cutUp(chance: Chance, bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length && parts.length < 6; ) {
    const size = parts.length === 5 ? bytes.length - at : 1 + chance.below(bytes.length - at);
    parts.push(bytes.subarray(at, at + size));
    at += size;
  }
  return parts;
}
