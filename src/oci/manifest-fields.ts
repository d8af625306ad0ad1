/**
 * How the JSON of manifests is read. Go, in which most clients are written, reads names in any case, and of what is there twice the last, or both
 * put together. https://pkg.go.dev/encoding/json#Unmarshal
 */
import { isMediaType } from './media-types.ts';
import { isRecord, type JsonRecord, parseJson } from './untrusted-json.ts';

export type Fields = ReadonlyMap<string, string>;

export const manifestFields = fieldsOf(
  ...['schemaVersion', 'mediaType', 'artifactType', 'config', 'layers', 'manifests', 'subject'],
  'annotations',
);
export const descriptorFields = fieldsOf(
  ...['mediaType', 'digest', 'size', 'urls', 'annotations', 'data', 'platform', 'artifactType'],
);
export const platformFields = fieldsOf('architecture', 'os', 'os.version', 'os.features', 'variant');

/** Those who read agree on what a manifest says, and differ in what they bear. */
export interface ManifestReading {
  /** @throws JsonError, OciError MANIFEST_INVALID */
  parse(payload: Uint8Array): unknown;
  /** The fields by their own names. @param path of the object, empty for the manifest @throws OciError MANIFEST_INVALID */
  fields(json: JsonRecord, fields: Fields, path: string): JsonRecord;
  /** Undefined where it says nothing. @throws OciError MANIFEST_INVALID */
  mediaType(text: string, path: string): string | undefined;
  /** Of what is not as it should be: it is an error, or left out. @throws OciError MANIFEST_INVALID */
  refuse(detail: string): void;
}

/** What came from elsewhere is passed on as it is, so nothing is refused that a client could make sense of. */
export const asClientsRead: ManifestReading = {
  parse: parseJson,
  fields: readFields,
  mediaType: (text) => (isMediaType(text) ? text : undefined),
  refuse: () => {},
};

/** A name that Go takes for that of a field, which is written otherwise; undefined where there is none. */
export function findOddName(json: JsonRecord, fields: Fields): { name: string; meant: string } | undefined {
  for (const name of Object.keys(json)) {
    const meant = fields.get(name) ?? fields.get(fold(name));
    if (meant !== undefined && meant !== name) return { name, meant };
  }
  return undefined;
}

/** As Go reads it, or more where a field is there under several names: lists are put together. Null is nothing. */
function readFields(json: JsonRecord, fields: Fields): JsonRecord {
  if (!findOddName(json, fields)) return json;
  const read: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(json)) {
    const field = fields.get(fold(name));
    if (field === undefined || value === null) continue;
    const before = read[field];
    if (Array.isArray(before) && Array.isArray(value)) read[field] = [...before, ...value];
    else if (isRecord(before) && isRecord(value)) read[field] = { ...before, ...value };
    else read[field] = value;
  }
  return read;
}

/** By their names, as they are written and as Go folds them. */
function fieldsOf(...names: readonly string[]): Fields {
  return new Map(names.flatMap((name) => [[name, name] as const, [fold(name), name] as const]));
}

/** Of all letters, the long s and the Kelvin sign alone are folded to ones that names of fields have. */
function fold(name: string): string {
  return name.toLowerCase().replaceAll('ſ', 's');
}
