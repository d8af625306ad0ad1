/** How long a regular expression is once its counted repeats are written out, told from its text alone: what is long takes long to compile. */

const token =
  /\\Q(?:(?!\\E).)*(?:\\E)?|\\[pPx]\{[^}]*\}|\\[pP]?.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|./gsu;

/** Each character, class and group is a step at least, so what RE2 makes of it has about as many or more. */
export function countSteps(text: string): number {
  const groups: number[] = [];
  let before = 0;
  let last = 0;
  for (const [part, least, most] of text.matchAll(token)) {
    if (least !== undefined) {
      last *= Math.max(1, Number(least), Number(most ?? 0));
    } else if (part === '(') {
      groups.push(before + last);
      before = 0;
      last = 0;
    } else if (part === ')') {
      last += before + 1;
      before = groups.pop() ?? 0;
    } else {
      before += last;
      last = part.startsWith('\\Q') ? part.length : 1;
    }
  }
  return groups.reduce((sum, steps) => sum + steps, before + last);
}
