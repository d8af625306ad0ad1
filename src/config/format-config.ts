/** The configuration for people's eyes. */
import { stringify } from 'yaml';
import type { Config } from './config.ts';
import { SecretSetting } from './secret-setting.ts';
import { writtenNameOf } from './setting-names.ts';

import { HeaderSetting } from './webhook-settings.ts';

/** The effective configuration as YAML that could be given as a file, were passwords in URLs not hidden. */
export function formatConfig(config: Config): string {
  return stringify(asWritten(config));
}

function asWritten(value: unknown): unknown {
  if (value === undefined) return '';
  if (typeof value === 'string') return withoutPassword(value);
  if (value instanceof HeaderSetting || value instanceof SecretSetting) return value.toString();
  if (Array.isArray(value)) return value.map(asWritten);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [
      writtenNameOf(key),
      key.endsWith('Ms') && typeof child === 'number' ? secondsOf(child) : asWritten(child),
    ]),
  );
}

/** Without the last digits of a fraction that is not exact in binary. */
function secondsOf(ms: number): number {
  return Number((ms / 1000).toPrecision(15));
}

/** A URL's text with *** for a password in its authority or its query; any other text as it is. */
export function withoutPassword(text: string): string {
  if (!/^[a-z]+:\/\//.test(text) || !URL.canParse(text)) return text;
  const url = new URL(text);
  if (url.password === '' && !url.searchParams.has('password')) return text;
  if (url.password !== '') url.password = '***';
  if (url.searchParams.has('password')) url.searchParams.set('password', '***');
  return url.href;
}
