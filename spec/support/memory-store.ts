import { randomBytes } from 'node:crypto'
import type { CredentialStore, StoredValue } from '../../lib/store/store.js'

/** A store by the book for processes of one identity, in memory. */
export class MemoryStore implements CredentialStore {
  readonly identity = 'reports'
  readonly encryptionKeys = [randomBytes(32)]
  readonly values = new Map<string, { value: string; until: number }>()
  readonly #claims = new Map<string, { token: string; until: number }>()

  async read(key: string): Promise<StoredValue | undefined> {
    const { value, until } = this.values.get(key) ?? { value: '', until: 0 }
    const remainingMillis = until - Date.now()
    return remainingMillis > 0 ? { value, remainingMillis } : undefined
  }

  async claim(key: string, token: string, millis: number): Promise<boolean> {
    const claim = this.#claims.get(key)
    if (claim && claim.token !== token && claim.until > Date.now()) return false
    this.#claims.set(key, { token, until: Date.now() + millis })
    return true
  }

  async write(key: string, token: string, value: string, lifetimeMillis: number): Promise<boolean> {
    if (this.#claims.get(key)?.token !== token) return false
    this.values.set(key, { value, until: Date.now() + lifetimeMillis })
    return true
  }

  async release(key: string, token: string): Promise<void> {
    if (this.#claims.get(key)?.token === token) this.#claims.delete(key)
  }

  async remove(key: string, value: string): Promise<void> {
    if (this.values.get(key)?.value === value) this.values.delete(key)
  }
}
