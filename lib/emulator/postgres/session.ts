import { connect, type Socket } from 'node:net'
import { errorFields, int32, type Message, message, readMessage, startupPacket } from './protocol.js'
import { ScramExchange } from './scram.js'
import type { ServerAddress } from './server.js'

/** A session with the backing server that is ready for queries. */
export interface Session {
  readonly socket: Socket
  /** The server's messages after authentication: its parameters, the key for cancel requests, ReadyForQuery. */
  readonly greeting: readonly Message[]
}

/** The backing server refused the session, with its own ErrorResponse. */
export class SessionRefused extends Error {
  readonly response: Buffer
  readonly sqlstate: string

  constructor(refusal: Message) {
    const fields = errorFields(refusal.body)
    super(fields.get('M'))
    this.response = refusal.bytes
    this.sqlstate = fields.get('C') ?? ''
  }
}

export interface SessionRequest {
  /** The protocol version that the client requested. */
  readonly protocol: number
  /** The client's start-up parameters, with the role's name as the user. */
  readonly parameters: ReadonlyMap<string, string>
  readonly password: string
}

/** Logs in to the backing server. Rejects with {@link SessionRefused} if the server refuses the session. */
export async function openSession(server: ServerAddress, request: SessionRequest): Promise<Session> {
  const socket = await dial(server)
  try {
    socket.write(startupPacket(request.protocol, request.parameters))
    return { socket, greeting: await authenticate(socket, request.password) }
  } catch (error) {
    socket.destroy()
    throw error
  }
}

/** Opens a connection to the backing server. It does not keep the process alive. */
export function dial({ host, port }: ServerAddress): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true, allowHalfOpen: true }, () => {
      socket.off('error', reject).on('error', () => socket.destroy())
      resolve(socket.unref())
    }).once('error', reject)
  })
}

async function authenticate(socket: Socket, password: string): Promise<Message[]> {
  const scram = new ScramExchange(password)
  const greeting: Message[] = []
  for (;;) {
    const received = await readMessage(socket)
    if (!received) throw new Error('The backing server closed the connection during the login.')
    if (received.type === 'E') throw new SessionRefused(received)
    const response = received.type === 'R' ? responseTo(received, password, scram) : undefined
    if (response) socket.write(response)
    else if (!isInternal(received)) greeting.push(received)
    // Not at AuthenticationOk: the server checks some things, such as whether the database exists, only after the password.
    if (received.type === 'Z') return greeting
  }
}

/** The client must not see the authentication between the two servers, except for AuthenticationOk. */
function isInternal({ type, body }: Message): boolean {
  return type === 'R' && body.readInt32BE(0) !== 0
}

/** Passwords are stored for SCRAM, so a server with the method `md5` requests SCRAM too. */
function responseTo(challenge: Message, password: string, scram: ScramExchange): Buffer | undefined {
  const code = challenge.body.readInt32BE(0)
  switch (code) {
    case 3:
      return message('p', password, '\0')
    case 10:
      return message('p', 'SCRAM-SHA-256\0', int32(Buffer.byteLength(scram.first)), scram.first)
    case 11:
      return message('p', scram.final(challenge.body.toString('utf8', 4)))
    case 0:
    case 12:
      return undefined
    default:
      throw new Error(
        `The backing server requests authentication of type ${code}, which the emulator does not support.`,
      )
  }
}
