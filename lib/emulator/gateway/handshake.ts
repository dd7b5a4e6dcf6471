import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type SecureContext, TLSSocket } from 'node:tls'
import {
  errorResponse,
  readStartup,
  requestCodes,
  type StartupPacket,
  startupParameters,
} from '../postgres/protocol.js'

/** What a client has requested with its first packets. */
export type ClientRequest =
  | LoginRequest
  | { readonly kind: 'cancel'; readonly stream: Duplex; readonly packet: Buffer }
  /** It was sent an error, and its connection is closing. */
  | { readonly kind: 'refused' }

/** A client that wants to log in. */
export interface LoginRequest {
  readonly kind: 'login'
  readonly stream: Duplex
  readonly tls: boolean
  /** The server name in TLS (SNI). */
  readonly host: string | undefined
  /** The protocol version. */
  readonly protocol: number
  readonly parameters: ReadonlyMap<string, string>
  /** Empty if an identity provider names the user. */
  readonly user: string
  readonly database: string
}

/** Reads the first packets of a connection, TLS included. Undefined: the client disconnected, or does not speak the protocol. */
export async function readRequest(socket: Socket, context: SecureContext): Promise<ClientRequest | undefined> {
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
      const secured = await startTls(socket, context)
      if (!secured) return undefined
      stream = secured
      host = secured.servername || undefined
    } else if (code >>> 16 === 3) {
      const request = loginRequest(packet, { stream, tls, host })
      if (request) return request
      refuse(stream, '28000', 'no PostgreSQL user name specified in startup packet')
      return { kind: 'refused' }
    } else {
      refuse(stream, '0A000', `unsupported frontend protocol ${code >>> 16}.${code & 0xffff}: server supports 3.0`)
      return { kind: 'refused' }
    }
  }
}

/** Sends a FATAL error and closes the connection. */
export function refuse(stream: Duplex, sqlstate: string, message: string): void {
  stream.end(errorResponse('FATAL', sqlstate, message))
  // The end of a stream is noticed only after everything before it has been read.
  stream.resume()
}

function startTls(socket: Socket, context: SecureContext): Promise<TLSSocket | undefined> {
  // Unencrypted bytes that follow the SSLRequest must not be read as encrypted ones (CVE-2021-23214).
  if (socket.readableLength > 0) return Promise.resolve(undefined)
  socket.write('S')
  return new Promise(resolve => {
    const stream = new TLSSocket(socket, { isServer: true, secureContext: context })
    const fail = () => resolve(undefined)
    // A client that does not trust the certificate closes its half. A half-open socket reports that only to a reader.
    const read = () => {}
    stream.once('error', fail).once('close', fail).once('end', fail).on('readable', read)
    stream.once('secure', () => {
      stream.off('error', fail).off('close', fail).off('end', fail).off('readable', read)
      stream.on('error', () => stream.destroy())
      resolve(stream)
    })
  })
}

function loginRequest(
  packet: StartupPacket,
  connection: Pick<LoginRequest, 'stream' | 'tls' | 'host'>,
): LoginRequest | undefined {
  const parameters = startupParameters(packet)
  const usesToken = parameters.has('idp_type')
  const user = usesToken ? '' : (parameters.get('user') ?? '')
  if (user === '' && !usesToken) return undefined
  const database = parameters.get('database') || user
  return { kind: 'login', ...connection, protocol: packet.code, parameters, user, database }
}
