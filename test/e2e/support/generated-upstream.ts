/** A registry of generated images, `IMAGE-NUMBER:v1` each: a process of its own, which says its address and ends with its parent. */
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ociManifest } from '../../../src/oci/media-types.ts';
import { GeneratedImages, type GeneratedShape } from './generated-images.ts';

const shape: GeneratedShape = JSON.parse(process.argv[2] ?? '');
const images = new GeneratedImages(shape);
const digests = new Map<string, number>();

const server = createServer(async (request, response) => {
  const path = /^\/v2\/generated\/(\d+)\/(manifests|blobs)\/(.+)$/.exec(request.url ?? '');
  const [, image = '', kind, reference = ''] = path ?? [];
  if (kind === 'manifests') {
    const number = digests.get(reference) ?? Number(image);
    const { digest, payload } = images.manifest(number);
    digests.set(digest, number);
    response.writeHead(200, {
      'content-type': ociManifest,
      'content-length': payload.length,
      'docker-content-digest': digest,
    });
    response.end(request.method === 'HEAD' ? undefined : payload);
    return;
  }
  const blob = kind === 'blobs' ? images.read(reference) : undefined;
  if (!blob) {
    response.writeHead(request.url === '/v2/' ? 200 : 404).end();
    return;
  }
  response.writeHead(200, { 'content-length': blob.size, 'docker-content-digest': reference });
  if (request.method === 'HEAD') response.end();
  // A server that is stopped leaves in the middle.
  else await pipeline(Readable.from(blob.chunks()), response).catch(() => undefined);
});
server.listen(0, '127.0.0.1', () => process.send?.(server.address()));
process.on('disconnect', () => process.exit());
