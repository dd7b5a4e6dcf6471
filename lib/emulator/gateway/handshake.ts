import { createHash, randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type SecureContext, TLSSocket } from 'node:tls'
import {
  errorResponse,
  int32,
  message,
  passwordText,
  readMessage,
  readStartup,
  requestCodes,
  type StartupPacket,
  startupParameters,
} from '../postgres/protocol.js'
import type { Settings } from '../settings.js'

/** A client that has said what it wants. */
export type Arrival =
  | { readonly kind: 'login'; readonly stream: Duplex; readonly host: string | undefined; readonly login: LoginRequest }
  | { readonly kind: 'cancel'; readonly stream: Duplex; readonly packet: Buffer }
  /** It was told why, and its connection ends. */
  | { readonly kind: 'refused' }

export interface LoginRequest {
  readonly tls: boolean
  readonly protocol: number
  readonly parameters: Map<string, string>
  /** Empty where an identity provider names the user. */
  readonly user: string
  readonly database: string
}

/** Hears a client out up to its start-up packet, TLS included. Undefined: it went away, or does not speak the protocol. */
export async function receive(socket: Socket, context: SecureContext): Promise<Arrival | undefined> {
  let stream: Duplex = socket
  let host: string | undefined
  for (;;) {
    const packet = await readStartup(stream)
    if (!packet) return undefined
    const { code } = packet
    const tls = stream !== socket
    if (code === requestCodes.cancel) return { kind: 'cancel', stream, packet: packet.bytes }
    if (code === requestCodes.gssEncryption && !tls) {
      stream.write('N')
    } else if (code === requestCodes.ssl && !tls) {
      const secured = await secure(socket, context)
      if (!secured) return undefined
      stream = secured
      host = secured.servername || undefined
    } else if (code >>> 16 === 3) {
      const login = loginRequest(packet, tls)
      if (login) return { kind: 'login', stream, host, login }
      refuse(stream, '28000', 'no PostgreSQL user name specified in startup packet')
      return { kind: 'refused' }
    } else {
      refuse(stream, '0A000', `unsupported frontend protocol ${code >>> 16}.${code & 0xffff}: server supports 3.0`)
      return { kind: 'refused' }
    }
  }
}

/** Asks for the password as told, and gives what the answer proves. Undefined: the client went away. */
export async function askPassword(
  stream: Duplex,
  how: Settings['authentication'],
  user: string,
): Promise<((password: string) => boolean) | undefined> {
  if (how === 'digest') return askDigest(stream)
  const salt = randomBytes(4)
  stream.write(how === 'md5' ? message('R', int32(5), salt) : message('R', int32(3)))
  const answer = await readMessage(stream)
  if (answer?.type !== 'p') return undefined
  const text = passwordText(answer.body)
  return password => text === (how === 'md5' ? md5Answer(user, password, salt) : password)
}

/** Redshift's own digest (13): SHA-256 over the salted password and two nonces. */
async function askDigest(stream: Duplex): Promise<((password: string) => boolean) | undefined> {
  const salt = randomBytes(16)
  const nonce = randomBytes(8)
  stream.write(message('R', int32(13), int32(0), int32(salt.length), salt, int32(nonce.length), nonce))
  const answer = await readMessage(stream)
  if (answer?.type !== 'd') return undefined
  const [digest, clientNonce, ...others] = fields(answer.body)
  if (!digest || !clientNonce || others.length > 0 || !/^\d+$/.test(clientNonce.toString())) return undefined
  const sha256 = (...parts: (Buffer | string)[]) =>
    parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()
  return password => digest.equals(sha256(sha256(password, salt), nonce, clientNonce))
}

/** Byte strings, each after its length. */
function fields(body: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at + 4 <= body.length; ) {
    const end = at + 4 + body.readUInt32BE(at)
    if (end > body.length) return []
    found.push(body.subarray(at + 4, end))
    at = end
  }
  return found
}

/** Asks for the token of an identity provider (14). AWS's JDBC driver ends it with a zero byte, its Python driver does not. */
export async function askToken(stream: Duplex): Promise<string | undefined> {
  stream.write(message('R', int32(14)))
  const answer = await readMessage(stream)
  return answer?.type === 'i' ? answer.body.toString('utf8').replace(/\0$/, '') : undefined
}

/** Sends a FATAL error and closes the connection. */
export function refuse(stream: Duplex, sqlstate: string, text: string): void {
  stream.end(errorResponse('FATAL', sqlstate, text))
  // What the client still sends is nobody's, but must be read for its end to be noticed.
  stream.resume()
}

function secure(socket: Socket, context: SecureContext): Promise<TLSSocket | undefined> {
  // Bytes that follow the request unencrypted would be taken for encrypted ones (CVE-2021-23214).
  if (socket.readableLength > 0) return Promise.resolve(undefined)
  socket.write('S')
  return new Promise(resolve => {
    const stream = new TLSSocket(socket, { isServer: true, secureContext: context })
    const fail = () => resolve(undefined)
    // A client that does not trust the certificate just ends. On a half-open socket only a reader is told.
    const look = () => {}
    stream.once('error', fail).once('close', fail).once('end', fail).on('readable', look)
    stream.once('secure', () => {
      stream.off('error', fail).off('close', fail).off('end', fail).off('readable', look)
      stream.on('error', () => stream.destroy())
      resolve(stream)
    })
  })
}

function loginRequest(packet: StartupPacket, tls: boolean): LoginRequest | undefined {
  const parameters = startupParameters(packet)
  const usesToken = parameters.has('idp_type')
  const user = usesToken ? '' : (parameters.get('user') ?? '')
  if (user === '' && !usesToken) return undefined
  return { tls, protocol: packet.code, parameters, user, database: parameters.get('database') || user }
}

/** What a client sends when it is asked for an MD5 password. */
function md5Answer(user: string, password: string, salt: Buffer): string {
  const inner = createHash('md5').update(password).update(user).digest('hex')
  return `md5${createHash('md5').update(inner).update(salt).digest('hex')}`
}
