import { randomBytes } from 'node:crypto'
import type { CredentialStore, StoreEntry } from '../../lib/store/store.js'

/** A correct store in memory, for callers of one identity. */
export class MemoryStore implements CredentialStore {
  readonly identity = 'reports'
  readonly #keys = [randomBytes(32)]
  readonly values = new Map<string, { value: string; until: number }>()
  readonly #claims = new Map<string, { token: string; until: number }>()

  get encryptionKeys() {
    return this.#keys
  }

  async read(key: string): Promise<StoreEntry> {
    const { value, until } = this.values.get(key) ?? { value: '', until: 0 }
    const remainingMillis = until - Date.now()
    const claimed = (this.#claims.get(key)?.until ?? 0) > Date.now()
    return { stored: remainingMillis > 0 ? { value, remainingMillis } : undefined, claimed }
  }

  /** The token of the last claim, whether expired or not. */
  holder(key: string): string | undefined {
    return this.#claims.get(key)?.token
  }

  async claim(key: string, token: string, millis: number, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    const claim = this.#claims.get(key)
    if (claim && claim.token !== token && claim.until > Date.now()) return false
    this.#claims.set(key, { token, until: Date.now() + millis })
    return true
  }

  async write(key: string, token: string, value: string, lifetimeMillis: number): Promise<boolean> {
    const claim = this.#claims.get(key)
    if (claim?.token !== token || claim.until <= Date.now()) return false
    this.values.set(key, { value, until: Date.now() + lifetimeMillis })
    this.#claims.delete(key)
    return true
  }

  async release(key: string, token: string): Promise<void> {
    if (this.#claims.get(key)?.token === token) this.#claims.delete(key)
  }

  async remove(key: string, value: string): Promise<void> {
    if (this.values.get(key)?.value === value) this.values.delete(key)
  }
}
