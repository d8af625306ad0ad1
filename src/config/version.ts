import packageJson from '../../package.json' with { type: 'json' };

/** Of this server, e.g. 1.2.3. */
export const version: string = packageJson.version;
