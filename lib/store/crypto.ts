import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { toKeys } from './keys.js'
import type { EncryptionKey } from './store.js'

const CIPHER = 'aes-256-gcm'
// NIST SP 800-38D: with random 96-bit nonces, one key may encrypt 2^32 values. A fleet writes one value every few minutes.
const NONCE_BYTES = 12
const TAG_BYTES = 16
const VERSION = 'v1.'

/** Encrypts values so that a store can neither read nor change them, nor return one instead of another. */
export class ValueCipher {
  readonly #keys: ReturnType<typeof toKeys>

  /** @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION` */
  constructor(keys: readonly EncryptionKey[]) {
    this.#keys = toKeys(keys)
  }

  /** @param context what the value is encrypted for. `open` needs the same context, which is not stored. */
  seal(plaintext: string, context: string): string {
    const nonce = randomBytes(NONCE_BYTES)
    const [key] = this.#keys
    const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
    cipher.setAAD(Buffer.from(VERSION + context))
    const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()])
    return VERSION + Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]).toString('base64url')
  }

  /** @returns undefined if the value was not sealed with one of the keys and for this context */
  open(sealed: string, context: string): string | undefined {
    if (!sealed.startsWith(VERSION)) return undefined
    const bytes = Buffer.from(sealed.slice(VERSION.length), 'base64url')
    if (bytes.byteLength < NONCE_BYTES + TAG_BYTES) return undefined
    for (const key of this.#keys) {
      const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
      decipher.setAAD(Buffer.from(VERSION + context))
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
      try {
        return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]).toString()
      } catch {
        // Sealed with another key or for another context, or changed.
      }
    }
    return undefined
  }
}

/** The key of a value in the store. It reveals nothing about the context and is valid in any store. */
export const storeKey = (context: string): string => createHash('sha256').update(context).digest('base64url')
