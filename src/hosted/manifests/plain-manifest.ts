/** A manifest must read the same to everyone: layers would be lost where one client sees a layer and another sees nothing. */
import { OciError } from '../../oci/errors.ts';
import { JsonError, scanJson } from '../../oci/json-scan.ts';
import { findOddName, type ManifestReading } from '../../oci/manifest-fields.ts';
import { isMediaType } from '../../oci/media-types.ts';
import { countMembers, decodeJson } from '../../oci/untrusted-json.ts';

const byteOrderMark = [0xef, 0xbb, 0xbf];
/** Fields that clients written in Go read as integers, which to Go are digits alone. */
const integers = ['schemaVersion', 'size'];

export const plainReading: ManifestReading = {
  parse(payload) {
    if (byteOrderMark.every((byte, index) => payload[index] === byte))
      throw new JsonError('begins with a byte-order mark, which clients take for an error');
    const { members, fractional } = scanJson(payload);
    const odd = integers.find((name) => fractional.has(name));
    if (odd !== undefined)
      throw new JsonError(`has a ${odd} with a fraction or an exponent, where clients read digits alone`);
    const json = decodeJson(payload, { fatal: true });
    if (countMembers(json) !== members) throw new JsonError('says something twice in the same object');
    return json;
  },
  fields(json, fields, path) {
    const odd = findOddName(json, fields);
    if (odd) {
      const { name, meant } = odd;
      const detail = `${path === '' ? '' : `${path}: `}'${name}' must be written '${meant}': some clients take one for the other`;
      throw new OciError('MANIFEST_INVALID', { detail });
    }
    return json;
  },
  mediaType(text, path) {
    if (isMediaType(text)) return text;
    throw new OciError('MANIFEST_INVALID', {
      detail: `${path}: is no media type: these have at most 255 characters, and no control characters`,
    });
  },
  refuse(detail) {
    throw new OciError('MANIFEST_INVALID', { detail });
  },
};
