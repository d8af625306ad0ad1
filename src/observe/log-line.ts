/** What a line of the log looks like. What came from outside is in it, and must not steer a terminal. */

export type LogFormat = 'auto' | 'json' | 'pretty';
type Fields = Record<string, unknown>;

/** Ends of lines, and what begins colours: all others of them were taken out of texts before. */
const ours = new Set(['\n', String.fromCharCode(27)]);

/** With what steers a terminal or turns the direction of writing as JSON escapes it, so that JSON stays the same JSON. Lines stay lines. */
export function withoutControls(text: string): string {
  return text.replace(/[^\P{C}\n]/gu, escapeCharacter);
}

/** Makes of a line of JSON what people read. @returns undefined where JSON stays JSON, which loads nothing */
export async function findPretty(
  format: LogFormat,
  isTerminal: boolean,
): Promise<((line: string) => string) | undefined> {
  if (format === 'json' || (format === 'auto' && !isTerminal)) return undefined;
  const { prettyFactory } = await import('pino-pretty');
  const pretty = prettyFactory({
    colorize: isTerminal,
    messageKey: 'message',
    translateTime: 'HH:MM:ss.l',
    singleLine: true,
    // They are in the head of a request's line.
    ignore: 'method,path,status',
    messageFormat: headOf,
  });
  return (line) => withoutOtherControls(pretty(parsed(line)));
}

function headOf({ message, method, path, status }: Fields): string {
  const head = [message === 'request' ? undefined : message, method, path, status];
  const text = head.filter((part) => part !== undefined).join(' ');
  return text.replaceAll('\n', String.raw`\n`);
}

/** Of what goes well nobody looks for the id, which leads from an answer to all that was said of its request. */
function parsed(line: string): Fields {
  const { requestId, ...fields }: Fields = JSON.parse(line, (_, value) =>
    typeof value === 'string' ? withoutControls(value) : value,
  );
  return fields['level'] === 'info' ? fields : { ...fields, requestId };
}

function withoutOtherControls(text: string): string {
  return text.replace(/\p{C}/gu, (character) =>
    ours.has(character) ? character : escapeCharacter(character),
  );
}

function escapeCharacter(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
