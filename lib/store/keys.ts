import { createSecretKey, KeyObject } from 'node:crypto'
import { optionError, quoted } from '../errors.js'

const KEY_BYTES = 32

/** Checks keys and converts them to `KeyObject`s, which `inspect` does not show. Throws `ERR_REDSHIFT_OPTION`. */
export function toKeys(keys: unknown): readonly [KeyObject, ...KeyObject[]] {
  const [first, ...others] = Array.isArray(keys) ? keys.map((key, index) => toKey(key, `encryptionKeys[${index}]`)) : []
  if (!first)
    throw optionError(
      `encryptionKeys is ${Array.isArray(keys) ? 'empty' : keys === undefined ? 'missing' : 'not an array'}. Set it to an array of keys, such as [process.env.KEY]: 32 random bytes in base64, from \`openssl rand -base64 32\`.`,
    )
  return [first, ...others]
}

function toKey(key: unknown, option: string): KeyObject {
  // The message must not contain any part of the key.
  const refuse = (what: string): never => {
    throw optionError(`${option} is ${what}. Set it to 32 random bytes or their base64: \`openssl rand -base64 32\`.`)
  }
  if (key instanceof KeyObject)
    return key.type === 'secret' && key.symmetricKeySize === KEY_BYTES
      ? key
      : refuse('a KeyObject, but not a secret one of 32 bytes')
  if (key instanceof Uint8Array)
    return key.byteLength === KEY_BYTES ? createSecretKey(key) : refuse(`${key.byteLength} bytes long`)
  if (typeof key !== 'string') return refuse(key === undefined ? 'missing' : `not a key but ${quoted(typeof key)}`)
  if (!/^[\w+/-]{43}=?$/.test(key)) return refuse('a string that is not the base64 of 32 bytes')
  return createSecretKey(Buffer.from(key, 'base64'))
}
