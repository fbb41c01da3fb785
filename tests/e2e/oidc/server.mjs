// A throw-away OAuth server on loopback: oidc-provider with device code, code + PKCE, refresh, client credentials,
// introspection and revocation. Access tokens are opaque; the subject is the login name that a person types.
//
//   node server.mjs --cert FILE --key FILE [--port N] [--plain-port N] [--access-token-seconds N]
//                   [--refresh-token-seconds N] [--rotation strict|entra|off] [--device-interval N]
//                   [--issued FILE] [--log FILE] [--client-certificate FILE]
//
// Clients without a person: mailmoor-service with a secret; with --client-certificate also mailmoor-certificate, which
// proves itself by assertions that the certificate's key signed (RFC 7523 §2.2), and the service account
// mail@project.test with the same key, which gets tokens of any user at /service-account/token (RFC 7523 §2.1), as
// Google's does: no client authentication, RS256, "sub" names the user.
//
// The issuer is https://localhost:PORT; the second, plain port is for the mail server's introspection and for tests:
//   POST /_test/faults  [{"status": 503, "headers": {}, "body": "…"}, …]   the answers to the next token requests
//   POST /_test/revoke  {"account": "alice", "only": "AccessToken"}        forgets a person's tokens, of a kind or all
// Once both listen, one line goes to stdout: {"issuer": "https://…", "plain": "http://…"}.
import { createPublicKey, verify, X509Certificate } from 'node:crypto';
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
    'client-certificate': { type: 'string' },
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

const certificate = options['client-certificate'] && new X509Certificate(readFileSync(options['client-certificate']));
const certificateKey = certificate && createPublicKey(certificate.publicKey.export({ type: 'spki', format: 'pem' }));
if (certificate) {
  clients.push({
    client_id: 'mailmoor-certificate', grant_types: ['client_credentials'], response_types: [], redirect_uris: [],
    scope: 'imap', token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [{ ...certificateKey.export({ format: 'jwk' }), use: 'sig' }] },
  });
  clients.push({
    client_id: 'mailmoor-person-with-certificate', ...personalClient, token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [{ ...certificateKey.export({ format: 'jwk' }), use: 'sig' }] },
  });
}

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

async function readText(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

async function readJson(request) {
  return JSON.parse((await readText(request)) || 'null');
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

// RFC 7523 §3, as Google applies it: its own signature, audience and times; the scope must be asked for.
async function answerServiceAccounts(ctx, next) {
  if (ctx.path !== '/service-account/token' || !certificateKey) return next();
  const form = new URLSearchParams(await readText(ctx.req));
  const refuse = (error, description) => {
    log({ event: 'service_account', status: 400, error });
    ctx.status = 400;
    ctx.body = { error, error_description: description };
  };
  if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') {
    return refuse('unsupported_grant_type', 'Invalid grant_type');
  }
  const [header, claims, signature] = (form.get('assertion') ?? '').split('.');
  const decoded = (part) => JSON.parse(Buffer.from(part, 'base64url').toString());
  const signed = verify('RSA-SHA256', Buffer.from(`${header}.${claims}`), certificateKey, Buffer.from(signature, 'base64url'));
  if (decoded(header).alg !== 'RS256' || !signed) return refuse('invalid_grant', 'Invalid JWT Signature.');
  const { iss, sub, scope, aud, iat, exp } = decoded(claims);
  const now = Date.now() / 1000;
  if (aud !== `${issuer}/service-account/token`) return refuse('invalid_grant', 'Invalid JWT: audience');
  if (!(iat <= now && now < exp && exp - iat <= 3600)) {
    return refuse('invalid_grant', 'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.');
  }
  if (iss !== 'mail@project.test' || scope !== 'https://mail.google.com/') {
    return refuse('unauthorized_client', 'Client is unauthorized to retrieve access tokens using this method');
  }
  if (!sub.endsWith('@example.test')) return refuse('invalid_grant', 'Invalid email or User ID');
  const client = await provider.Client.find('mailmoor-service');
  const token = new provider.AccessToken({ accountId: sub, client, scope: 'imap', gty: 'jwt-bearer' });
  const value = await token.save();
  log({ event: 'service_account', status: 200, account: sub });
  ctx.body = { access_token: value, expires_in: Number(options['access-token-seconds']), token_type: 'Bearer' };
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
provider.use(answerServiceAccounts);
provider.use(logAnswers);
provider.on('server_error', (ctx, error) => log({ event: 'server_error', message: error.stack }));
secure.on('request', provider.callback());
plain.on('request', provider.callback());
for (const server of [secure, plain]) server.keepAliveTimeout = 60_000;
console.log(JSON.stringify({ issuer, plain: plainBase }));
