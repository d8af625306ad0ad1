/** What two images have in common. */
import type { Operations } from '../../api/schema.ts';
import { platformText } from './image-names.ts';
import { stepsOf } from './layer-steps.ts';

export type ComparedImage =
  Operations['GET /projects/{id}/registry/repositories/{repository_id}/tags/{tag_name}/image']['response'];

export interface SharedLayer {
  readonly key: string;
  readonly digest: string;
  readonly size: number;
  readonly side: 'left' | 'right' | 'both';
  /** What made it. */
  readonly command: string | null | undefined;
}

export interface Difference {
  readonly name: string;
  readonly left: string | undefined;
  readonly right: string | undefined;
}

interface Comparison {
  readonly isSame: boolean;
  /** Those of the left image in its order, then what only the right one has. */
  readonly layers: readonly SharedLayer[];
  readonly differences: readonly Difference[];
  /** By how many bytes the right one is larger. */
  readonly sizeDifference: number;
}

export function compare(left: ComparedImage, right: ComparedImage): Comparison {
  const [ofLeft, ofRight] = [layersOf(left), layersOf(right)];
  const [inLeft, inRight] = [digestsOf(ofLeft), digestsOf(ofRight)];
  const layers = [
    ...ofLeft.map((layer) => ({ ...layer, side: inRight.has(layer.digest) ? 'both' : 'left' }) as const),
    ...ofRight
      .filter(({ digest }) => !inLeft.has(digest))
      .map((layer) => ({ ...layer, side: 'right' }) as const),
  ].map((layer, index) => ({ ...layer, key: `${index} ${layer.digest}` }));
  const [saidLeft, saidRight] = [textsOf(left), textsOf(right)];
  const names = [...new Set([...saidLeft.keys(), ...saidRight.keys()])].toSorted();
  return {
    isSame: left.digest === right.digest,
    layers,
    differences: names
      .map((name) => ({ name, left: saidLeft.get(name), right: saidRight.get(name) }))
      .filter((each) => each.left !== each.right),
    sizeDifference: right.total_size - left.total_size,
  };
}

function layersOf({ image }: ComparedImage) {
  if (!image) return [];
  return stepsOf(image.layers, image.history).flatMap(({ layer, step }) =>
    layer ? [{ digest: layer.digest, size: layer.size, command: step?.created_by }] : [],
  );
}

function digestsOf(layers: readonly { readonly digest: string }[]): ReadonlySet<string> {
  return new Set(layers.map(({ digest }) => digest));
}

/** What images say of themselves, apart from their layers. */
function textsOf({ image, platforms, created_at: createdAt, media_type: type }: ComparedImage) {
  return new Map<string, string>([
    ['created', createdAt ?? ''],
    ['media type', type],
    ['platforms', platforms.map(platformText).join(', ')],
    ...Object.entries(image?.labels ?? {}),
    ...Object.entries(image?.annotations ?? {}),
  ]);
}
