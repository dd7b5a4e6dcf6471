import { connect, type Socket } from 'node:net'
import { errorFields, int32, type Message, message, readMessage, startupPacket } from './protocol.js'
import { ScramExchange } from './scram.js'
import type { ServerAddress } from './server.js'

/** A session at the backing server that is ready for queries. */
export interface Session {
  readonly socket: Socket
  /** What it said since it took the password: its parameters, the key for cancel requests, and that it is ready. */
  readonly greeting: readonly Message[]
}

/** The backing server did not let a session in; its own ErrorResponse says why. */
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
  /** The protocol version that the client asked for. */
  readonly protocol: number
  /** The client's start-up parameters, with the role's name in place of its own. */
  readonly parameters: ReadonlyMap<string, string>
  readonly password: string
}

/** Logs in to the backing server. Rejects with {@link SessionRefused} if that says no. */
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

/** An unreferenced connection to the backing server. */
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
    const reply = await readMessage(socket)
    if (!reply) throw new Error('The backing server closed the connection during the login.')
    if (reply.type === 'E') throw new SessionRefused(reply)
    const answer = reply.type === 'R' ? answerTo(reply, password, scram) : undefined
    if (answer) socket.write(answer)
    else if (!isInternal(reply)) greeting.push(reply)
    // Not before: whether the database exists, say, is looked at only after the password.
    if (reply.type === 'Z') return greeting
  }
}

/** The end of SCRAM is between the two servers; of authentication the client hears only that it is done. */
function isInternal({ type, body }: Message): boolean {
  return type === 'R' && body.readInt32BE(0) !== 0
}

/** Roles have their passwords in the form for SCRAM: so a server that is set to `md5` asks for that too. */
function answerTo(challenge: Message, password: string, scram: ScramExchange): Buffer | undefined {
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
      throw new Error(`The backing server asks for authentication of type ${code}, which the emulator does not know.`)
  }
}
