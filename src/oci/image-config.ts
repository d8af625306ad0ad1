/**
 * What an image's config says of the image. It was pushed by anyone and is never trusted: what is malformed says nothing, and what is
 * long is cut. https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md
 */
import { isRecord, parseJsonRecord, recordsIn, textIn, textsIn } from './untrusted-json.ts';

/** Larger ones are not read. */
export const maxImageConfigBytes = 1024 * 1024;
const maxHistory = 500;
/** Of one step. */
const maxStepLength = 2000;

const configTypes: readonly string[] = [
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
];

/** What an image runs on. Each part is a short word, as in `linux`, `arm64`, `v8`. */
export interface Platform {
  readonly os?: string | undefined;
  readonly architecture?: string | undefined;
  readonly variant?: string | undefined;
  readonly osVersion?: string | undefined;
}

export interface HistoryStep {
  /** Epoch milliseconds. */
  readonly createdAt?: number | undefined;
  readonly createdBy?: string | undefined;
  readonly comment?: string | undefined;
  /** Whether it made no layer. */
  readonly isEmptyLayer: boolean;
}

export interface ImageConfig {
  /** Epoch milliseconds. */
  readonly createdAt?: number | undefined;
  readonly platform: Platform;
  readonly author?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly history: readonly HistoryStep[];
}

/** Whether a config of this type is an image's: artifacts have configs of their own kinds. */
export function isImageConfig(mediaType: string): boolean {
  return configTypes.includes(mediaType);
}

/** Undefined where it is no JSON object. */
export function parseImageConfig(bytes: Uint8Array): ImageConfig | undefined {
  const config = parseJsonRecord(bytes);
  if (!config) return undefined;
  const { config: runtime } = config;
  return {
    createdAt: parseInstant(config['created']),
    platform: parsePlatform(config),
    author: textIn(config, 'author', maxStepLength),
    labels: isRecord(runtime) ? textsIn(runtime['Labels']) : {},
    history: recordsIn(config['history'], maxHistory).map((step) => ({
      createdAt: parseInstant(step['created']),
      createdBy: textIn(step, 'created_by', maxStepLength),
      comment: textIn(step, 'comment', maxStepLength),
      isEmptyLayer: step['empty_layer'] === true,
    })),
  };
}

/** Of a config, or of a descriptor in an index. */
export function parsePlatform(json: Readonly<Record<string, unknown>>): Platform {
  return {
    os: wordIn(json, 'os'),
    architecture: wordIn(json, 'architecture'),
    variant: wordIn(json, 'variant'),
    osVersion: wordIn(json, 'os.version'),
  };
}

function wordIn(json: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = json[name];
  return typeof value === 'string' && /^[\w.+-]{1,64}$/.test(value) ? value : undefined;
}

const instantPattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/i;

/** Epoch milliseconds. Before 1970 is Go's zero time: nobody said. */
export function parseInstant(value: unknown): number | undefined {
  if (typeof value !== 'string' || value.length > 64 || !instantPattern.test(value)) return undefined;
  const instant = Date.parse(value);
  return instant >= 0 ? instant : undefined;
}
