/**
 * What must never be printed: kept apart from the configuration. The secret key seals what is stored (upstream passwords,
 * signing keys); where none is given, one is made beside the data.
 */
import { randomBytes } from 'node:crypto';
import { findPasswordFault } from '../auth/credentials/passwords.ts';
import { tokenKindOf } from '../auth/tokens/token-secret.ts';
import { secretKeyFile } from '../config/data-directory.ts';
import { readRegularFile } from '../config/regular-file.ts';
import {
  debugTokenVariable,
  keyVariable,
  oidcSecretVariable,
  rootPasswordVariable,
  rootTokenVariable,
  webhookSecretVariable,
} from '../config/secret-variables.ts';
import { ConfigError, type Environment, Faults, readVariable } from '../config/settings.ts';
import { isSystemError } from '../oci/system-error.ts';
import { makeDirectory } from '../storage/directories.ts';
import { createOnce } from '../storage/durable-files.ts';

export interface Secrets {
  /** 32 bytes. */
  readonly key: Buffer;
  /** What root's first token and password shall be. */
  readonly rootToken: string | undefined;
  readonly rootPassword: string | undefined;
  /** Of the OpenID provider; undefined: we are a public client of it. */
  readonly oidcClientSecret?: string | undefined;
  /** Who has it may look into the process; undefined: nobody may. */
  readonly debugToken?: string | undefined;
  /** What endpoints of the configuration are signed with; undefined: they are not. */
  readonly webhookSecret?: string | undefined;
}

export interface SecretSources {
  readonly environment: Environment;
  readonly dataDirectory: string;
  /** True where the records are in a database of their own: other processes need the same key, so none is made here. */
  readonly sharedDatabase: boolean;
}

const keyBytes = 32;
const expectedKey = `expected ${keyBytes} bytes in base64, as 'openssl rand -base64 ${keyBytes}' prints, or in hex`;
const expectedToken = 'expected 20 to 255 characters, all printable ASCII without spaces';

/** @throws ConfigError with every fault there is; the system's error where the data directory is unwritable */
export async function loadSecrets({
  environment,
  dataDirectory,
  sharedDatabase,
}: SecretSources): Promise<Secrets> {
  const faults = new Faults();
  const read = (name: string, findFault: (text: string) => string | undefined) => {
    const text = faults.collect(() => readVariable(environment, name, readRegularFile)) || undefined;
    const message = text && findFault(text);
    if (message) faults.add(name, '', message);
    return text;
  };
  const findTokenFault = (text: string) => (tokenKindOf(text) === 'access' ? undefined : expectedToken);
  const rootToken = read(rootTokenVariable, findTokenFault);
  const debugToken = read(debugTokenVariable, findTokenFault);
  const rootPassword = read(rootPasswordVariable, findPasswordFault);
  const oidcClientSecret = read(oidcSecretVariable, () => undefined);
  const webhookSecret = read(webhookSecretVariable, () => undefined);
  const given = read(keyVariable, (text) => (parseKey(text) ? undefined : expectedKey));
  if (faults.any) throw faults.toError();
  const key = (given && parseKey(given)) || (await keyBeside(dataDirectory, sharedDatabase));
  return { key, rootToken, rootPassword, oidcClientSecret, debugToken, webhookSecret };
}

function parseKey(text: string): Buffer | undefined {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, 'hex');
  return /^[A-Za-z0-9+/]{43}=$/.test(text) ? Buffer.from(text, 'base64') : undefined;
}

async function keyBeside(dataDirectory: string, sharedDatabase: boolean): Promise<Buffer> {
  const path = secretKeyFile(dataDirectory);
  const found = findText(path);
  if (found !== undefined) return keyIn(found, path);
  if (sharedDatabase) {
    const message = `with database.url every process needs the same secret key: ${expectedKey}`;
    throw new ConfigError([{ origin: keyVariable, path: '', message }]);
  }
  await makeDirectory(dataDirectory);
  await createOnce(path, `${randomBytes(keyBytes).toString('base64')}\n`);
  return keyIn(findText(path) ?? '', path);
}

function keyIn(text: string, origin: string): Buffer {
  const key = parseKey(text);
  if (!key) throw new ConfigError([{ origin, path: '', message: expectedKey }]);
  return key;
}

/** Undefined where there is no such file. */
function findText(path: string): string | undefined {
  try {
    return readRegularFile(path).trim();
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([{ origin: path, path: '', message: `cannot be read: ${reason}` }]);
  }
}
