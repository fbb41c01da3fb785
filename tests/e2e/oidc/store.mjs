// What the OAuth server remembers: everything in memory, for as long as the process lives.
// Every secret value handed to a client is also appended to a file, so that a test can look for it elsewhere.
import { appendFileSync } from 'node:fs';

const kSecretModels = new Set(['AccessToken', 'RefreshToken', 'DeviceCode', 'AuthorizationCode', 'ClientCredentials']);

// rotation 'entra': a used refresh token stays good, as with Entra ID; 'strict': using it twice revokes the grant.
export function makeStore({ issuedFile, rotation }) {
  const rows = new Map();

  class Store {
    constructor(model) {
      this.model = model;
    }

    key(id) {
      return `${this.model}:${id}`;
    }

    async upsert(id, payload, expiresIn) {
      const key = this.key(id);
      if (kSecretModels.has(this.model) && !rows.has(key) && issuedFile) {
        appendFileSync(issuedFile, `${this.model} ${id}\n`);
      }
      rows.set(key, { id, model: this.model, payload, expires: Date.now() + expiresIn * 1000 });
    }

    async find(id) {
      const row = rows.get(this.key(id));
      if (row && row.expires < Date.now()) {
        rows.delete(this.key(id));
        return undefined;
      }
      return row?.payload;
    }

    findWhere(matches) {
      for (const row of rows.values()) {
        if (row.model === this.model && matches(row.payload)) return this.find(row.id);
      }
      return undefined;
    }

    async findByUid(uid) {
      return this.findWhere((payload) => payload.uid === uid);
    }

    async findByUserCode(userCode) {
      return this.findWhere((payload) => payload.userCode === userCode);
    }

    async consume(id) {
      if (this.model === 'RefreshToken' && rotation === 'entra') return;
      const payload = await this.find(id);
      if (payload) payload.consumed = Math.floor(Date.now() / 1000);
    }

    async destroy(id) {
      rows.delete(this.key(id));
    }

    async revokeByGrantId(grantId) {
      for (const [key, row] of rows) {
        if (row.model !== 'Grant' && row.payload.grantId === grantId) rows.delete(key);
      }
    }
  }

  // Forgets every token of one person, or those of one model: what an administrator's "revoke sessions" does.
  function revokeAccount(accountId, model) {
    let count = 0;
    for (const [key, row] of rows) {
      if (kSecretModels.has(row.model) && row.model === (model ?? row.model) && row.payload.accountId === accountId) {
        rows.delete(key);
        count += 1;
      }
    }
    return count;
  }

  return { Store, revokeAccount };
}
