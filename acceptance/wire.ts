import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls'
import type { Place } from './target.js'

/** A start-up packet, and how to log in. */
export interface Attempt {
  readonly user: string
  readonly database: string
  readonly password: string
  /** Further start-up parameters. */
  readonly parameters?: Readonly<Record<string, string>>
  /** Default: true. Without TLS, use an invented password, because it crosses the network unencrypted. */
  readonly tls?: boolean
}

/** The server's responses to a login, up to the first ReadyForQuery. */
export interface Handshake {
  /** The codes of the authentication requests, in their order: 3 is clear text, 5 MD5, 10 SASL, 13 Redshift's digest. */
  readonly codes: readonly number[]
  /** The parameters that the server reported, in their order. */
  readonly parameters: readonly (readonly [name: string, value: string])[]
  readonly certificate: PeerCertificate | undefined
  /** Undefined: the login was accepted. */
  readonly error: { readonly sqlstate: string; readonly message: string } | undefined
}

/** Logs in with PostgreSQL's protocol, to see the server's own codes and messages. Closes the connection. */
export async function attemptLogin(place: Place, attempt: Attempt): Promise<Handshake> {
  const tcp = connectTcp({ host: place.dial.host, port: place.dial.port })
  // The promise of `once` does not settle if a socket closes without an error, as behind a broken tunnel.
  const closed = new Promise<never>((_, reject) => {
    tcp.once('close', () => reject(new Error('The server closed the connection.')))
  })
  closed.catch(() => {})
  const slow = new Promise<never>((_, reject) => {
    tcp.setTimeout(60_000, () => reject(new Error('The server did not respond within 60 s.')))
  })
  slow.catch(() => {})
  const work = async (): Promise<Handshake> => {
    await once(tcp, 'connect')
    const stream = attempt.tls === false ? tcp : await startTls(tcp, place)
    return handshake(stream, attempt)
  }
  try {
    return await Promise.race([work(), slow, closed.catch(error => sleep(1_000).then(() => Promise.reject(error)))])
  } finally {
    tcp.destroy()
  }
}

/** PostgreSQL's SSLRequest, section "SSL Session Encryption" of its protocol. */
async function startTls(tcp: Socket, place: Place): Promise<TLSSocket> {
  tcp.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]))
  const [reply] = (await once(tcp, 'data')) as [Buffer]
  if (reply.toString() !== 'S') throw new Error('The server refuses TLS.')
  const options = { socket: tcp, servername: place.host, ...(place.ca !== undefined && { ca: place.ca }) }
  const tls = connectTls(options)
  await once(tls, 'secureConnect')
  return tls
}

async function handshake(stream: Socket, attempt: Attempt): Promise<Handshake> {
  const codes: number[] = []
  const parameters: [string, string][] = []
  const certificate = 'getPeerCertificate' in stream ? (stream as TLSSocket).getPeerCertificate() : undefined
  const result = (error: Handshake['error']): Handshake => ({ codes, parameters, certificate, error })
  stream.write(startupPacket(attempt))
  for await (const { type, body } of messages(stream)) {
    if (type === 'Z') return result(undefined)
    if (type === 'E') return result(errorOf(body))
    if (type === 'S') {
      const [name = '', value = ''] = body.toString('utf8').split('\0')
      parameters.push([name, value])
    }
    if (type !== 'R') continue
    const code = body.readInt32BE(0)
    if (code === 0) continue
    codes.push(code)
    const response = responseTo(code, body, attempt)
    if (!response)
      return result({ sqlstate: '(none)', message: `authentication code ${code}, which the kit does not support` })
    stream.write(response)
  }
  return result({ sqlstate: '(none)', message: 'the connection was closed without an error message' })
}

function startupPacket({ user, database, parameters = {} }: Attempt): Buffer {
  const fields = Object.entries({ user, database, ...parameters }).flat()
  const body = Buffer.concat([Buffer.from([0, 3, 0, 0]), Buffer.from(`${fields.join('\0')}\0\0`)])
  return Buffer.concat([int32(body.length + 4), body])
}

function responseTo(code: number, body: Buffer, { user, password }: Attempt): Buffer | undefined {
  if (code === 3) return message('p', Buffer.from(`${password}\0`))
  if (code === 5) {
    const inner = md5(Buffer.from(password + user))
    return message('p', Buffer.from(`md5${md5(Buffer.concat([Buffer.from(inner), body.subarray(4, 8)]))}\0`))
  }
  if (code !== 13) return undefined
  const saltLength = body.readInt32BE(8)
  const salt = body.subarray(12, 12 + saltLength)
  const serverNonce = body.subarray(16 + saltLength, 16 + saltLength + body.readInt32BE(12 + saltLength))
  const clientNonce = Buffer.from(String(Date.now()))
  const inner = sha256(Buffer.concat([Buffer.from(password), salt]))
  const digest = sha256(Buffer.concat([inner, serverNonce, clientNonce]))
  return message('d', Buffer.concat([int32(digest.length), digest, int32(clientNonce.length), clientNonce]))
}

const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex')
const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest()

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

const message = (type: string, body: Buffer): Buffer => Buffer.concat([Buffer.from(type), int32(body.length + 4), body])

interface Message {
  readonly type: string
  readonly body: Buffer
}

async function* messages(stream: Socket): AsyncGenerator<Message> {
  let rest = Buffer.alloc(0)
  for await (const chunk of stream) {
    rest = Buffer.concat([rest, chunk as Buffer])
    while (rest.length >= 5 && rest.length > rest.readInt32BE(1)) {
      const end = rest.readInt32BE(1) + 1
      yield { type: rest.toString('latin1', 0, 1), body: rest.subarray(5, end) }
      rest = rest.subarray(end)
    }
  }
}

function errorOf(body: Buffer): { sqlstate: string; message: string } {
  const fields = new Map(
    body
      .toString('utf8')
      .split('\0')
      .filter(field => field !== '')
      .map(field => [field.charAt(0), field.slice(1)]),
  )
  return { sqlstate: fields.get('C') ?? '(none)', message: fields.get('M') ?? '(none)' }
}
