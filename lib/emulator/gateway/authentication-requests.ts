import { createHash, randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { int32, message, passwordOf, readMessage } from '../postgres/protocol.js'
import type { Settings } from '../settings.js'

/** Whether the client has responded with this password, or with a hash of it. */
export type PasswordCheck = (password: string) => boolean

/** Requests a password by this method. Undefined: the client disconnected, or did not respond with a password. */
export async function requestPassword(
  stream: Duplex,
  method: Settings['authentication'],
  user: string,
): Promise<PasswordCheck | undefined> {
  if (method === 'digest') return requestDigest(stream)
  const salt = randomBytes(4)
  stream.write(method === 'md5' ? message('R', int32(5), salt) : message('R', int32(3)))
  const response = await readMessage(stream)
  if (response?.type !== 'p') return undefined
  const sent = passwordOf(response.body)
  return password => sent === (method === 'md5' ? md5Password(user, password, salt) : password)
}

/** Redshift's own authentication request (13): SHA-256 over the salted password and two nonces. */
async function requestDigest(stream: Duplex): Promise<PasswordCheck | undefined> {
  const salt = randomBytes(16)
  const nonce = randomBytes(8)
  stream.write(message('R', int32(13), int32(0), int32(salt.length), salt, int32(nonce.length), nonce))
  const response = await readMessage(stream)
  if (response?.type !== 'd') return undefined
  const [digest, clientNonce, ...others] = lengthPrefixedFields(response.body)
  if (!digest || !clientNonce || others.length > 0 || !/^\d+$/.test(clientNonce.toString())) return undefined
  const sha256 = (...parts: (Buffer | string)[]) =>
    parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()
  return password => digest.equals(sha256(sha256(password, salt), nonce, clientNonce))
}

/** Redshift's request for the token of an identity provider (14). AWS's JDBC driver ends the token with a zero byte, its Python driver does not. */
export async function requestToken(stream: Duplex): Promise<string | undefined> {
  stream.write(message('R', int32(14)))
  const response = await readMessage(stream)
  return response?.type === 'i' ? response.body.toString('utf8').replace(/\0$/, '') : undefined
}

/** Byte strings, each preceded by its length. Empty if a length is wrong. */
function lengthPrefixedFields(body: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at + 4 <= body.length; ) {
    const end = at + 4 + body.readUInt32BE(at)
    if (end > body.length) return []
    found.push(body.subarray(at + 4, end))
    at = end
  }
  return found
}

/** PostgreSQL's MD5 response. */
function md5Password(user: string, password: string, salt: Buffer): string {
  const inner = createHash('md5').update(password).update(user).digest('hex')
  return `md5${createHash('md5').update(inner).update(salt).digest('hex')}`
}
