// A throw-away OAuth server on loopback: oidc-provider with device code, code + PKCE, refresh, client credentials,
// introspection and revocation. Access tokens are opaque; the subject is the login name that a person types.
//
//   node server.mjs --cert FILE --key FILE [--port N] [--plain-port N] [--access-token-seconds N]
//                   [--refresh-token-seconds N] [--rotation strict|entra|off] [--device-interval N]
//                   [--issued FILE] [--log FILE]
//
// The issuer is https://localhost:PORT; the second, plain port is for the mail server's introspection and for tests:
//   POST /_test/faults  [{"status": 503, "headers": {}, "body": "…"}, …]   the answers to the next token requests
//   POST /_test/revoke  {"account": "alice", "only": "AccessToken"}        forgets a person's tokens, of a kind or all
// Once both listen, one line goes to stdout: {"issuer": "https://…", "plain": "http://…"}.
import { appendFileSync, readFileSync } from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import { parseArgs } from 'node:util';

import { Provider } from 'oidc-provider';

import { makeStore } from './store.mjs';

const { values: options } = parseArgs({
  options: {
    cert: { type: 'string' },
    key: { type: 'string' },
    port: { type: 'string', default: '0' },
    'plain-port': { type: 'string', default: '0' },
    'access-token-seconds': { type: 'string', default: '3600' },
    'refresh-token-seconds': { type: 'string', default: '1209600' },
    rotation: { type: 'string', default: 'strict' },
    'device-interval': { type: 'string', default: '1' },
    issued: { type: 'string' },
    log: { type: 'string' },
  },
});

const { Store, revokeAccount } = makeStore({ issuedFile: options.issued, rotation: options.rotation });
const kDeviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
const kPersonalGrants = [kDeviceGrant, 'authorization_code', 'refresh_token'];

const personalClient = {
  grant_types: kPersonalGrants,
  response_types: ['code'],
  application_type: 'native',
  redirect_uris: ['http://127.0.0.1/', 'http://localhost/'],
};
const clients = [
  { client_id: 'mailmoor', client_name: 'Mailmoor', token_endpoint_auth_method: 'none', ...personalClient },
  { client_id: 'mailmoor-confidential', client_secret: 'confidential-secret', ...personalClient },
  {
    client_id: 'mailmoor-service', client_secret: 'service-secret', grant_types: ['client_credentials'],
    response_types: [], redirect_uris: [], scope: 'imap',
  },
  {
    client_id: 'dovecot', client_secret: 'introspection-secret', grant_types: [], response_types: [], redirect_uris: [],
  },
];

const configuration = {
  adapter: Store,
  clients,
  scopes: ['imap', 'offline_access'],
  cookies: { keys: ['a test server has no secrets'] },
  features: {
    devInteractions: { enabled: true },
    deviceFlow: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    clientCredentials: { enabled: true },
    rpInitiatedLogout: { enabled: false },
  },
  // No id_token is asked for, so "openid" may be absent; a refresh token comes whenever the client may use one.
  issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: options.rotation !== 'off',
  pkce: { required: () => true, methods: ['S256'] },
  ttl: {
    AccessToken: Number(options['access-token-seconds']),
    ClientCredentials: Number(options['access-token-seconds']),
    RefreshToken: Number(options['refresh-token-seconds']),
    AuthorizationCode: 60,
    DeviceCode: 600,
    Interaction: 600,
    Grant: 1209600,
    Session: 1209600,
  },
};

const faults = []; // answers to come for the token endpoint, oldest first

function log(entry) {
  if (options.log) appendFileSync(options.log, `${JSON.stringify({ at: Date.now() / 1000, ...entry })}\n`);
}

async function readJson(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString('utf8') || 'null');
}

async function answerTests(ctx, next) {
  if (!ctx.path.startsWith('/_test/')) return next();
  const body = await readJson(ctx.req);
  if (ctx.path === '/_test/faults') {
    faults.push(...body);
    ctx.body = { pending: faults.length };
  } else if (ctx.path === '/_test/revoke') {
    ctx.body = { revoked: revokeAccount(body.account, body.only) };
  }
  return undefined;
}

async function answerFaults(ctx, next) {
  if (ctx.path !== '/token' || faults.length === 0) return next();
  const fault = faults.shift();
  log({ event: 'fault', status: fault.status });
  ctx.status = fault.status;
  ctx.set(fault.headers ?? {});
  ctx.body = fault.body ?? '';
  return undefined;
}

// One JSON line per answer of the endpoints that matter; never a token.
async function logAnswers(ctx, next) {
  await next();
  const route = ctx.oidc?.route;
  if (route === 'device_authorization' && ctx.status === 200) {
    ctx.body.interval = Number(options['device-interval']); // RFC 8628 §3.2: seconds between polls
  }
  if (!['device_authorization', 'token', 'introspection', 'revocation'].includes(route)) return;
  log({
    event: route,
    status: ctx.status,
    grant_type: ctx.oidc.params?.grant_type,
    client: ctx.oidc.client?.clientId,
    account: ctx.oidc.entities?.Account?.accountId ?? ctx.oidc.entities?.AccessToken?.accountId,
    active: route === 'introspection' ? ctx.body?.active : undefined,
    rotated: route === 'token' ? Boolean(ctx.oidc.entities?.RotatedRefreshToken) : undefined,
    error: ctx.body?.error,
    error_description: ctx.body?.error_description,
  });
}

function listen(server, port) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(Number(port), '127.0.0.1', () => resolve(server.address().port));
  });
}

const secure = https.createServer({ cert: readFileSync(options.cert), key: readFileSync(options.key) });
const plain = http.createServer();
const issuer = `https://localhost:${await listen(secure, options.port)}`;
const plainBase = `http://127.0.0.1:${await listen(plain, options['plain-port'])}`;

const provider = new Provider(issuer, configuration);
provider.use(answerTests);
provider.use(answerFaults);
provider.use(logAnswers);
provider.on('server_error', (ctx, error) => log({ event: 'server_error', message: error.stack }));
secure.on('request', provider.callback());
plain.on('request', provider.callback());
for (const server of [secure, plain]) server.keepAliveTimeout = 60_000;
console.log(JSON.stringify({ issuer, plain: plainBase }));
