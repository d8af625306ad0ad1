/**
 * Plain HTTP beside HTTPS, at an address of its own: browsers are led to https. What carries credentials, or is for clients that would send
 * them next, is refused: such a client would follow each time, and each time send them where anybody on the way can read them.
 */
import type { IncomingMessage, RequestListener } from 'node:http';

/** Where registry clients and programs go. */
const placesOfClients = /^\/(v2|jwt|oauth|api|gitlab)([/?]|$)/;

/** @param externalUrl the https origin that clients know */
export function redirectToHttps(externalUrl: string): RequestListener {
  return (request, response) => {
    request.resume();
    const { url = '' } = request;
    if (mayFollow(request)) {
      response.writeHead(308, { location: `${externalUrl}${url.startsWith('/') ? url : '/'}` }).end();
      return;
    }
    const sent = 'what was sent here could be read on its way, so change any password or token in it';
    const message = `plain HTTP only leads browsers to ${externalUrl}: use https there; ${sent}`;
    // As /v2 says it, and as /api/v4 does.
    const body = JSON.stringify({ errors: [{ code: 'DENIED', message }], message });
    response.writeHead(403, { 'content-type': 'application/json' }).end(body);
  };
}

function mayFollow({ method, url = '', headers }: IncomingMessage): boolean {
  const isRead = method === 'GET' || method === 'HEAD';
  return isRead && headers.authorization === undefined && !placesOfClients.test(url);
}
