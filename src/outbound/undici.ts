/** What is used of undici, file by file: its index loads its fetch, WebSocket, caches and mocks as well, 3 MiB and 40 ms of each start. */
import methods from 'undici/lib/api/index.js';
import buildConnector from 'undici/lib/core/connect.js';
import errors from 'undici/lib/core/errors.js';
import Agent from 'undici/lib/dispatcher/agent.js';
import Client from 'undici/lib/dispatcher/client.js';
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';

// As the index does: request, connect and their like.
Object.assign(Dispatcher.prototype, methods);

export { Agent, buildConnector, Client, errors };
