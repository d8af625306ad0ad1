/**
 * Keys of objects, below the root of the bucket; id is 24 hexadecimal digits at random, of one write:
 *   v1/ab/<id>          an object that was written by parts: ab are the first two digits
 *   v1/ab/<id>-<n>      one that was put at once: a blob, or a piece of an upload that is too small for a part
 *   v1/quarantine/<id>  one whose bytes have another digest, for people to look at
 *   v1/store            the id of the store
 * A storage key names the store besides: s3:v1/ab/<id>.
 */
import type { StorageKey } from '../blob-store.ts';
import type { ObjectKey } from './object-storage.ts';

export const markerKey: ObjectKey = 'v1/store';
export const objectsPrefix = 'v1/';
const quarantinePrefix = 'v1/quarantine/';
const pattern = /^v1\/([0-9a-f]{2})\/(\1[0-9a-f]{22})(?:-[0-9]{1,9})?$/;

/** @param number of a piece; undefined: of what is written by parts */
export function objectKeyOf(id: string, number?: number): ObjectKey {
  const suffix = number === undefined ? '' : `-${number}`;
  return `v1/${id.slice(0, 2)}/${id}${suffix}`;
}

export function storageKeyOf(store: string, key: ObjectKey): StorageKey {
  return `${store}:${key}`;
}

/** Keys go into requests: nothing else may. @throws Error where it is none of this store */
export function parseStorageKey(store: string, text: StorageKey): ObjectKey {
  const key = text.slice(store.length + 1);
  if (text === storageKeyOf(store, key) && pattern.test(key)) return key;
  throw new Error(`'${text}' is not the key of a blob in ${store}`);
}

/** Of the write that an object with a blob or a piece is from; undefined where it is none. */
export function writeIdOf(key: ObjectKey): string | undefined {
  return pattern.exec(key)?.[2];
}

export function quarantineKeyOf(key: ObjectKey): ObjectKey {
  return `${quarantinePrefix}${key.split('/').at(-1)}`;
}
